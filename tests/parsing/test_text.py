import pytest

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.parsing import lines_of, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_a_mark_is_read(tmp_path, encoding):
    (tmp_path / "x").write_bytes("ein Hörnchen\r\n猫".encode(encoding))
    assert lines_of(read_text(tmp_path / "x")) == ["ein Hörnchen", "猫"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"one\ntwo\n\xe9t\xe9\n", r"x, line 3 is not UTF-8 text \(byte 0xe9\); save the file as UTF-8"),
        (b"\xff\xfea\0b", r"x, line 1 is not UTF-16 text"),
        ("id\nv1".encode("utf-16-le"), "x, line 1 has a NUL character"),
        (b"id\nv1\0", "x, line 2 has a NUL character"),
    ],
)
def test_what_is_not_text_is_refused_with_its_line(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_text(tmp_path / "x")


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(MissingDataError, match="There is no file at .*none; give the path"):
        read_text(tmp_path / "none")
    with pytest.raises(MissingDataError, match="is a folder, not a file"):
        read_text(tmp_path)
    with pytest.raises(OptionError, match="must be a path whose names are at most 255 bytes"):
        read_text(tmp_path / ("x" * 300))


def test_rare_separators_are_part_of_a_line():
    assert lines_of("a\x0bb\u2028c\x1cd\ne\rf") == ["a\x0bb\u2028c\x1cd", "e", "f"]
