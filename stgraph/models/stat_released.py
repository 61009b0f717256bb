"""STAT as its authors released it: the names of their parameters, and how they draw initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stgraph.checking import described
from stgraph.errors import DataError, MissingDataError, shown
from stgraph.nn import AdditiveAttention, STATDecoder, STATEncoder

__all__ = ["ReleasedParams", "draw_released_weights", "read_released", "released_arguments", "released_state"]

ReleasedParams = str | Path | Mapping[str, Any]
"""The authors' ``.npz`` file, or its arrays by name."""

KEPT = 0.5
"""Share of values that the released dropout keeps; at test time the code multiplies by it."""
STD = 0.01
"""Standard deviation of the released initial weights."""
UNUSED = frozenset({"history_errs", "train_err", "valid_err", "test_err"})
"""Arrays that the authors store beside the parameters."""

LINEAR = {
    "ff_state": "decoder.first_hidden",
    "ff_memory": "decoder.first_cell",
    "ff_motion": "encoder.motion",
    "ff_local": "encoder.objects",
    "ff_logit_ctxglm": "decoder.context_out",
}
"""Linear layers without dropout, by their released names."""
ATTENTION = {
    "l": "decoder.attention.spatial.attention",
    "g": "decoder.attention.temporal.global",
    "m": "decoder.attention.temporal.motion",
    "lt": "decoder.attention.temporal.local",
}
"""Attentions by the letters of their released names."""
NAMES = (
    "Wemb",
    *(f"{name}_{part}" for name in (*LINEAR, "ff_logit_lstm", "ff_logit") for part in "Wb"),
    *(f"decoder_{part}" for part in ("W", "U", "b", "Wc", "W_sel", "b_sel")),
    *(f"decoder_{part}{stream}_att" for stream in ATTENTION for part in ("Wc", "Wd", "b", "U", "c")),
)
"""Names of all parameters of the released model."""


def read_released(params: ReleasedParams) -> dict[str, Tensor]:
    """Reads the authors' parameters.

    Args:
        params: Their ``.npz`` file, or its arrays by name.

    Returns:
        The parameters by their released names, without the training history that is stored with them.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is not an ``.npz`` file of arrays, or a parameter is missing, unknown, not finite or not of
            the shape that the others imply.
    """
    arrays = params if isinstance(params, Mapping) else _read_archive(Path(params))
    if missing := [name for name in NAMES if name not in arrays]:
        raise DataError(
            f"The released STAT has {len(NAMES)} parameters, of which {len(missing)} are missing here, such as "
            f"'{missing[0]}'; give all arrays of the authors' .npz under their names."
        )
    if unknown := sorted(arrays.keys() - set(NAMES) - UNUSED, key=str):
        raise DataError(
            f"'{unknown[0]}' is not a parameter of the released STAT; a model with other options cannot be converted."
        )
    for name in NAMES:
        if np.asarray(arrays[name]).dtype.kind != "f":
            raise DataError(
                f"'{name}' of the released STAT must be an array of floating-point numbers, got {described(arrays[name])}."
            )
    found = {name: torch.as_tensor(np.asarray(arrays[name])) for name in NAMES}
    for name, shape in _shapes(found).items():
        if tuple(found[name].shape) != shape:
            raise DataError(
                f"'{name}' of the released STAT must be {list(shape)} beside the other parameters, got "
                f"{list(found[name].shape)}."
            )
        if not bool(found[name].isfinite().all()):
            raise DataError(f"'{name}' of the released STAT holds NaN or infinity; the file is damaged.")
    return found


