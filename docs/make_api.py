"""Writes docs/api.md, the list of public names: python docs/make_api.py (a test holds the file to the code)."""

from __future__ import annotations

import importlib
import inspect
import typing
from pathlib import Path

PACKAGES = (
    "stgraph",
    "stgraph.video",
    "stgraph.features",
    "stgraph.features.store",
    "stgraph.features.importers",
    "stgraph.features.adapters",
    "stgraph.extraction.extractors",
    "stgraph.extraction.extractors.appearance",
    "stgraph.extraction.extractors.motion",
    "stgraph.extraction.extractors.objects",
    "stgraph.extraction",
    "stgraph.text",
    "stgraph.graph",
    "stgraph.nn",
    "stgraph.decoding",
    "stgraph.models",
    "stgraph.metrics",
    "stgraph.datasets",
    "stgraph.datasets.tracks",
    "stgraph.datasets.interactions",
    "stgraph.training",
    "stgraph.experiments",
    "stgraph.inspection",
    "stgraph.errors",
)


def api_page() -> str:
    """The page: each package's names with the first line of their docstrings."""
    lines = ["# Public names", "", "Written by `python docs/make_api.py`; `help(name)` says the rest.", ""]
    for package in PACKAGES:
        module = importlib.import_module(package)
        lines += [f"## {package}", "", first_line(module), "", "| name | what |", "|---|---|"]
        lines += [f"| `{name}` | {described(module, name)} |" for name in sorted(module.__all__)]
        lines.append("")
    return "\n".join(lines)


def described(module: object, name: str) -> str:
    value = getattr(module, name)
    if inspect.ismodule(value) or inspect.isclass(value) or inspect.isfunction(value):
        return first_line(value).replace("|", "\\|")
    kind = (
        str(value) if typing.get_origin(value) else type(value).__name__
    )  # an alias of a type, or a constant
    return f"`{kind}`".replace("|", "\\|")


def first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").strip().partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(api_page(), encoding="utf-8")
