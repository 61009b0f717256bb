"""Two processes on a CPU learn what one learns: the same losses, the same weights, each video scored once."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.settings.training import train
from tests.training.conftest import SMALL
from tests.training.ddp_pair import CASES, TWO, settings


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The folder in which two processes trained all cases together."""
    folder = tmp_path_factory.mktemp("pair")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.ddp_pair", str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return folder


def weights(run):
    """Those at the end; the model folder holds those of the best epoch."""
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def logged(run):
    """Values by column of the log, in order."""
    columns = {}
    with open(run / "log" / "version_0" / "metrics.csv") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value:
                    columns.setdefault(name, []).append(float(value))
    return columns


def assert_the_same(found, expected, tolerance):
    torch.testing.assert_close(weights(found), weights(expected), rtol=tolerance, atol=tolerance)
    log, other = logged(found), logged(expected)
    assert log.keys() == other.keys()
    for name in log.keys() - {"step"}:
        assert log[name] == pytest.approx(other[name], rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize("case", CASES)
def test_two_processes_learn_what_one_learns(case, pair, tmp_path):
    """Losses by epoch, validation scores and the last weights; accumulated batches equal one big batch."""
    _, one = CASES[case]
    assert_the_same(pair / case, train(settings(tmp_path / "one", *one)), 1e-5)


def test_one_process_accumulates_to_the_same(tmp_path):
    two, one = CASES["accumulated"]
    accumulated = train(settings(tmp_path / "accumulated", *two))
    assert_the_same(accumulated, train(settings(tmp_path / "one", *one)), 1e-5)


def test_two_processes_resume_inside_an_epoch_to_the_same_bits(pair):
    torch.testing.assert_close(weights(pair / "resumed"), weights(pair / "accumulated"), rtol=0, atol=0)


def test_every_video_is_captioned_by_one_process(pair):
    by_rank = [json.loads((pair / f"captioned-{rank}.json").read_text()) for rank in range(2)]
    assert [rank for rank, _ in by_rank[0] + by_rank[1]] == [0] * len(by_rank[0]) + [1] * len(by_rank[1])
    assert len(by_rank[0]) == len(by_rank[1]) > 0
    expected = open_dataset("interactions", size="tiny").corpus.ids("val")
    for (_, first), (_, second) in zip(*by_rank, strict=True):
        assert sorted(first + second) == expected


def test_the_command_starts_both_processes_and_only_one_writes(pair, capsys):
    run = pair / "command"
    files = {
        "checkpoints",
        "config.json",
        "config.yaml",
        "log",
        "model.safetensors",
        "tokenizer.json",
        "training.json",
    }
    assert {path.name for path in run.iterdir()} == files
    assert len(logged(run)["val/CIDEr"]) == 1
    assert main(["train", *SMALL, *TWO, f"run={run}"]) == 1
    assert "holds a run already" in capsys.readouterr().err
