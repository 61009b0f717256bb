"""Arguments are checked against annotations where a call enters the library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stgraph import nn as layers
from stgraph.checking import axes, call_checked, checked
from stgraph.errors import OptionError, ShapeError
from stgraph.typing import FloatTensor, IndexTensor, MaskTensor, Positive, Probability, Width


@checked
def taken(
    number: int = 1,
    rate: float = 0.5,
    text: str = "a",
    flag: bool = True,
    path: str | Path = "a",
    texts: list[str] | None = None,
    pair: tuple[int, int] = (1, 2),
    table: dict[str, int] | None = None,
    choice: Literal["a", "b"] = "a",
    width: Width = 1,
    dropout: Probability = 0.0,
    temperature: Positive = 1.0,
    device: torch.device | str = "cpu",
    x: FloatTensor | None = None,
    index: IndexTensor | None = None,
    mask: MaskTensor | None = None,
    frames: int | Tensor = 1,
) -> bool:
    return True


@pytest.mark.parametrize(
    "given",
    [
        {"number": np.int64(3)},
        {"rate": 2},
        {"rate": np.float32(0.5)},
        {"path": Path("a")},
        {"texts": ("a", "b")},
        {"pair": [1, 2]},
        {"table": {}},
        {"choice": "b"},
        {"x": torch.zeros(2, dtype=torch.float16)},
        {"index": torch.zeros(2, dtype=torch.int64)},
        {"mask": torch.zeros(2, dtype=torch.bool)},
        {"frames": torch.tensor([1])},
    ],
)
def test_what_the_annotations_allow_is_taken(given):
    assert taken(**given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"number": "4"}, "'number' must be a whole number, got '4'"),
        ({"number": True}, "'number' must be a whole number, got True"),
        ({"number": 2**63}, "'number' must be a whole number"),
        ({"rate": "a"}, "'rate' must be a number, got 'a'"),
        ({"rate": 10**400}, "'rate' must be a number"),
        ({"text": b"a"}, "'text' must be a string"),
        ({"flag": 1}, "'flag' must be True or False, got 1"),
        ({"path": "a\0b"}, "'path' must be a path"),
        ({"texts": "a cat"}, "'texts' must be a sequence of strings or None, got 'a cat'"),
        ({"texts": ["a", None]}, r"'texts(\[1\])?' must be a (sequence of )?string"),
        ({"pair": (1, 2, 3)}, "'pair' must be a tuple of 2"),
        ({"table": {1: 1}}, "'(a key of )?table' must be a (mapping from )?string"),
        ({"choice": ["a"]}, "'choice' must be 'a' or 'b'"),
        ({"width": 0}, "'width' must be a whole number of at least 1"),
        ({"dropout": 1.0}, "'dropout' must be a number of at least 0 and below 1, got 1.0"),
        ({"temperature": float("inf")}, "'temperature' must be a finite number above 0"),
        ({"temperature": float("nan")}, "'temperature' must be a finite number above 0"),
        ({"device": 0}, "'device' must be a device of this machine"),
        ({"device": "meta"}, "'device' must be a device of this machine"),
        ({"x": [1.0]}, "'x' must be a floating-point tensor or None, got list .*as_tensor"),
        ({"x": np.zeros(2)}, "'x' must be a floating-point tensor.*as_tensor"),
        ({"x": torch.zeros(2, dtype=torch.complex64)}, "'x' must be a floating-point tensor"),
        ({"index": torch.zeros(2)}, "'index' must be an int64 tensor"),
        ({"mask": torch.zeros(2)}, "'mask' must be a bool tensor"),
        ({"frames": None}, "'frames' must be a whole number or a tensor, got None"),
        ({"x": torch.zeros(2, device="meta")}, "'x' must have values"),
    ],
)
def test_what_they_do_not_allow_is_named(given, says):
    with pytest.raises(OptionError, match=says):
        taken(**given)


def test_a_call_that_does_not_fit_the_signature_is_pythons_own_error():
    with pytest.raises(TypeError, match="unexpected keyword"):
        taken(colour=1)


@checked
class Layer(nn.Module):
    def __init__(self, width: Width) -> None:
        super().__init__()
        self.lin = nn.Linear(width, width)

    @axes(x="N D=lin.in_features", frame="N <limit", rest="... N")
    def forward(
        self, x: FloatTensor, frame: IndexTensor | None = None, rest: FloatTensor | None = None
    ) -> Tensor:
        return self.lin(x)

    limit = 3


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"x": torch.zeros(2, 5)}, ShapeError, r"'x' must be \[N, D=4\], got \[2, 5\]"),
        ({"x": torch.zeros(4)}, ShapeError, r"'x' must be \[N, D=4\], got \[4\]"),
        ({"frame": torch.tensor([0, 1, 2])}, ShapeError, r"'frame' must be \[N=2\], got \[3\]"),
        ({"frame": torch.tensor([0, 3])}, OptionError, "'frame' must hold numbers from 0 to 2, got 3"),
        ({"frame": torch.tensor([-1, 0])}, OptionError, "'frame' must hold numbers from 0 to 2, got -1"),
        ({"rest": torch.zeros(7, 3)}, ShapeError, r"'rest' must be \[..., N=2\], got \[7, 3\]"),
        (
            {"x": torch.zeros(2, 4, device="meta")},
            OptionError,
            r"the device of the weights \(cpu\), got meta",
        ),
        (
            {"x": torch.zeros(2, 4).double()},
            OptionError,
            r"precision of the weights \(float32\), got float64",
        ),
    ],
)
def test_axes_devices_and_precision(given, error, says):
    with pytest.raises(error, match=says):
        Layer(4)(**({"x": torch.zeros(2, 4)} | given))


def test_autocast_and_compiled_layers_are_not_in_the_way():
    layer, x = Layer(4), torch.zeros(2, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x.bfloat16()).dtype == torch.bfloat16
    assert layer(x, torch.tensor([0, 1]), torch.zeros(5, 6, 2)).shape == (2, 4)


def test_constructors_of_dataclasses_are_checked():
    @checked
    @dataclass(frozen=True)
    class Pair:
        one: int
        two: str = "b"

    assert Pair(1).two == "b"
    with pytest.raises(OptionError, match="'two' must be a string, got 3"):
        Pair(1, 3)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "8", None, True, 2**63, [8], torch.tensor(8)])
@pytest.mark.parametrize(
    "make",
    [
        lambda size: layers.AdditiveAttention(size, 8, 8),
        lambda size: layers.MultiHeadAttention(size, 2),
        lambda size: layers.CaptionTransformer(size, 8),
        lambda size: layers.GateDropoutLSTMCell(8, size),
        lambda size: layers.FrameAttentionPool(size),
        lambda size: layers.RelativeGeometry(size),
        lambda size: layers.GraphEncoder(size, 8),
        lambda size: layers.ResidualGCNConv(size),
    ],
)
def test_sizes_of_layers_are_checked(make, wrong):
    with pytest.raises(OptionError, match="must be a whole number"):
        make(wrong)


@checked
def nested(
    captions: dict[str, list[str]] | None = None, sizes: list[tuple[int, int]] | None = None
) -> None: ...


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"captions": {"a": ["b"], "c": ["d", 3]}}, r"'captions\['c'\]\[1\]' must be a string, got 3"),
        ({"captions": {"a": "b"}}, r"'captions\['a'\]' must be a sequence of strings, got 'b'"),
        ({"captions": {1: ["b"]}}, "'a key of captions' must be a string, got 1"),
        ({"sizes": [(1, 2), (3, "4")]}, r"'sizes\[1\]\[1\]' must be a whole number, got '4'"),
        ({"sizes": [(1, 2), (3,)]}, r"'sizes\[1\]' must be a tuple of 2"),
    ],
)
def test_the_wrong_element_is_named(given, says):
    with pytest.raises(OptionError, match=says):
        nested(**given)


def test_checks_of_what_takes_no_tensor_import_no_torch():
    code = """
