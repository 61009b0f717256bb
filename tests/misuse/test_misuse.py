"""A part of the bench: wrong calls of every package, drawn by a seed. ``python -m tests.misuse`` makes all of them."""

import pytest

from stgraph.metrics import ptb
from tests.misuse import bench
from tests.misuse.targets import targets
from tests.misuse.valid import SKIPPED

HELD = {
    "stgraph.text": 0.1,
    "stgraph.video": 0.1,
    "stgraph.parsing": 0.1,
    "stgraph.features": 0.1,
    "stgraph.graph": 0.1,
    "stgraph.decoding": 0.1,
    "stgraph.metrics": 0.1,
    "stgraph.datasets": 0.02,
    "stgraph.models": 0.02,
    "stgraph.inspection": 0.01,
    "stgraph": 0.01,
    "stgraph.training": 0.02,
    "stgraph.experiments": 0.05,
    "stgraph.nn": 0.01,
}
"""Packages whose callables answer no wrong call with another error, and the share of the calls that is made here."""


@pytest.mark.parametrize(("package", "share"), HELD.items())
def test_wrong_calls_raise_our_errors(package, share, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tally = bench.run(share=share, combinations=1, seed=0, package=package)
    assert tally.findings == []
    assert tally.calls["house error"] > 20
    assert [line for line in tally.unmade if "not called, as" not in line] == []


def test_the_bench_leaves_the_tokeniser_as_it_was():
    before = ptb._run
    bench.run(share=0.0, combinations=1, package="stgraph.text")
    assert ptb._run is before


def test_a_raw_error_is_a_finding():
    """The bench itself: a function that doesn't check its arguments is found."""
    from tests.misuse.targets import Target, parameters_of

    def halve(number):
        return number / 2

    target = Target("halve", "stgraph", None, halve, parameters_of(halve))
    kind, line = bench.outcome(target, lambda: halve("4"), {"number": "4"})
    assert kind == "raw error"
    assert "TypeError" in line


def test_what_is_not_called_exists_and_has_a_reason():
    known = {target.label for target in targets()} | {target.label.split(".")[0] for target in targets()}
    assert all(reason for reason in SKIPPED.values())
    assert set(SKIPPED) - known - {"axes"} == set()
