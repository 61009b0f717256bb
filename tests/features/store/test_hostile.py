"""Stores that HDF5 can describe and the format does not have: each is refused before anything of it is mapped."""

import os
import re
import zlib

import h5py
import numpy as np
import pytest

from stgraph.errors import StoreError
from stgraph.features import FeatureStore
from stgraph.features.store import merge, validate
from tests.features.store.samples import random_video, write, write_version_1

VIDEOS = [random_video(seed) for seed in range(3)]
SHAPE = (9, 4)  # of the array that is replaced


def replaced(make, name="frame/appearance"):
    def change(file):
        del file[name]
        make(file, name)

    return change


def reference_type(file, name):
    values = np.empty(SHAPE, dtype=h5py.ref_dtype)
    values[:] = file["video"].ref
    file.create_dataset(name, data=values, dtype=h5py.ref_dtype)


def texts_of_variable_length(file, name):
    file.create_dataset(name, data=np.full(SHAPE, "x", dtype=object), dtype=h5py.string_dtype())


def compound(file, name):
    file.create_dataset(name, SHAPE, np.dtype([("a", "f2")]))


def big_endian(file, name):
    file.create_dataset(name, data=np.ones(SHAPE, ">f2"))


def external_link(file, name):
    with h5py.File(os.path.join(os.path.dirname(file.filename), "other.h5"), "w") as other:
        other["values"] = np.ones(SHAPE, "f2")
    file[name] = h5py.ExternalLink("other.h5", "/values")


def soft_link(file, name):
    file["elsewhere"] = np.ones(SHAPE, "f2")
    file[name] = h5py.SoftLink("/elsewhere")


def external_storage(file, name):
    place = os.path.join(os.path.dirname(file.filename), "secret.txt")
    with open(place, "wb") as secret:
        secret.write(b"password" * 100)
    file.create_dataset(name, SHAPE, "f2", external=[(place, 0, 72)])


def virtual_dataset(file, name):
    with h5py.File(os.path.join(os.path.dirname(file.filename), "other.h5"), "w") as other:
        other["values"] = np.ones(SHAPE, "f2")
    layout = h5py.VirtualLayout(SHAPE, "f2")
    layout[:] = h5py.VirtualSource("other.h5", "values", SHAPE)
    file.create_virtual_dataset(name, layout)


def group(file, name):
    file.create_group(name)


def single_value(file, name):
    file[name] = np.float16(1)


def never_written(file, name):
    file.create_dataset(name, SHAPE, "f2", fillvalue=1)


def chunks_missing(file, name):
    file.create_dataset(name, SHAPE, "f2", chunks=(3, 4))[:3] = 1


def huge_claim(file, name):
    file.create_dataset(name, (2**50, 4), "f2", chunks=(2**20, 4), compression="gzip")[:1] = 1


def huge_chunk(file, name):
    data = file.create_dataset(name, SHAPE, "f2", chunks=(2**28, 4), maxshape=(None, 4), compression="gzip")
    data.id.write_direct_chunk((0, 0), zlib.compress(bytes(1000)))


def other_filter(file, name):
    file[name] = np.ones(SHAPE, "f2")
    values = file["frame/index"][:]
    del file["frame/index"]
    file.create_dataset("frame/index", data=values, chunks=values.shape, scaleoffset=True)


def compact(file, name):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(SHAPE)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F16LE, space, dcpl=plan)


def shared_bytes(file, name):
    """The same array under two names."""
    file[name] = np.ones(SHAPE, "f2")
    del file["object/score"], file["object/track"]
    file["object/track"] = file["object/label"]
    file["object/score"] = np.ones(len(file["object/box"]), "f4")


