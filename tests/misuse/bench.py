"""Calls with wrong arguments, and what came of them."""

from __future__ import annotations

import collections
import contextlib
import copy
import inspect
import io
import itertools
import math
import random
import re
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np
from torch import Tensor

import stgraph
from stgraph.errors import StgraphError
from stgraph.graph.edges import registry as edge_rules
from stgraph.metrics import ptb
from stgraph.models import registry as models
from tests.misuse.targets import Target, targets
from tests.misuse.valid import Unmade, base_call
from tests.misuse.wrong import Stranger, wrong_values

ROOT = str(Path(stgraph.__file__).parent)
LIMIT = 120
"""Seconds after which a call hangs; METEOR takes 6 to start Java, and several times that on a busy machine."""


KINDS = ("house error", "right result", "signature", "raw error", "accepted", "not finite", "hang")
"""What can come of a call; from "raw error" on they are findings."""


@dataclass
class Tally:
    """Calls by what came of them, and the findings."""

    callables: int = 0
    calls: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)
    report: Callable[[str], None] = field(default=lambda line: None)
    unmade: list[str] = field(default_factory=list)


class Hang(BaseException):
    """A call took longer than `LIMIT`."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def used(result: Any) -> Any:
    """A result after its first items were taken: a generator checks its arguments only then."""
    if inspect.isgenerator(result):
        return list(itertools.islice(result, 3))
    if hasattr(result, "gen") and hasattr(result, "__enter__"):  # a context manager made of a generator
        with result as inner:
            return inner
    return result


def outcome(target: Target, call: Callable[[], Any], changed: Mapping[str, Any]) -> tuple[str, str]:
    """What came of a call, and a line about it where it is a finding: a valid call, which changes nothing, must succeed."""
    try:
        with limited(LIMIT), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            result = used(call())
    except StgraphError as error:
        text = str(error)
        sentence = len(text) > 15 and "\n" not in text and all(each.isprintable() for each in text)
        if not sentence:
            return "raw error", f"a message that is no sentence: {text[:80]!r}"
        return "house error", "" if changed else f"the valid call is refused: {text[:110]}"
    except Hang:
        return "hang", f"hangs after {LIMIT} s"
    except Exception as error:  # noqa: BLE001  any other error is what is looked for
        lines = traceback.extract_tb(error.__traceback__)
        ours = [
            line for line in lines if line.filename.startswith(ROOT) and "/checking/" not in line.filename
        ]
        own = not ours or "unexpected keyword argument" in str(error)
        if isinstance(error, TypeError) and own and "argument" in str(error):
            return "signature", "" if changed else f"the valid call is none: {error}"  # Python's own answer
        where = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else "outside"
        return "raw error", f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:110]}"
    if any(isinstance(value, Stranger) for value in changed.values()):
        names = [name for name, value in changed.items() if isinstance(value, Stranger)]
        if not may_be_anything(target, names):
            return "accepted", "an object of an unknown class is accepted"
    if not any(unreal(value) for value in changed.values()) and unreal(result) and not may_be_nan(target):
        return "not finite", "the result is NaN or infinite"
    return "right result", ""


def may_be_anything(target: Target, names: list[str]) -> bool:
    found = {parameter.name: str(parameter.annotation) for parameter in target.parameters}
    loose = (
        "Any",
        "object",
        "Callable",
        "EdgeRule",
        "_Marked",
        "empty",
        "TypeVar",
        "Tagger",
        "DataSizes",
        "Engine",
    )
    return all(any(word in found.get(name, "Any") for word in loose) for name in names)


def may_be_nan(target: Target) -> bool:
    """Whether the documentation says when the result is NaN or -inf, such as the recall where there is nothing to find."""
    return (
        re.search(r"(\bNaN|-inf)\s+(if|for|unless|where|without)\b", target.function.__doc__ or "")
        is not None
    )


def unreal(value: Any) -> bool:
    """Whether a value is or holds NaN or infinite numbers."""
    if isinstance(value, Tensor):
        return value.is_floating_point() and not value.is_meta and not bool(value.isfinite().all())
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and not bool(np.isfinite(value).all())
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, (list, tuple)):
        return any(unreal(each) for each in value[:50])
    return isinstance(value, dict) and any(unreal(each) for each in value.values())


def shown(value: object) -> str:
    return (
        repr(value).replace("\n", " ")[:50] if not isinstance(value, Tensor) else f"tensor{list(value.shape)}"
    )


def attempt(target: Target, tally: Tally, changed: dict[str, Any], title: str) -> None:
    try:
        made = base_call(target)
    except Unmade:
        return
    function, arguments = made
    arguments = {**arguments, **changed}
    positional = [p.name for p in target.parameters if p.kind is p.VAR_POSITIONAL]
    spread = arguments.pop(positional[0]) if positional and positional[0] in arguments else ()
    if not isinstance(spread, (list, tuple)):
        spread = (spread,)
    kind, line = outcome(target, lambda: function(*spread, **arguments), changed)
    tally.calls[kind] += 1
    if line:
        tally.findings.append(f"{target.label}({title}): {line}")
        tally.report(tally.findings[-1])


def own_arguments(target: Target) -> dict[str, Any]:
    """The valid arguments that a target names; what it takes by ``**`` belongs to another callable, such as a Trainer."""
    names = {parameter.name for parameter in target.parameters}
    return {name: value for name, value in base_call(target)[1].items() if name in names}


def single(target: Target) -> Iterator[tuple[str, dict[str, Any]]]:
    """One wrong argument at a time, an unknown one, and each one missing."""
    for name, right in own_arguments(target).items():
        for title, value in wrong_values(right):
            yield f"{name}={title}", {name: value}
    yield "unknown argument", {"no_such_argument": 1}


def combined(target: Target, draw: random.Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Several wrong arguments at once."""
    arguments = own_arguments(target)
    if len(arguments) < 2:
        return
    values = {name: list(wrong_values(right)) for name, right in arguments.items()}
    for _ in range(count):
        names = draw.sample(sorted(values), draw.randint(2, min(4, len(values))))
        chosen = {name: draw.choice(values[name]) for name in names}
        title = ", ".join(f"{name}={each[0]}" for name, each in chosen.items())
        yield title, {name: each[1] for name, each in chosen.items()}


