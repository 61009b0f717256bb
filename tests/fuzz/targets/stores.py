"""Feature stores: what is accepted has the values that were written, is valid, and can be merged."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import h5py
import torch

from stgraph.errors import StgraphError
from stgraph.features import FeatureStore, VideoFeatures
from stgraph.features.store import merge, validate
from tests.features.store.samples import LABELS, assert_same, random_video, records, write, write_version_1
from tests.fuzz.mutations import mutate_bytes
from tests.fuzz.target import Silent, Target
from tests.fuzz.targets.hdf5 import restructure

CUT = b"\0cut while it is open\0"
"""End of an input that stands for a file from which another process cuts the second half while it is read."""


def videos() -> list[VideoFeatures]:
    """The videos of the valid stores."""
    return [random_video(0), random_video(1, counts=(1, 2)), random_video(2, counts=(0, 4, 0))]


class Stores(Target):
    """Stores of the present version and of version 1, which has no checksums."""

    name = "stores"

    def prepare(self) -> dict[str, bytes]:
        new = write(self.folder / "new.h5", videos())
        old = write_version_1(self.folder / "old.h5", videos())
        self.folder.joinpath("metadata").mkdir()
        for name, path in (("new", new), ("old", old)):
            (self.folder / "metadata" / name).write_text(",".join(map(str, metadata_of(path))))
        return {"new.h5": new.read_bytes(), "old.h5": old.read_bytes()}

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        kind = draw.randrange(10)
        if kind < 2:
            return mutate_bytes(draw, content, others)
        if kind < 5:
            return restructure(draw, content, self.folder)
        if kind == 5:
            return content + CUT
        # Most bytes belong to arrays, so those that say where and what the arrays are get mutations of their own.
        text = (self.folder / "metadata" / seed.removesuffix(".h5")).read_text()
        places = [int(place) for place in text.split(",")]
        changed = bytearray(content)
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            place = draw.choice(places)
            changed[place : place + 8] = mutate_bytes(draw, bytes(changed[place : place + 8]))[:8].ljust(
                len(changed[place : place + 8]), b"\0"
            )
        return bytes(changed)

    def check(self, seed: str, path: Path) -> bool | None:
        content = path.read_bytes()
        if content.endswith(CUT):
            path.write_bytes(content.removesuffix(CUT))
            return check_cut(path)
        try:
            store = FeatureStore(path)
            found = [store[video] for video in store.ids]
        except StgraphError as error:
            if not validate(path):
                raise Silent(f"refused, but validate finds nothing: {error}") from error
            raise
        problems = validate(path)
        target = path.with_name("merged.h5")
        try:
            merged = merge([path], target)
            again = [merged[video] for video in merged.ids]
        except StgraphError as error:
            if not problems:
                raise Silent(f"valid, but cannot be merged: {error}") from error
            raise
        if problems:
            return False
        check_values(found)
        for one, other in zip(found, again, strict=True):
            assert_same(one, other)
        if seed == "new.h5":
            try:
                for one, other in zip(found, videos(), strict=True):
                    assert_same(one, other)
            except (AssertionError, ValueError) as error:
                raise Silent("the values are not those that were written") from error
            if store.extractors != records() or store.label_names != LABELS:
                raise Silent("the records are not those that were written")
        return None


def check_values(found: Sequence[VideoFeatures]) -> None:
    """Checks that all features are finite."""
    for video in found:
        values = [video.appearance, video.motion, *(grid.values for grid in video.grids.values())]
        values += [] if video.detections is None else [video.detections.features, video.detections.boxes]
        if not all(bool(torch.isfinite(value).all()) for value in values if value is not None):
            raise Silent(f"features of {video.id!r} are not finite")


def check_cut(path: Path) -> None:
    """Opens a store, cuts off its second half, and reads it."""
    store = FeatureStore(path)
    ids = store.ids
    os.truncate(path, path.stat().st_size // 2)
    found = [store[video] for video in ids]
    for one, other in zip(found, videos(), strict=True):
        try:
            assert_same(one, other)
        except AssertionError as error:
            raise Silent("the values of a store that was cut off are not those that were written") from error


def metadata_of(path: Path) -> list[int]:
    """Positions of all bytes that don't belong to an array: those that say where and what the arrays are."""
    size, arrays = path.stat().st_size, []

    def visit(_: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None and item.name != "/video/id":
            arrays.append(range(item.id.get_offset(), item.id.get_offset() + item.nbytes))

    with h5py.File(path) as file:
        file.visititems(visit)
    inside = {position for array in arrays for position in array}
    return [position for position in range(size) if position not in inside]


TARGET = Stores
