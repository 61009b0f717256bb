"""Captions by greedy and beam search, compared with Hugging Face ``generate`` with the same weights and its cache.

``python -m benchmarks.speed.decoding [--quick]`` prints the rows as JSON. Both sides encode the frames of all videos and
generate the captions. The peer is a MarianMT of the same sizes: its layers are ours (normalised after each residual, ReLU,
scaled embedding), and it gets all our weights, our positions instead of its own, which are in another order, and our output
bias. Captions are generated twice: all of them to the length limit, and with realistic lengths. For the latter the end
token's row of the weights is fitted, so that both sides end by the model alone. Token ids are checked equal before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import MarianConfig, MarianMTModel

from benchmarks.speed.measuring import Row, compare, operations_of, product_rate, run_alone
from stgraph.decoding import BeamSearch, Greedy
from stgraph.nn import CaptionTransformer
from stgraph.nn.packed_linear import packed_linears
from stgraph.text import SpecialTokens

PAPER = {
    "videos": 64,
    "frames": 10,
    "words": 20,
    "vocabulary": 10_000,
    "channels": 512,
    "heads": 8,
    "layers": 2,
    "feedforward": 1024,
    "beam_size": 5,
}
TINY = PAPER | {"videos": 5, "vocabulary": 60, "channels": 32, "heads": 4, "feedforward": 48, "beam_size": 3}
PAD, BOS, EOS, UNK = range(4)
SPECIAL_TOKENS = SpecialTokens(PAD, BOS, EOS, UNK)
PROMISES = {(True, "greedy"): 1.3, (True, "beam"): 1.5, (False, "greedy"): 1.8, (False, "beam"): 2.0}
LENGTHS = (4, 12)  # words of a caption with its end token; those of MSVD have 7 words on average


@dataclass(frozen=True)
class Rival:
    """Two models of one set of weights, and the frames of the videos."""

    ours: CaptionTransformer
    theirs: MarianMTModel
    frames: Tensor
    mask: Tensor
    sizes: dict[str, int]

    @classmethod
    def make(cls, sizes: dict[str, int], device: torch.device, seed: int = 0) -> Rival:
        torch.manual_seed(seed)
        ours = CaptionTransformer(
            sizes["vocabulary"],
            sizes["channels"],
            num_heads=sizes["heads"],
            num_layers=sizes["layers"],
            feedforward_channels=sizes["feedforward"],
        ).eval()
        ours.requires_grad_(False)
        # Scores as distinct as those of a trained model; otherwise captions differ by less than rounding errors.
        ours.lm_head.weight.mul_(8)
        frames = torch.randn(sizes["videos"], sizes["frames"], sizes["channels"], device=device)
        mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=device)
        ours = ours.to(device)
        return cls(ours, marian_of(ours, sizes["frames"] + sizes["words"]), frames, mask, sizes)

    def end_at(self, lengths: Tensor) -> None:
        """Fits the end token's row so that greedy captions end after ``lengths`` words ``[B]``."""
        words, lm_head = self.write("greedy", never_end=True), self.ours.lm_head
        tokens = torch.cat([torch.full_like(words[:, :1], BOS), words[:, :-1]], dim=1)
        hidden: list[Tensor] = []
        hook = lm_head.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
        videos = torch.arange(len(words), device=words.device)
        scores = self.ours(self.ours.encode(self.frames, self.mask), tokens, videos)
        hook.remove()
        place = torch.arange(words.size(1), device=words.device)
        wanted = scores.index_fill(
            2, torch.tensor([*SPECIAL_TOKENS.suppress_tokens, EOS], device=words.device), -torch.inf
        ).amax(2)
        wanted = wanted + torch.where(place >= lengths[:, None] - 1, 20.0, -20.0)
        rows = torch.cat([hidden[0], torch.ones_like(hidden[0][..., :1])], dim=-1).flatten(0, 1).double()
        # With a ridge: normalised channels sum to zero, so least squares alone could give their sum any weight.
        square = rows.T @ rows + torch.eye(rows.size(1), dtype=rows.dtype, device=rows.device)
        fitted = torch.linalg.solve(square, rows.T @ wanted.flatten().double()).float()
        lm_head.weight[EOS], lm_head.bias[EOS] = fitted[:-1], fitted[-1]
        copy_linear(lm_head, self.theirs.lm_head, self.theirs.final_logits_bias[0])

    @torch.no_grad()
    def write(self, method: str, *, never_end: bool = False) -> Tensor:
        decoding = BeamSearch(self.sizes["beam_size"]) if method == "beam" else Greedy()
        with packed_linears(self.ours):  # as CaptioningModel.generate does
            return decoding.decode(
                self.ours,
                self.ours.start(self.ours.encode(self.frames, self.mask), self.sizes["words"]),
                len(self.frames),
                SPECIAL_TOKENS,
                max_length=self.sizes["words"],
                suppress_tokens=(EOS,) if never_end else (),
                device=self.frames.device,
            ).tokens

    @torch.no_grad()
    def write_theirs(self, method: str, *, never_end: bool = False) -> Tensor:
        tokens = self.theirs.generate(
            inputs_embeds=self.frames,
            attention_mask=self.mask.long(),
            max_new_tokens=self.sizes["words"],
            num_beams=self.sizes["beam_size"] if method == "beam" else 1,
            do_sample=False,
            suppress_tokens=[*SPECIAL_TOKENS.suppress_tokens, EOS]
            if never_end
            else list(SPECIAL_TOKENS.suppress_tokens),
            **({"length_penalty": 0.0, "early_stopping": False} if method == "beam" else {}),
        )[:, 1:]
        tokens = nn.functional.pad(tokens, (0, self.sizes["words"] - tokens.size(1)))
        # Beam search there pads rows with the end token instead of word 0.
        ended = (tokens == EOS).cumsum(1) - (tokens == EOS).long() > 0
        return tokens.masked_fill(ended, PAD)


