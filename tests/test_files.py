import errno
import os
from pathlib import Path

import pytest

from stgraph.errors import DataError, StgraphError, WriteError
from stgraph.files import atomic_write, remove_leftovers, write_text


def test_writes_text_with_the_permissions_of_a_new_file(tmp_path: Path):
    write_text(tmp_path / "a.txt", "é\n")
    (tmp_path / "b.txt").touch()
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "é\n"
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_gives_the_permissions_of_a_new_file_to_a_file_that_a_writer_made_private(tmp_path: Path):
    with atomic_write(tmp_path / "a.txt") as part:
        part.unlink()
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    (tmp_path / "b.txt").touch()
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_keeps_the_old_file_and_nothing_else_after_an_error(tmp_path: Path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "a.txt") as part:
        part.write_text("new")
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_two_writers_have_files_of_their_own(tmp_path: Path):
    with atomic_write(tmp_path / "a.txt") as first, atomic_write(tmp_path / "a.txt") as second:
        first.write_text("first"), second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_refuses_to_replace_a_symbolic_link(tmp_path: Path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with pytest.raises(WriteError, match="is a symbolic link and is not replaced; remove it"):
        write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "real.txt").read_text() == "old"


def test_reports_a_full_disk_a_missing_folder_and_a_folder_in_the_way(tmp_path: Path):
    with pytest.raises(WriteError, match="No room left for .*a.txt"), atomic_write(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WriteError, match="cannot be written .No such file or directory.; check the folder"):
        write_text(tmp_path / "none" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="folder cannot be written"):
        write_text(tmp_path / "folder", "")
    assert os.listdir(tmp_path) == ["folder"]
    assert issubclass(WriteError, StgraphError)
    assert issubclass(WriteError, OSError)


def test_other_errors_pass(tmp_path: Path):
    with pytest.raises(DataError, match="mine"), atomic_write(tmp_path / "a.txt"):
        raise DataError("mine")


def test_removes_what_killed_writers_of_one_file_left(tmp_path: Path):
    for name in (".a.txt.0123.part", ".b.txt.0123.part"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == [".b.txt.0123.part"]
