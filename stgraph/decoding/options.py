"""Decoding methods by name, with the option names of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from stgraph.checking import checked
from stgraph.decoding.base import Decoding
from stgraph.decoding.beam import BeamSearch
from stgraph.decoding.greedy import Greedy
from stgraph.decoding.sampling import Sampling
from stgraph.errors import OptionError

__all__ = ["decoding_from_dict", "decoding_from_options"]

METHODS: dict[str, type[Greedy] | type[BeamSearch] | type[Sampling]] = {
    method.method: method for method in (Greedy, BeamSearch, Sampling)
}
_ARGUMENTS = {"beam_size": "size"}  # options whose name differs from the constructor's argument


@checked
def decoding_from_options(method: str = "greedy", **options: Any) -> Decoding:
    """Builds a decoding from the options of the command line (``decoding.method=beam decoding.beam_size=5``).

    Options of other methods are accepted as long as they keep their defaults, because a configuration lists all options.

    Args:
        method: "greedy", "beam" or "sample".
        options: ``beam_size``, ``length_penalty``, ``narrowing``, ``temperature``, ``top_k``, ``top_p``, ``seed``,
            ``captions_per_video``.

    Raises:
        OptionError: If the method or an option is unknown, a value is out of its range, or an option belongs to another
            method.

    >>> decoding_from_options("beam", beam_size=3)
    BeamSearch(size=3, length_penalty=0.0, captions_per_video=1, narrowing=False)
    """
    if not isinstance(method, str) or method not in METHODS:
        raise OptionError(f"'method' must be one of {tuple(METHODS)}, got {method!r}.")
    chosen, arguments = METHODS[method], {}
    own = _defaults(chosen)
    for option, value in options.items():
        if option in own:
            arguments[_ARGUMENTS.get(option, option)] = value
            continue
        owners = {name: other for name, other in METHODS.items() if option in _defaults(other)}
        if not owners:
            known = sorted({name for other in METHODS.values() for name in _defaults(other)})
            raise OptionError(f"'{option}' is no option of decoding; known are {', '.join(known)}.")
        if all(value != _defaults(other)[option] for other in owners.values()):
            classes = " and ".join(other.__name__ for other in owners.values())
            names = " or ".join(repr(name) for name in owners)
            raise OptionError(
                f"'{option}' is an option of {classes}, not of {chosen.__name__}, got {value!r}; drop it or choose "
                f"method {names}."
            )
    return chosen(**arguments)


@checked
def decoding_from_dict(content: Mapping[str, Any]) -> Decoding:
    """Reads what :meth:`Decoding.to_dict` gives, or the record of an older evaluation file, which lists all options.

    Raises:
        OptionError: As in :func:`decoding_from_options`.
    """
    return decoding_from_options(**content)


def _defaults(method: type[Greedy] | type[BeamSearch] | type[Sampling]) -> dict[str, Any]:
    """Defaults of a method's options, by their names on the command line."""
    names = {argument: option for option, argument in _ARGUMENTS.items()}
    return {names.get(field.name, field.name): field.default for field in fields(method)}