def released_arguments(params: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor arguments of :class:`~stgraph.STATCaptioner` that the sizes of the parameters imply."""
    channels = params["decoder_Wc"].size(0)
    return {
        "vocab_size": params["Wemb"].size(0) + 2,
        "appearance_channels": channels,
        "motion_channels": params["ff_motion_W"].size(0),
        "object_channels": params["ff_local_W"].size(0),
        "stream_channels": channels,
        "attention_channels": params["decoder_Wcg_att"].size(1),
        "word_channels": params["Wemb"].size(1),
        "hidden_channels": params["decoder_U"].size(0),
        "exclude_padding": True,
    }


def released_state(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    r"""The state dict of a :class:`~stgraph.STATCaptioner` that computes what the released model computes.

    - **Words.** Their word 0 ends a caption and 1 is the unknown word, ours 2 and 3; their word w from 2 on is our w + 2.
      Padding and the begin token, which they do not have, get zeros.
    - **Dropout.** Their dropout zeroes values in training and halves them in testing; ours doubles what is left in
      training. Weights of what is dropped are halved, so that both are the same in training and in testing.
    - **Constants of the attention scores**, their ``c``, cancel in the softmax and have no counterpart.

    Every entry is a differentiable function of ``params``, so that gradients can be compared by their names, too.

    Args:
        params: The result of :func:`read_released`.
    """
    state = {}
    for name, ours in LINEAR.items():
        state[f"{ours}.weight"], state[f"{ours}.bias"] = params[f"{name}_W"].T, params[f"{name}_b"]
    for letter, ours in ATTENTION.items():
        state |= {
            f"{ours}.key.weight": params[f"decoder_Wc{letter}_att"].T,
            f"{ours}.query.weight": params[f"decoder_Wd{letter}_att"].T,
            f"{ours}.query.bias": params[f"decoder_b{letter}_att"],
            f"{ours}.score.weight": params[f"decoder_U{letter}_att"].T,
        }
    hidden = params["decoder_U"].size(0)
    kept = params["decoder_b"].new_ones(4 * hidden)
    kept[: 3 * hidden] = KEPT  # three gates are dropped, the candidate is not
    gates = torch.cat([params["decoder_W"], params["decoder_Wc"], params["decoder_U"]]).T
    words = params["Wemb"]
    return state | {
        "decoder.embedding.weight": torch.cat([words.new_zeros(2, words.size(1)), words]),
        "decoder.attention.gate.weight": params["decoder_W_sel"].T,
        "decoder.attention.gate.bias": params["decoder_b_sel"].reshape(1),
        "decoder.cell.gates.weight": gates * kept[:, None],
        "decoder.cell.gates.bias": params["decoder_b"] * kept,
        "decoder.hidden_out.weight": KEPT * params["ff_logit_lstm_W"].T,
        "decoder.hidden_out.bias": params["ff_logit_lstm_b"],
        "decoder.lm_head.weight": torch.cat(
            [words.new_zeros(2, words.size(1)), KEPT * params["ff_logit_W"].T]
        ),
        "decoder.lm_head.bias": torch.cat([words.new_zeros(2), params["ff_logit_b"]]),
    }


@torch.no_grad()
def draw_released_weights(encoder: STATEncoder, decoder: STATDecoder) -> None:
    """Draws all weights as the released code does.

    Weights are normal with a standard deviation of 0.01 and biases 0. Square weights are orthogonal instead, except those
    of attention keys, and so are the four blocks of the LSTM that take its state.
    """
    keys = {id(part.key) for part in decoder.modules() if isinstance(part, AdditiveAttention)}
    for part in (*encoder.modules(), *decoder.modules()):
        if isinstance(part, nn.Linear) and part is not decoder.cell.gates:
            _draw(part.weight, orthogonal=id(part) not in keys)
            if part.bias is not None:
                part.bias.zero_()
        elif isinstance(part, nn.Embedding):
            _draw(part.weight)
    word, hidden = decoder.embedding.embedding_dim, decoder.cell.hidden_channels
    context = decoder.cell.in_channels - word
    words, contexts, states = decoder.cell.gates.weight.split([word, context, hidden], dim=1)
    for block in (*words.split(hidden), *states.split(hidden)):
        _draw(block)
    _draw(contexts)
    decoder.cell.gates.bias.zero_()


def _draw(weight: Tensor, *, orthogonal: bool = True) -> None:
    """Draws in place; views of a larger weight are allowed."""
    if orthogonal and weight.size(0) == weight.size(1):
        drawn = torch.empty_like(weight, memory_format=torch.contiguous_format)
        weight.copy_(nn.init.orthogonal_(drawn))
    else:
        weight.normal_(std=STD)


def _read_archive(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise MissingDataError(f"There is no file {path}; give the .npz that the released STAT code saved.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if name not in UNUSED}
    except MemoryError:
        raise
    except Exception as error:  # zipfile and the headers of arrays may raise anything for a damaged file
        raise DataError(
            f"{path} is not an .npz file of arrays ({shown(' '.join(str(error).split()), 150)}); give the one that the "
            "released STAT code saved."
        ) from error


def _shapes(params: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter that follows from a few of them."""
    vocabulary, word = _axes(params, "Wemb")
    channels = _axes(params, "decoder_Wc")[0]
    hidden = _axes(params, "decoder_U")[0]
    motion, local = _axes(params, "ff_motion_W")[0], _axes(params, "ff_local_W")[0]
    wide = _axes(params, "decoder_Wcg_att")[1]
    shapes: dict[str, tuple[int, ...]] = {
        "Wemb": (vocabulary, word),
        "decoder_W": (word, 4 * hidden),
        "decoder_U": (hidden, 4 * hidden),
        "decoder_b": (4 * hidden,),
        "decoder_Wc": (channels, 4 * hidden),
        "decoder_W_sel": (hidden, 1),
    }
    for name, inside, outside in (
        ("ff_state", channels, hidden),
        ("ff_memory", channels, hidden),
        ("ff_motion", motion, channels),
        ("ff_local", local, channels),
        ("ff_logit_lstm", hidden, word),
        ("ff_logit_ctxglm", channels, word),
        ("ff_logit", word, vocabulary),
    ):
        shapes[f"{name}_W"], shapes[f"{name}_b"] = (inside, outside), (outside,)
    for letter in ATTENTION:
        shapes |= {
            f"decoder_Wc{letter}_att": (channels, wide),
            f"decoder_Wd{letter}_att": (hidden, wide),
            f"decoder_b{letter}_att": (wide,),
            f"decoder_U{letter}_att": (wide, 1),
        }
    return shapes


def _axes(params: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    if params[name].dim() != 2:
        raise DataError(f"'{name}' of the released STAT must be a matrix, got {params[name].dim()} axes.")
    return params[name].size(0), params[name].size(1)
