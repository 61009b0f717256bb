"""Extractors are found by name: stgraph's own, those of installed packages, and others only if allowed."""

import pytest

from stgraph.errors import OptionError
from stgraph.extraction.extractors import Extractor, find_extractor, make_extractor
from stgraph.extraction.extractors.registry import ENTRY_POINTS, OWN
from tests.extraction.small import Halves, MeanColour
from tests.plugins import install_package


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package with an extractor."""
    source = (
        "from tests.extraction.small import MeanColour\nclass Theirs(MeanColour):\n    pass\nnumber = 3\n"
    )
    points = {"their_lab.colour": "their_lab:Theirs", "their_lab.number": "their_lab:number"}
    install_package(tmp_path, monkeypatch, {"their_lab": source}, {ENTRY_POINTS: points})


def test_every_name_of_ours_leads_to_an_extractor():
    for name in OWN:
        assert issubclass(find_extractor(name), Extractor)


def test_an_entry_point_needs_no_permission(installed):
    made = make_extractor("their_lab.colour", {"scale": 2.0})
    assert (type(made).__name__, made.weights) == ("Theirs", "none 2.0")
    with pytest.raises(OptionError, match="'their_lab.number' must be a class or a function, got a int"):
        find_extractor("their_lab.number")


def test_a_dotted_name_must_be_allowed():
    name = "tests.extraction.small.MeanColour"
    with pytest.raises(
        OptionError, match=f"There is no extractor '{name}' here; known are c3d, .* must be allowed"
    ):
        make_extractor(name, {})
    assert isinstance(make_extractor(name, {}, allow=[name]), MeanColour)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "must be a dotted name"),
        ("no_such_package.Detector", "cannot be imported .* is its package installed"),
        ("tests.extraction.small.Nothing", "There is no 'Nothing' in tests.extraction.small"),
    ],
)
def test_names_that_lead_nowhere(name, sentence):
    with pytest.raises(OptionError, match=sentence):
        find_extractor(name, allow=[name])


def test_detectors_are_wrapped_and_misspelt_arguments_named():
    name = "tests.extraction.small.Halves"
    made = make_extractor(name, {"part": 1, "features": None}, allow=[name])
    assert isinstance(made.detector, Halves)
    assert made.streams == ("object",)
    with pytest.raises(OptionError, match=f"'{name}': .*'prat'"):
        make_extractor(name, {"prat": 1, "features": None}, allow=[name])
