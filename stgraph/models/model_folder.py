"""A trained model on disk: weights, a checked configuration, the vocabulary. Nothing in the folder is run as code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

import stgraph
from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, ModelFolderError, OptionError, shown
from stgraph.features.video_features import Sampling
from stgraph.files import make_folder, write_together
from stgraph.graph import GraphConfig
from stgraph.models import legacy
from stgraph.models.arguments import json_arguments
from stgraph.models.bounds import check_arguments, check_kept, weight_shapes
from stgraph.models.captioning_model import CaptioningModel
from stgraph.models.registry import find_model
from stgraph.models.video_model import VideoModel
from stgraph.parsing import read_json
from stgraph.text import CaptionTokenizer

__all__ = [
    "ClassifierConfig",
    "DataSummary",
    "ExtractorConfig",
    "ModelConfig",
    "fetch_from_hub",
    "load_model",
    "load_tokenizer",
    "read_model_config",
    "save_model",
]

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
FILES = (WEIGHTS, CONFIG, TOKENIZER)
FORMATS = {"stgraph-model": "CaptionPipeline", "stgraph-classifier": "ClassificationPipeline"}
"""What loads a folder, by the format that its configuration names."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@checked
class ExtractorConfig(_Strict):
    """The extractor that made a stream, with its weights, as the feature store records it."""

    name: str = Field(pattern=r"^\w+([.\-/]\w+)*$")  # a name, never a path out of a folder
    weights: str
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    seconds_per_video: float | None = Field(default=None, ge=0)  # measured when the features were extracted


@checked
class DataSummary(_Strict):
    """The data that a model was trained on: their name, and the number of videos per split."""

    name: str
    videos: dict[str, int]


@checked
class ModelConfig(_Strict):
    """The contents of ``config.json``; entries that are not named here are refused.

    Args:
        stgraph: Version that wrote the folder.
        model: Name of the model.
        arguments: Arguments of the model's constructor.
        graph: Settings of the graph builder; None if the model was trained on ready-made graphs.
        num_frames: Frames that are sampled from each video; None keeps all.
        sampling: Rule that samples them from the extracted ones.
        extractors: Extractor of each stream of the training data.
        categories: Categories of the training videos, in the order of their numbers.
        data: What the model was trained on; None if unknown.
    """

    format: Literal["stgraph-model"] = "stgraph-model"
    version: Literal[2] = 2
    stgraph: str = Field(default_factory=lambda: stgraph.__version__)
    model: str
    arguments: dict[str, Any]
    graph: GraphConfig | None = None
    num_frames: int | None = Field(default=10, ge=1, strict=True)
    sampling: Sampling = "spread"
    extractors: dict[str, ExtractorConfig] = {}
    categories: tuple[str, ...] = ()
    data: DataSummary | None = None

    @classmethod
    def of(cls, model: VideoModel, **values: Any) -> Self:
        """The configuration of a model, with further entries.

        Raises:
            OptionError: If an argument of the model cannot be saved.
        """
        return cls(model=model.name, arguments=json_arguments(type(model), model.config), **values)


@checked
class ClassifierConfig(ModelConfig):
    """The contents of ``config.json`` of a classifier: what a :class:`ModelConfig` says, and names.

    Args:
        classes: Name of each class, by number.
        label_names: Name of each class of things, by number.
    """

    format: Literal["stgraph-classifier"] = "stgraph-classifier"  # type: ignore[assignment]
    classes: tuple[str, ...]
    label_names: tuple[str, ...] = ()


@checked
def save_model(
    folder: str | Path,
    model: VideoModel,
    config: ModelConfig,
    tokenizer: CaptionTokenizer | None = None,
) -> None:
    """Writes a model folder.

    After an error the folder holds what it held before, after a kill one whole model or none: the weights appear last.

    Args:
        folder: Made if it does not exist.
        model: Its weights are saved.
        config: Written as ``config.json``.
        tokenizer: Written as ``tokenizer.json``; classifiers have none.

    Raises:
        WriteError: If the folder cannot be written.
    """
    make_folder(folder)
    contents = {} if tokenizer is None else {TOKENIZER: tokenizer.to_json().encode()}
    contents[CONFIG] = (json.dumps(config.model_dump(mode="json"), indent=1) + "\n").encode()
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    contents[WEIGHTS] = save(weights)  # save_file hides a full disk in an error of its own
    write_together(folder, contents)


Config = TypeVar("Config", bound=ModelConfig)
Model = TypeVar("Model", bound=VideoModel)


