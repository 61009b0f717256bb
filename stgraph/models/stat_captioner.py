"""STAT: attention over regions inside each frame, then over the frames of three streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from stgraph.models.arguments import OptionalWidth, Probability, VocabSize, Width
from stgraph.models.captioning_model import num_frames_of
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.nn import InputFeatures, STATAttention, STATDecoder, STATEncoder, VideoMemory

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["STATCaptioner"]


class STATCaptioner(RecurrentCaptioner):
    """STAT: global, motion and local streams under two-stage attention, and an LSTM language model.

    Args:
        vocab_size: Number of words, special tokens included.
        appearance_channels: Width of the global stream's frame features; 0 leaves the stream out.
        motion_channels: Width of the clip features; 0 leaves the stream out.
        object_channels: Width of the local stream's object features; 0 leaves the stream out.
        spatial: Whether regions of a frame are attended to; otherwise their mean is used.
        stream_channels: Width that all streams are brought to.
        attention_channels: Width of the space in which features and language state meet.
        word_channels: Width of the word embedding.
        hidden_channels: Width of the LSTM.
        dropout: Dropout probability of the LSTM's gates and the readout.
        input_norm: "layer" normalises each feature vector (not in the paper); None leaves features as they are.
        input_dropout: Dropout probability of the input features (not in the paper).
        max_length: Largest number of words of a generated caption.

    Shapes: A batch of ``VideoGraph`` with appearance ``[sum T, Fa]``, motion ``[sum T, Fm]`` and x ``[N, F]``, of which
        only the streams with a width are read; tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.

    Raises:
        OptionError: If no stream has a width, or an argument is out of its range.
        DataError: If a stream is missing.

    Reference: Tu et al., ACM MM 2017, and the authors' released code, whose defaults these are.
    """

    name = "stat"
    loss_name = "stat"

    def __init__(
        self,
        vocab_size: VocabSize,
        *,
        appearance_channels: OptionalWidth = 0,
        motion_channels: OptionalWidth = 0,
        object_channels: OptionalWidth = 0,
        spatial: bool = True,
        stream_channels: Width = 1024,
        attention_channels: Width = 1024,
        word_channels: Width = 512,
        hidden_channels: Width = 1024,
        dropout: Probability = 0.5,
        input_norm: Literal["layer"] | None = None,
        input_dropout: Probability = 0.0,
        max_length: Width = 30,
    ) -> None:
        encoder = STATEncoder(
            stream_channels,
            appearance_channels=appearance_channels,
            motion_channels=motion_channels,
            object_channels=object_channels,
            inputs=InputFeatures(input_norm, input_dropout),
        )
        widths = {"global": appearance_channels, "motion": motion_channels, "local": object_channels}
        attention = STATAttention(
            stream_channels,
            hidden_channels,
            attention_channels,
            streams=[stream for stream, width in widths.items() if width],
            spatial=spatial,
        )
        decoder = STATDecoder(
            vocab_size,
            attention,
            stream_channels,
            word_channels=word_channels,
            hidden_channels=hidden_channels,
            dropout=dropout,
        )
        super().__init__(decoder, max_length)
        self.encoder = encoder

    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> VideoMemory:
        """The three streams of B videos."""
        return self.encoder(
            num_frames_of(graph),
            appearance=graph.get("appearance"),
            motion=graph.get("motion"),
            x=graph.get("x"),
            frame=graph.get("frame"),
        )
