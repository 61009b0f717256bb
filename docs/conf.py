"""Sphinx configuration of the documentation site: ``make docs``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any, get_origin

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("MPLBACKEND", "Agg")

from gallery import copy_sources, settings  # noqa: E402
from make_api import PACKAGES  # noqa: E402
from reference_pages import write_reference, write_scripts, write_tables  # noqa: E402

import stgraph  # noqa: E402

project = "stgraph"
author = "The stgraph developers"
copyright = "2026, the stgraph developers"
version = release = stgraph.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "api.md",
    "_build",
    "images/*.md",
    "tutorials",
]  # api.md is the list of names for readers of the repository
nitpicky = True
html_theme = "furo"
html_title = f"stgraph {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

sphinx_gallery_conf = settings(
    copy_sources(HERE / "tutorials", HERE / "_build" / "tutorials"), HERE / "notebooks"
)

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = True

autodoc_typehints = "none"  # signatures and the Args sections name the types
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

# A build must not need the network: other projects' inventories are only read where the documentation is published.
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
        "torch_geometric": ("https://pytorch-geometric.readthedocs.io/en/latest", None),
        "lightning": ("https://lightning.ai/docs/pytorch/stable", None),
        "networkx": ("https://networkx.org/documentation/stable", None),
    }
# Names of other projects, which resolve only with their inventories.
OTHERS = "abc|av|builtins|collections|enum|h5py|jinja2|lightning|networkx|np|numpy|pathlib|pydantic|tokenizers|torch"
nitpick_ignore_regex = [("py:.*", rf"({OTHERS}|torch_geometric|torchvision|typing)\b.*")]


PUBLIC = {
    id(getattr(importlib.import_module(package), name))
    for package in PACKAGES
    for name in importlib.import_module(package).__all__
}


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_within_site)
    app.connect("autodoc-process-bases", public_bases)
    app.connect("autodoc-skip-member", skip_generated)
    app.connect("autodoc-process-docstring", mark_fields, priority=400)  # before napoleon
    app.connect("missing-reference", resolve_short_name)


def write_pages(_app: Sphinx) -> None:
    write_reference(HERE / "reference")
    write_tables(HERE / "tables")
    write_scripts(HERE / "scripts")


def link_within_site(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Leads links to committed tables, tutorials and ``api.md``, which the repository has, to the site's own pages."""
    source[0] = re.sub(
        r"\]\((?:\.\./)+benchmarks/results/(\w+)/([\w-]+)\.md\)", r"](tables/\1-\2.md)", source[0]
    )
    source[0] = re.sub(r"\]\(tutorials/(\w+)\.py\)", r"](notebooks/\1.rst)", source[0])
    source[0] = re.sub(r"\]\(api\.md[^)]*\)", "](reference/index.md)", source[0])


def skip_generated(
    _app: Sphinx, _what: str, _name: str, value: object, _skip: bool, _options: object
) -> bool | None:
    """Leaves out methods that PyG writes into a class when a tutorial uses it, such as ``propagate``."""
    return True if getattr(value, "__module__", "").endswith(("_propagate", "_edge_updater")) else None


def public_bases(_app: Sphinx, _name: str, _value: object, _options: object, bases: list[Any]) -> None:
    """Shows the nearest base classes that are public or of another library."""

    def shown(base: Any) -> list[Any]:
        base = get_origin(base) or base
        if not base.__module__.startswith("stgraph") or id(base) in PUBLIC:
            return [base]
        return [further for parent in base.__bases__ for further in shown(parent)]

    found = [further for base in bases for further in shown(base)]
    bases[:] = list(dict.fromkeys(found))


def mark_fields(
    _app: Sphinx, what: str, name: str, value: object, _options: object, lines: list[str]
) -> None:
    """Makes fields of the paragraphs "Shapes: ..." and "Reference: ...", and adds the arguments of a private base class."""
    if what == "class" and inspect.isclass(value) and "Args:" not in lines:
        for base in value.__mro__[1:]:
            text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
            if base.__module__.startswith("stgraph") and "Args:" in text and id(base) not in PUBLIC:
                lines += ["", *text.splitlines()[1:]]
                break
    if what == "data" and "\n".join(lines).strip() == inspect.cleandoc(type(value).__doc__ or ""):
        lines.clear()  # a constant without a docstring has that of its type
    marked = [re.sub(r"^(Shapes|Reference): ", r":\1: ", line) for line in lines]
    for number in range(len(marked) - 1, 0, -1):  # a field list starts after an empty line
        if marked[number].startswith((":Shapes:", ":Reference:")) and marked[number - 1][:1] not in (
            "",
            " ",
            ":",
        ):
            marked.insert(number, "")
    lines[:] = marked


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Links a name without its package, as docstrings write it, to the one public name that ends with it."""
    if node.get("refdomain") != "py" or app.builder is None:
        return None
    target = str(node["reftarget"]).lstrip(".~").removeprefix("stgraph.")
    domain = env.domains.python_domain
    found = {name for name in domain.objects if name.endswith(f".{target}")}
    if not found:
        return None
    best = min(found, key=lambda name: (name.count("."), name))
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", best, node, content)
