import sys

import pytest

from stgraph.errors import DependencyError
from stgraph.text import PARTS_OF_SPEECH, english_tagger
from stgraph.text.parts_of_speech import _C5, _part


@pytest.fixture(autouse=True)
def forget():
    english_tagger.cache_clear()
    yield
    english_tagger.cache_clear()


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "HanTa", None)
    with pytest.raises(DependencyError, match=r"pip install 'stgraph-captioning\[words\]'"):
        english_tagger()


@pytest.mark.parametrize(
    ("c5", "part"),
    [
        *(("NN1", "noun"), ("NP0", "noun"), ("VVG", "verb"), ("VHZ", "verb"), ("VDG", "verb")),
        *(("VBZ", "auxiliary"), ("VM0", "auxiliary"), ("AVP", "preposition"), ("AV0", "adverb")),
        *(("PRP", "preposition"), ("PNP", "pronoun"), ("DPS", "determiner"), ("CJS", "conjunction")),
        *(("UNC", "other"), ("XX0", "other"), ("ZZ0", "other"), ("UNKNOWN", "other")),
    ],
)
def test_of_the_tags_that_fit_the_longest_counts(c5, part):
    assert _part(c5) == part
    assert set(_C5.values()) | {"other"} == set(PARTS_OF_SPEECH)


def test_real_captions_are_tagged_as_a_person_would(tmp_path, monkeypatch):
    pytest.importorskip("HanTa", reason="the extra 'words' is optional: its wheel holds 14 MB of models")
    (tmp_path / "morphmodel_en.pgz").write_bytes(b"not to be read")  # HanTa would look here first
    monkeypatch.chdir(tmp_path)
    tag = english_tagger()
    assert tag([]) == []
    for sentence in (
        "a/determiner woman/noun is/auxiliary feeding/verb a/determiner polar/adjective bear/noun",
        "four/number small/adjective boys/noun are/auxiliary kicking/verb balls/noun",
        "two/number horses/noun jump/verb over/preposition a/determiner fence/noun",
        "he/pronoun slowly/adverb peels/verb a/determiner large/adjective green/adjective cucumber/noun",
        "a/determiner monkey/noun bites/verb and/conjunction runs/verb",
        "someone/pronoun is/auxiliary not/other cutting/verb up/preposition the/determiner bread/noun",
    ):
        words, parts = zip(*(pair.split("/") for pair in sentence.split()), strict=True)
        assert tag(words) == list(parts)
