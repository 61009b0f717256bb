import subprocess
import sys

import pytest

from stgraph.datasets import draw_splits
from stgraph.errors import DataError, OptionError

IDS = [f"clip {number}" for number in range(3000)]


def test_shares_hold_on_average_and_the_order_does_not_matter():
    splits = draw_splits(IDS, val=0.1, test=0.2)
    share = {name: list(splits.values()).count(name) / len(IDS) for name in ("train", "val", "test")}
    # Five standard deviations of a share of 3,000 draws.
    assert share["train"] == pytest.approx(0.7, abs=0.042)
    assert share["val"] == pytest.approx(0.1, abs=0.028)
    assert share["test"] == pytest.approx(0.2, abs=0.037)
    assert draw_splits(IDS[::-1], val=0.1, test=0.2) == splits


def test_new_videos_move_no_old_one():
    few = draw_splits(IDS[:200])
    assert few.items() <= draw_splits(IDS).items()


def test_a_larger_share_only_takes_from_training():
    small, large = draw_splits(IDS, val=0, test=0.1), draw_splits(IDS, val=0, test=0.3)
    assert {name for name in IDS if small[name] == "test"} < {name for name in IDS if large[name] == "test"}


def test_seeds_draw_apart():
    splits = [draw_splits(IDS, val=0, test=0.5, seed=seed) for seed in (0, 1)]
    same = sum(splits[0][name] == splits[1][name] for name in IDS) / len(IDS)
    assert same == pytest.approx(0.5, abs=0.05)


def test_another_process_draws_the_same():
    """Python's own hash of a text would not."""
    code = (
        "from stgraph.datasets import draw_splits; print(draw_splits([f'v{i}' for i in range(50)], 0.3, 0.3))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(draw_splits([f"v{i}" for i in range(50)], 0.3, 0.3))


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.1), (0.1, -0.1), (0.5, 0.5), (0, 1)])
def test_shares_that_cannot_be(val, test):
    with pytest.raises(OptionError, match=f"got {val} and {test}"):
        draw_splits(IDS, val, test)


def test_a_split_without_videos_is_named():
    with pytest.raises(DataError, match="None of 1 videos fell into the split 'val', whose share is 0.1"):
        draw_splits(["cat"])
    assert draw_splits(["cat"], val=0, test=0) == {"cat": "train"}
