"""Pickles from elsewhere: plain values and arrays are read, nothing is run, nothing is allocated on the file's word."""

import collections
import os
import pickle
import pickletools

import numpy as np
import pytest

from stgraph.errors import DataError, MissingDataError
from stgraph.parsing import read_plain_pickle


class Exploit:
    def __reduce__(self):
        return os.system, ("touch ran",)


def written(folder, content):
    path = folder / "a.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        np.array([True, False]),
        np.zeros((0, 4)),
        np.array(2.5),
    ],
)
def test_values_and_arrays_are_read(tmp_path, protocol, array):
    plain = {"a": [1, 2.5, None, True, "ü", (3, b"x")], 7: {"b": []}}
    found = read_plain_pickle(written(tmp_path, pickle.dumps({"plain": plain, "array": array}, protocol)))
    assert found["plain"] == plain
    np.testing.assert_array_equal(found["array"].numpy(), array)
    assert found["array"].numpy().dtype == array.dtype


def test_numbers_of_numpy_are_numbers(tmp_path):
    found = read_plain_pickle(written(tmp_path, pickle.dumps([np.float32(0.5), np.int64(7)])))
    assert found == [0.5, 7]
    assert [type(number) for number in found] == [float, int]


def test_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(6):
        with pytest.raises(DataError, match=r"holds '\w+\.system', and only plain values"):
            read_plain_pickle(written(tmp_path, pickle.dumps([Exploit()], protocol)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "value",
    [
        np.array([{"a": 1}], dtype=object),
        np.array(["text"]),
        np.zeros(2, dtype=[("a", "f4")]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        collections.OrderedDict(a=1),
        {1, 2},
        frozenset({1}),
        {(1, 2): 3},
        {b"key": 3},
        complex(1, 2),
        bytearray(3),
        len,
    ],
)
def test_other_values_are_refused(tmp_path, value):
    with pytest.raises(DataError, match="only plain values and arrays of numbers are read"):
        read_plain_pickle(written(tmp_path, pickle.dumps([value])))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04.",
        b"no pickle",
        pickle.dumps(list(range(500)))[:-4],
        b"\x80\x04\x8e" + (1 << 60).to_bytes(8, "little") + b".",  # bytes of an exabyte
        b"\x80\x04\x95" + (1 << 60).to_bytes(8, "little") + b".",  # a frame of an exabyte
        b"\x80\x04K\x01j\xff\xff\xff\x7f.",  # an entry of the memo that was never written
        b"\x80\x02cnumpy\ndtype\nX\x04\x00\x00\x00f8,8\x85R.",
        b"\x80\x02cnumpy\ndtype\n}X\x04\x00\x00\x00textK\x01sb.",  # would change the class
    ],
)
def test_damaged_files_are_refused(tmp_path, content):
    with pytest.raises(DataError):
        read_plain_pickle(written(tmp_path, content))


def test_the_memo_costs_what_is_in_the_file(tmp_path):
    # The unpickler in C would allocate a table of two thousand million entries here.
    content = b"\x80\x04K\x01r\xff\xff\xff\x7f."
    assert read_plain_pickle(written(tmp_path, content)) == 1


@pytest.mark.parametrize("opcode", [b"\x96", b"\x8e", b"\x8d"])
def test_a_length_that_the_file_does_not_have_costs_nothing(tmp_path, opcode):
    content = b"\x80\x05" + opcode + (1 << 62).to_bytes(8, "little") + b"abc."
    with pytest.raises(DataError, match="damaged") as caught:
        read_plain_pickle(written(tmp_path, content))
    assert not isinstance(caught.value.__cause__, MemoryError)
    assert read_plain_pickle(written(tmp_path, pickle.dumps([bytearray(b"ab")], 5))) == [b"ab"]


def test_every_shortened_file_is_refused_with_one_sentence(tmp_path):
    whole = pickle.dumps({"a": np.arange(3.0), "b": ["x", 1]})
    for end in range(len(whole)):
        with pytest.raises(DataError, match="a.pkl"):
            read_plain_pickle(written(tmp_path, whole[:end]))


def test_a_changed_byte_never_runs_anything(tmp_path):
    whole = pickle.dumps({"a": np.arange(3.0), "b": ["x", 1]})
    random = np.random.default_rng(0)
    for _ in range(400):
        content = bytearray(whole)
        content[random.integers(len(content))] = random.integers(256)
        try:
            read_plain_pickle(written(tmp_path, bytes(content)))
        except DataError:
            continue


def test_all_opcodes_that_build_objects_are_covered():
    """A new opcode of pickle that calls something must be looked at here."""
    calling = {
        code.name for code in pickletools.opcodes if code.name.endswith(("REDUCE", "OBJ", "INST", "BUILD"))
    }
    assert calling == {"REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ"}


def test_missing_and_large_files(tmp_path):
    with pytest.raises(MissingDataError, match="There is no file at"):
        read_plain_pickle(tmp_path / "none.pkl")
    with pytest.raises(DataError, match="is larger than 0 MiB"):
        read_plain_pickle(written(tmp_path, pickle.dumps(list(range(500)))), most_bytes=100)