import sys
from stgraph.checking import checked
@checked
def halve(number: int, path: str | None = None): return number / 2
halve(4)
try: halve("4")
except ValueError as error: print(error)
print("torch" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["'number' must be a whole number, got '4'.", "False"], run.stderr


def test_functions_are_compiled_apart():
    """torch.compile gives up on a code object after 8 versions: no two checked functions may share one."""
    codes = [layers.MeanPool.forward.__code__, layers.RankedPool.forward.__code__, taken.__code__]
    assert len({id(code) for code in codes}) == 3
    assert taken.__code__.co_name == "taken"


class Walk:
    """A data set as torch has them: items by number, and no sequence."""

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return (number, "walk")


def test_items_by_number_are_a_sequence():
    @checked
    def first(pairs: Sequence[tuple[int, str]]) -> object:
        return pairs[0]

    assert first(Walk()) == (0, "walk")
    with pytest.raises(OptionError, match="'pairs' must be a sequence"):
        first({0: "walk"})


THREADS = """
import gc, sys, time
from concurrent.futures import ThreadPoolExecutor
import stgraph.pipeline
from stgraph.checking.scope import _typing_imports

class Garbage:
    def __init__(self):
        self.me = self
    def __del__(self):  # lets another thread run while a syntax tree is made
        time.sleep(0)

def read(depth):
    Garbage()
    return read(depth - 1) if depth else len(_typing_imports.__wrapped__(stgraph.pipeline.__file__))

sys.setswitchinterval(1e-6)
gc.set_threshold(50)
with ThreadPoolExecutor(8) as threads:
    print(set(threads.map(read, [number % 40 for number in range(300)])))
"""


def test_annotations_are_read_by_many_threads_at_once():
    """CPython 3.11 counts the depth of syntax trees of all threads together, and fails if they don't match."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", THREADS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 1


@checked
class Ends(NamedTuple):
    low: float
    name: str | Path = "a"


def test_fields_of_a_named_tuple_are_checked():
    assert Ends(1, Path("a")) == (1, Path("a"))
    assert Ends(np.float32(0.5))._replace(low=0.25).low == 0.25
    with pytest.raises(OptionError, match=r"'low' must be a number, got 'x'\."):
        Ends("x")
    with pytest.raises(OptionError, match="'name' must be"):
        Ends(1.0, name=3)


@checked
def calls(
    function: Callable[[int, str], object], times: NDArray[np.int64], counts: Sequence[Width] = ()
) -> None:
    """Takes its arguments and does nothing."""


class Callables:
    def __call__(self, number: int, text: str = "") -> None: ...

    def method(self, *given: object) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        print,  # its signature takes anything
        getattr,  # written in C, without a signature
        lambda a, b, c=3: None,
        partial(lambda a, b, c: None, c=1),
        Callables(),
        Callables().method,
        nn.Identity(),
        pytest.param(slice, id="a class with arguments"),
    ],
)
def test_what_takes_the_arguments_is_callable(function):
    assert calls(function, np.arange(2)) is None


@pytest.mark.parametrize("function", [lambda: None, lambda a: None, lambda a, b, c: None, object, 3])
def test_what_does_not_take_the_arguments_is_refused(function):
    with pytest.raises(OptionError, match=r"'function' must be callable with 2 arguments, got "):
        calls(function, np.arange(2))


def test_kinds_of_arrays_and_bounds_of_their_values():
    function = Callables()
    for times in (np.arange(2, dtype=np.int32), np.array([True]), np.array([], dtype=np.uint8)):
        calls(function, times, counts=np.array([1, 2]))
    for times in (np.zeros(2), np.array(["a"]), np.array([None]), torch.arange(2), [1]):
        with pytest.raises(OptionError, match="'times' must be an array of whole numbers, got "):
            calls(function, times)
    with pytest.raises(OptionError, match="'counts' must be a sequence of"):
        calls(function, np.arange(2), counts=np.array([1, 0]))


class Beams:
    rows = 6


@checked
class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 2)

    @axes(
        x="P D=lin.in_features", state="P H=lin.out_features", index="I <count", beams="P <held.rows//count"
    )
    def forward(
        self,
        x: FloatTensor,
        state: tuple[FloatTensor, FloatTensor],
        index: IndexTensor | None = None,
        count: int = 2,
        beams: IndexTensor | None = None,
        held: object = None,
    ) -> Tensor:
        return self.lin(x) + state[0]


ZEROS = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"state": (ZEROS, ZEROS[:3])}, r"'state\[1\]' must be \[P=4, H=2\], got \[3, 2\]"),
        ({"state": (ZEROS.double(), ZEROS)}, r"'state\[0\]' must have the precision of the weights"),
        ({"state": (ZEROS, ZEROS.to("meta"))}, r"'state\[1\]' must be on the device of the weights"),
        ({"state": (ZEROS, None)}, r"'state\[1\]' must be a floating-point tensor, got None"),
        ({"index": torch.tensor([0, 2]), "count": 2}, "'index' must hold numbers from 0 to 1, got 2"),
        ({"index": torch.tensor([0, 2]), "count": 3}, None),
        ({"beams": torch.tensor([0, 1, 2, 2]), "held": Beams(), "count": 2}, None),
        (
            {"beams": torch.tensor([0, 1, 2, 3]), "held": Beams(), "count": 2},
            "'beams' must hold numbers from 0 to 2, got 3",
        ),
    ],
)
def test_containers_of_tensors_and_bounds_named_by_arguments(given, says):
    cell = Cell()
    arguments = {"state": (ZEROS, ZEROS), **given}
    if says is None:
        assert cell(torch.ones(4, 3), **arguments).shape == (4, 2)
        return
    with pytest.raises((OptionError, ShapeError), match=says):
        cell(torch.ones(4, 3), **arguments)


def test_settings_of_a_caller_are_checked_inside_a_checked_call():
    @checked
    def outer(settings: dict[str, object]) -> object:
        return call_checked(taken, **settings), taken(number="unchecked")

    with pytest.raises(OptionError, match="'number' must be a whole number, got 'a'"):
        outer({"number": "a"})
    outer({"number": 3})
