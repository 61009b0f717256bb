"""Draws and describes videos, in this process or in several, in order."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import stgraph
from stgraph.datasets.interactions.extraction import describe_video
from stgraph.datasets.interactions.rendering import render_video
from stgraph.datasets.interactions.scene import FPS, video_id
from stgraph.errors import StgraphError
from stgraph.features.video_features import VideoFeatures

__all__ = ["describe_in_processes", "describe_videos"]

_WORTH_A_PROCESS = 60  # videos; starting one and importing torch takes about as long
_COMMAND = "from stgraph.datasets.interactions.worker_pool import _serve; _serve({}, range({}, {}, {}))"


def describe_videos(seed: int, indices: Iterable[int]) -> Iterator[VideoFeatures]:
    """Draws and describes videos, one after the other, in this process."""
    for index in indices:
        name = video_id(seed, index)
        yield describe_video(name, render_video(name), FPS)


def describe_in_processes(seed: int, count: int, workers: int) -> Iterator[VideoFeatures]:
    """Describes videos 0..count-1 with up to ``workers`` processes and gives them in order.

    Each process takes every n-th video and hands its results over a pipe. These are plain processes, not
    a ``multiprocessing`` pool: a pool forks (not safe beside torch's threads) or imports the caller's script
    again (which a script without a main guard does not survive).

    Raises: StgraphError: A process ended early.
    """
    workers = max(1, min(workers, count // _WORTH_A_PROCESS))
    if workers == 1:
        yield from describe_videos(seed, range(count))
        return
    root = str(Path(stgraph.__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for first in range(workers):
            # Warnings of imported packages were shown by this process already.
            command = [sys.executable, "-W", "ignore", "-c", _COMMAND.format(seed, first, count, workers)]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment))
        for index in range(count):
            yield _receive(processes[index % workers], index)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _serve(seed: int, indices: Iterable[int]) -> None:
    """Writes one pickle a video to standard output, for the process that started this one and nobody else."""
    try:
        for features in describe_videos(seed, indices):
            pickle.dump(features, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)  # the process that asked was stopped too, and says so itself


def _receive(process: subprocess.Popen[bytes], index: int) -> VideoFeatures:
    assert process.stdout is not None
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        raise StgraphError(
            f"A process that draws videos ended before video {index} with exit status {process.wait()}; its "
            "own message stands above. Try workers=1, or look for a lack of memory."
        ) from error
