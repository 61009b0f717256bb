"""The single-process engine: threads read and preprocess videos while the calling thread runs the models."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stgraph.checking import checked
from stgraph.errors import OptionError, StgraphError
from stgraph.extraction.extractor_calls import Failure, Timings, error_message, extract_in_batches
from stgraph.extraction.feature_collector import FeatureCollector
from stgraph.extraction.item_reader import BATCH_BYTES, ItemBatch, VideoInfo, read_items
from stgraph.extraction.plan import PlannedExtractors
from stgraph.extraction.sources import VideoSource
from stgraph.features.video_features import VideoFeatures

__all__ = ["extract_videos"]

QUEUED_BATCHES = 8  # preprocessed batches that may wait for the models; more would only take memory
QUEUED_BYTES = 1 << 28  # bytes of them; a batch that is larger by itself waits alone
VIDEOS_AHEAD = 4  # videos that the readers may be ahead of the next result, in addition to one per thread


@checked
def extract_videos(
    sources: Sequence[VideoSource],
    planned: PlannedExtractors,
    *,
    threads: int = 2,
    batch_size: int = 32,
    across_videos: bool | None = None,
    timings: Timings | None = None,
) -> Iterator[VideoFeatures | Failure]:
    """Yields the features or the failure of each video, in the order of ``sources``.

    An error in one video does not affect the others.

    Args:
        sources: The videos.
        planned: The extractors.
        threads: Number of threads that read, decode and preprocess videos.
        batch_size: Largest number of items per call of a model.
        across_videos: Whether a batch may hold items of several videos, which keeps a GPU busy. Floating-point sums
            depend slightly on the batch size, so a video's features are independent of the other videos to the bit
            only without it. None means True on a GPU, False on a CPU.
        timings: The time taken by each extractor is added here.

    Raises:
        OptionError: If ``threads`` or ``batch_size`` is below 1.
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
    """A message of a reading thread: the properties of a video, a batch of its items, or an error."""

    video: int
    content: VideoInfo | ItemBatch | BaseException

    @property
    def num_bytes(self) -> int:
        return self.content.num_bytes if isinstance(self.content, ItemBatch) else 0


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
        self.messages: queue.Queue[_Read] = queue.Queue(QUEUED_BATCHES + threads)
        self.room, self.queued_bytes = threading.Condition(), 0
        self.stopped = threading.Event()
        self.turn = threading.Condition()
        self.next_to_read, self.next_out, self.ahead = 0, 0, threads + VIDEOS_AHEAD
        self.collectors: dict[int, FeatureCollector] = {}
        self.done: dict[int, VideoFeatures | Failure] = {}
        self.threads = [
            threading.Thread(target=self._read, daemon=True) for _ in range(min(threads, len(sources)))
        ]

    # -- run by the reading threads

    def _read(self) -> None:
        while (video := self._take_video()) is not None:
            try:
                for content in read_items(
                    self.sources[video], self.planned.plan.rule, self.planned.extractors, self.batch_size
                ):
                    self._put(_Read(video, content))
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001  a plugin's `preprocess` may raise anything; it becomes the video's failure
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
        with self.room:
            self.room.wait_for(lambda: self.stopped.is_set() or self._has_room(message.num_bytes))
            self.queued_bytes += message.num_bytes
        while not self.stopped.is_set():
            try:
                return self.messages.put(message, timeout=0.2)
            except queue.Full:
                continue
        raise _StoppedError

    def _has_room(self, size: int) -> bool:
        return not self.queued_bytes or self.queued_bytes + size <= QUEUED_BYTES

    # -- run by the calling thread, which owns the models

    def results(self, across_videos: bool) -> Iterator[VideoFeatures | Failure]:
        for thread in self.threads:
            thread.start()
        waiting: dict[int, list[tuple[int, ItemBatch]]] = {}
        while self.next_out < len(self.sources):
            message = self._next_message(block=not waiting)
            if message is None:  # no batch has arrived: run the model with the most waiting items
                fullest = max(waiting, key=lambda k: sum(len(items.values) for _, items in waiting[k]))
                self._extract(fullest, waiting.pop(fullest))
            elif isinstance(message.content, ItemBatch):
                group = waiting.setdefault(message.content.extractor, [])
                group.append((message.video, message.content))
                if not across_videos or self._is_full(group):
                    self._extract(message.content.extractor, waiting.pop(message.content.extractor))
            else:
                self._start_or_fail(message)
            yield from self._finished()

    def _next_message(self, block: bool) -> _Read | None:
        while True:
            try:
                message = self.messages.get(timeout=0.5 if block else 0.05)
            except queue.Empty:
                if not block:
                    return None
                continue
            with self.room:
                self.queued_bytes -= message.num_bytes
                self.room.notify_all()
            return message

    def _is_full(self, group: list[tuple[int, ItemBatch]]) -> bool:
        return (
            sum(len(items.values) for _, items in group) >= self.batch_size
            or sum(items.num_bytes for _, items in group) >= BATCH_BYTES
        )

    def _start_or_fail(self, message: _Read) -> None:
        if isinstance(message.content, VideoInfo):
            self.collectors[message.video] = FeatureCollector(message.content, self.planned.extractors)
        elif isinstance(message.content, BaseException):
            self._fail(message.video, message.content)

    def _extract(self, extractor: int, group: list[tuple[int, ItemBatch]]) -> None:
        group = [
            (video, items) for video, items in group if video in self.collectors
        ]  # the others have failed
        if not group:
            return
        try:
            features = extract_in_batches(
                self.names[extractor],
                self.planned.extractors[extractor],
                [value for _, items in group for value in items.values],
                self.batch_size,
                self.timings,
            )
        except Exception as error:  # noqa: BLE001  a plugin may raise anything, because of one video of the batch
            if len(group) == 1:
                self._fail(group[0][0], error)
            else:
                for part in group:
                    self._extract(extractor, [part])
            return
        begin = 0
        for video, items in group:
            self.collectors[video].add(extractor, items.first, features[begin : begin + len(items.values)])
            begin += len(items.values)

    def _fail(self, video: int, error: BaseException) -> None:
        self.done[video] = Failure(self.sources[video], error_message(error))
        self.collectors.pop(video, None)

    def _finished(self) -> Iterator[VideoFeatures | Failure]:
        for video in [video for video, collector in self.collectors.items() if collector.is_complete]:
            try:
                self.done[video] = self.collectors.pop(video).to_video_features()
            except (StgraphError, RuntimeError) as error:
                self._fail(video, error)
        while self.next_out in self.done:
            result = self.done.pop(self.next_out)
            with self.turn:
                self.next_out += 1
                self.turn.notify_all()
            yield result

    def stop(self) -> None:
        """Stops the reading threads, each at its next item."""
        self.stopped.set()
        for waiting in (self.turn, self.room):
            with waiting:
                waiting.notify_all()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()


class _StoppedError(Exception):
    """Raised in reading threads after the consumer has stopped."""