def marian_of(ours: CaptionTransformer, positions: int) -> MarianMTModel:
    """A MarianMT with the weights of our language model; frames are the ``inputs_embeds`` of its encoder."""
    layer = ours.decoder_layers[0]
    config = MarianConfig(
        vocab_size=4,  # of the encoder, whose words are not used
        decoder_vocab_size=ours.vocab_size,
        share_encoder_decoder_embeddings=False,
        tie_word_embeddings=False,
        max_position_embeddings=positions,
        d_model=ours.hidden_channels,
        scale_embedding=True,
        activation_function="relu",
        dropout=0.0,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        forced_eos_token_id=None,
        decoder_start_token_id=BOS,
        **{f"{side}_layers": len(ours.decoder_layers) for side in ("encoder", "decoder")},
        **{f"{side}_attention_heads": layer.self_attention.num_heads for side in ("encoder", "decoder")},
        **{f"{side}_ffn_dim": layer.feedforward[0].out_features for side in ("encoder", "decoder")},
    )
    theirs = MarianMTModel(config).eval().requires_grad_(False).to(ours.lm_head.weight.device)
    model = theirs.model
    table = ours.positions(ours.lm_head.weight.new_zeros(1, positions, ours.hidden_channels))[0]
    for side in (model.encoder, model.decoder):
        side.embed_positions.weight.copy_(table)
    model.decoder.embed_tokens.weight.copy_(ours.embedding.weight)
    for mine, other in zip(ours.encoder_layers, model.encoder.layers, strict=True):
        copy_attention(mine.attention, other.self_attn)
        copy_feedforward(mine, other)
        norms = (other.self_attn_layer_norm, other.final_layer_norm)
        copy_norms(mine, norms)
    for mine, other in zip(ours.decoder_layers, model.decoder.layers, strict=True):
        copy_attention(mine.self_attention, other.self_attn)
        copy_attention(mine.cross_attention, other.encoder_attn)
        copy_feedforward(mine, other)
        copy_norms(mine, (other.self_attn_layer_norm, other.encoder_attn_layer_norm, other.final_layer_norm))
    copy_linear(ours.lm_head, theirs.lm_head, theirs.final_logits_bias[0])
    return theirs


def copy_attention(mine: Any, other: Any) -> None:
    copy_linear(mine.query, other.q_proj, other.q_proj.bias)
    keys_values = (mine.key_value.weight.chunk(2), mine.key_value.bias.chunk(2))
    for projection, weight, bias in zip((other.k_proj, other.v_proj), *keys_values, strict=True):
        projection.weight.copy_(weight), projection.bias.copy_(bias)
    copy_linear(mine.out, other.out_proj, other.out_proj.bias)


def copy_feedforward(mine: Any, other: Any) -> None:
    copy_linear(mine.feedforward[0], other.fc1, other.fc1.bias)
    copy_linear(mine.feedforward[3], other.fc2, other.fc2.bias)


def copy_norms(mine: Any, others: tuple[nn.LayerNorm, ...]) -> None:
    for norm, other in zip(mine.norms, others, strict=True):
        assert norm.eps == other.eps
        other.load_state_dict(norm.state_dict())


def copy_linear(mine: nn.Linear, other: nn.Linear, bias: Tensor) -> None:
    other.weight.copy_(mine.weight), bias.copy_(mine.bias)


def rows(quick: bool) -> list[Row]:
    """Greedy and beam search, to the length limit and with captions that end."""
    rival = Rival.make(PAPER, torch.device("cpu"))
    found = []
    for never_end in (True, False):
        if not never_end:
            rival.end_at(torch.randint(*LENGTHS, (PAPER["videos"],)) + 1)
        found += [_row(rival, method, never_end, quick) for method in ("greedy", "beam")]
    return found


def _row(rival: Rival, method: str, never_end: bool, quick: bool) -> Row:
    words = rival.write(method, never_end=never_end)
    assert torch.equal(words, rival.write_theirs(method, never_end=never_end)), f"other captions by {method}"
    lengths = (words != PAD).sum(1).float()
    ends = "all to the last word" if never_end else f"{float(lengths.mean()):.1f} words on average"
    search = f"{PAPER['beam_size']} beams" if method == "beam" else "greedy"
    operations = operations_of(lambda: rival.write(method, never_end=never_end))
    return compare(
        f"decoding, {search}, {'whole length' if never_end else 'captions that end'}",
        f"caption {PAPER['videos']} videos by STG-KD's scene branch, {search}, {ends}",
        lambda: rival.write(method, never_end=never_end),
        "Hugging Face generate, a MarianMT with our weights",
        lambda: rival.write_theirs(method, never_end=never_end),
        rounds=2 if quick else 5,
        warm=quick,
        promise=PROMISES[never_end, method],
        floor=(
            operations / product_rate(),
            f"{operations / 1e9:.0f} billion operations of its matrix products",
        ),
    )


if __name__ == "__main__":
    run_alone(rows, __doc__)
