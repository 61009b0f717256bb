"""Constructor arguments as a model's configuration: checked, recorded, saved."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from stgraph.checking.calls import described
from stgraph.errors import OptionError
from stgraph.typing import LARGEST_WIDTH

__all__ = [
    "ArgumentError",
    "OptionalWidth",
    "Probability",
    "VocabSize",
    "Width",
    "constructor_arguments",
    "json_arguments",
    "recorded",
]

Width = Annotated[int, Field(ge=1, le=LARGEST_WIDTH, strict=True)]
"""A number of channels, layers or words: at least 1."""
OptionalWidth = Annotated[int, Field(ge=0, le=LARGEST_WIDTH, strict=True)]
"""The width of an input stream, or 0 if the model does not read that stream."""
VocabSize = Annotated[int, Field(ge=5, le=LARGEST_WIDTH, strict=True)]
"""Four special tokens and at least one word."""
Probability = Annotated[float, Field(ge=0, lt=1)]
"""A dropout probability."""


class ArgumentError(OptionError):
    """A constructor argument of a model that is unknown, missing or out of its range.

    Args:
        argument: Name of the argument.
        problem: What is wrong with it, continuing a sentence that begins with the argument's name.
    """

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"'{argument}'{problem}")
        self.argument, self.problem = argument, problem


def recorded(init: Callable[..., None]) -> Callable[..., None]:
    """Wraps ``__init__`` so that its checked arguments are kept as ``self.config``.

    The outermost constructor records: arguments that a subclass passes on to its base class are not the model's.
    """

    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        if "config" in self.__dict__:
            return init(self, *args, **kwargs)
        values = _checked(type(self), args, kwargs)
        self.__dict__["config"] = values  # torch's modules accept plain attributes before their own __init__
        return init(self, **values)

    wrapped.__checks_arguments__ = True  # type: ignore[attr-defined]  # pydantic has checked them
    return wrapped


def constructor_arguments(cls: type) -> Mapping[str, inspect.Parameter]:
    """The constructor's parameters by name, without ``self``."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    return {parameter.name: parameter for parameter in parameters}


def json_arguments(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded arguments as JSON holds them.

    Raises:
        OptionError: If a value has no JSON form, such as a module.
    """
    try:
        return _schema(cls).model_validate(dict(values)).model_dump(mode="json")
    except ValueError as error:
        raise OptionError(
            f"The arguments of {cls.__name__} cannot be saved as JSON ({' '.join(str(error).split())[:150]}); "
            "pass numbers, strings and lists, and build modules from them inside."
        ) from error


def _checked(cls: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = list(constructor_arguments(cls))
    if len(args) > len(names):
        raise OptionError(
            f"{cls.__name__} takes at most {len(names)} arguments, got {len(args)}; leave out the others."
        )
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    try:
        checked = _schema(cls).model_validate(given)
    except ValidationError as error:
        raise _as_argument_error(cls, error) from error
    return {name: getattr(checked, name) for name in _schema(cls).model_fields}


def _as_argument_error(cls: type, error: ValidationError) -> ArgumentError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = list(constructor_arguments(cls))
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"its arguments are {', '.join(known)}."
        return ArgumentError(name, f" is not an argument of {cls.__name__}; {hint}")
    if first["type"] == "missing":
        return ArgumentError(name, f" must be given to {cls.__name__}.")
    message = first["msg"][0].lower() + first["msg"][1:]
    return ArgumentError(name, f": {message}, got {described(first['input'])}.")


@functools.cache
def _schema(cls: type) -> type[BaseModel]:
    """A pydantic model with one field per constructor argument."""
    try:
        hints = get_type_hints(cls.__init__, include_extras=True)  # type: ignore[misc]
    except NameError:  # annotations that name something local to a function
        hints = {}
    fields: dict[str, Any] = {}
    for name, parameter in constructor_arguments(cls).items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise OptionError(
                f"The constructor of {cls.__name__} must name its arguments, got '*{name}'; a saved model is built from "
                "them again."
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), default)
    settings = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(f"{cls.__name__}Arguments", __config__=settings, **fields)
