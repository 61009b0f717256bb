"""Checks the arguments of public callables against their annotations, where a call enters the library.

A check looks at types, at the bounds of numbers, and at the kind and device of tensors. It never looks at the values of a
tensor, which on a GPU would wait for the device; a function that needs values of a certain kind checks them itself. What a
checked call calls in its turn is not checked again: in decoding that would cost a quarter of the time of a small model.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stgraph.errors import OptionError, ShapeError, shown

if TYPE_CHECKING:
    from stgraph.checking.value_rules import Rule

__all__ = ["axes", "call_checked", "check_values", "checked", "described", "passes_on"]

Checked = TypeVar("Checked", bound=Callable[..., Any])


class _Call(threading.local):
    """Whether this thread is inside a checked call."""

    entered = False


_call = _Call()


def checked(target: Checked) -> Checked:
    """Makes a public function, or the constructor and public methods of a class, refuse wrong arguments.

    Annotations are read at the first call. What they name is what a call must pass; annotations of third-party protocols
    and type variables are not checked. Inside ``torch.compile`` nothing is checked. A constructor of pydantic raises our
    errors in place of its own.

    Args:
        target: A function, or a class whose own public methods are checked; subclasses decorate themselves.

    Raises:
        OptionError: By the checked callable, if an argument has another type, a number is outside its bounds, or a tensor
            has the wrong kind of values or is on another device than the rest.

    >>> @checked
    ... def halve(number: int) -> float:
    ...     return number / 2
    >>> halve("4")
    Traceback (most recent call last):
        ...
    stgraph.errors.OptionError: 'number' must be a whole number, got '4'.
    """
    if not inspect.isclass(target):
        return _wrapped(target)  # type: ignore[return-value]
    if hasattr(target, "__pydantic_base_init__") or hasattr(target, "model_fields"):
        _translate_pydantic(target)
    for name, value in list(vars(target).items()):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if hasattr(value, "__pydantic_base_init__"):
            continue
        if inspect.isfunction(value):
            setattr(target, name, _wrapped(value, skip=1))
        elif isinstance(value, (classmethod, staticmethod)):
            skip = 1 if isinstance(value, classmethod) else 0
            setattr(target, name, type(value)(_wrapped(value.__func__, skip=skip)))
    if issubclass(cast(type, target), tuple):  # a NamedTuple has no __init__ of its own
        target.__new__.__module__ = target.__module__  # where the names of its annotations are
        target.__new__ = _wrapped(target.__new__, skip=1)  # type: ignore[method-assign]
    return target


def passes_on(function: Checked) -> Checked:
    """Marks a method of a checked class that calls another checked one with its own arguments, and leaves the checks to it.

    What is in ``**options`` is then checked as well.
    """
    function.__checks_arguments__ = True  # type: ignore[attr-defined]
    return function


def axes(**specs: str) -> Callable[[Checked], Checked]:
    """Names the axes of a checked function's tensors, which a call is then compared with.

    Args:
        specs: Axes by argument, separated by spaces, as in ``query="P H=width", keys="P ... S A"``. Axes of one name have
            one size in all tensors of a call; ``=`` is followed by the attribute of ``self``, or by an argument and its
            attribute, that holds the size, ``...`` stands for any axes, and a number for a fixed size. A last ``<name``
            bounds the values of an index tensor by an axis, argument or attribute of that name, or by the quotient of two
            (``<a//b``); it is checked on the CPU only, as a GPU would be waited for. The axes of a container of tensors
            are those of each.
    """

    def mark(function: Checked) -> Checked:
        function.__axes__ = {name: _parsed(spec) for name, spec in specs.items()}  # type: ignore[attr-defined]
        return function

    return mark


Axis = tuple[str, str]
Spec = tuple[list[Axis], list[Axis] | None, str]


def _parsed(spec: str) -> Spec:
    """The axes before ``...``, those after it or None, and the name of the bound of the values or nothing."""
    spec, _, bound = spec.partition("<")
    found: list[Axis] = [(name, path) for name, _, path in (axis.partition("=") for axis in spec.split())]
    names = [name for name, _ in found]
    if "..." not in names:
        return found, None, bound
    place = names.index("...")
    return found[:place], found[place + 1 :], bound


def _check_axes(
    first: object, tensors: list[tuple[str, Any]], specs: dict[str, Spec], given: dict[str, Any]
) -> None:
    sizes: dict[str, Any] = {}
    for name, value in tensors:
        spec = specs.get(name) or specs.get(name.partition("[")[0])
        if spec is None or not hasattr(value, "shape"):
            continue
        head, tail, bound = spec
        shape, before = tuple(value.shape), dict(sizes)
        pairs = list(zip(head, shape, strict=False))
        fits = len(shape) == len(head) if tail is None else len(shape) >= len(head) + len(tail)
        if tail is not None and fits:
            end = len(shape) - len(tail)
            pairs += zip([("...", ""), *tail], [shape[len(head) : end], *shape[end:]], strict=True)
        if fits and all(_size(first, axis, sizes, size, given) == size for axis, size in pairs):
            if bound:
                _check_bound(first, name, value, bound, given, sizes)
            continue
        text = ", ".join(_axes_text(first, head, tail, before, given))
        raise ShapeError(f"'{name}' must be [{text}], got {list(shape)}.")


def _check_bound(
    first: object, name: str, value: Any, bound: str, given: dict[str, Any], sizes: dict[str, Any]
) -> None:
    whole, _, part = bound.partition("//")
    limit = sizes[whole] if whole in sizes else _known(first, whole, given)
    if part and limit is not None:
        limit //= max(1, _known(first, part, given) or 1)
    if limit is not None and not hasattr(limit, "shape"):
        check_values(name, value, limit)


def _known(first: object, path: str, given: dict[str, Any]) -> Any:
    """The value of a dotted path, which begins with an attribute of ``self`` or an argument; None for one left out."""
    head, _, rest = path.partition(".")
    if hasattr(first, head):
        return attrgetter(path)(first)
    value = given.get(head)
    return attrgetter(rest)(value) if rest and value is not None else value


def check_values(name: str, value: Any, bound: int, low: int = 0) -> None:
    """Checks that an index tensor on the CPU holds numbers from ``low`` to ``bound`` - 1; a GPU would be waited for."""
    torch = sys.modules["torch"]
    if torch.compiler.is_compiling() or value.device.type != "cpu" or not value.numel():
        return
    lowest, highest = (int(each) for each in value.aminmax())
    if lowest < low or highest >= bound:
        raise OptionError(
            f"'{name}' must hold numbers from {low} to {bound - 1}, got {lowest if lowest < low else highest}."
        )


def _size(first: object, axis: Axis, sizes: dict[str, Any], size: Any, given: dict[str, Any]) -> Any:
    name, path = axis
    if name.isdigit():
        return int(name)
    if path and (known := _known(first, path, given)) is not None:
        sizes[name] = known
    return sizes.setdefault(name, size)


def _axes_text(
    first: object,
    head: list[Axis],
    tail: list[Axis] | None,
    sizes: dict[str, Any],
    given: dict[str, Any],
) -> Iterator[str]:
    for name, path in [*head, *([("...", ""), *tail] if tail is not None else [])]:
        known = _known(first, path, given) if path else sizes.get(name)
        if isinstance(known, tuple):  # the sizes that ... stands for
            yield from map(str, known)
        else:
            yield name if known is None else f"{name}={known}"


def _wrapped(function: Callable[..., Any], skip: int = 0) -> Callable[..., Any]:
    if hasattr(function, "__checks_arguments__") or getattr(function, "__isabstractmethod__", False):
        return function
    rules: list[tuple[str, Rule | None]] | None = None
    named: dict[str, Rule | None] = {}
    specs = getattr(function, "__axes__", None)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal rules, named
        torch = sys.modules.get("torch")
        if (torch is not None and torch.compiler.is_compiling()) or _call.entered:
            return function(*args, **kwargs)
        if rules is None:
            from stgraph.checking.rules import rules_of

            rules, named = rules_of(function, skip)
        first = args[0] if skip else None
        tensors = None
        for (name, rule), value in zip(rules, args[skip:], strict=False):
            if rule is not None:
                if not rule.accepts(value):
                    raise refusal(name, rule, value)
                if value is not None and (rule.tensor or rule.tensors):
                    tensors = [*(tensors or ()), *_tensors_of(name, rule, value)]
        for name, value in kwargs.items():
            rule = named.get(name)
            if rule is not None:
                if not rule.accepts(value):
                    raise refusal(name, rule, value)
                if value is not None and (rule.tensor or rule.tensors):
                    tensors = [*(tensors or ()), *_tensors_of(name, rule, value)]
        if tensors:
            _check_together(first, tensors)
            if specs is not None:
                given = dict(zip((name for name, _ in rules), args[skip:], strict=False)) | kwargs
                _check_axes(first, tensors, specs, given)
        _call.entered = True
        try:
            return function(*args, **kwargs)
        finally:
            _call.entered = False

    # torch.compile keeps and counts what it compiled by code object, so each function needs one of its own.
    made: Any = wrapper
    made.__code__ = made.__code__.replace(co_name=function.__name__, co_qualname=function.__qualname__)
    wrapper.__checks_arguments__ = True  # type: ignore[attr-defined]
    return wrapper


def call_checked(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Calls a function inside a checked call so that its arguments are checked: they are the caller's, such as settings."""
    before, _call.entered = _call.entered, False
    try:
        return function(*args, **kwargs)
    finally:
        _call.entered = before


def _tensors_of(name: str, rule: Rule, value: Any) -> list[tuple[str, Any]]:
    if not rule.tensors or not isinstance(value, (list, tuple, dict)):
        return [(name, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [(f"{name}[{key!r}]", each) for key, each in items if each is not None]


def refusal(name: str, rule: Rule, value: object) -> OptionError:
    """The error for an argument that a rule doesn't accept; of a container it names the first wrong element."""
    wrong = next((part for part in rule.parts(value) if not part[1].accepts(part[2])), None)
    if wrong is not None:
        return refusal(wrong[0].format(name), wrong[1], wrong[2])
    return OptionError(f"'{name}' must be {rule.text}, got {described(value)}{rule.remedy(value)}.")


def _check_together(first: object, tensors: list[tuple[str, Any]]) -> None:
    """Checks that tensors are on the device of the module's weights, or all on one, and of the weights' precision."""
    weight = _weight_of(first)
    where, device = "the weights", None if weight is None else weight.device
    for name, value in tensors:
        if not hasattr(value, "is_meta"):  # a number or an array in place of a tensor, where both are allowed
            continue
        if device is None:
            where, device = f"'{name}'", value.device
        if value.device != device:
            raise OptionError(
                f"'{name}' must be on the device of {where} ({device}), got {value.device}; move it with "
                f".to('{device}')."
            )
        if value.is_meta and weight is None:
            raise OptionError(f"'{name}' must have values, got a tensor on the meta device; pass real data.")
        if weight is not None and value.is_floating_point() and value.dtype != weight.dtype:
            _check_precision(name, value, weight)


def _check_precision(name: str, value: Any, weight: Any) -> None:
    import torch

    if str(value.layout) != "torch.strided":  # a matrix of edges keeps the precision that it has
        return
    if weight.is_floating_point() and not torch.is_autocast_enabled(value.device.type):
        raise OptionError(
            f"'{name}' must have the precision of the weights ({_short(weight.dtype)}), got {_short(value.dtype)}; "
            f"convert it with .to(torch.{_short(weight.dtype)}) or run under torch.autocast."
        )


def _weight_of(module: object) -> Any:
    """The first weight of a torch module; None for anything else."""
    parts = getattr(module, "__dict__", {})
    for parameter in parts.get("_parameters", {}).values():
        if parameter is not None:
            return parameter
    for child in parts.get("_modules", {}).values():
        found = _weight_of(child)
        if found is not None:
            return found
    return None


def _short(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def described(value: Any) -> str:
    """Names a value in a message: its text, or what it is where the text would be long."""
    kind = type(value).__name__
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        device = f" on {value.device}" if getattr(value, "is_meta", False) else ""
        return f"{kind} {list(value.shape)} of {_short(value.dtype)}{device}"
    if isinstance(value, (str, bool, int, float, complex, bytes)) or value is None:
        return shown(repr(value), 80)
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        text = f"an empty {kind}" if not value else f"{kind} {_text(value)}"
        return shown(text, 100)
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    return f"an object of type {kind}"


def _text(value: object) -> str:
    try:
        return repr(value) if len(value) < 50 else f"of {len(value)} values"  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  an element's own repr may fail
        return "of values that cannot be shown"


def _translate_pydantic(cls: Any) -> None:
    """Lets a pydantic class raise our errors from its constructor; validation of nested values stays pydantic's."""
    from pydantic import ValidationError

    init = cls.__init__

    @functools.wraps(init)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except ValidationError as error:
            raise pydantic_refusal(error, cls.__name__) from error
        except UnicodeEncodeError as error:
            raise OptionError(
                f"A text of {cls.__name__} must be valid Unicode, got {shown(repr(error.object), 80)}; take out "
                "its lone surrogates."
            ) from error

    wrapper.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # nested validation needs no constructor
    cls.__init__ = wrapper


def pydantic_refusal(error: Any, of: str) -> OptionError:
    """The first problem of a pydantic error as an error of ours."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or of
    message = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] == "missing":
        return OptionError(f"'{name}' must be given to {of}.")
    if first["type"] == "extra_forbidden":
        return OptionError(f"'{name}' is not an argument of {of}; leave it out.")
    if ", got " not in message:
        message += f", got {described(first['input'])}"
    return OptionError(f"'{name}' of {of}: {message}.")