def belongs(name: str, package: str) -> bool:
    """Whether a package is the given one or in it; "stgraph" is only what the library itself exports."""
    return not package or name == package or (package != "stgraph" and name.startswith(f"{package}."))


# Starting Java for every call would take most of the time, and what it answers is of no interest here.
@mock.patch.object(ptb, "_run", lambda command, text: (0, text.lower(), b""))
@mock.patch.dict(edge_rules._registered)  # names that calls register are known to no call of another test
@mock.patch.dict(models._registered)
def run(
    share: float = 1.0,
    combinations: int = 10,
    seed: int = 0,
    only: str = "",
    package: str = "",
    seconds: float = math.inf,
    report: Callable[[str], None] = lambda line: None,
) -> Tally:
    """Calls everything wrongly.

    Args:
        share: Share of the wrong calls that is made, drawn by ``seed``.
        combinations: Number of calls with several wrong arguments per callable.
        seed: Of the draw.
        only: Text in the labels of the callables to run.
        package: Beginning of the names of the packages whose callables are run.
        seconds: No new callable is begun after this time.
        report: Called with each finding.
    """
    tally, draw, begun = Tally(report=report), random.Random(seed), time.monotonic()
    for target in targets():
        if only not in target.label or not belongs(target.package, package):
            continue
        if time.monotonic() - begun > seconds:
            break
        try:
            base_call(target)
        except Unmade as error:
            tally.unmade.append(f"{target.label}: {error}")
            continue
        before = len(tally.findings)
        tally.callables += 1
        attempt(target, tally, {}, "valid call")
        if len(tally.findings) > before:  # wrong arguments would only meet what is wrong with this call
            continue
        calls = [each for each in single(target) if draw.random() < share]
        calls += combined(target, draw, max(1, round(combinations * share)))
        for title, changed in calls:
            attempt(target, tally, copy.copy(changed), title)
    return tally
