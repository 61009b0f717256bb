"""The base class of all models: a name, and constructor arguments that a model folder keeps."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from torch import nn

from stgraph.checking import checked
from stgraph.models.arguments import recorded

__all__ = ["VideoModel"]


@checked
class VideoModel(nn.Module, ABC):
    """A model with a name, whose constructor arguments are checked against their annotations and kept as ``config``.

    A saved model is built again from them, so they must be JSON values. The registry, model folders, checkpoints and the
    training recipes need no more than this.

    Attributes:
        name: Name in model folders and in the registry.
        config: The constructor's arguments.

    Reference: our own design.
    """

    name: ClassVar[str]

    config: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = recorded(cls.__init__)  # type: ignore[method-assign]

    @contextmanager
    def without_dropout(self) -> Iterator[None]:
        """Runs the model in evaluation mode for a while, then restores each module's mode."""
        modes = [(part, part.training) for part in self.modules()]
        for part, _ in modes:
            # cuDNN computes gradients of recurrent layers in training mode only; ours have no dropout inside.
            part.training = isinstance(part, nn.RNNBase)
        try:
            yield
        finally:
            for part, training in modes:
                part.training = training
