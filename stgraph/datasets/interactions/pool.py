"""Draws and describes videos in several processes, in order."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import stgraph
from stgraph.datasets.interactions.worker import describe_videos
from stgraph.errors import StgraphError
from stgraph.features.video_features import VideoFeatures

__all__ = ["describe_in_processes"]

_WORTH_A_PROCESS = 40  # videos; starting one and importing torch takes about as long


def describe_in_processes(seed: int, count: int, workers: int) -> Iterator[VideoFeatures]:
    """Describes videos 0..count-1 and gives them in order.

    Each process takes every n-th video and hands its results over a pipe. These are plain processes rather than a
    ``multiprocessing`` pool: a pool forks (not safe beside torch's threads) or imports the caller's script again (which a
    script without a main guard does not survive).

    Raises: StgraphError: A process ended early.
    """
    workers = max(1, min(workers, count // _WORTH_A_PROCESS))
    if workers == 1:
        yield from describe_videos(seed, range(count))
        return
    root = str(Path(stgraph.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for first in range(workers):
            command = [sys.executable, "-m", "stgraph.datasets.interactions.worker"]
            command += [str(value) for value in (seed, first, workers, count)]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment))
        for index in range(count):
            yield _receive(processes[index % workers], index)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _receive(process: subprocess.Popen[bytes], index: int) -> VideoFeatures:
    assert process.stdout is not None
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        raise StgraphError(
            f"A process that draws videos ended before video {index} (exit status {process.wait()}); its own message "
            "stands above. Try workers=1, or look for a lack of memory."
        ) from error