@overload
def read_model_config(folder: str | Path) -> ModelConfig: ...
@overload
def read_model_config(folder: str | Path, schema: type[Config]) -> Config: ...
@checked
def read_model_config(folder: str | Path, schema: type[ModelConfig] = ModelConfig) -> ModelConfig:
    """Reads and checks ``config.json``.

    Args:
        folder: The model folder.
        schema: What it must hold: a captioner's configuration, or :class:`ClassifierConfig`.

    Raises:
        MissingDataError: If the folder or one of its files is missing.
        ModelFolderError: If a file lies outside the folder, or the configuration holds an entry that is not in the schema
            (a ``_target_``, say).
    """
    folder = Path(folder)
    path = _file_inside(folder, CONFIG)
    try:
        content = read_json(path)
        kind = content.get("format") if isinstance(content, dict) else None
        if isinstance(kind, str) and kind in FORMATS and kind != schema.model_fields["format"].default:
            raise ModelFolderError(
                f"{folder} holds a {FORMATS[kind]}; load it by {FORMATS[kind]}.from_pretrained."
            )
        for name in FILES:
            if name != TOKENIZER or schema is ModelConfig:
                _file_inside(folder, name)
        return schema.model_validate(legacy.translate_config(content))
    except ValidationError as error:
        raise ModelFolderError(
            f"{path} {_first_problem(error)}; only what stgraph wrote is accepted."
        ) from error
    except DataError as error:
        raise ModelFolderError(f"{str(error).rstrip('.')}; the folder is damaged.") from error


@overload
def load_model(folder: str | Path, config: ModelConfig | None = None) -> CaptioningModel: ...
@overload
def load_model(folder: str | Path, config: ModelConfig | None, base: type[Model]) -> Model: ...
@checked
def load_model(
    folder: str | Path, config: ModelConfig | None = None, base: type[VideoModel] = CaptioningModel
) -> VideoModel:
    """Builds the model that a folder names and loads its weights; the model is in evaluation mode.

    Args:
        folder: The model folder.
        config: Its configuration, if it was read already.
        base: What the model must be.

    Raises:
        MissingDataError: If the folder or one of its files is missing.
        ModelFolderError: If the model is not known here, or weights and configuration do not fit together.
    """
    folder = Path(folder)
    config = config or read_model_config(folder)
    path = folder / CONFIG
    try:
        model_class = find_model(config.model, base)
    except OptionError as error:
        raise ModelFolderError(
            f"{path} names the model '{shown(config.model)}', which is not installed here: {error}"
        ) from error
    weights = _file_inside(folder, WEIGHTS)
    try:
        check_arguments(model_class, config.arguments, weight_shapes(weights), path)
        model = model_class(**config.arguments)
    except OptionError as error:
        reason = str(error).rstrip(".")
        raise ModelFolderError(f"{path}, arguments: {reason}; restore the folder.") from error
    check_kept(config.arguments, json_arguments(model_class, model.config), path)
    state = _read_weights(weights)
    try:
        model.load_state_dict(legacy.translate_state(config.model, state))
    except RuntimeError as error:
        first = str(error).splitlines()[:2][-1].strip()  # the line before only names the class
        raise ModelFolderError(
            f"{folder / WEIGHTS} does not fit {CONFIG} ({shown(first)}); the folder is damaged, or another version of "
            "stgraph wrote it: restore it, or train the model again."
        ) from error
    return model.eval()


def load_tokenizer(folder: str | Path) -> CaptionTokenizer:
    """The vocabulary of a model folder."""
    return CaptionTokenizer.load(_file_inside(Path(folder), TOKENIZER))


def fetch_from_hub(path: str) -> Path:
    """Downloads the model folder ``hf://owner/name`` unless it is in the cache.

    Raises:
        MissingDataError: If the hub has no such model or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = path.removeprefix("hf://")
    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise MissingDataError(
            f"The hub model '{name}' cannot be downloaded: {str(error).splitlines()[0]}"
        ) from error


def _read_weights(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ModelFolderError(
            f"{path} is not a safetensors file ({shown(error)}); the folder is damaged."
        ) from error
    for name, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ModelFolderError(f"{path}: '{shown(name)}' holds NaN or infinity; the folder is damaged.")
    return state


def _file_inside(folder: Path, name: str) -> Path:
    """A file of the folder; refused if a link leads out of the folder."""
    if not folder.is_dir():
        raise MissingDataError(f"No model folder at {folder}; train one with 'stgraph train run={folder}'.")
    # Unlike Path.resolve, realpath raises nothing for links that lead in a circle.
    root, path = (Path(os.path.realpath(each)) for each in (folder, folder / name))
    if not path.is_relative_to(root):
        raise ModelFolderError(
            f"'{name}' leads out of the model folder {folder}; a model folder holds its own files."
        )
    if not path.is_file():
        raise MissingDataError(
            f"{folder} is not a model folder: it has no {name}; if its training was stopped, resume it."
        )
    return path


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = shown(".".join(str(part) for part in first["loc"])) or "top level"
    if first["type"] == "extra_forbidden":
        return f"has the unknown entry '{where}'"
    return (
        f"has a wrong entry '{shown(where)}' ({shown(first['msg'], 1000)}, got {str(first['input'])[:80]!r})"
    )