HOSTILE = {
    "HDF5 references, which would be mapped as Python objects": (reference_type, "is of type object and"),
    "texts": (texts_of_variable_length, "is of type object and should be float16"),
    "compound": (compound, r"is of type \[\('a', '<f2'\)\] and should be float16"),
    "big-endian": (big_endian, "is of type >f2 and should be float16"),
    "external link": (external_link, "is a link, which may lead out of the file"),
    "soft link": (soft_link, "is a link"),
    "external storage": (external_storage, "has its values in another file"),
    "virtual dataset": (virtual_dataset, "has its values in another file|a text has an impossible length"),
    "group": (group, "is not an array"),
    "single value": (single_value, "is a single value or empty and should have rows"),
    "never written": (never_written, "has 0 bytes of data and should have 72"),
    "missing chunks": (chunks_missing, "claims 72 bytes in chunks of"),
    "huge claim": (huge_claim, "claims 9007199254740992 bytes in chunks"),
    "huge chunk": (huge_chunk, "claims 72 bytes in chunks of"),
    "other filter": (other_filter, "is compressed by a filter other than gzip or lzf"),
    "compact": (compact, "is stored neither contiguously nor in chunks"),
    "shared bytes": (shared_bytes, "share bytes of the file"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("version", [1, 2])
def test_hostile_array_is_refused_by_reader_validate_and_merge(tmp_path, name, version):
    make, words = HOSTILE[name]
    path = (write if version == 2 else write_version_1)(tmp_path / "store.h5", VIDEOS)
    assert validate(path) == []
    with h5py.File(path, "a") as file:
        replaced(make)(file)
        file.attrs.pop("checksums", None)
    with pytest.raises(StoreError, match=words):
        FeatureStore(path).ids
    assert any(re.search(words, problem.text) for problem in validate(path))
    with pytest.raises(StoreError, match=words):
        merge([path], tmp_path / "merged.h5")
    assert not (tmp_path / "merged.h5").exists()


def test_all_problems_of_the_layout_are_listed(tmp_path):
    path = write(tmp_path / "store.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        replaced(group)(file)
        replaced(soft_link, "video/height")(file)
    assert len(validate(path)) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extractors", h5py.Empty("S1")),
        ("extractors", [1, 2]),
        ("extractors", "[" * 100_000),
        ("extractors", '{"object": {"name": 5, "weights": "a", "versions": {}, "settings": {}}}'),
        ("extractors", '{"object": {"name": "a", "weights": 5, "versions": {}, "settings": {}}}'),
        ("extractors", "[]"),
        ("label_names", '{"cat": 0}'),
        ("label_names", "[1, 2]"),
        ("label_names", "[" + "1" * 5000 + "]"),
        ("dtype", 16),
        ("dtype", "float128"),
        ("version", "2"),
        ("version", 0),
        ("version", 1.5),
        ("format", b"\xff\xfe"),
        ("checksums", "{}"),
        ("checksums", '{"attributes": 1, "arrays": []}'),
    ],
)
def test_attribute_of_another_type_or_content_is_refused(tmp_path, name, value):
    path = write(tmp_path / "store.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        if name != "checksums":
            del file.attrs["checksums"]
        file.attrs[name] = value
    with pytest.raises(StoreError):
        FeatureStore(path).ids
    assert validate(path)


def test_text_that_claims_gigabytes_is_refused_before_they_are_allocated(tmp_path):
    path = write_version_1(tmp_path / "store.h5", VIDEOS)
    content = bytearray(path.read_bytes())
    heap = content.find(b"GCOL").to_bytes(8, "little")
    place = content.find(heap) - 4
    places = []
    while place >= 0:
        places.append(place)
        place = content.find(heap, place + 5) - 4
    assert len(places) >= len(VIDEOS) + 4  # ids and four attributes
    for place in places:
        changed = content.copy()
        changed[place + 3] = 0x80  # 2 GB
        path.write_bytes(changed)
        with pytest.raises(StoreError):
            FeatureStore(path).ids


def test_heap_object_without_bytes_does_not_hang(tmp_path):
    path = write_version_1(tmp_path / "store.h5", VIDEOS)
    content = bytearray(path.read_bytes())
    first = content.find(b"GCOL") + 16
    content[first : first + 2] = b"\0\0"  # free space
    content[first + 8 : first + 16] = bytes(8)  # of no bytes
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store.h5.*(heap|HDF5)"):
        FeatureStore(path).ids


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_special_file_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "store.h5")
    with pytest.raises(StoreError, match="is not a regular file"):
        FeatureStore(tmp_path / "store.h5").ids
    assert "is not a regular file" in validate(tmp_path / "store.h5")[0].text
    (tmp_path / "folder" / "shard-00000.h5").mkdir(parents=True)
    with pytest.raises(StoreError, match="is not a regular file"):
        FeatureStore(tmp_path / "folder").ids


def test_pointers_near_the_largest_integer_do_not_overflow(tmp_path):
    path = write(tmp_path / "store.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        del file.attrs["checksums"]
        file["clip_ptr"][1] = -(2**63)
        file["clip_ptr"][2] = 2**63 - 1
    with pytest.raises(StoreError, match="'clip_ptr' falls from"):
        FeatureStore(path).ids


def test_changed_values_are_found_by_checksums(tmp_path):
    """HDF5 sees nothing of it. Ids, pointers and attributes are compared on opening, the rest by validate."""
    path = write(tmp_path / "store.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        file["frame/appearance"][8, 3] += 1
    (problem,) = validate(path)
    assert "'frame/appearance' changed since the file was written" in problem.text
    with h5py.File(path, "a") as file:
        del file.attrs["checksums"]  # the remedy that the message names
    assert validate(path) == []
    path = write(tmp_path / "ids.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        file["video/id"][0] = "video9"
    with pytest.raises(StoreError, match="'video/id' changed since the file was written"):
        FeatureStore(path).ids
    path = write(tmp_path / "labels.h5", VIDEOS)
    with h5py.File(path, "a") as file:
        file.attrs["label_names"] = '["cat", "dog", "cow"]'
    with pytest.raises(StoreError, match="its attributes changed since the file was written"):
        FeatureStore(path).ids


def test_many_texts_of_version_1_are_read(tmp_path):
    """Their heaps hold texts between numbers that look like references, and there are several heaps."""
    videos = [random_video(seed, counts=(1,), clips=1) for seed in range(300)]
    store = FeatureStore(write_version_1(tmp_path / "store.h5", videos))
    assert store.ids == tuple(video.id for video in videos)
    assert validate(tmp_path / "store.h5") == []
