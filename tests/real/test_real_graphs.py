"""The benchmark on real graphs with tiny settings."""

import sys

import pytest

from benchmarks.real_graphs import __main__ as command


@pytest.mark.parametrize(
    ("task", "folder", "folds"),
    [
        ("cad120-action", "cad120", ["Subject1", "Subject3", "Subject5"]),
        ("cad120-relation", "cad120", ["Subject1", "Subject3", "Subject5"]),
        ("jaad-crossing", "jaad", ["val"]),
    ],
)
def test_the_command_on_real_tracks(task, folder, folds, real_data, tmp_path, monkeypatch, capsys):
    arguments = [task, "--train", str(real_data / "tracks" / folder), "--seeds", "1", "--epochs", "1"]
    arguments += ["--runs", str(tmp_path), "--rows", "constant", "track_gru_attention"]
    monkeypatch.setattr(sys, "argv", ["real_graphs", *arguments])
    command.main()
    lines = capsys.readouterr().out.splitlines()
    cells = [line for line in lines if ", seed 0: " in line]
    assert [line.split(",")[0] for line in cells] == ["constant", "track_gru_attention"]
    assert all(f"{fold} 0." in cells[1] for fold in folds)
    assert sum(line.startswith("| ") for line in lines) == 3


@pytest.mark.parametrize(
    ("task", "folder", "rows", "folds"),
    [
        ("msrvtt-caption", "features/msrvtt1000", ["stgkd", "nearest_neighbour"], ["test"]),
        (
            "cad120-caption",
            "tracks/cad120",
            ["paper_mean", "consensus"],
            ["Subject1", "Subject3", "Subject5"],
        ),
    ],
)
def test_captions_of_real_videos(task, folder, rows, folds, real_data, tmp_path, monkeypatch, capsys):
    arguments = [task, "--train", str(real_data / folder), "--seeds", "1", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["real_graphs", *arguments, "--runs", str(tmp_path), "--rows", *rows])
    command.main()
    lines = capsys.readouterr().out.splitlines()
    cells = [line for line in lines if ", seed 0: " in line]
    assert [line.split(",")[0] for line in cells] == rows
    assert all(f"{fold} BLEU-4" in line for line in cells for fold in folds)
    assert sum(line.startswith("| ") for line in lines) == 2 + len(rows)
