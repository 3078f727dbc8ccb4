"""How the pages are built: ``make docs``."""

from __future__ import annotations

from typing import Any

from tsdiff import __version__

project = "tsdiff"
author = "the tsdiff authors"
release = version = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]

html_theme = "furo"
html_title = "tsdiff"
html_show_sphinx = False
html_show_copyright = False

myst_heading_anchors = 3
autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

# Docstrings are run by the tests; here run the pages' own blocks.
doctest_test_doctest_blocks = ""
doctest_global_setup = """
import os, tempfile, warnings
import numpy as np
import pandas as pd
warnings.simplefilter("ignore")
os.chdir(tempfile.mkdtemp())
quick = {"max_epochs": 1, "width": 16, "depth": 1, "window": 32}
"""

_OF_SKLEARN = {"get_metadata_routing", "set_output"}


def _skip(*event: Any) -> bool:
    """Leave out what scikit-learn adds to every class."""
    _, _, name, _, skip, _ = event
    return skip or name in _OF_SKLEARN or name.endswith("_request")


def setup(app: Any) -> None:
    """Connect to Sphinx."""
    app.connect("autodoc-skip-member", _skip)
