"""Renders videos and computes their features, in one or several processes, in order."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import stgraph
from stgraph.datasets.interactions.extraction import extract_video_features
from stgraph.datasets.interactions.rendering import render_video
from stgraph.datasets.interactions.scene import FPS, video_id
from stgraph.errors import StgraphError
from stgraph.features.video_features import VideoFeatures
from stgraph.processes import start_child

__all__ = ["generate_features", "generate_in_processes"]

_VIDEOS_PER_PROCESS = 60  # at least; starting a process and importing torch takes about as long
_COMMAND = "from stgraph.datasets.interactions.worker_pool import _serve; _serve({}, range({}, {}, {}))"


def generate_features(seed: int, indices: Iterable[int]) -> Iterator[VideoFeatures]:
    """Renders videos and computes their features one by one in this process."""
    for index in indices:
        name = video_id(seed, index)
        yield extract_video_features(name, render_video(name), FPS)


def generate_in_processes(seed: int, count: int, workers: int) -> Iterator[VideoFeatures]:
    """Yields the features of videos 0..count-1 in order, computed by up to ``workers`` processes.

    Each process computes every n-th video and sends its results through a pipe. These are plain processes instead of a
    ``multiprocessing`` pool, as a pool either forks, which is unsafe with torch's threads, or imports the caller's script
    again, which fails for scripts without a main guard.

    Raises:
        StgraphError: If a process exits early.
    """
    workers = max(1, min(workers, count // _VIDEOS_PER_PROCESS))
    if workers == 1:
        yield from generate_features(seed, range(count))
        return
    root = str(Path(stgraph.__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for first in range(workers):
            # This process has shown the warnings of imported packages already.
            command = [sys.executable, "-W", "ignore", "-c", _COMMAND.format(seed, first, count, workers)]
            processes.append(start_child(command, stdout=subprocess.PIPE, env=environment))
        for index in range(count):
            yield _receive(processes[index % workers], index)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _serve(seed: int, indices: Iterable[int]) -> None:
    """Writes one pickle per video to standard output, which only the parent process reads."""
    try:
        for features in generate_features(seed, indices):
            pickle.dump(features, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)  # the parent was stopped too and reports it itself


def _receive(process: subprocess.Popen[bytes], index: int) -> VideoFeatures:
    assert process.stdout is not None
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        raise StgraphError(
            f"A process that generates videos exited before video {index} with exit status {process.wait()}; its "
            "own message is above. Try workers=1, or check for a lack of memory."
        ) from error
