"""Models in the form that ``torch_geometric.explain`` takes: functions of node features and edges."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch_geometric.data import Batch

from stgraph.checking import check_values, checked
from stgraph.errors import OptionError
from stgraph.graph import VideoGraph
from stgraph.inspection.grounding.caption_words import CaptionWords
from stgraph.models import Classifier
from stgraph.pipeline import CaptionPipeline, VideoInput
from stgraph.typing import FloatTensor, IndexTensor, IntTensor, check_shape

__all__ = ["ExplainableCaption", "ExplainableClassifier"]


@checked
class ExplainableClassifier(nn.Module):
    """A classifier of one graph or batch, whose nodes and edges PyG's ``Explainer`` can mask.

    Args:
        model: The classifier; it is put into evaluation mode.
        graph: The graph; everything but ``x`` and ``edge_index`` is taken from it.
        query: Tracks or pairs that are classified, as in the classifier's ``forward``; None for whole graphs.

    Shapes: x ``[N, F]``, edge_index ``[2, E]`` -> logits ``[P, C]``.

    Raises:
        OptionError: If the classifier also uses each edge backwards, as an ``Explainer`` has one mask per edge.
    """

    def __init__(self, model: Classifier, graph: VideoGraph | Batch, query: IntTensor | None = None) -> None:
        super().__init__()
        if model.encoder.both_directions:
            raise OptionError(
                "'model' must not use each edge both ways, as its layers then have twice as many edges as the graph and "
                "masks fit none of them; train one without."
            )
        self.model, self.graph, self.query = model, graph, query
        self.eval()

    def forward(self, x: FloatTensor, edge_index: IndexTensor) -> Tensor:
        """Classifies the graph with these features and edges."""
        graph = _with_features(self.graph, x, edge_index)
        with self.model.without_dropout():
            return self.model(graph, self.query)


@checked
class ExplainableCaption(nn.Module):
    """The words of a caption as a function of the boxes and edges of its video, for PyG's ``Explainer``.

    Row l has the log-probabilities of all words after the first l words of the caption, so ``index=l`` explains word l.

    Args:
        captioner: The model.
        video: What the pipeline captions.
        caption: The caption; None is the model's own, greedily generated.
        branch: Branch of the model; None is the one that is evaluated.

    Shapes: x ``[N, F]``, edge_index ``[2, E]`` -> ``[L, V]``.

    Raises:
        OptionError: If the branch reads no boxes, or the caption has a word that the model does not know.
    """

    def __init__(
        self,
        captioner: CaptionPipeline,
        video: VideoInput,
        caption: str | None = None,
        *,
        branch: str | None = None,
    ) -> None:
        super().__init__()
        self.model, self._words = captioner.model, CaptionWords.of(captioner, video, caption, branch)
        if "x" not in self._words.streams:
            raise OptionError(
                f"The branch '{self._words.branch}' reads no boxes, whose edges could be explained; choose another."
            )
        self.eval()

    @property
    def words(self) -> tuple[str, ...]:
        """The words, "(end)" for the end token."""
        return self._words.words

    @property
    def graph(self) -> VideoGraph:
        """The graph of the video, whose ``x`` and ``edge_index`` an ``Explainer`` takes."""
        return self._words.graph

    def forward(self, x: FloatTensor, edge_index: IndexTensor) -> Tensor:
        """Scores the words for these features and edges."""
        graph = _with_features(self.graph, x, edge_index)
        batch = self._words.captioner.batch_of([graph])
        return self._words.scores(batch)[0].log_softmax(-1)


def _with_features(graph: VideoGraph | Batch, x: Tensor, edge_index: Tensor) -> VideoGraph | Batch:
    """A graph with other features and edges of the same nodes."""
    check_shape("x", x, "N F", N=graph.num_nodes)
    check_shape("edge_index", edge_index, "2 E", E=graph.num_edges)
    check_values("edge_index", edge_index, len(x))
    changed = copy.copy(graph)
    changed.x, changed.edge_index = x, edge_index
    return changed
