"""Plans create extractors, record them, and restore them from their records or refuse to."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from stgraph.errors import DataError, ModelFolderError, OptionError
from stgraph.extraction import ExtractionPlan, ExtractorChoice, FrameRule

MEAN, CHANGE = "tests.extraction.small.MeanColour", "tests.extraction.small.Change"


def plan(*choices, **more):
    return ExtractionPlan([ExtractorChoice(*choice) for choice in choices], allow=[MEAN, CHANGE], **more)


def test_records_hold_all_that_makes_the_features_again():
    built = plan((MEAN, {"scale": 2.0}), (CHANGE,), rule=FrameRule("every", 8)).build()
    records = built.records
    assert records.keys() == {"appearance", "motion", "grid/ends"}
    assert records["appearance"].settings == {"scale": 2.0, "frames": ["every", 8]}
    assert records["motion"] == records["grid/ends"]
    assert records["motion"].settings == {}
    again = ExtractionPlan.of_records(records, allow=[MEAN, CHANGE])
    assert again.rule == FrameRule("every", 8)
    assert again.build().records == records
    again.build().check_same(records)


def test_chunks_in_records_of_earlier_versions_are_the_floored_ones():
    """They were floor(i F / K); a model trained on them must meet the same frames in a new file."""
    built = plan((MEAN,), rule=FrameRule("chunks", 28)).build()
    record = built.records["appearance"]
    assert record.settings["frames"] == ["array_split", 28]
    assert ExtractionPlan.of_records(built.records, allow=[MEAN]).rule == FrameRule("chunks", 28)
    old = replace(record, settings={"frames": ["chunks", 28]})
    rule = ExtractionPlan.of_records({"appearance": old}, allow=[MEAN]).rule
    assert rule(100).tolist() == [i * 100 // 28 for i in range(28)]
    again = plan((MEAN,), rule=FrameRule("chunks_floored", 28)).build().records["appearance"]
    assert again.settings == old.settings  # such a store can be continued


def test_other_weights_are_refused():
    records = plan((MEAN, {"scale": 2.0})).build().records
    other = plan((MEAN,)).build()
    with pytest.raises(
        DataError, match=r"trained on 'appearance' features of .* other weights \(none 2.0, here none 1.0\)"
    ):
        other.check_same(records)


def test_nothing_is_imported_that_is_not_allowed():
    for name in ("torch.hub.load", MEAN, "os.system"):
        with pytest.raises(OptionError, match=f"There is no extractor '{name}' here; known are .*resnet101"):
            ExtractionPlan([ExtractorChoice(name)]).build()


def test_files_are_known_by_name_and_must_be_shown_again(tmp_path):
    weights = tmp_path / "own weights.pt"
    weights.write_bytes(b"x")
    built = plan((MEAN, {"weights": str(weights)})).build()
    record = built.records["appearance"]
    assert record.settings["weights"] == "file:own weights.pt"
    with pytest.raises(
        ModelFolderError,
        match=r"was created with the file own weights.pt; give its path, as in appearance.weights=FILE",
    ):
        ExtractionPlan.of_records(built.records, allow=[MEAN])
    mine = {"appearance": {"weights": str(weights)}}
    ExtractionPlan.of_records(built.records, allow=[MEAN], settings=mine).build().check_same(built.records)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.pt", "pyproject.toml"])
def test_a_record_that_names_a_path_is_refused(path, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    record = SimpleNamespace(name=MEAN, settings={"weights": path})
    with pytest.raises(
        ModelFolderError,
        match=r"'weights' of the extractor .* is a path .*; a model folder must not contain paths",
    ):
        ExtractionPlan.of_records({"appearance": record}, allow=[MEAN])


def test_two_extractors_of_one_stream_or_none_are_refused():
    with pytest.raises(OptionError, match="two extractors fill 'appearance'"):
        plan((MEAN,), (MEAN, {"scale": 2.0})).build()
    with pytest.raises(OptionError, match="none is chosen"):
        plan().build()


def test_a_misspelt_setting_is_named():
    with pytest.raises(OptionError, match=r"small.MeanColour': .*'scael'"):
        plan((MEAN, {"scael": 2.0})).build()


@pytest.mark.parametrize(("rule", "number"), [("evry", 1), ("every", 0), ("spread", "x")])
def test_frames_that_cannot_be(rule, number):
    with pytest.raises(OptionError, match="'frames"):
        FrameRule(rule, number)


def test_a_grid_takes_the_file_of_the_vectors_beside_it(tmp_path):
    file = tmp_path / "i3d.pt"
    file.write_bytes(b"x")
    record = SimpleNamespace(name=CHANGE, settings={"weights": "file:i3d.pt"})
    records = {"motion": record, "grid/ends": record}
    with pytest.raises(ModelFolderError, match="motion.weights=FILE"):
        ExtractionPlan.of_records({"grid/ends": record}, allow=[CHANGE])
    found = ExtractionPlan.of_records(records, allow=[CHANGE], settings={"motion": {"weights": str(file)}})
    assert found.choices == [ExtractorChoice(CHANGE, {"weights": str(file)})]  # one extractor, not two
