"""The documentation's build: Sphinx, with MyST for the Markdown."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "php_streams"
author = "The php_streams authors"
copyright = "The php_streams authors"

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = "php_streams"
html_static_path = ["_static"]
html_css_files = ["matrix.css"]
html_js_files = ["matrix.js"]
highlight_options = {"php": {"startinline": True}}


def setup(app: Any) -> None:
    """Before Sphinx looks for documents, the matrix's pages are made from the case files."""
    from compat_matrix.pages import write_pages

    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
