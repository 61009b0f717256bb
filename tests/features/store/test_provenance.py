import pytest

from stgraph.errors import OptionError, StoreError
from stgraph.features import ExtractorRecord
from stgraph.features.store.provenance import decode_records, encode_records


def test_records_come_back_equal_from_json():
    record = ExtractorRecord("net", "sha256:1", {"torch": "2.14"}, {"size": (224, 224), "crop": True})
    assert ExtractorRecord.from_json(record.to_json()) == record
    assert decode_records(encode_records({"grid/cells": record})) == {"grid/cells": record}
    assert record.settings["size"] == [224, 224]


def test_settings_that_json_cannot_hold():
    with pytest.raises(OptionError, match="'net': 'settings' must be plain JSON"):
        ExtractorRecord("net", "", {}, {"size": {1, 2}})


@pytest.mark.parametrize("text", ["", "[]", '"name"', '{"name": "net"}'])
def test_text_that_is_no_record(text):
    with pytest.raises(StoreError, match="must be JSON with its four fields"):
        ExtractorRecord.from_json(text)


def test_differences_name_the_fields():
    one, other = ExtractorRecord("net", "a", {"torch": "2"}), ExtractorRecord("net", "b", {"torch": "3"})
    assert one.differences(one) == []
    assert one.differences(other) == ["weights 'a' and 'b'", "versions {'torch': '2'} and {'torch': '3'}"]
