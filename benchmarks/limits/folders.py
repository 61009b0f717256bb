"""Model folders that ask for more than their weights hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from stgraph.models import ModelConfig, STGraphCaptioner, save_model
from stgraph.text import CaptionTokenizer

__all__ = ["FOLDERS", "write_model"]


def write_model(folder: Path) -> Path:
    """Writes a small good folder."""
    tokenizer = CaptionTokenizer.from_captions(["a cat runs", "a dog sleeps"])
    small = {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16}
    model = STGraphCaptioner(tokenizer.vocab_size, appearance_channels=8, object_channels=8, **small)
    save_model(folder, model, ModelConfig.of(model), tokenizer)
    return folder


def _copy(model: Path, folder: Path) -> Path:
    return Path(shutil.copytree(model, folder / f"model{len(list(folder.iterdir()))}"))


def _asking(model: Path, folder: Path, **arguments: int) -> Path:
    """A folder whose settings have other arguments."""
    made = _copy(model, folder)
    content = json.loads((made / "config.json").read_text())
    content["arguments"] |= arguments
    (made / "config.json").write_text(json.dumps(content))
    return made


def _tokenizer(model: Path, folder: Path, **changed: Any) -> Path:
    """A folder whose tokenizer has other entries."""
    made = _copy(model, folder)
    content = json.loads((made / "tokenizer.json").read_text())
    (made / "tokenizer.json").write_text(json.dumps(content | changed))
    return made


def _words(model: Path, folder: Path, number: int) -> Path:
    """A folder whose tokenizer has so many more words."""
    made = _copy(model, folder)
    content = json.loads((made / "tokenizer.json").read_text())
    words = content["model"]["vocab"]
    words |= {f"word{place}": len(words) + place for place in range(number)}
    (made / "tokenizer.json").write_text(json.dumps(content, indent=2))
    return made


def _sparse(model: Path, folder: Path) -> Path:
    """A folder whose tokenizer is a file of 500 MB without blocks."""
    made = _copy(model, folder)
    with (made / "tokenizer.json").open("r+b") as file:
        file.truncate(500_000_000)
    return made


SLOW = {"type": "Replace", "pattern": {"Regex": "(a+)+(a+)+$"}, "content": ""}
SPLIT = {"type": "Split", "pattern": {"Regex": "(a+)+(a+)+$"}, "behavior": "Isolated", "invert": False}
FOLDERS: dict[str, Callable[[Path, Path], Path]] = {
    "158,000 channels": partial(_asking, hidden_channels=158_000),
    "25,000,000,000 channels": partial(_asking, hidden_channels=25_000_000_000),
    "25,000,000,000 layers": partial(_asking, num_layers=25_000_000_000),
    "25,000,000,000 words": partial(_asking, vocab_size=25_000_000_000),
    "25,000,000,000 positions": partial(_asking, max_length=25_000_000_000),
    "a normalizer that backtracks": partial(_tokenizer, normalizer=SLOW),
    "a pre-tokenizer that backtracks": partial(_tokenizer, pre_tokenizer=SPLIT),
    "a tokenizer of 500 MB": _sparse,
    "a tokenizer of 1,000,000 words": partial(_words, number=1_000_000),
    "a tokenizer of 400,000 words": partial(_words, number=400_000),
}
"""Functions that write such a folder from a good one, by what it asks for."""
