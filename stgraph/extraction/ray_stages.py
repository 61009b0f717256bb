"""What Ray's workers run: reading a video and describing it, on blocks that hold one video's pickled objects."""

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
from stgraph.extraction.assembling import Assembly
from stgraph.extraction.describing import Timings, extract_items, reason_of
from stgraph.extraction.plan import ExtractionPlan, PlannedExtractors
from stgraph.extraction.reading import Items, VideoFacts, read_items
from stgraph.features.video_features import VideoFeatures

__all__ = ["Describe", "Job", "Result", "Tries", "dumped", "read", "unpacked"]

TRIES = (
    3  # of a video whose worker dies; Ray's own number is endless, as a file would be that kills its decoder
)

Result = VideoFeatures | str | WorkerError
"""Features, why this video has none, or why no video can have any."""


@dataclass(frozen=True)
class Job:
    """What workers must know of the driver.

    Args:
        plan: The plan, pickled: as bytes a job can be looked up.
        batch_size: Items that a model describes at once.
        threads: Of PyTorch.
        folder: Where relative paths begin.
        modules: Where modules are found.
    """

    plan: bytes
    batch_size: int
    threads: int
    folder: str
    modules: tuple[str, ...]

    def begin(self, device: str) -> PlannedExtractors:
        """Makes this process like the driver's, and the extractors.

        Raises: WorkerError: They cannot be made here.
        """
        with suppress(OSError):  # another machine may lack it; there only full paths lead anywhere
            os.chdir(self.folder)
        sys.path[:] = [*self.modules, *(path for path in sys.path if path not in self.modules)]
        torch.set_num_threads(self.threads)
        try:
            plan: ExtractionPlan = pickle.loads(self.plan)
            return plan.build(device)
        except Exception as error:  # a plug-in may raise anything
            raise WorkerError(
                f"The extractors cannot be made in a Ray worker on {platform.node()}: {reason_of(error)}"
            ) from error


class Tries:
    """An actor that counts how often work on a video was begun."""

    def __init__(self) -> None:
        self.begun: Counter[tuple[str, int]] = Counter()

    def begin(self, work: str, number: int) -> int:
        """Counts one more."""
        self.begun[work, number] += 1
        return self.begun[work, number]


def read(block: Any, job: Job, tries: Any) -> Any:
    """A video's number and source -> its number, facts and prepared items; or its number and a result."""
    number, source = next(unpacked(block))
    packed = [dumped(number)]
    try:
        _begin(tries, "read", number)
        planned = _extractors_to_prepare(job)
        contents = read_items(source, planned.plan.rule, planned.extractors, job.batch_size)
        packed += [dumped(content) for content in contents]  # one by one: the memory holds a video once
    except Exception as error:  # noqa: BLE001  a plug-in's `preprocess` may raise anything; told with its video
        packed = [dumped(number), dumped(_result_of(error))]
    return _block(packed)


class Describe:
    """A video's number, facts and prepared items -> its number, result, and what that took."""

    def __init__(self, job: Job, device: str, tries: Any) -> None:
        self.batch_size, self.tries = job.batch_size, tries
        self.planned: PlannedExtractors | WorkerError
        try:
            self.planned = job.begin(device)
        except WorkerError as error:
            self.planned = error  # raised here, it would be drowned in what Ray says of actors that die

    def __call__(self, block: Any) -> Any:
        """One block for one block."""
        contents, timings = unpacked(block), Timings()
        number = next(contents)
        return _block([dumped((number, self._result(number, contents, timings), timings))])

    def _result(self, number: int, contents: Iterator[Any], timings: Timings) -> Result:
        if isinstance(self.planned, WorkerError):
            return self.planned
        extractors, choices = self.planned.extractors, self.planned.plan.choices
        facts: VideoFacts | Result = next(contents)
        if not isinstance(facts, VideoFacts):
            return facts
        try:
            _begin(self.tries, "described", number)
            assembly = Assembly(facts, extractors)
            items: Items
            for items in contents:
                k = items.extractor
                said = extract_items(choices[k].name, extractors[k], items.values, self.batch_size, timings)
                assembly.add(k, items.first, said)
            return assembly.video()
        except Exception as error:  # noqa: BLE001  a plug-in's `extract` may raise anything; told with its video
            return _result_of(error)


@functools.lru_cache(maxsize=1)
def _extractors_to_prepare(job: Job) -> PlannedExtractors:
    """Made once a process: each video is a task of its own, but the process stays."""
    return job.begin("cpu")


class _DeathError(Exception):
    """Of the process that had this video, once too often."""


def _begin(tries: Any, work: str, number: int) -> None:
    import ray

    if ray.get(tries.begin.remote(work, number)) > TRIES:
        raise _DeathError(
            f"the process that {work} it died {TRIES} times, of too little memory or of this file"
        )


def _result_of(error: Exception) -> str | WorkerError:
    if isinstance(error, _DeathError):
        return str(error)
    return error if isinstance(error, WorkerError) else reason_of(error)


def dumped(content: object) -> bytes:
    """A pickled object; Ray's way, which knows more than Python's."""
    from ray import cloudpickle

    return cloudpickle.dumps(content)


def _block(contents: Sequence[bytes]) -> Any:
    """An Arrow table over the same memory: a pickled object a row."""
    import pyarrow as pa

    ends = lambda content: pa.array([0, len(content)], pa.int64()).buffers()[1]
    chunks = [
        pa.Array.from_buffers(pa.large_binary(), 1, [None, ends(content), pa.py_buffer(content)])
        for content in contents
    ]
    return pa.table({"content": pa.chunked_array(chunks)})


def unpacked(block: Any) -> Iterator[Any]:
    """The objects of a block, each made when it is asked for."""
    for row in block["content"]:
        yield pickle.loads(row.as_buffer())
