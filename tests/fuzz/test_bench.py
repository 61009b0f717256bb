"""A fixed part of the search of ``python -m tests.fuzz``, which looks for longer."""

import pytest

from tests.fuzz.bench import Worker
from tests.fuzz.target import EXPECTED, Silent, Target, outcome_of

COUNTS = {
    "captions": 120,
    "splits": 80,
    "detections": 80,
    "tracks": 120,
    "graphs": 60,
    "stores": 80,
    "videos": 50,
    "models": 24,
    "configurations": 18,
    "checkpoints": 4,
}
"""Files per target; the first ones are valid."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    worker = Worker(folder, folder / "worker", seed=0)
    found = {
        name: {f"{number} {seed}": outcome for number, seed, outcome, _ in worker.run(name, 0, count, 600)}
        for name, count in COUNTS.items()
    }
    worker.close()
    return found, {name: len(list((folder / name / "seeds").iterdir())) for name in COUNTS}


@pytest.mark.parametrize("name", COUNTS)
def test_no_mutated_file_is_a_finding(outcomes, name):
    found, valid = outcomes[0][name], outcomes[1][name]
    assert {file: outcome for file, outcome in found.items() if outcome not in EXPECTED} == {}
    assert len(found) == COUNTS[name]
    assert list(found.values())[:valid] == ["accepted"] * valid
    assert "refused" in list(found.values())[valid:]


class Broken(Target):
    """Every kind of finding."""

    name = "broken"

    def prepare(self):
        return {}

    def check(self, seed, path):
        match seed:
            case "silent":
                raise Silent("it is another one")
            case "raised":
                raise KeyError(seed)
            case "memory":
                bytearray(1 << 62)


@pytest.mark.parametrize("kind", ["silent", "raised", "memory"])
def test_findings_are_told_apart(tmp_path, kind):
    assert outcome_of(Broken(tmp_path), kind, tmp_path / kind).partition(":")[0] == kind
