"""The documentation's build: Sphinx, with MyST for the Markdown."""

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
