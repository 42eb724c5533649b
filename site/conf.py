"""How Sphinx builds the website. `tools/website.py` gathers the pages and calls it: `make site`."""

import sys
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from notebooks import ROOT, address

sys.path.insert(0, str(ROOT))  # for the docstrings of helpers

project = "ConvNets you can run"
author = f"the authors of “{project}”"
copyright = f"2026 {author}. Code: MIT. Text and figures: CC BY 4.0"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # carries MathJax along: a page asks nobody else for it
    "sphinx_copybutton",
]
include_patterns = ["**.md", "**.rst", "**.ipynb"]

nb_execution_mode = "off"  # the stored outputs are the ones that the tests have compared
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # ours only, not PyTorch's text about its base classes
add_module_names = False
default_role = "py:obj"  # a name in single backticks in a docstring

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["net.html"]  # whole as it is
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_use_index = html_domain_indices = False  # the search finds names as well
html_context = {"default_mode": "auto"}  # dark where the reader's system is dark
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the sidebar has the search already
    "search_bar_text": "Search the lessons",
}
if address():  # buttons that lead somewhere, or none
    html_theme_options |= {
        "repository_url": address(),
        "repository_branch": "main",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }


def describe_figures(app, doctree):
    """Give each figure of a lesson the text alternative that `show_figure` stored with it.

    The text is the figure's plain-text form, beside the picture in the same output. myst-nb
    shows one of the two and does not know that the other describes it.
    """
    for picture in doctree.findall(nodes.image):
        bundle = picture.parent.parent
        if bundle is not None and bundle.get("nb_element") == "mime_bundle":
            texts = [c.astext() for c in bundle.children if c["mime_type"] == "text/plain"]
            picture["alt"] = "".join(texts).removeprefix("Figure: ")


def setup(app):
    """Tell Sphinx about the step above."""
    app.connect("doctree-read", describe_figures)
