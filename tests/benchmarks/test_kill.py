"""A few of the kills of ``make killbench``, with a fixed seed."""

import os
import subprocess
import sys


def test_killed_commands_end_with_the_same_results(tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.kill", "extract", "store import, folder"]
    done = subprocess.run(
        [
            *command,
            "store merge",
            "--kills",
            "10",
            "--seed",
            "5",
            "--readers",
            "0",
            "--folder",
            str(tmp_path),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 kills with seed 5" in done.stdout
    assert " 0 problems" in done.stdout
    assert "is being written by process" in done.stdout  # each command was also started twice at once
