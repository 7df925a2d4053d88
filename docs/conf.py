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
highlight_options = {"php": {"startinline": True}}


def setup(app: Any) -> None:
    """Before Sphinx looks for documents, the matrix's pages are made from the case files."""
    app.connect("builder-inited", make_matrix)
    app.connect("html-page-context", add_table_component)


def make_matrix(app: Any) -> None:
    """The pages below the matrix, and the script that its tables need."""
    from compat_matrix.pages import write_pages
    from compat_matrix.table_component import write_script

    write_pages(Path(app.srcdir))
    if app.builder.format == "html":
        write_script(Path(app.outdir, "_static/datatables.js"))


def add_table_component(app: Any, pagename: str, *_: object) -> None:
    """Only the matrix has need of it."""
    if pagename == "matrix":
        app.add_js_file("datatables.js")
        app.add_js_file("matrix.js")
