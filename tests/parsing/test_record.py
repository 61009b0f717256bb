import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from stgraph.errors import DataError, MissingDataError
from stgraph.extraction.log import ExtractionLog, log_path
from stgraph.parsing import RECORD, read_record
from stgraph.training.summary import TrainingSummary


@dataclass(frozen=True)
class Facts:
    __pydantic_config__ = RECORD

    name: str
    score: float
    sizes: tuple[int, ...] = ()


def read(path: Path, content: str) -> Facts:
    path.write_text(content)
    return read_record(path, Facts, "a list of facts; remove it")


def test_values_are_read_as_they_were_written(tmp_path):
    found = read(tmp_path / "a.json", '{"name": "x", "score": 1, "sizes": [2, 3]}')
    assert found == Facts("x", 1.0, (2, 3))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"name": "x", "score": "1"}', "is not a list of facts .'score': Input should be a valid number"),
        ('{"name": 1, "score": 1}', "'name': Input should be a valid string"),
        ('{"name": "x", "score": true}', "'score': Input should be a valid number"),
        ('{"name": "x", "score": 1, "sizes": [1.5]}', "'sizes.0': Input should be a valid integer"),
        ('{"name": "x"}', "'score': Field required"),
        ('{"name": "x", "score": 1, "more": 2}', "'more': Unexpected keyword"),
        ('{"name": "x", "score": NaN}', "line 1: NaN is not a number in JSON"),
        ("[]", "'the top level': Input should be an object"),
        ("{", "is not valid JSON: line 1"),
    ],
)
def test_other_values_are_refused_with_the_place_and_what_to_do(tmp_path, content, says):
    with pytest.raises(DataError, match=rf"a.json.*{says}.*; remove it\."):
        read(tmp_path / "a.json", content)
    with pytest.raises(MissingDataError):
        read_record(tmp_path / "none.json", Facts, "a list of facts; remove it")


@pytest.mark.parametrize("changed", [{"best": "0.5"}, {"epochs": 1.5}, {"steps": None}, {"more": 1}])
def test_a_changed_summary_of_a_training_is_refused(tmp_path, changed):
    TrainingSummary("val/CIDEr", 0.5, 1, 2, "max_epochs").save(tmp_path)
    path = tmp_path / "training.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(DataError, match=r"is not the summary of a training run .*; train again\."):
        TrainingSummary.load(tmp_path)


@pytest.mark.parametrize("changed", [{"failed": []}, {"seconds_per_video": {"motion": "1"}}, {"device": 1}])
def test_a_changed_log_of_an_extraction_is_refused(tmp_path, changed):
    ExtractionLog({"a.mp4": "empty"}, {"motion": 0.5}).save(tmp_path / "x.h5")
    path = log_path(tmp_path / "x.h5")
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(DataError, match=r"is not an extraction log .*; remove it\."):
        ExtractionLog.load(tmp_path / "x.h5")
