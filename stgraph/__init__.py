"""stgraph: spatio-temporal object graphs of videos on PyTorch Geometric, and captions from them.

Names are imported when first used (PEP 562), so ``import stgraph`` is cheap and starts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
    from stgraph import (
        datasets,
        decoding,
        errors,
        experiments,
        features,
        graph,
        inspection,
        metrics,
        models,
        nn,
        text,
        training,
        video,
    )
    from stgraph.classification_pipeline import ClassificationPipeline
    from stgraph.datasets.loading.caption_batch import CaptionBatch, CaptionCollator
    from stgraph.datasets.loading.classification_data import ClassificationDataModule
    from stgraph.datasets.loading.data_module import CaptionDataModule
    from stgraph.datasets.registry import open_dataset
    from stgraph.features.detections import Detections
    from stgraph.features.video_features import VideoFeatures
    from stgraph.graph.builder import VideoGraphBuilder
    from stgraph.graph.edge_kind import EdgeKind
    from stgraph.graph.video_graph import VideoGraph
    from stgraph.models.captioning_model import CaptioningModel
    from stgraph.models.captions import Caption
    from stgraph.models.classifier import Classifier
    from stgraph.models.classifiers import GraphClassifier, RelationClassifier, TrackClassifier
    from stgraph.models.registry import register_model
    from stgraph.models.stat_captioner import STATCaptioner
    from stgraph.models.stats_captioner import STaTSCaptioner
    from stgraph.models.stgraph_captioner import STGraphCaptioner
    from stgraph.pipeline import CaptionPipeline
    from stgraph.training.classification_module import ClassificationModule
    from stgraph.training.classification_recipe import train_classifier
    from stgraph.training.module import CaptioningModule
    from stgraph.training.recipe import train_captioner

__all__ = [
    "Caption",
    "CaptionBatch",
    "CaptionCollator",
    "CaptionDataModule",
    "CaptionPipeline",
    "CaptioningModel",
    "CaptioningModule",
    "ClassificationDataModule",
    "ClassificationModule",
    "ClassificationPipeline",
    "Classifier",
    "Detections",
    "EdgeKind",
    "GraphClassifier",
    "RelationClassifier",
    "STATCaptioner",
    "STGraphCaptioner",
    "STaTSCaptioner",
    "TrackClassifier",
    "VideoFeatures",
    "VideoGraph",
    "VideoGraphBuilder",
    "datasets",
    "decoding",
    "errors",
    "experiments",
    "features",
    "graph",
    "inspection",
    "metrics",
    "models",
    "nn",
    "open_dataset",
    "register_model",
    "text",
    "train_captioner",
    "train_classifier",
    "training",
    "video",
]
__version__: str  # read when first used: the metadata of the installed distribution


def check_namesake() -> None:
    """Checks that the distribution 'stgraph', another package, has not installed its ``stgraph/`` over this one.

    Raises:
        DependencyError: If it is installed.
    """
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


_MODULES = {
    "classification_pipeline": ("ClassificationPipeline",),
    "datasets.loading.classification_data": ("ClassificationDataModule",),
    "models.classifier": ("Classifier",),
    "models.classifiers": ("GraphClassifier", "RelationClassifier", "TrackClassifier"),
    "training.classification_module": ("ClassificationModule",),
    "training.classification_recipe": ("train_classifier",),
    "datasets.loading.caption_batch": ("CaptionBatch", "CaptionCollator"),
    "datasets.loading.data_module": ("CaptionDataModule",),
    "datasets.registry": ("open_dataset",),
    "models.captioning_model": ("CaptioningModel",),
    "models.captions": ("Caption",),
    "models.registry": ("register_model",),
    "models.stat_captioner": ("STATCaptioner",),
    "models.stats_captioner": ("STaTSCaptioner",),
    "models.stgraph_captioner": ("STGraphCaptioner",),
    "pipeline": ("CaptionPipeline",),
    "training.module": ("CaptioningModule",),
    "training.recipe": ("train_captioner",),
    "features.detections": ("Detections",),
    "features.video_features": ("VideoFeatures",),
    "graph.builder": ("VideoGraphBuilder",),
    "graph.edge_kind": ("EdgeKind",),
    "graph.video_graph": ("VideoGraph",),
}
_EXPORTS = {name: f"stgraph.{module}" for module, names in _MODULES.items() for name in names}
_EXPORTS |= {name: f"stgraph.{name}" for name in __all__ if name not in _EXPORTS}
_exported, __dir__ = lazy_exports(__name__, _EXPORTS, before=check_namesake)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from stgraph.version import installed_version

        return installed_version()
    return _exported(name)
