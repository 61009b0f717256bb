import json
from pathlib import Path

import pytest

from stgraph.settings.compose import compose
from stgraph.settings.identity import settings_hash, settings_that_matter

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
OTHERS = {"faithfulness", "vrd"}
"""Results of benchmarks that record their cells themselves."""
ROWS = sorted({path.parent for path in RESULTS.glob("*/*/[0-9]*.json") if OTHERS.isdisjoint(path.parts)})
EARLIER = ("teacher", "start")


def test_committed_rows_are_found():
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.parent.name}-{row.name}")
def test_a_committed_cell_is_still_known_by_its_settings(row):
    path = min(row.glob("[0-9]*.json"))
    cell = json.loads(path.read_text())
    config = compose("train", cell["overrides"])
    settings = settings_that_matter(config)
    for key in EARLIER:
        if config[key] is not None:
            earlier = RESULTS / cell["table"] / Path(config[key]).parent.name / f"{cell['seed']}.json"
            if not earlier.is_file():
                pytest.fail(f"{earlier} is not there")
            settings[key] = [json.loads(earlier.read_text())["settings_hash"]]
    assert settings_hash(settings) == cell["settings_hash"]
