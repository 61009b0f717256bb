"""The engine of many processes: a Ray Data pipeline of the same stages, on this machine or on a cluster.

Sources -> tasks that read and prepare a video -> actors that hold the models -> this process, which writes.
One video is one block all the way, so that a lost worker costs that one's work, which Ray does again.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import torch

from stgraph.errors import DependencyError, OptionError, WorkerError
from stgraph.extraction.describing import Failure, Timings
from stgraph.extraction.plan import ExtractionPlan
from stgraph.extraction.ray_stages import Describe, Job, Result, Tries, dumped, read, unpacked
from stgraph.extraction.sources import VideoSource
from stgraph.features.video_features import VideoFeatures

__all__ = ["check_ray", "extract_with_ray"]

READS = 1000  # of a process before a fresh one takes over: decoders leak. It also keeps Ray from fusing both stages


def check_ray() -> None:
    """Raises: DependencyError: Ray is not installed."""
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
    """Features of each video, or why there are none, in the order of ``sources``.

    On CPUs the same to the bit as :func:`~stgraph.extraction.engine.extract_videos` gives. Workers use this process's
    folder, module path and number of threads; a cluster must find stgraph, the videos and weights at the same places.

    Args:
        sources: The files.
        plan: The extractors and frames; each process makes its own.
        batch_size: Items that a model describes at once; of one video.
        timings: Filled in.
        address: Of a cluster, "auto" for the one that this machine belongs to; None: Ray on this machine, ended
            afterwards. Where the caller has started Ray already, that one is used.
        readers: Tasks that read at a time; None: as many as Ray finds processors for.
        actors: Processes with the models.
        gpus_per_actor: Above 0 the models work on "cuda"; below 1 actors share a GPU.

    Raises: DependencyError: No Ray. OptionError: A number that cannot be, or no cluster at ``address``. WorkerError: The
        extractors cannot be made in a worker, or Ray fails as a whole.
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
    """Number, result and costs of each video, in order."""
    import ray
    from ray.data import ActorPoolStrategy, TaskPoolStrategy

    tries = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Tries).remote()
    rows = [{"content": dumped((number, source))} for number, source in enumerate(sources)]
    # One processor is left for a reader, without which the actors would wait for ever.
    share = (ray.cluster_resources().get("CPU", 0) - 1) / actors
    reading = functools.partial(read, job=job, tries=tries)
    whole: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}  # blocks as they are
    videos = (
        ray.data.from_items(rows, override_num_blocks=len(rows))
        .map_batches(reading, compute=TaskPoolStrategy(readers), max_calls=READS, **whole)
        .map_batches(
            Describe,
            fn_constructor_args=(job, "cuda" if gpus else "cpu", tries),
            compute=ActorPoolStrategy(size=actors),
            num_cpus=max(0, min(1, int(100 * share) / 100)),
            num_gpus=gpus,
            **whole,
        )
    )
    options = videos.context  # of this pipeline only
    options.execution_options.preserve_order = True
    options.target_max_block_size = None  # a video stays one block, however large
    options.enable_progress_bars = options.print_on_execution_start = False
    try:
        for block in videos.iter_batches(prefetch_batches=0, **whole):  # a result is told at once
            yield next(unpacked(block))
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray could not go on: {' '.join(str(error).split())}") from error


@contextmanager
def _ray(address: str | None, gpus: float) -> Iterator[None]:
    """A Ray to work with: the one that is there, or one that is ended (of a cluster: left) afterwards."""
    import ray

    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    handlers = logging.getLogger("ray.data").handlers
    consoles = [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]
    levels = [console.level for console in consoles]
    for console in consoles:  # what goes wrong is told as a result or raised; Ray's files say more
        console.setLevel(logging.CRITICAL)
    try:
        try:
            ray.init(
                address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except ConnectionError as error:
            reason = str(error).rstrip(".")
            raise OptionError(
                f"There is no Ray at 'ray.address' = {address!r}: {reason}. If the cluster wants a token, set "
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
        for console, level in zip(consoles, levels, strict=True):
            console.setLevel(level)
