"""The stages that Ray's workers run, on blocks of pickled objects that belong to one video each."""

from __future__ import annotations

import functools
import os
import pickle
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch

from stgraph.errors import WorkerError
from stgraph.extraction.extractor_calls import Timings, error_message, extract_in_batches
from stgraph.extraction.feature_collector import FeatureCollector
from stgraph.extraction.item_reader import ItemBatch, VideoInfo, read_items
from stgraph.extraction.plan import ExtractionPlan, PlannedExtractors
from stgraph.features.video_features import VideoFeatures

__all__ = ["AttemptCounter", "ExtractStage", "Job", "Result", "pickled", "read_stage", "unpickled"]

MAX_ATTEMPTS = 3  # per video whose worker dies; Ray would retry without limit a file that kills its decoder

Result = VideoFeatures | str | WorkerError
"""The features, the reason why this video failed, or the error that prevents all videos."""


@dataclass(frozen=True)
class Job:
    """Settings that the driver passes to its workers.

    Args:
        plan: The pickled plan; as bytes it makes a job hashable.
        batch_size: Largest number of items per call of a model.
        threads: Number of PyTorch threads.
        folder: Working folder, which relative paths refer to.
        modules: The driver's ``sys.path``.
    """

    plan: bytes
    batch_size: int
    threads: int
    folder: str
    modules: tuple[str, ...]

    def begin(self, device: str) -> PlannedExtractors:
        """Gives this process the driver's working folder, module path and threads, and creates the extractors.

        Raises:
            WorkerError: If the extractors cannot be created here.
        """
        with suppress(OSError):  # another machine may lack the folder; then only absolute paths work there
            os.chdir(self.folder)
        sys.path[:] = [*self.modules, *(path for path in sys.path if path not in self.modules)]
        torch.set_num_threads(self.threads)
        try:
            plan: ExtractionPlan = pickle.loads(self.plan)
            return plan.build(device)
        except Exception as error:  # a plugin may raise anything
            raise WorkerError(
                f"The extractors cannot be created in a Ray worker on {platform.node()}: {error_message(error)}"
            ) from error


class AttemptCounter:
    """Actor that counts how often work on each video was started."""

    def __init__(self) -> None:
        self.attempts: Counter[tuple[str, int]] = Counter()

    def begin(self, work: str, number: int) -> int:
        """Counts one more attempt and returns the number of attempts so far."""
        self.attempts[work, number] += 1
        return self.attempts[work, number]


def read_stage(block: Any, job: Job, attempts: Any) -> Any:
    """Reads a video: number and source -> number, properties and preprocessed items, or number and result."""
    number, source = next(unpickled(block))
    packed = [pickled(number)]
    try:
        _begin(attempts, "read", number)
        planned = _reading_extractors(job)
        contents = read_items(source, planned.plan.rule, planned.extractors, job.batch_size)
        packed += [
            pickled(content) for content in contents
        ]  # one by one, so the video is in memory only once
    except Exception as error:  # noqa: BLE001  a plugin's `preprocess` may raise anything; it becomes the video's failure
        packed = [pickled(number), pickled(_result_of(error))]
    return _block(packed)


class ExtractStage:
    """Runs the models: number, properties and preprocessed items of a video -> number, result and timings."""

    def __init__(self, job: Job, device: str, attempts: Any) -> None:
        self.batch_size, self.attempts = job.batch_size, attempts
        self.planned: PlannedExtractors | WorkerError
        try:
            self.planned = job.begin(device)
        except WorkerError as error:
            self.planned = error  # raised here, it would be lost among Ray's messages about a dead actor

    def __call__(self, block: Any) -> Any:
        """Processes the block of one video."""
        contents, timings = unpickled(block), Timings()
        number = next(contents)
        return _block([pickled((number, self._result(number, contents, timings), timings))])

    def _result(self, number: int, contents: Iterator[Any], timings: Timings) -> Result:
        if isinstance(self.planned, WorkerError):
            return self.planned
        extractors, choices = self.planned.extractors, self.planned.plan.choices
        info: VideoInfo | Result = next(contents)
        if not isinstance(info, VideoInfo):
            return info
        try:
            _begin(self.attempts, "extracted", number)
            collector = FeatureCollector(info, extractors)
            batch: ItemBatch
            for batch in contents:
                k = batch.extractor
                features = extract_in_batches(
                    choices[k].name, extractors[k], batch.values, self.batch_size, timings
                )
                collector.add(k, batch.first, features)
            return collector.to_video_features()
        except Exception as error:  # noqa: BLE001  a plugin's `extract` may raise anything; it becomes the video's failure
            return _result_of(error)


@functools.lru_cache(maxsize=1)
def _reading_extractors(job: Job) -> PlannedExtractors:
    """Created once per process: each video is a task of its own, but the process stays."""
    return job.begin("cpu")


class _DeathError(Exception):
    """Processes working on this video died too often."""


def _begin(attempts: Any, work: str, number: int) -> None:
    import ray

    if ray.get(attempts.begin.remote(work, number)) > MAX_ATTEMPTS:
        raise _DeathError(
            f"the process that {work} it died {MAX_ATTEMPTS} times; memory may be short, or the file crashes its decoder"
        )


def _result_of(error: Exception) -> str | WorkerError:
    if isinstance(error, _DeathError):
        return str(error)
    return error if isinstance(error, WorkerError) else error_message(error)


def pickled(content: object) -> bytes:
    """Pickles an object with Ray's cloudpickle, which supports more types than Python's pickle."""
    from ray import cloudpickle

    return cloudpickle.dumps(content)


def unpickled(block: Any) -> Iterator[Any]:
    """Yields the objects of a block, unpickling each when it is requested."""
    for row in block["content"]:
        yield pickle.loads(row.as_buffer())


def _block(contents: Sequence[bytes]) -> Any:
    """An Arrow table with one pickled object per row, which shares the memory of ``contents``."""
    import pyarrow as pa

    chunks = []
    for content in contents:
        offsets = pa.array([0, len(content)], pa.int64()).buffers()[1]
        chunks.append(pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(content)]))
    return pa.table({"content": pa.chunked_array(chunks)})
