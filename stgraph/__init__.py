"""stgraph: spatio-temporal object graphs of videos on PyTorch Geometric, and captions from them.

Names are imported when first used (PEP 562), so ``import stgraph`` is cheap and starts nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stgraph.features.detections import Detections
    from stgraph.graph.builder import VideoGraphBuilder
    from stgraph.graph.video_graph import EdgeKind, VideoGraph

_EXPORTS = {
    "Detections": "stgraph.features.detections",
    "EdgeKind": "stgraph.graph.video_graph",
    "VideoGraph": "stgraph.graph.video_graph",
    "VideoGraphBuilder": "stgraph.graph.builder",
}
_SUBMODULES = ("datasets", "decoding", "errors", "features", "graph", "inspection", "metrics", "models", "nn", "text")

__all__ = sorted(_EXPORTS)
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"stgraph.{name}")
    if name not in _EXPORTS:
        raise AttributeError(f"module 'stgraph' has no attribute {name!r}; it exports {', '.join(__all__)}")
    _refuse_namesake()
    value = getattr(importlib.import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_SUBMODULES])


def _refuse_namesake() -> None:
    """Another package owns the distribution name 'stgraph' and installs its own top-level ``stgraph/`` over ours."""
    from importlib.metadata import PackageNotFoundError, version

    from stgraph.errors import DependencyError

    try:
        found = version("stgraph")
    except PackageNotFoundError:
        return
    raise DependencyError(
        f"The distribution 'stgraph' {found} (a temporal-GNN framework) is installed beside 'stgraph-captioning' and "
        "both own the import name 'stgraph'; run: pip uninstall -y stgraph && pip install --force-reinstall "
        "--no-deps stgraph-captioning"
    )
