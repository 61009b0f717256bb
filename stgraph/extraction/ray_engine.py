"""The multi-process engine: the same stages as a Ray Data pipeline, on this machine or a cluster.

Sources -> tasks that read and preprocess a video -> actors that hold the models -> this process, which writes the store.
Each video stays one block throughout, so losing a worker costs the work on one video, which Ray repeats.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import torch

from stgraph.errors import DependencyError, OptionError, WorkerError
from stgraph.extraction import ray_reaper
from stgraph.extraction.extractor_calls import Failure, Timings
from stgraph.extraction.plan import ExtractionPlan
from stgraph.extraction.ray_stages import (
    AttemptCounter,
    ExtractStage,
    Job,
    Result,
    pickled,
    read_stage,
    unpickled,
)
from stgraph.extraction.sources import VideoSource
from stgraph.features.video_features import VideoFeatures
from stgraph.processes import DelayedSignals, sigterm_kept

__all__ = ["check_ray", "extract_with_ray"]

READS_PER_PROCESS = (
    1000  # then a fresh process takes over, as decoders leak; it also keeps Ray from fusing both stages
)


def check_ray() -> None:
    """Checks that Ray Data is installed.

    Raises:
        DependencyError: If it isn't.
    """
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"engine=ray needs Ray Data ({error}); run pip install 'stgraph-captioning[distributed]'."
        ) from error


def extract_with_ray(
    sources: Sequence[VideoSource],
    plan: ExtractionPlan,
    *,
    batch_size: int = 32,
    timings: Timings | None = None,
    address: str | None = None,
    readers: int | None = None,
    actors: int = 1,
    gpus_per_actor: float = 0,
) -> Iterator[VideoFeatures | Failure]:
    """Yields the features or the failure of each video, in the order of ``sources``.

    On CPUs the features equal those of :func:`~stgraph.extraction.engine.extract_videos` to the bit. Workers use this
    process's working folder, module path and number of threads; on a cluster, stgraph, the videos and the weights must
    be at the same paths on every machine.

    Args:
        sources: The videos.
        plan: The extractors and the frame rule; each process creates its own extractors.
        batch_size: Largest number of items per call of a model, all of one video.
        timings: The time taken by each extractor is added here.
        address: Address of a cluster, or "auto" for the one that this machine belongs to. None starts Ray on this
            machine and stops it afterwards. If Ray is running in this process already, it is used.
        readers: Number of tasks that read at the same time; None leaves it to Ray.
        actors: Number of processes that hold the models.
        gpus_per_actor: GPUs per such process; above 0 the models run on "cuda", below 1 processes share a GPU.

    Raises:
        DependencyError: If Ray is not installed.
        OptionError: If a number is out of range, there is no cluster at ``address``, or the machine has too few GPUs.
        WorkerError: If the extractors cannot be created in a worker, or Ray itself fails.
    """
    for name, number in (("batch_size", batch_size), ("ray.actors", actors), ("ray.readers", readers)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise OptionError(f"'{name}' must be at least 1, got {number!r}.")
    if gpus_per_actor < 0:
        raise OptionError(f"'ray.gpus_per_actor' must be 0 or more, got {gpus_per_actor!r}.")
    check_ray()
    if not sources:
        return
    modules = tuple(os.path.abspath(path) for path in sys.path)
    job = Job(pickle.dumps(plan), batch_size, torch.get_num_threads(), os.getcwd(), modules)
    actors = min(actors, len(sources))
    with (
        _ray(address, actors * gpus_per_actor),
        closing(_results(sources, job, readers, actors, gpus_per_actor)) as results,
    ):
        for number, result, counts in results:
            if timings is not None:
                timings.merge(counts)
            if isinstance(result, WorkerError):
                raise result
            yield Failure(sources[number], result) if isinstance(result, str) else result


def _results(
    sources: Sequence[VideoSource], job: Job, readers: int | None, actors: int, gpus: float
) -> Generator[tuple[int, Result, Timings]]:
    """Yields number, result and timings of each video, in order."""
    import ray
    from ray.data import ActorPoolStrategy, TaskPoolStrategy

    attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(AttemptCounter).remote()
    rows = [{"content": pickled((number, source))} for number, source in enumerate(sources)]
    # One processor is kept for a reader; without one the actors would wait for ever.
    share = (ray.cluster_resources().get("CPU", 0) - 1) / actors
    reading = functools.partial(read_stage, job=job, attempts=attempts)
    whole: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}  # blocks are passed on unchanged
    videos = (
        ray.data.from_items(rows, override_num_blocks=len(rows))
        .map_batches(reading, compute=TaskPoolStrategy(readers), max_calls=READS_PER_PROCESS, **whole)
        .map_batches(
            ExtractStage,
            fn_constructor_args=(job, "cuda" if gpus else "cpu", attempts),
            compute=ActorPoolStrategy(size=actors),
            num_cpus=max(0, min(1, int(100 * share) / 100)),
            num_gpus=gpus,
            **whole,
        )
    )
    options = videos.context  # affects this pipeline only
    options.execution_options.preserve_order = True
    options.target_max_block_size = None  # a video stays one block, however large
    options.enable_progress_bars = options.print_on_execution_start = False
    try:
        for block in videos.iter_batches(prefetch_batches=0, **whole):  # each result is yielded at once
            yield next(unpickled(block))
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray failed: {' '.join(str(error).split())}") from error


@contextmanager
def _ray(address: str | None, gpus: float) -> Iterator[None]:
    """Uses the running Ray, or starts one (or joins a cluster) and shuts it down (leaves it) at the end."""
    import ray

    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports usage to its developers otherwise
    handlers = logging.getLogger("ray.data").handlers
    consoles = [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]
    levels = [console.level for console in consoles]
    for console in consoles:  # errors become failures or exceptions; details are in Ray's own log files
        console.setLevel(logging.CRITICAL)
    reaper = _start_reaper()
    try:
        try:
            # A node that is interrupted while it starts is not whole, and Ray's handler of SIGTERM waits for it.
            with DelayedSignals() if address is None else nullcontext(), sigterm_kept():
                ray.init(
                    address or "local",
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except ConnectionError as error:
            reason = str(error).rstrip(".")
            raise OptionError(
                f"There is no Ray at 'ray.address' = {address!r}: {reason}. If the cluster requires a token, set "
                "RAY_AUTH_MODE=token."
            ) from error
        has = ray.cluster_resources().get("GPU", 0)
        if address is None and has < gpus:
            raise OptionError(
                f"The actors need {gpus:g} GPUs, this machine has {has:g}; lower 'ray.actors' or 'ray.gpus_per_actor'."
            )
        yield
    finally:
        ray.shutdown()
        if reaper is not None:
            reaper.communicate(b"\n")
        for console, level in zip(consoles, levels, strict=True):
            console.setLevel(level)


def _start_reaper() -> subprocess.Popen[bytes] | None:
    """Starts the program that ends Ray's processes if this one is killed; signals for this one do not reach it."""
    if sys.platform != "linux":
        return None
    command = [sys.executable, "-IS", ray_reaper.__file__, str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
