"""Graphs and captions as one batch, which Lightning moves to a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from stgraph.checking import checked
from stgraph.datasets.loading.process_shards import StepTotals
from stgraph.errors import DataError, OptionError, shown
from stgraph.text import CaptionTokenizer
from stgraph.typing import Count

__all__ = ["CaptionBatch", "CaptionCollator"]


@checked
@dataclass(frozen=True)
class CaptionBatch:
    """Graphs of B videos and P captions of them.

    Args:
        graphs: The videos.
        video_ids: Their ids.
        tokens: Captions with begin and end tokens, padded with 0.
        video: Position of each caption's video in the batch.
        owned: Whether a video's frames count on this rank (see ``RankShard``);
            None counts all.
        totals: Sums over the optimizer step, by which losses take means; None takes means over this batch.
        references: The videos' sentences, from which validation is scored if no evaluator is given.

    Shapes: tokens ``[P, L]``, video ``[P]``, owned ``[B]``.
    """

    graphs: Batch
    video_ids: list[str]
    tokens: Tensor
    video: Tensor
    owned: Tensor | None = None
    totals: StepTotals | None = None
    references: list[list[str]] | None = None

    def split(self, num_captions: Count) -> Iterator[CaptionBatch]:
        """Parts of at most ``num_captions`` captions, each with the graphs of its videos alone."""
        for start in range(0, len(self.tokens), num_captions):
            video = self.video[start : start + num_captions]
            chosen, place = video.unique(return_inverse=True)
            rows = chosen.tolist()
            yield CaptionBatch(
                Batch.from_data_list([self.graphs[row] for row in rows]),
                [self.video_ids[row] for row in rows],
                self.tokens[start : start + num_captions],
                place,
            )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> CaptionBatch:
        """The same batch on another device."""
        return replace(
            self,
            graphs=self.graphs.to(device, non_blocking=non_blocking),
            tokens=self.tokens.to(device, non_blocking=non_blocking),
            video=self.video.to(device, non_blocking=non_blocking),
            owned=None if self.owned is None else self.owned.to(device, non_blocking=non_blocking),
        )

    def pin_memory(self) -> CaptionBatch:
        """The same batch in page-locked memory.

        Raises:
            OptionError: If there is no GPU, for which memory is locked.
        """
        try:
            return replace(
                self,
                graphs=self.graphs.pin_memory(),
                tokens=self.tokens.pin_memory(),
                video=self.video.pin_memory(),
                owned=None if self.owned is None else self.owned.pin_memory(),
            )
        except RuntimeError as error:
            raise OptionError(
                f"Memory can be pinned only where there is a GPU ({str(error).splitlines()[0]}); leave pin_memory out."
            ) from error


@checked
class CaptionCollator:
    """Collate function of a data loader whose items are graphs with sentences.

    An item is a pair ``(graph, sentences)``, or a graph whose attribute ``captions`` is a list of sentences. Every
    sentence becomes one caption of the batch. PyG's own ``DataLoader`` replaces the collate function it is given by its
    own; a ``torch.utils.data.DataLoader`` takes this one, and batches that PyG's loader made of graphs with ``captions``
    are accepted by ``CaptioningModule`` as they are.

    Args:
        tokenizer: Words -> ids.

    Raises:
        DataError: If an item has no sentences.

    >>> import torch
    >>> from stgraph import VideoGraph
    >>> graph = VideoGraph(torch.ones(1, 2), torch.zeros(2, 0, dtype=torch.long), frame=torch.tensor([0]), num_frames=1)
    >>> collate = CaptionCollator(CaptionTokenizer.from_captions(["a dog runs"]))
    >>> collate([(graph, ["a dog", "a dog runs"])]).tokens
    tensor([[1, 4, 5, 2, 0],
            [1, 4, 5, 6, 2]])
    """

    def __init__(self, tokenizer: CaptionTokenizer) -> None:
        self.tokenizer = tokenizer

    def __call__(self, items: Sequence[tuple[Data, Sequence[str]] | Data]) -> CaptionBatch:
        """Joins graphs and sentences."""
        if not len(items):
            raise DataError("'items' must hold at least one graph with its sentences, got none.")
        graphs: list[Data] = []
        sentences: list[list[str]] = []
        for item in items:
            graph, captions = item if isinstance(item, tuple) else (item, item.get("captions"))
            graphs.append(graph)
            sentences.append(_sentences(captions, len(graphs) - 1))
        kept = [graph.clone() if "captions" in graph else graph for graph in graphs]
        for graph in kept:
            if "captions" in graph:
                del graph.captions
        return self.join(Batch.from_data_list(kept), sentences)

    def join(self, graphs: Batch, sentences: Sequence[Sequence[str]]) -> CaptionBatch:
        """A batch of graphs with the sentences of each."""
        if len(sentences) != graphs.num_graphs:
            raise DataError(
                f"'sentences' must be one list for each of the {graphs.num_graphs} graphs, got {len(sentences)} lists."
            )
        ids = graphs.get("video_id")
        names = (
            list(ids) if ids is not None and None not in ids else [str(row) for row in range(len(sentences))]
        )
        counts = torch.tensor([len(group) for group in sentences])
        return CaptionBatch(
            graphs,
            names,
            self.tokenizer.encode([sentence for group in sentences for sentence in group]),
            torch.arange(len(sentences)).repeat_interleave(counts),
            references=[list(group) for group in sentences],
        )


def _sentences(captions: object, position: int) -> list[str]:
    if isinstance(captions, str):
        captions = [captions]
    if (
        not isinstance(captions, list | tuple)
        or not captions
        or not all(isinstance(text, str) for text in captions)
    ):
        raise DataError(
            f"Item {position} must have a list of sentences, got {shown(captions, 60)}; pass (graph, sentences), or set "
            "graph.captions."
        )
    return list(captions)
