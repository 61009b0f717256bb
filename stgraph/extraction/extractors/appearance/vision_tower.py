"""Vision transformers of the Hugging Face hub as frame extractors: CLIP, DINOv2, SigLIP and similar models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.errors import DataError, DependencyError, MissingDataError, OptionError, StgraphError
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import RANDOM, hash_of, load_network

__all__ = ["VisionTower"]


@checked
class VisionTower(NetworkExtractor):
    """The vision encoder of a model on the hub; its text encoder is not loaded and its remote code is not run.

    Frames are preprocessed by the model's own image processor. The feature vector is the model's ``pooler_output``, or
    its first token if it has none: for CLIP the normalised class token *before* the projection into the joint space,
    which keeps the full width of the encoder; for DINOv2 the normalised class token; for SigLIP the attention pool.
    Cells are the patch tokens of the last layer (for CLIP before the final layer norm, which applies to the class token
    alone).

    Args:
        model: Name on the hub, or a folder with ``config.json``, ``preprocessor_config.json`` and, unless the weights
            are random, safetensors.
        weights: "default", the model's own, or "random", the same values each time.
        grid: Whether to extract the patch tokens too, as the stream ``grid/vision_tower``.

    Shapes: a frame -> appearance ``[D]``, grid ``[S, D]`` in row-major order.

    Raises:
        DependencyError: If ``transformers`` is not installed.
        MissingDataError: If there is no such model or the hub cannot be reached.
        DataError: If the files are not those of a vision model.
        OptionError: If ``weights`` is something else, or a grid is requested from a model without patches.

    Reference: Radford et al., ICML 2021; Oquab et al., TMLR 2024; Zhai et al., ICCV 2023.
    """

    def __init__(
        self, model: str = "openai/clip-vit-base-patch32", weights: str = "default", grid: bool = False
    ) -> None:
        if weights not in ("default", RANDOM):
            raise OptionError(
                f"'weights' must be 'default' or '{RANDOM}', got {weights!r}; for other weights set 'model' to their "
                "folder."
            )
        transformers = _transformers()
        safe = {"trust_remote_code": False}
        with _quiet(transformers), _translated_errors(model):
            config = transformers.AutoConfig.from_pretrained(model, **safe)
            config = getattr(config, "vision_config", config)
            self.processor = transformers.AutoImageProcessor.from_pretrained(model, **safe)
            if weights == RANDOM:
                network, digest = load_network(
                    partial(transformers.AutoModel.from_config, config, **safe), RANDOM
                )
            else:
                network = _load(transformers, model, config)
                digest = hash_of(network.state_dict())
        super().__init__(network, digest)
        self.versions = {"transformers": transformers.__version__}
        self.patch = getattr(config, "patch_size", None)
        if grid and not isinstance(self.patch, int):
            raise OptionError(f"'grid' must be False for {model}: a {config.model_type} has no patches.")
        self.streams = ("appearance", "grid/vision_tower") if grid else ("appearance",)

    def preprocess(self, frames: Tensor) -> Tensor:
        """The frame preprocessed by the model's image processor, ``[3, height, width]``."""
        image = frames[0].permute(2, 0, 1)
        # The layout is given, as it cannot be inferred from an image of 1 or 3 pixels height.
        prepared = self.processor(images=image, input_data_format="channels_first", return_tensors="pt")
        pixels = prepared["pixel_values"]
        if pixels.ndim != 4:
            raise DataError(
                f"The image processor must return images [1, 3, H, W], got {list(pixels.shape)}; use another model."
            )
        return pixels[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector and, on request, the patch tokens of each frame."""
        batch = torch.stack(list(items)).to(self.device)
        with self.autocast():
            output = self.network(pixel_values=batch)
        tokens, pooled = output.last_hidden_state, getattr(output, "pooler_output", None)
        pooled = (tokens[:, 0] if pooled is None else pooled).float().cpu()
        if len(self.streams) == 1:
            return [{"appearance": vector} for vector in pooled]
        assert self.patch is not None
        num_patches = (batch.size(2) // self.patch) * (batch.size(3) // self.patch)
        cells = tokens[:, -num_patches:].float().cpu()  # after the class token and registers
        return [
            {"appearance": vector, "grid/vision_tower": grid}
            for vector, grid in zip(pooled, cells, strict=True)
        ]


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise DependencyError(
            "The extractor 'vision_tower' needs the package 'transformers', which is not installed; run: "
            "pip install 'stgraph-captioning[hf]'"
        ) from error
    return transformers


def _load(transformers: Any, model: str, config: Any) -> nn.Module:
    network, report = transformers.AutoModel.from_pretrained(
        model,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):  # transformers initialises them at random
        raise DataError(
            f"The weights of {model} lack '{missing[0]}' and {len(missing) - 1} more of a {type(network).__name__}; are "
            "they those of another model?"
        )
    return network


@contextmanager
def _translated_errors(model: str) -> Iterator[None]:
    """Turns errors of transformers into stgraph's."""
    from safetensors import SafetensorError

    try:
        yield
    except StgraphError:
        raise
    except OSError as error:
        raise MissingDataError(
            f"The model {model!r} cannot be read from a folder of that name, the cache or the Hugging Face hub ("
            f"{' '.join(str(error).split())[:200]}); give a folder that holds it, with its weights as safetensors."
        ) from error
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"The model {model!r} is not a vision model that transformers can load without running remote code "
            f"({' '.join(str(error).split())[:200]}); use one such as openai/clip-vit-base-patch32."
        ) from error


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Silences progress bars and the warning about the text encoder's weights, which are left out on purpose."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
