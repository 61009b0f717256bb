import h5py
import numpy as np
import pytest

from stgraph.errors import DataError, OptionError, StoreError
from stgraph.features import FeatureStore
from stgraph.features.store import merge, validate
from stgraph.features.store.lock import writer_lock
from tests.features.store.samples import assert_same, random_video, record, records, write

VIDEOS = [
    random_video(0),
    random_video(1, counts=(0, 0), clips=0),
    random_video(2),
    random_video(3),
    random_video(4),
]


@pytest.fixture
def sources(tmp_path):
    return [
        write(tmp_path / "a.h5", VIDEOS[:2]),
        write(tmp_path / "none.h5", []),
        write(tmp_path / "b", VIDEOS[2:], videos_per_shard=2),
    ]


def contents(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None
        )
        return found, dict(file.attrs)


def test_merge_into_one_file_equals_writing_at_once(tmp_path, sources, monkeypatch):
    monkeypatch.setattr("stgraph.features.store.shard.SLICE_BYTES", 64)  # many slices per array
    store = merge(sources, tmp_path / "all.h5")
    write(tmp_path / "once.h5", VIDEOS)
    (arrays, attributes), (expected, expected_attributes) = (
        contents(store.path),
        contents(tmp_path / "once.h5"),
    )
    assert attributes == expected_attributes
    assert arrays.keys() == expected.keys()
    for name, values in expected.items():
        assert arrays[name].dtype == values.dtype, name
        np.testing.assert_array_equal(arrays[name], values, err_msg=name)


def test_merge_into_a_folder_keeps_the_shards(tmp_path, sources):
    store = merge(sources, tmp_path / "all")
    assert sorted(path.name for path in store.path.iterdir()) == [
        f"shard-{number:05d}.h5" for number in range(4)
    ]
    assert store.ids == tuple(video.id for video in VIDEOS)
    for video in VIDEOS:
        assert_same(store[video.id], video)
    assert validate(store.path) == []


@pytest.mark.parametrize("target", ["all.h5", "all"])
@pytest.mark.parametrize(
    ("other", "options", "words"),
    [
        (VIDEOS[1], {}, "'video1' is in .*a.h5 and in .*other.h5; leave one"),
        (
            random_video(9, width=6),
            {},
            r"'object/feature' has rows of \[5\] .* and of \[6\] from video 'video9'",
        ),
        (
            random_video(9),
            {"label_names": ("cow",) * 3},
            "other.h5 has other label names: label 0 is 'cat' and 'cow'",
        ),
        (random_video(9), {"dtype": "float32"}, "other.h5 has features of float32"),
        (
            random_video(9),
            {"extractors": records() | {"object": record("object", stride=2)}},
            "'object' of another extractor",
        ),
    ],
)
def test_sources_that_do_not_fit(tmp_path, sources, target, other, options, words):
    odd = write(tmp_path / "other.h5", [other], **options)
    with pytest.raises(DataError, match=words):
        merge([*sources, odd], tmp_path / target)
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize("target", ["a.h5", "b"])
def test_target_that_is_there_stays(tmp_path, sources, target):
    with pytest.raises(StoreError, match="already exists; remove it or merge"):
        merge(sources, tmp_path / target)
    assert len(FeatureStore(tmp_path / target)) in (2, 3)


def test_no_sources(tmp_path):
    with pytest.raises(OptionError, match="at least one store"):
        merge([], tmp_path / "all.h5")


def test_target_that_somebody_writes(tmp_path, sources):
    with writer_lock(tmp_path / "all.h5"), pytest.raises(StoreError, match="is being written"):
        merge(sources, tmp_path / "all.h5")


def test_failure_half_way_leaves_nothing(tmp_path, sources, monkeypatch):
    def fail(source, target, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(StoreError, match="No room left for .*all"):
        merge(sources, tmp_path / "all")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "b", "none.h5"]
