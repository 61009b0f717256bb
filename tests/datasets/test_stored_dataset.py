import warnings

import pytest

from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.stored_dataset import with_features
from stgraph.errors import DataError, MissingDataError
from stgraph.features import FeatureStore
from tests.features.store.samples import random_video, write


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "store.h5"
    return write(path, [random_video(seed, name=f"v{seed}") for seed in range(4)])


def corpus(*names):
    return CaptionCorpus({name: VideoCaptions("train", ("a dog runs",)) for name in names})


def test_videos_without_captions_are_listed(store):
    dataset = with_features("pets", FeatureStore(store), corpus("v2", "v0"))
    assert (dataset.name, dataset.corpus.ids(), dataset.uncaptioned) == ("pets", ["v0", "v2"], ("v1", "v3"))


def test_captions_without_features_are_an_error_or_named_and_left_out(store):
    with pytest.raises(DataError, match="'w8', 'w9' have captions but no features"):
        with_features("pets", store, corpus("v0", "w9", "w8"))
    with pytest.warns(UserWarning, match="Left out of pets: 2 have captions but no features: w8, w9"):
        dataset = with_features("pets", store, corpus("v0", "w9", "w8"), common=True)
    assert (dataset.corpus.ids(), dataset.uncaptioned) == (["v0"], ("v1", "v2", "v3"))
    with pytest.raises(
        DataError, match="None of the 2 captioned videos .* of 'w8' and the like, features of 'v0'"
    ):
        with_features("pets", store, corpus("w9", "w8"), common=True)


def test_nothing_is_said_where_all_match(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert with_features("pets", store, corpus("v0"), common=True).corpus.ids() == ["v0"]


def test_no_store(tmp_path):
    with pytest.raises(MissingDataError, match=r"nothing\.h5"):
        with_features("pets", tmp_path / "nothing.h5", corpus("v0"))


def test_two_spellings_of_one_id_match(tmp_path):
    """A store written with the names of files, or by an earlier version, and captions of ids; and the other way round."""
    videos = [random_video(0, name="cat.mp4"), random_video(1, name="dog"), random_video(2, name="Kuh")]
    path = write(tmp_path / "s.h5", videos)
    dataset = with_features("pets", path, corpus("cat", "dog.MOV"))
    assert dataset.corpus.ids() == ["cat.mp4", "dog"]
    assert dataset.uncaptioned == ("Kuh",)
    with pytest.raises(DataError, match="'cat.mov', 'cat.mp4x' have captions but no features"):
        with_features("pets", path, corpus("cat.mp4", "cat.mov", "cat.mp4x"))


@pytest.mark.parametrize("name", ["V1", "videos/v1", "Videos/V1"])
def test_an_id_that_differs_by_folder_or_capitals_is_pointed_out(store, name):
    with pytest.raises(
        DataError, match=f"'{name}' of the captions and 'v1' of the features may be one video"
    ):
        with_features("pets", store, corpus("v0", name))
