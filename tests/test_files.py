import errno
import functools
import itertools
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import stgraph
from stgraph.errors import DataError, OptionError, StgraphError, WriteError
from stgraph.files import atomic_write, save_figure, write_text, write_together


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
    with atomic_write(tmp_path / "a.txt"):
        assert not (tmp_path / ".a.txt.0123.part").exists()
    assert sorted(os.listdir(tmp_path)) == [".b.txt.0123.part", "a.txt"]


def test_nothing_in_the_package_writes_but_by_these_helpers():
    """Other ways follow symbolic links, and leave half a file after a crash."""
    package = Path(stgraph.__file__).parent
    raw = re.compile(
        r"\.write_(text|bytes)\(|\bopen\([^)]*[\"'][wax]b?\+?[\"']|savefig\(|torch\.save\(|np\.savez?(_compressed)?\("
        r"|os\.(replace|rename)\(|copyfile\("
    )
    found = Counter(
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for line in path.read_text().splitlines()
        if raw.search(line) and not line.strip().startswith((">>>", "...", "#"))
    )
    assert (
        found
        == {
            "files.py": 4,
            "training/checkpoints.py": 2,  # into memory, and that into the file that atomic_write yields
            "graph/saving.py": 2,  # into the file that atomic_write yields
            "graph/text_writers.py": 3,  # likewise
            "datasets/interactions/raw_layout.py": 2,  # the same
            "datasets/interactions/preparing.py": 3,  # into a new folder of its own, and an empty file that is locked
            "features/store/merge.py": 2,  # the same
            "extraction/job.py": 1,  # renames a store that FeatureStoreWriter wrote
            "commands/store.py": 1,  # the same
        }
    )


def test_refuses_to_replace_a_pipe(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WriteError, match="is a device or a pipe"):
        write_text(tmp_path / "pipe", "new")


def test_figures_are_written_whole_and_not_through_links(tmp_path: Path):
    figure = Figure()
    save_figure(figure, tmp_path / "a.svg", dpi=50)
    assert "<svg" in (tmp_path / "a.svg").read_text()
    (tmp_path / "b.png").symlink_to("a.svg")
    with pytest.raises(WriteError, match="is a symbolic link"):
        save_figure(figure, tmp_path / "b.png", dpi=50)
    with pytest.raises(OptionError, match="A picture must end in one of .*, got 'a.xyz'"):
        save_figure(figure, tmp_path / "a.xyz", dpi=50)
    assert sorted(os.listdir(tmp_path)) == ["a.svg", "b.png"]


def test_a_read_only_file_system_is_a_write_error(tmp_path, monkeypatch):
    """There even the removal of a file that was never made fails."""

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.raises(WriteError, match=r"a\.txt cannot be written \(Read-only file system\)"):
        write_text(tmp_path / "a.txt", "text")


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_equal_figures_are_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str):
    figure = Figure()
    figure.subplots().plot([1, 2], label="a line", clip_on=True)
    found = []
    for number, seconds in enumerate(("1000000000", "1500000000")):  # the clock that Matplotlib takes
        monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)
        save_figure(figure, tmp_path / f"{number}.{ending}", dpi=50)
        found.append((tmp_path / f"{number}.{ending}").read_bytes())
    assert found[0] == found[1]


def _in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is a fork that ends at a step")
def test_files_that_belong_together_are_never_mixed_by_a_kill(tmp_path):
    old, new = ({"words": word, "weights": word} for word in (b"old", b"new"))
    found = []
    for place in range(100):
        folder = tmp_path / str(place)
        folder.mkdir()
        write_together(folder, old)
        writer = os.fork()
        if writer == 0:
            steps = itertools.count()
            for name in ("replace", "fsync", "unlink", "chmod"):
                setattr(os, name, functools.partial(_step, getattr(os, name), steps, place))
            write_together(folder, new)
            os._exit(0)
        if os.waitpid(writer, 0)[1] == 0:
            break
        found.append(_in(folder))
        write_together(folder, new)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == new  # what was left is gone
    assert all(each in (old, new) for each in found if "weights" in each)
    assert {each.get("weights") for each in found} == {b"old", None, b"new"}


def _step(function, steps, place, *arguments, **options):
    if next(steps) == place:
        os._exit(1)
    function(*arguments, **options)


@pytest.mark.parametrize("place", [0, 1])
def test_a_full_disk_leaves_files_that_belong_together(tmp_path, monkeypatch, place):
    steps, real = itertools.count(), os.fsync

    def full(handle):
        if next(steps) == place:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    old = {"words": b"old", "weights": b"old"}
    write_together(tmp_path, old)
    with monkeypatch.context() as patch, pytest.raises(WriteError, match="No room left"):
        patch.setattr(os, "fsync", full)
        write_together(tmp_path, {"words": b"new", "weights": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old
