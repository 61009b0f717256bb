"""Writes feature stores, one complete shard at a time."""

from __future__ import annotations

from collections.abc import KeysView, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, StgraphError, StoreError
from stgraph.features.store.lock import writer_lock
from stgraph.features.store.provenance import ExtractorRecord, Header
from stgraph.features.store.row_buffer import RowBuffer
from stgraph.features.store.schema import is_one_file, shard_files, shard_name, shard_number
from stgraph.features.store.shard import Part, Shard
from stgraph.features.store.shard_writer import write_shard
from stgraph.features.video_features import VideoFeatures
from stgraph.files import write_failure

VIDEOS_PER_SHARD = 256


@checked
class FeatureStoreWriter:
    """Writes a store of videos, as a context manager.

    The store is one file if its path ends in ``.h5`` or ``.hdf5``, otherwise a folder of shards. Each file is written under
    a temporary name and renamed when complete: an exception leaves no partial file, a killed run loses at most the
    current shard, and a second run with ``append=True`` can skip the videos that are already stored::

        with FeatureStoreWriter("features", extractors=records, append=True) as writer:
            for name in names:
                if name not in writer.done_ids:
                    writer.add(extract(name))

    Args:
        path: The store.
        extractors: Record of the extractor of each stream: "appearance", "motion", "object" or "grid/NAME". All videos
            must have exactly these streams.
        label_names: Names of the object labels.
        dtype: Type of the stored features, "float16" or "float32".
        videos_per_shard: Number of videos per file of a folder; None means 256.
        append: Whether to add to an existing store. A store of one file is rewritten for that.

    Raises:
        OptionError: If an argument is invalid.
        StoreError: If the store already exists, is damaged, is being written by another process, or the disk is full.
        DataError: If the existing store has other extractors, label names or dtype.

    Reference: our own design.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        extractors: Mapping[str, ExtractorRecord],
        label_names: Sequence[str] = (),
        dtype: str = "float16",
        videos_per_shard: int | None = None,
        append: bool = False,
    ) -> None:
        self.path = Path(path)
        self.header = Header(dict(extractors), tuple(label_names), dtype)
        self.append = append
        self._one_file = is_one_file(self.path)
        if videos_per_shard is not None and (self._one_file or videos_per_shard < 1):
            raise OptionError(
                "'videos_per_shard' must be at least 1, and None for a store of one file, got "
                f"{videos_per_shard} for {self.path}."
            )
        self._videos_per_shard = videos_per_shard or VIDEOS_PER_SHARD
        self._open = ExitStack()
        self._made_folder = False
        self._done: dict[str, None] = {}
        self._buffer: RowBuffer | None = None

    @property
    def done_ids(self) -> KeysView[str]:
        """Ids of the videos in the store, including those just added."""
        return self._done.keys()

    def __enter__(self) -> FeatureStoreWriter:
        with ExitStack() as stack:
            stack.enter_context(writer_lock(self.path))
            # Within the lock: an empty folder may be that of another writer otherwise.
            stack.callback(self._remove_empty_folder)
            try:
                self._open_existing()
            except StgraphError:
                raise
            except OSError as error:
                raise StoreError(write_failure(error, self.path)) from error
            self._open = stack.pop_all()
        return self

    def add(self, video: VideoFeatures) -> None:
        """Adds one video.

        Raises:
            StoreError: If the writer is not open, or the disk is full.
            DataError: If the id already exists, or the video does not fit the others; nothing is added then.
        """
        if self._buffer is None:
            raise StoreError(f"The writer of {self.path} is not open; use it in a 'with' block.")
        if video.id in self._done:
            raise DataError(f"Video '{video.id}' is in {self.path} already; each id may occur once.")
        try:
            self._buffer.add(video)
        except OSError as error:
            self._buffer.close()
            self._buffer = None  # it may contain a part of the video
            raise StoreError(write_failure(error, self.path)) from error
        self._done[video.id] = None
        if not self._one_file and len(self._buffer.ids) >= self._videos_per_shard:
            self._write(self._buffer)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            buffer, self._buffer = self._buffer, None
            if buffer is None:
                return
            try:
                # A store without videos is written too; an existing one without new videos is not rewritten.
                if error is None and (buffer.ids or not self._exists):
                    self._write(buffer)
            finally:
                buffer.close()

    def _remove_empty_folder(self) -> None:
        if self._made_folder:
            with suppress(OSError):  # it has shards
                self.path.rmdir()

    def _open_existing(self) -> None:
        if self._one_file and self.path.is_symlink():
            raise StoreError(f"{self.path} is a symbolic link and is not replaced; name the file itself.")
        if self.path.exists() and self.path.is_dir() == self._one_file:
            raise StoreError(
                f"{self.path} is a {'folder' if self._one_file else 'file'}; a store of one file ends in .h5 or .hdf5, and "
                "any other is a folder."
            )
        exists = self.path.exists() and (
            self._one_file or any(shard_number(file) >= 0 for file in self.path.iterdir())
        )
        if exists and not self.append:
            raise StoreError(f"There is a store at {self.path} already; pass append=True or another path.")
        self._exists, self._old = exists, [Shard(file) for file in shard_files(self.path)] if exists else []
        self._next = 1 + max((shard_number(shard.path) for shard in self._old), default=-1)
        tails: dict[str, tuple[int, ...]] = {}
        for shard in self._old:
            shard.header.check_same(self.header, f"The store at {shard.path}")
            self._done.update(dict.fromkeys(shard.ids))
            for column in shard.columns:
                if column.tail is None and shard.num_rows(column.level):
                    tails[column.path] = shard.tail(column)
        if not self._one_file:
            self._made_folder = not self.path.exists()
            self.path.mkdir(exist_ok=True)
        folder = self.path.parent if self._one_file else self.path
        self._buffer = RowBuffer(self.header, folder, tails)

    def _write(self, buffer: RowBuffer) -> None:
        parts: list[Part] = [*self._old, buffer] if self._one_file else [buffer]
        target = self.path if self._one_file else self.path / shard_name(self._next)
        write_shard(target, self.header, parts)
        self._exists, self._next = True, self._next + 1
        buffer.clear()
