"""A fixed part of the search of ``python -m tests.fuzz.stores``, which looks for longer."""

import pytest

from tests.features.store.samples import write
from tests.fuzz.stores import findings, search, write_version_1

TRIALS = 100


@pytest.mark.parametrize("everywhere", [False, True], ids=["metadata", "everywhere"])
def test_no_mutated_store_crashes_hangs_or_is_accepted_with_other_values(tmp_path, everywhere):
    outcomes = search(range(TRIALS), everywhere=everywhere, make=write, folder=tmp_path)
    assert len(outcomes) == TRIALS
    assert findings(outcomes) == {}
    assert {"refused", "same"} <= set(outcomes.values())  # the search reaches both


def test_no_mutated_store_of_version_1_crashes_or_hangs(tmp_path):
    """It has no checksums, so a changed letter of an id or a changed position of an array cannot be seen."""
    outcomes = search(range(TRIALS // 2), make=write_version_1, folder=tmp_path)
    assert set(findings(outcomes).values()) <= {"SILENT"}
    assert {"refused", "same"} <= set(outcomes.values())
