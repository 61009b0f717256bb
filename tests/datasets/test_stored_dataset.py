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
