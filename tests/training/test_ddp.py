"""Two processes on a CPU learn what one learns: the same losses, the same weights, each video scored once."""

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stgraph.commands.train import train
from stgraph.datasets import open_dataset
from tests.training.conftest import SMALL
from tests.training.ddp_pair import CASES, TWO, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The folder in which two processes trained all cases together."""
    folder = tmp_path_factory.mktemp("pair")
    open_dataset("interactions", size="tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0", "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.ddp_pair", str(folder)],
            env={**os.environ, **together, "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    return folder


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
    weights, others = (load_file(run / "model.safetensors") for run in (found, expected))
    assert weights.keys() == others.keys()
    for name in weights:
        torch.testing.assert_close(weights[name], others[name], rtol=tolerance, atol=tolerance, msg=name)
    log, other = logged(found), logged(expected)
    assert log.keys() == other.keys()
    for name in log.keys() - {"step"}:
        assert log[name] == pytest.approx(other[name], rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize("case", CASES)
def test_two_processes_learn_what_one_learns(case, pair, tmp_path):
    """Losses by epoch, validation scores and the best weights; accumulated batches equal one big batch."""
    _, one = CASES[case]
    assert_the_same(pair / case, train(settings(tmp_path / "one", *one)), 1e-5)


def test_one_process_accumulates_to_the_same(tmp_path):
    two, one = CASES["accumulated"]
    accumulated = train(settings(tmp_path / "accumulated", *two))
    assert_the_same(accumulated, train(settings(tmp_path / "one", *one)), 1e-5)


def test_two_processes_resume_inside_an_epoch_to_the_same_bits(pair):
    found, expected = (load_file(pair / run / "model.safetensors") for run in ("resumed", "accumulated"))
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_every_video_is_captioned_by_one_process(pair):
    by_rank = [json.loads((pair / f"captioned-{rank}.json").read_text()) for rank in range(2)]
    assert [rank for rank, _ in by_rank[0] + by_rank[1]] == [0] * len(by_rank[0]) + [1] * len(by_rank[1])
    assert len(by_rank[0]) == len(by_rank[1]) > 0
    expected = open_dataset("interactions", size="tiny").corpus.ids("val")
    for (_, first), (_, second) in zip(*by_rank, strict=True):
        assert sorted(first + second) == expected


def test_the_command_starts_both_processes_and_only_one_writes(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "stgraph.cli", "train", *SMALL, *TWO, f"run={run}"]
    command += ["trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in run.iterdir()} == {
        "checkpoints",
        "config.json",
        "config.yaml",
        "log",
        "model.safetensors",
        "tokenizer.json",
    }
    assert len(logged(run)["val/CIDEr"]) == 1
    again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert again.returncode == 1
    assert again.stderr.count("holds a run already") == 1
