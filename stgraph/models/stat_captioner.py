"""STAT: attention over regions inside each frame, then over the frames of three streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import torch

from stgraph.checking import checked
from stgraph.models.arguments import OptionalWidth, Probability, VocabSize, Width
from stgraph.models.attention_shares import AttentionShares, at_nodes, even_regions
from stgraph.models.captioning_model import num_frames_of
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.models.stat_released import (
    ReleasedParams,
    draw_released_weights,
    read_released,
    released_arguments,
    released_state,
)
from stgraph.nn import InputFeatures, STATAttention, STATDecoder, STATEncoder, VideoMemory, pad_regions
from stgraph.text import SpecialTokens

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.decoding import DecodedCaptions
    from stgraph.graph import VideoGraph

__all__ = ["STATCaptioner"]

SPECIAL_TOKENS = SpecialTokens()


@checked
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
        initialization: "released" draws weights as the authors' code: normal with a standard deviation of 0.01, orthogonal
            where they are square or take the LSTM's state, biases 0; "torch" as PyTorch does by default.
        exclude_padding: Whether padding and the begin token get no probability, as in the authors' code, whose vocabulary
            lacks them.

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
        initialization: Literal["released", "torch"] = "released",
        exclude_padding: bool = False,
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
            excluded=(SPECIAL_TOKENS.pad, SPECIAL_TOKENS.bos) if exclude_padding else (),
        )
        super().__init__(decoder, max_length)
        self.encoder = encoder
        if initialization == "released":
            draw_released_weights(encoder, decoder)

    @classmethod
    def from_released(cls, params: ReleasedParams, *, dropout: float = 0.5, max_length: int = 30) -> Self:
        """Makes a model of the parameters that the authors' code trained; it computes what their code computes.

        Their word 0, which ends a caption, becomes 2, their unknown word 1 becomes 3, and word w from 2 on becomes w + 2,
        so that a tokenizer is ``CaptionTokenizer({"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3} | words)`` with
        ``words = {word: number + 2 for word, number in worddict.items() if number < n_words}``.

        Args:
            params: Their ``.npz`` file, or its arrays by name (``Wemb``, ``ff_state_W``, ``decoder_U``, ...).
            dropout: Dropout probability if the model is trained further; the released code drops half.
            max_length: Largest number of words of a generated caption.

        Returns:
            The model in evaluation mode, in the precision of the arrays.

        Raises:
            MissingDataError: If there is no such file.
            DataError: If the file is damaged, or a parameter is missing, unknown or of another shape.
        """
        found = read_released(params)
        arguments = released_arguments(found)
        model = cls(**arguments, dropout=dropout, max_length=max_length, initialization="torch")
        model = model.to(found["Wemb"].dtype)
        model.load_state_dict(released_state(found))
        return model.eval()

    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> VideoMemory:
        """The three streams of B videos."""
        return self.encoder(
            num_frames_of(graph),
            appearance=graph.get("appearance"),
            motion=graph.get("motion"),
            x=graph.get("x"),
            frame=graph.get("frame"),
        )

    def attention_shares(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str
    ) -> AttentionShares:
        """Mean over the streams of their weights of frames; boxes have the part of the local stream."""
        streams = [
            found.attention[name][0] for name in ("global", "motion", "local") if name in found.attention
        ]
        frames = torch.stack(streams).mean(0)
        local = found.attention.get("local")
        if local is None:
            return AttentionShares(frames)
        if "regions" in found.attention:
            inside = found.attention["regions"][0]
        else:
            inside = even_regions(pad_regions(graph.x, graph.frame, num_frames_of(graph))[1][0])[None]
        return AttentionShares(frames, at_nodes(local[0][..., None] * inside / len(streams), graph.frame))
