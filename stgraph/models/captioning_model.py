"""The base class of all captioning models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.decoding import DecodedCaptions, Decoding, Greedy
from stgraph.errors import DataError, OptionError
from stgraph.features.streams import GRID, VECTOR_STREAMS
from stgraph.models.arguments import ArgumentError, constructor_arguments
from stgraph.models.attention_shares import AttentionShares
from stgraph.models.video_model import VideoModel
from stgraph.nn.packed_linear import packed_linears
from stgraph.text import SpecialTokens
from stgraph.typing import IntTensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["CaptioningModel", "DataSizes", "num_frames_of", "stream_of", "video_ids_of"]


class DataSizes(Protocol):
    """The sizes that a model takes from its training data; a ``CaptionDataModule`` offers them."""

    @property
    def vocab_size(self) -> int:
        """Number of words, special tokens included."""

    @property
    def max_length(self) -> int:
        """Largest number of words per caption."""

    @property
    def widths(self) -> Mapping[str, int]:
        """Feature width of each stream, which is "appearance", "motion", "object" or "grid/NAME"."""

    @property
    def categories(self) -> Sequence[str]:
        """Categories of the training videos."""


@checked
class CaptioningModel(VideoModel):
    """Videos -> captions: what training, decoding, saving and the command line need of a model.

    A subclass names itself, takes plain keyword arguments in its constructor, and encodes videos. ``self.decoder`` (or
    ``decoder()``, if there is one per branch) is the language model. The constructor's arguments are checked against
    their annotations and kept as ``config``; a saved model is built again from them, so they must be JSON values.

    A model has one branch or more; each captions by itself, and the first one is evaluated.

    Attributes:
        name: Name in model folders, on the command line and in the registry.
        loss_name: Name of its default loss; "language" is the cross-entropy of the given words.
        default_streams: Streams that :meth:`for_data` reads by default; None reads all with a known width.
        config: The constructor's arguments.
        max_length: Largest number of words of a generated caption; a constructor sets it.

    Shapes: A batch of B ``VideoGraph``; tokens ``[P, L]``, video ``[P]`` (each caption's video in the batch) -> logits
        ``[P, L, V]`` by branch.
    Reference: our own design.
    """

    loss_name: ClassVar[str] = "language"
    default_streams: ClassVar[tuple[str, ...] | None] = None

    max_length: int

    # -- built for data

    @classmethod
    def for_data(cls, data: DataSizes, **arguments: Any) -> Self:
        """Builds the model for a data set: vocabulary size, caption length and stream widths are the data's.

        Args:
            data: Usually a ``CaptionDataModule``.
            arguments: Constructor arguments, and those of :meth:`arguments_for`.

        Raises:
            OptionError: If an argument is unknown or out of its range, or a stream is missing.
        """
        return cls(**cls.arguments_for(data, **arguments))

    @classmethod
    def arguments_for(
        cls,
        data: DataSizes,
        *,
        streams: Sequence[str] | None = None,
        categories: bool = False,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Constructor arguments for a data set; ``arguments`` come before what the data say.

        Args:
            data: As in :meth:`for_data`.
            streams: Streams to read, such as ``["object", "grid/i3d"]``; None takes ``default_streams``.
            categories: Whether the videos' categories are an input (models with a ``num_categories`` argument).
            arguments: Further constructor arguments.

        Raises:
            OptionError: If the data lack a stream or categories that are asked for, or the model cannot read them.
        """
        parameters = constructor_arguments(cls)
        found: dict[str, Any] = {"vocab_size": data.vocab_size, "max_length": data.max_length}
        found |= cls._stream_arguments(data.widths, streams)
        if categories:
            if "num_categories" not in parameters:
                raise ArgumentError(
                    "categories", f" must be false for '{cls.name}', which does not read them."
                )
            if not data.categories:
                raise ArgumentError(
                    "categories",
                    " must be false because no training video has a category, got true; give captions with categories.",
                )
            found["num_categories"] = len(data.categories)
        return {name: value for name, value in found.items() if name in parameters} | arguments

    @classmethod
    def _stream_arguments(cls, widths: Mapping[str, int], streams: Sequence[str] | None) -> dict[str, Any]:
        """Arguments ``<stream>_channels`` and ``grid_channels`` for the streams that are read."""
        parameters = constructor_arguments(cls)
        vectors = [stream for stream in VECTOR_STREAMS if f"{stream}_channels" in parameters]
        grids = "grid_channels" in parameters
        known = [*vectors, f"{GRID}NAME"] if grids else vectors
        have = ", ".join(sorted(widths)) or "none"
        if streams is None:
            readable = [
                stream for stream in widths if stream in vectors or (grids and stream.startswith(GRID))
            ]
            chosen = [
                stream for stream in readable if cls.default_streams is None or stream in cls.default_streams
            ]
            if not chosen and known:
                wanted = ", ".join(cls.default_streams or known)
                raise ArgumentError(
                    "streams", f" must be given: '{cls.name}' reads {wanted}, but the data have only {have}."
                )
        else:
            chosen = list(streams)
        for stream in chosen:
            if stream not in vectors and not (grids and str(stream).startswith(GRID)):
                raise ArgumentError(
                    "streams", f" must be some of {', '.join(known)} for '{cls.name}', got {stream!r}."
                )
            if not widths.get(stream):
                raise ArgumentError(
                    "streams",
                    f" asks for '{stream}' features, but the data have only {have}; extract them, or leave the stream out.",
                )
        found: dict[str, Any] = {
            f"{stream}_channels": widths[stream] for stream in VECTOR_STREAMS if stream in chosen
        }
        if grids:
            found["grid_channels"] = {
                stream: widths[stream] for stream in chosen if stream not in VECTOR_STREAMS
            }
        return found

    # -- branches and streams

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches; the first one is evaluated."""
        return (self.name,)

    def check_branch(self, branch: str) -> None:
        """Checks that the model has a branch.

        Raises:
            OptionError: If it has none of that name.
        """
        if branch not in self.branches:
            raise OptionError(f"'branch' must be one of {self.branches} for this model, got {branch!r}.")

    def streams(self, branch: str) -> tuple[str, ...]:
        """The streams that a branch reads, out of those with a width in ``config``."""
        self.check_branch(branch)
        widths = {stream: self.config.get(f"{stream}_channels", 0) for stream in VECTOR_STREAMS}
        return tuple(
            stream
            for stream, width in {**widths, **(self.config.get("grid_channels") or {})}.items()
            if width
        )

    @property
    def input_streams(self) -> frozenset[str]:
        """The streams that any branch reads."""
        return frozenset(stream for branch in self.branches for stream in self.streams(branch))

    @property
    def num_categories(self) -> int:
        """Number of video categories that are an input; 0 if the model does not read them."""
        return int(self.config.get("num_categories", 0))

    # -- encoding and decoding

    @abstractmethod
    def encode(self, graph: VideoGraph | Batch, branch: str) -> Any:
        """Encodes videos into the memory that the branch's decoder attends to.

        Raises:
            DataError: If a stream that the branch needs is missing.
        """

    def decoder_of(self, branch: str) -> Any:
        """The language model of a branch: a decoder of :mod:`stgraph.nn`, or another with their methods."""
        self.check_branch(branch)
        return self.decoder

    def lm_head(self, branch: str) -> nn.Linear:
        """The layer that scores a branch's words."""
        return self.decoder_of(branch).lm_head

    def forward(self, graph: VideoGraph | Batch, tokens: IntTensor, video: IntTensor) -> dict[str, Tensor]:
        """Logits of every next word, by branch; each video is encoded once, however many captions it has.

        Args:
            graph: The videos.
            tokens: Given words, ``[P, L]``, the begin token first.
            video: Position of each caption's video in the batch, ``[P]``.
        """
        return {
            branch: self.decoder_of(branch)(self.encode(graph, branch), tokens, video)
            for branch in self.branches
        }

    @torch.no_grad()
    def generate(
        self,
        graph: VideoGraph | Batch,
        special_tokens: SpecialTokens,
        branch: str | None = None,
        *,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> DecodedCaptions:
        """Generates captions of a batch by one branch; streams that only other branches read may be absent.

        Args:
            graph: The videos; if they have ids, sampled words depend on the ids and not on the batch.
            special_tokens: Ids of begin and end, and of what is never generated.
            branch: Branch to generate from; None is the one that is evaluated, the first.
            decoding: How words are chosen; None is greedy.
            attention: Whether to keep the attention weights of each word. docs/training.md lists their names.

        Raises:
            OptionError: If the model has no such branch.
            DataError: If a stream of the branch is missing.
        """
        branch = self.branches[0] if branch is None else branch
        self.check_branch(branch)
        decoder = self.decoder_of(branch)
        with packed_linears(decoder):
            memory = self.encode(graph, branch)
            state = decoder.start(memory, self.max_length, attention=attention)
            found = (Greedy() if decoding is None else decoding).decode(
                decoder,
                state,
                memory.num_videos,
                special_tokens,
                max_length=self.max_length,
                keys=video_ids_of(graph),
                attention=attention,
                device=memory.mask.device,
            )
        return self._with_masks(found, graph, branch, state) if attention else found

    def _with_masks(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str, state: Any
    ) -> DecodedCaptions:
        """Adds to captions with attention which frames and regions are real; ``state`` is that before the first word."""
        masks = self.decoder_of(branch).attention_masks(state)
        return replace(found, masks={name: masks[name] for name in found.attention})

    def attention_shares(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str
    ) -> AttentionShares:
        """Shares of frames, boxes and cells in what the words of one caption attend to.

        A model with attention of its own defines this to be explained by ``ground_caption(..., method="attention")``.

        Args:
            found: The caption of one video, with its attention and without padded words.
            graph: That video.
            branch: Branch of the caption.

        Raises:
            OptionError: If the model does not say how its maps of attention are joined.
        """
        raise OptionError(
            f"The model '{self.name}' does not define 'attention_shares', so its attention cannot be given as shares; "
            "choose another method, such as 'occlusion'."
        )


def video_ids_of(graph: VideoGraph | Batch) -> list[str] | None:
    """Ids of the videos of a graph or batch; None unless every video has one."""
    ids = graph.get("video_id")
    ids = [ids] if isinstance(ids, str) else ids
    return None if ids is None or None in ids else ids


def num_frames_of(graph: VideoGraph | Batch) -> Tensor:
    """Number of frames of each video, ``[B]``."""
    return torch.as_tensor(graph.num_frames, device=graph.x.device).reshape(-1)


def stream_of(graph: VideoGraph | Batch, name: str) -> Tensor:
    """A stream that the model needs.

    Raises:
        DataError: If the videos have no such stream.
    """
    stream = graph.get(name)
    if stream is None:
        raise DataError(
            f"This model needs '{name}' features, but these videos have none; extract them first."
        )
    return stream
