"""Ctrl-C at a moment when Python can't pass its exception on."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

import pytest

from stgraph import cli
from stgraph.errors import StoreError


def test_an_interrupt_in_the_callback_of_a_weak_reference_still_ends_the_command():
    """h5py keeps its objects in a weak dictionary, so that this happens while stores are read and written."""
    code = (
        "import os, signal, sys, time, weakref\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a process in the background ignores it
        "import stgraph.cli as cli\n"
        "class Thing: pass\n"
        "def interrupted(arguments):\n"
        "    thing = Thing()\n"
        "    kept = weakref.ref(thing, lambda reference: os.kill(os.getpid(), signal.SIGINT))\n"
        "    del thing\n"
        "    time.sleep(20)\n"
        "cli._main = interrupted\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert done.stderr.strip() == "stgraph doctor: interrupted; run the same command again to go on."


@pytest.mark.parametrize("interrupted", [True, False])
def test_an_interrupt_that_a_library_hides_behind_an_error_is_told_from_the_error(
    monkeypatch, capsys, interrupted
):
    """As in ``argparse``, which restores what it has not changed yet."""

    def parse(name):
        try:
            if interrupted:
                raise KeyboardInterrupt
        finally:
            raise AttributeError("save_nargs")

    monkeypatch.setattr(cli, "_main", parse)
    if not interrupted:
        with pytest.raises(AttributeError):
            cli.main(["extract"])
        return
    assert cli.main(["extract"]) == 130
    assert capsys.readouterr().err == "\nstgraph extract: interrupted; run the same command again to go on.\n"


@pytest.mark.parametrize(
    "error",
    [TypeError("not BufferedReader"), StoreError("a.npy is damaged; copy it again."), OSError("no file")],
)
def test_an_interrupt_that_c_code_replaces_by_an_error_is_told_from_the_error(monkeypatch, capsys, error):
    """As ``numpy.fromfile`` does if the signal comes while it asks Python for the kind of its file."""

    def run(arguments):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        raise error

    monkeypatch.setattr("stgraph.commands.store.run", run)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        assert cli.main(["store", "info", "."]) == 143
    finally:
        signal.signal(signal.SIGTERM, before)
    sentence = "\nstgraph store: stopped by SIGTERM; run the same command again to go on.\n"
    assert capsys.readouterr().err == sentence


def test_an_interrupt_leaves_no_file_by_which_python_chooses_the_temporary_folder(monkeypatch, tmp_path):
    remove, removed = os.unlink, []

    def interrupted(path):
        if not removed:
            removed.append(path)
            signal.raise_signal(signal.SIGINT)
        remove(path)

    def run(arguments):
        tempfile.gettempdir()
        return 0

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(os, "unlink", interrupted)
    monkeypatch.setattr("stgraph.commands.store.run", run)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert cli.main(["store", "info", str(tmp_path)]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert removed
    assert os.listdir(folder) == []
