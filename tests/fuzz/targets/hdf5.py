"""Mutations of the structure of HDF5 files: types, shapes, storage, links and attributes."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

import h5py
import numpy as np

__all__ = ["restructure"]


def restructure(draw: random.Random, content: bytes, folder: Path) -> bytes:
    """Replaces, removes, renames or links something in an HDF5 file by HDF5 itself, so that the file stays sound."""
    path = folder / f"{uuid.uuid4().hex}.h5"
    path.write_bytes(content)
    try:
        with h5py.File(path, "r+") as file:
            # Read before anything is changed: HDF5 may crash on what the changes make.
            values: dict[str, np.ndarray | None] = {}
            file.visititems(
                lambda name, item: values.update({name: item[()] if isinstance(item, h5py.Dataset) else None})
            )
            for _ in range(draw.choice((1, 1, 2))):
                name = draw.choice(list(values))
                _change(draw, file, name, values.pop(name), [*values, name])
                if not values:
                    break
        return path.read_bytes()
    finally:
        path.unlink()


def _change(
    draw: random.Random, file: h5py.File, name: str, values: np.ndarray | None, names: list[str]
) -> None:
    kind = draw.randrange(12)
    if kind == 0 and len(file.attrs):
        key = draw.choice(sorted(file.attrs))
        file.attrs[key] = draw.choice(
            (1, -1, 2**40, 1.5, "", "[]", "x" * 1000, "{}", np.zeros(3), np.bytes_(b"\xff"), "null")
        )
        return
    if kind == 1 and len(file.attrs):
        del file.attrs[draw.choice(sorted(file.attrs))]
        return
    if file.get(name, getlink=True) is None:  # in a group that was replaced
        return
    if values is None:
        if kind == 2:
            file.move(
                name,
                draw.choice(("x", "\x1b[2J", "a/b", "v9")) + uuid.UUID(int=draw.getrandbits(128)).hex[:4],
            )
        elif kind == 3:
            del file[name]
        return
    dtype, shape = values.dtype, values.shape
    del file[name]
    match kind:
        case 2:
            return
        case 3:
            file.create_group(name)
        case 4:
            other = draw.choice(names)
            file[name] = h5py.SoftLink(draw.choice((f"/{other}", "/nowhere", f"/{name}", "/")))
        case 5:
            file[name] = h5py.ExternalLink(
                draw.choice(("/etc/passwd", "other.h5", str(file.filename))), f"/{draw.choice(names)}"
            )
        case 6:
            kinds = (
                ">f4",
                "<f8",
                ">i8",
                "u1",
                "i2",
                "S8",
                "c8",
                "?",
                h5py.string_dtype(),
                h5py.ref_dtype,
                h5py.regionref_dtype,
            )
            chosen = draw.choice(kinds)
            if chosen in kinds[-3:]:
                file.create_dataset(name, shape=shape, dtype=chosen)
            else:
                file.create_dataset(name, data=np.zeros(shape, dtype=chosen))
        case 7:
            changed = draw.choice(
                (
                    values[:-1],
                    np.concatenate([values, values]),
                    values[..., None],
                    values.reshape(-1),
                    values[:0],
                    np.float64(3),
                )
                if shape
                else (np.zeros(3),)
            )
            file.create_dataset(name, data=changed)
        case 8:
            sizes = {
                "chunks": True,
                "compression": draw.choice((None, "gzip", "lzf")),
                "shuffle": draw.random() < 0.5,
            }
            file.create_dataset(
                name, data=values, maxshape=(None,) * len(shape), **sizes
            ) if shape and values.size else None
        case 9:
            huge = draw.choice(((2**40,), (2**31, 2**31), (2**20, 2**20, 2**10)))
            file.create_dataset(
                name,
                shape=huge,
                dtype=dtype if dtype.kind in "fiu" else "f4",
                chunks=(1024,) + (1,) * (len(huge) - 1),
            )
        case 10 if shape and shape[0] and dtype.kind in "fiu":
            changed = np.array(values)
            place = draw.randrange(changed.size)
            special = (np.nan, np.inf, -1.0, 1e30) if dtype.kind == "f" else (0, 1, 2**15, 2**31 - 1)
            with np.errstate(all="ignore"):
                changed.reshape(-1)[place] = np.array(draw.choice(special)).astype(dtype)
            file.create_dataset(name, data=changed)
        case 11 if shape and dtype.kind in "fiu":
            layout = h5py.VirtualLayout(shape=shape, dtype=dtype)
            layout[...] = h5py.VirtualSource(".", f"/{draw.choice(names)}", shape=shape)
            file.create_virtual_dataset(name, layout)
        case _:
            file.create_dataset(name, data=values, dtype=dtype)
