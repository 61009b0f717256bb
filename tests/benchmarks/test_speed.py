"""The bench of speed: how it measures, when its check fails, and that its growth curves can be drawn."""

import json
import math
import time

import pytest
import torch

from benchmarks.speed import __main__ as bench
from benchmarks.speed import loading, scaling
from benchmarks.speed.measuring import compare, operations_of, quartiles
from stgraph.nn.linear import Linear


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_ratio_is_that_of_the_rounds_and_times_are_of_a_unit():
    row = compare("a", "work", lambda: busy(0.004), "peer", lambda: busy(0.012), rounds=3, promise=2.0, per=4)
    assert 2 < row.ratio < 4
    assert 0.0009 < row.ours.processor < 0.002
    assert row.met
    assert row.to_dict()["met"]


def test_quartiles():
    assert quartiles([3.0]) == (3, 3)
    assert quartiles([1.0, 2, 3, 4, 5]) == (2, 4)


@pytest.mark.parametrize("packed", [False, True])
def test_products_of_onednn_are_counted(packed):
    layer = Linear(512, 512, bias=False)
    x = torch.randn(128, 512)
    if packed:
        weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        operations = operations_of(
            lambda: torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
        )
    else:
        operations = operations_of(lambda: layer(x))
    assert operations == 2 * 128 * 512 * 512


def committed(*ratios):
    return [{"name": name, "ratio": ratio} for name, ratio in zip("abc", ratios, strict=False)]


@pytest.mark.parametrize(
    ("now", "status", "says"),
    [
        ((2.1, 9.0), 0, ""),
        ((1.9, 9.0), 1, "a: 1.90 times as fast as the peer, but 4.00"),
        ((2.1, 9.0, 1.0), 1, "Not in the committed table: c"),
    ],
)
def test_the_check_fails_below_half_of_a_committed_ratio(now, status, says, capsys):
    assert bench.check(committed(*now), {"a": 4.0, "b": 9.0}) == status
    assert says in capsys.readouterr().out


def test_ratios_are_compared_with_those_of_the_processor_or_the_smallest_of_any(tmp_path):
    for device, ratios in (("x-2-cores", (4.0, 9.0, 1.0)), ("y-2-cores", (5.0, 8.0))):
        (tmp_path / f"{device}.json").write_text(json.dumps({"rows": committed(*ratios)}))
    (tmp_path / "scaling.json").write_text("{}")  # of another measurement
    assert bench.committed_ratios(tmp_path, "y-2-cores") == {"a": 5.0, "b": 8.0}
    assert bench.committed_ratios(tmp_path, "z-8-cores") == {"a": 4.0, "b": 8.0, "c": 1.0}


def test_rows_measured_again_replace_those_of_their_file():
    def record(commit, threads, *names):
        rows = [{"name": name, "from": commit} for name in names]
        return {"commit": commit, "threads": threads, "rows": rows}

    before = record("a", 1, "layer, x", "layer, y", "rewards", "reading, mp4")
    found = bench.with_rows_again(before, record("b", 1, "layer, x", "layer, z", "start, import"))
    assert [(row["name"], row["from"]) for row in found["rows"]] == [
        ("layer, x", "b"),
        ("layer, z", "b"),
        ("rewards", "a"),
        ("reading, mp4", "a"),
        ("start, import", "b"),
    ]
    assert (found["commit"], found["measured_again"]) == ("a", {"layer": "b", "start": "b"})
    whole = record("c", 1, "layer, x", "rewards", "reading, mp4")
    assert bench.with_rows_again(before, whole) == whole
    other = record("d", 2, "layer, x")
    assert bench.with_rows_again(before, other) == other


def test_slopes_are_those_of_powers():
    points = [{"frames": n, "seconds": 3 * n**1.1} for n in (10, 500, 1000, 2000)]
    points[0]["seconds"] = 100.0  # below 500 frames nothing counts
    assert math.isclose(scaling.slope(points, "seconds"), 1.1)


def test_a_point_of_growth_is_measured_in_a_process_of_its_own(tmp_path):
    points = [
        scaling.measured("aggregation", frames, 3, 0.0) | {"against": against}
        for frames, against in ((4, "frames"), (8, "frames"), (4, "objects"))
    ]
    assert all(point["seconds"] > 0 for point in points)
    scaling.draw(points, tmp_path / "a.svg")
    assert "aggregation" in (tmp_path / "a.svg").read_text()


def test_a_store_is_opened_and_read(tmp_path):
    loading.write_store(tmp_path / "a.h5", 20)
    found = loading.opening(tmp_path / "a.h5")
    assert json.loads(json.dumps(found)) == found
    assert found["us_of_a_random_video"] > 0
