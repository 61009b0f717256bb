"""What STAT and STaTS share as models: one branch, an encoder, a recurrent language model."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor

from stgraph.checking import checked
from stgraph.models.captioning_model import CaptioningModel
from stgraph.nn import RecurrentDecoder, RecurrentOutput, VideoMemory
from stgraph.typing import IntTensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["RecurrentCaptioner"]


@checked
class RecurrentCaptioner(CaptioningModel):
    """Base class of models with one branch, named like the model, and a recurrent language model.

    Args:
        decoder: The language model.
        max_length: Largest number of words of a generated caption.

    Shapes: A batch of ``VideoGraph`` of B videos; tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.
    Reference: our own design.
    """

    def __init__(self, decoder: RecurrentDecoder, max_length: int) -> None:
        super().__init__()
        self.decoder, self.max_length = decoder, max_length

    @abstractmethod
    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> VideoMemory:
        """The memory that words attend to.

        Raises:
            DataError: If a stream that the model needs is missing.
        """

    def teacher_forced(
        self,
        graph: VideoGraph | Batch,
        tokens: IntTensor,
        video: IntTensor,
        *,
        teacher_forcing_ratio: float = 1.0,
        sampled_words: str = "sample",
    ) -> RecurrentOutput:
        """Logits of all next words with the attention weights and ranking terms that losses need.

        Args:
            graph: The videos.
            tokens: Given words, ``[P, L]``.
            video: Position of each caption's video, ``[P]``.
            teacher_forcing_ratio: Probability that a given word is fed rather than the model's own.
            sampled_words: How the model's own words are chosen; see :class:`~stgraph.nn.RecurrentDecoder`.
        """
        return self.decoder(
            self.encode(graph),
            tokens,
            video,
            teacher_forcing_ratio=teacher_forcing_ratio,
            sampled_words=sampled_words,
        )

    def forward(self, graph: VideoGraph | Batch, tokens: IntTensor, video: IntTensor) -> dict[str, Tensor]:
        """Logits of all next words; each video is encoded once, however many captions it has."""
        return {self.name: self.teacher_forced(graph, tokens, video).logits}
