"""The documentation site: Sphinx with MyST. Nothing is fetched from the network; `make docs` builds it."""

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parent.parent)]

import generate  # noqa: E402

import fasttrig  # noqa: E402

project = "fasttrig"
copyright = "the fasttrig authors"
release = version = fasttrig.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["generated"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"fasttrig {release}"
html_copy_source = False
html_show_sphinx = False

generate.write(Path(__file__).parent / "generated")


def setup(app):
    """Adapt text to Sphinx."""

    def escape_stars(app, what, name, item, options, lines):
        """Docstrings write shapes as ``(n_events, *shape)``, which reStructuredText takes for emphasis."""
        lines[:] = [re.sub(r"(?<=, )\*(?=\w)", r"\\*", line) for line in lines]

    def drop_links_outside(app, name, source):
        source[0] = generate.without_links_outside(source[0])

    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("source-read", drop_links_outside)
