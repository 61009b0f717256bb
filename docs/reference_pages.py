"""Writes the pages that are made while the site is built: the API reference, committed tables, and complete scripts."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

from make_api import PACKAGES, described

__all__ = ["home_of", "write_reference", "write_scripts", "write_tables"]


def write_reference(folder: Path) -> None:
    """Writes ``<package>.md`` for every public package, and ``index.md``.

    A page lists every name of the package's ``__all__``. A name that several packages export is described once, on the
    page of :func:`home_of`, and the other pages link to it.
    """
    folder.mkdir(exist_ok=True)
    homes = home_of()
    for package in PACKAGES:
        _write(folder / f"{package}.md", _page(package, homes))
    index = [
        "# API reference",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        "",
        *(f"{_title(p)} <{p}>" for p in PACKAGES),
        "```",
        "",
    ]
    _write(folder / "index.md", "\n".join(index))


def write_tables(folder: Path) -> None:
    """Writes a page for every committed table of ``benchmarks/results``, with its figure."""
    folder.mkdir(exist_ok=True)
    results = folder.parent.parent / "benchmarks" / "results"
    pages = sorted(results.glob("*/*.md"))
    for page in pages:
        name = f"{page.parent.name}-{page.stem}"
        text = page.read_text(encoding="utf-8")
        text = text.replace("(figure.svg)", f"(../../benchmarks/results/{page.parent.name}/figure.svg)")
        _write(folder / f"{name}.md", text)
    index = [
        "# Tables",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        "",
        *(f"{p.parent.name}-{p.stem}" for p in pages),
        "```",
        "",
    ]
    _write(folder / "index.md", "\n".join(index))


def write_scripts(folder: Path) -> None:
    """Writes a page for every script of ``docs/scripts``: its docstring, and the code to read and to download."""
    scripts = sorted(folder.glob("*.py"))
    for script in scripts:
        text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
        title, _, rest = text.partition("\n\n")
        heading = " ".join(title.split()).rstrip(".")
        lines = [f"# {heading.replace('``', '`')}", "", "```{eval-rst}", rest, "```", ""]
        lines += [
            f"{{download}}`Download the script <{script.name}>`",
            "",
            f"```{{literalinclude}} {script.name}",
        ]
        lines += [":language: python", ":start-at: from __future__", "```", ""]
        _write(folder / f"{script.stem}.md", "\n".join(lines))
    index = [
        "# Complete scripts",
        "",
        "Long scripts to read, to copy from, and to run on data of your own (`--data`) or on generated ones.",
        "",
        "```{toctree}",
    ]
    _write(
        folder / "index.md", "\n".join([*index, ":maxdepth: 1", "", *(s.stem for s in scripts), "```", ""])
    )


def home_of() -> dict[tuple[str, str], str]:
    """The package that describes each public name: the most deeply nested of those that export the same object.

    Returns:
        (package, name) -> package.
    """
    homes: dict[tuple[str, str], str] = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            same = [
                other
                for other in PACKAGES
                if name in importlib.import_module(other).__all__
                and getattr(importlib.import_module(other), name) is value
            ]
            homes[package, name] = max(same, key=lambda other: (other.count("."), -PACKAGES.index(other)))
    return homes


def _page(package: str, homes: dict[tuple[str, str], str]) -> str:
    module = importlib.import_module(package)
    names = sorted(module.__all__, key=str.lower)
    lines = [f"# {package}", "", "```{eval-rst}", f".. automodule:: {package}", "   :no-members:", "```", ""]
    lines += ["| name | |", "|---|---|"]
    for name in names:
        value = getattr(module, name)
        where = package if inspect.ismodule(value) else homes[package, name]
        target = f"{value.__name__}.md" if inspect.ismodule(value) else f"#{where}.{name}"
        link = f"[`{name}`](<{target}>)" if inspect.ismodule(value) else f"{{py:obj}}`~{where}.{name}`"
        lines.append(f"| {link} | {_markdown(described(module, name))} |")
    lines += ["", "```{eval-rst}"]
    for name in names:
        value = getattr(module, name)
        if homes[package, name] == package and not inspect.ismodule(value):
            lines += [f".. {_directive(value)}:: {package}.{name}", *_options(value), ""]
    return "\n".join([*lines, "```", ""])


def _title(package: str) -> str:
    """Title for the narrow column of the navigation, which breaks long dotted names in the middle of a word."""
    return package.removeprefix("stgraph.").replace("extraction.extractors", "extractors")


def _markdown(text: str) -> str:
    """A docstring's line of reStructuredText as MyST."""
    text = re.sub(r":math:`", "{math}`", text.replace("``", "`"))
    return re.sub(r":(\w+):`", r"{py:\1}`", text)


def _directive(value: object) -> str:
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if inspect.isroutine(value) else "autodata"


def _options(value: object) -> list[str]:
    if inspect.isclass(value):
        return ["   :members:", "   :show-inheritance:"]
    return [] if inspect.isroutine(value) else ["   :no-value:"]


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # keeps Sphinx's cache valid
        path.write_text(text, encoding="utf-8")
