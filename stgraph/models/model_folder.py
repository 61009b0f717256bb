"""A trained model on disk: weights, a checked description, the vocabulary. Nothing in it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from stgraph.errors import MissingDataError, ModelFolderError, OptionError
from stgraph.files import atomic_write, write_text
from stgraph.graph.config import GraphConfig
from stgraph.models.stat_captioner import STATCaptioner
from stgraph.models.stats_captioner import STaTSCaptioner
from stgraph.models.stgraph_captioner import STGraphCaptioner

__all__ = [
    "MODELS",
    "AnyCaptioner",
    "ExtractorConfig",
    "GraphConfig",
    "ModelConfig",
    "load_model",
    "read_description",
    "save_model",
]

WEIGHTS, DESCRIPTION, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
AnyCaptioner = STGraphCaptioner | STATCaptioner | STaTSCaptioner
MODELS: dict[str, Any] = {model.name: model for model in (STGraphCaptioner, STATCaptioner, STaTSCaptioner)}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExtractorConfig(_Strict):
    """Which extractor made a stream, with which weights; as in the feature store."""

    name: str = Field(pattern=r"^\w+([.\-/]\w+)*$")  # a name, never a way out of a folder
    weights: str
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    seconds_per_video: float | None = Field(default=None, ge=0)  # what it took when the features were made


class ModelConfig(_Strict):
    """The contents of ``config.json``; anything that is not named here is refused."""

    format: Literal["stgraph-model"] = "stgraph-model"
    version: Literal[1] = 1
    stgraph: str
    model: str
    settings: dict[str, Any]
    graph: GraphConfig
    num_frames: int | None = Field(default=10, ge=1)
    extractors: dict[str, ExtractorConfig]
    categories: tuple[str, ...] = ()  # of the training videos, in the order of their numbers


def save_model(folder: Path, model: nn.Module, description: ModelConfig) -> None:
    """Writes weights and description; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_write(folder / WEIGHTS) as part:
        part.write_bytes(save(weights))
    write_text(folder / DESCRIPTION, json.dumps(description.model_dump(mode="json"), indent=1) + "\n")


def read_description(folder: Path) -> ModelConfig:
    """Reads and checks ``config.json``.

    Raises:
        MissingDataError: No such folder, or a file of it is missing. ModelFolderError: A file leaves the folder, or
        the description holds something that is not in the schema (a ``_target_``, say).
    """
    for name in (WEIGHTS, DESCRIPTION, TOKENIZER):
        file_inside(folder, name)
    try:
        content = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        return ModelConfig.model_validate(content)
    except ValidationError as error:
        raise ModelFolderError(
            f"{folder / DESCRIPTION} {_first(error)}; only what stgraph wrote is accepted."
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFolderError(
            f"{folder / DESCRIPTION} is not JSON ({error}); the folder is damaged."
        ) from error


def file_inside(folder: Path, name: str) -> Path:
    """A file of the folder, refused where its name or a link leads out of it."""
    root, path = folder.resolve(), (folder / name).resolve()
    if not folder.is_dir():
        raise MissingDataError(f"No model folder at {folder}; train one with 'stgraph train run={folder}'.")
    if not path.is_relative_to(root):
        raise ModelFolderError(
            f"'{name}' leads out of the model folder {folder}; a model folder holds its own files."
        )
    if not path.is_file():
        raise MissingDataError(
            f"{folder} is no model folder: it has no {name}; was its training stopped? Resume it."
        )
    return path


def load_model(folder: Path, description: ModelConfig | None = None) -> AnyCaptioner:
    """Builds the model that the folder names and loads its weights; in evaluation mode."""
    description = description or read_description(folder)
    if description.model not in MODELS:
        raise ModelFolderError(
            f"{folder / DESCRIPTION} names the model {description.model!r}; known are {sorted(MODELS)}."
        )
    model_class = MODELS[description.model]
    try:
        model = model_class(model_class.config_class.model_validate(description.settings))
        model.load_state_dict(load_file(file_inside(folder, WEIGHTS)))
    except ValidationError as error:
        raise ModelFolderError(f"{folder / DESCRIPTION}, settings: {_first(error)}.") from error
    except OptionError as error:
        raise ModelFolderError(f"{folder / DESCRIPTION}, settings: {error}") from error
    except (SafetensorError, RuntimeError) as error:
        raise ModelFolderError(
            f"{folder / WEIGHTS} does not fit the description ({str(error).splitlines()[0]}); the folder is damaged."
        ) from error
    return model.eval()


def from_hub(path: str | Path) -> Path:
    """The model folder of ``hf://owner/name``, fetched where it is not here yet.

    Raises: MissingDataError: It cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = str(path).removeprefix("hf://")
    try:
        return Path(
            snapshot_download(name, allow_patterns=["model.safetensors", "config.json", "tokenizer.json"])
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise MissingDataError(
            f"The hub model '{name}' cannot be had: {str(error).splitlines()[0]}"
        ) from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "top level"
    if first["type"] == "extra_forbidden":
        return f"has the unknown entry '{where}'"
    return f"has a wrong entry '{where}' ({first['msg']}, got {str(first['input'])[:80]!r})"
