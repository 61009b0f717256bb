"""Packages of other people, as pip would install them: modules and entry points in a folder on the module path."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stgraph.graph.edges import registry as edge_rules
from stgraph.models import registry as models

__all__ = ["install_package"]


def install_package(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
    *,
    name: str = "their-lab",
) -> Path:
    """Installs a package for the duration of ``monkeypatch``, in this process and in those that it starts.

    Args:
        folder: Where the package is written; made if it is missing.
        monkeypatch: Puts the folder on ``sys.path`` and ``PYTHONPATH``; removes it and what was registered again.
        modules: Source text by dotted module name; "lab.models" becomes ``lab/models.py`` in the package ``lab``.
        entry_points: By group, the object reference ("module:attribute") of each entry point's name.
        name: Name of the distribution.

    Returns:
        The folder.
    """
    for module, source in modules.items():
        path = folder.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in path.parent.relative_to(folder).parents:
            if package != Path():
                (folder / package / "__init__.py").touch()
        if path.parent != folder:
            (path.parent / "__init__.py").touch()
        path.write_text(source, encoding="utf-8")
        sys.modules.pop(module, None)  # an earlier test may have imported another package of this name
        sys.modules.pop(module.partition(".")[0], None)
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    groups = [
        "\n".join([f"[{group}]", *(f"{point} = {target}" for point, target in points.items())])
        for group, points in entry_points.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n", encoding="utf-8")
    for registry in (edge_rules, models):  # what is looked up stays registered, but not for other tests
        monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    importlib.invalidate_caches()
    return folder
