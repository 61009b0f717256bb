"""The engine of one process: threads read and prepare videos while this one runs the models."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stgraph.errors import OptionError, StgraphError
from stgraph.extraction.assembling import Assembly
from stgraph.extraction.describing import Failure, Timings, extract_items, reason_of
from stgraph.extraction.plan import PlannedExtractors
from stgraph.extraction.reading import Items, VideoFacts, read_items
from stgraph.extraction.sources import VideoSource
from stgraph.features.video_features import VideoFeatures

__all__ = ["extract_videos"]

WAITING_GROUPS = 8  # of prepared items; more would only fill the memory
AHEAD = 4  # videos that a thread may be ahead of the one that is written next


def extract_videos(
    sources: Sequence[VideoSource],
    planned: PlannedExtractors,
    *,
    threads: int = 2,
    batch_size: int = 32,
    across_videos: bool | None = None,
    timings: Timings | None = None,
) -> Iterator[VideoFeatures | Failure]:
    """Features of each video, or why there are none, in the order of ``sources``.

    Whatever is wrong with one video stays with that video.

    Args:
        sources: The files.
        planned: The extractors.
        threads: That read, decode and prepare.
        batch_size: Items that a model describes at once.
        across_videos: Whether a batch may hold items of several videos. That fills the batches of a GPU; the sums of a
            batch depend a little on its size, so without it (None: on a CPU) a video's features are the same to the bit
            whatever was extracted beside it.
        timings: Filled in.

    Raises: OptionError: A number below 1.
    """
    for name, number in (("threads", threads), ("batch_size", batch_size)):
        if not isinstance(number, int) or number < 1:
            raise OptionError(f"'{name}' must be at least 1, got {number!r}.")
    if across_videos is None:
        across_videos = any(extractor.device.type != "cpu" for extractor in planned.extractors)
    pipeline = _Pipeline(sources, planned, threads, batch_size, timings or Timings())
    try:
        yield from pipeline.results(across_videos)
    finally:
        pipeline.stop()


@dataclass(frozen=True)
class _Read:
    """A message of a reading thread: facts, items, or what went wrong with a video."""

    video: int
    content: VideoFacts | Items | BaseException


class _Pipeline:
    def __init__(
        self,
        sources: Sequence[VideoSource],
        planned: PlannedExtractors,
        threads: int,
        batch_size: int,
        timings: Timings,
    ) -> None:
        self.sources, self.planned, self.batch_size, self.timings = sources, planned, batch_size, timings
        self.names = [choice.name for choice in planned.plan.choices]
        self.messages: queue.Queue[_Read] = queue.Queue(WAITING_GROUPS + threads)
        self.stopped = threading.Event()
        self.turn = threading.Condition()
        self.next_to_read, self.next_out, self.ahead = 0, 0, threads + AHEAD
        self.assemblies: dict[int, Assembly] = {}
        self.done: dict[int, VideoFeatures | Failure] = {}
        self.threads = [
            threading.Thread(target=self._read, daemon=True) for _ in range(min(threads, len(sources)))
        ]

    # -- reading threads

    def _read(self) -> None:
        while (video := self._take_video()) is not None:
            try:
                for content in read_items(
                    self.sources[video], self.planned.plan.rule, self.planned.extractors, self.batch_size
                ):
                    self._put(_Read(video, content))
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001  a plug-in's `preprocess` may raise anything; told with its video
                self._put(_Read(video, error))

    def _take_video(self) -> int | None:
        with self.turn:
            self.turn.wait_for(
                lambda: (
                    self.stopped.is_set()
                    or self.next_to_read >= len(self.sources)
                    or self.next_to_read < self.next_out + self.ahead
                )
            )
            if self.stopped.is_set() or self.next_to_read >= len(self.sources):
                return None
            self.next_to_read += 1
            return self.next_to_read - 1

    def _put(self, message: _Read) -> None:
        while not self.stopped.is_set():
            try:
                return self.messages.put(message, timeout=0.2)
            except queue.Full:
                continue
        raise _StoppedError

    # -- the thread of the models

    def results(self, across_videos: bool) -> Iterator[VideoFeatures | Failure]:
        for thread in self.threads:
            thread.start()
        waiting: dict[int, list[tuple[int, Items]]] = {}
        while self.next_out < len(self.sources):
            message = self._next_message(block=not waiting)
            if message is None:  # the readers are busy or wait for us: describe what is there
                fullest = max(waiting, key=lambda k: sum(len(items.values) for _, items in waiting[k]))
                self._describe(fullest, waiting.pop(fullest))
            elif isinstance(message.content, Items):
                group = waiting.setdefault(message.content.extractor, [])
                group.append((message.video, message.content))
                if not across_videos or sum(len(items.values) for _, items in group) >= self.batch_size:
                    self._describe(message.content.extractor, waiting.pop(message.content.extractor))
            else:
                self._note(message)
            yield from self._finished()

    def _next_message(self, block: bool) -> _Read | None:
        while True:
            try:
                return self.messages.get(timeout=0.5 if block else 0.05)
            except queue.Empty:
                if not block:
                    return None

    def _note(self, message: _Read) -> None:
        if isinstance(message.content, VideoFacts):
            self.assemblies[message.video] = Assembly(message.content, self.planned.extractors)
        elif isinstance(message.content, BaseException):
            self._fail(message.video, message.content)

    def _describe(self, extractor: int, group: list[tuple[int, Items]]) -> None:
        group = [(video, items) for video, items in group if video in self.assemblies]  # others have failed
        if not group:
            return
        try:
            said = extract_items(
                self.names[extractor],
                self.planned.extractors[extractor],
                [value for _, items in group for value in items.values],
                self.batch_size,
                self.timings,
            )
        except Exception as error:  # noqa: BLE001  a plug-in may raise anything, for one video of the batch
            if len(group) == 1:
                self._fail(group[0][0], error)
            else:
                for part in group:
                    self._describe(extractor, [part])
            return
        begin = 0
        for video, items in group:
            self.assemblies[video].add(extractor, items.first, said[begin : begin + len(items.values)])
            begin += len(items.values)

    def _fail(self, video: int, error: BaseException) -> None:
        self.done[video] = Failure(self.sources[video], reason_of(error))
        self.assemblies.pop(video, None)

    def _finished(self) -> Iterator[VideoFeatures | Failure]:
        for video in [video for video, assembly in self.assemblies.items() if assembly.is_whole]:
            try:
                self.done[video] = self.assemblies.pop(video).video()
            except (StgraphError, RuntimeError) as error:
                self._fail(video, error)
        while self.next_out in self.done:
            result = self.done.pop(self.next_out)
            with self.turn:
                self.next_out += 1
                self.turn.notify_all()
            yield result

    def stop(self) -> None:
        """Ends the reading threads; each at its next item."""
        self.stopped.set()
        with self.turn:
            self.turn.notify_all()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()


class _StoppedError(Exception):
    """Nobody wants more."""
