import pytest

from stgraph.errors import OptionError
from stgraph.settings.compose import compose, plain
from stgraph.settings.paths import PATHS, SEVERAL, quoted_paths

ODD = ["/a b/c,d=[e].h5", "x {y}: z", 'quo"te\\', "null.json", "(1).mp4", "{brace", "[half"]


def dataset(*settings, data="msrvtt"):
    given = ["data.dataset.store=s.h5", "data.dataset.captions=c.json"]
    return plain(compose("train", [f"data={data}", *given, *settings]).data.dataset)


@pytest.mark.parametrize("path", ODD)
def test_any_path_arrives_as_it_was_typed(path):
    for key in ("store", "captions", "splits"):
        assert dataset(f"data.dataset.{key}={path}")[key] == path
    assert dataset(f"data.dataset.names={path}", data="msvd")["names"] == path
    assert compose("train", [f"run={path}"]).run == path


@pytest.mark.parametrize("key", ["captions", "splits"])
def test_a_path_a_split(key):
    settings = [
        f"data.dataset.{key}.{split}={path}"
        for split, path in zip(("train", "val", "test"), ODD, strict=False)
    ]
    assert dataset(*settings)[key] == dict(zip(("train", "val", "test"), ODD, strict=False))
    assert plain(
        compose("train", ["data=msrvtt", "data.dataset.store=s", "data.dataset.captions.val=v"]).data.dataset
    )["captions"] == {"val": "v"}


def test_a_list_of_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dataset("data.dataset.captions=[a b/x.json, c=d.json]")["captions"] == ["a b/x.json", "c=d.json"]
    assert dataset('data.dataset.captions=["a,b.json", "c d"]')["captions"] == ["a,b.json", "c d"]
    (tmp_path / "[x,y]").touch()
    assert dataset("data.dataset.captions=[x,y]")["captions"] == "[x,y]"
    assert dataset("data.dataset.store=[x]")["store"] == "[x]"


def test_what_hydra_reads_itself():
    assert dataset("data.dataset.splits=null")["splits"] is None
    assert dataset("data.dataset.captions={val: a/v.json, test: b.json}")["captions"] == {
        "val": "a/v.json",
        "test": "b.json",
    }
    assert dataset("data.dataset.store='a b'")["store"] == "a b"
    assert quoted_paths(["seed=1", "data.dataset.seed=2", "seed"]) == [
        "seed=1",
        "data.dataset.seed=2",
        "seed",
    ]


@pytest.mark.parametrize("data", ["msvd", "msrvtt", "folder", "store"])
def test_every_path_of_a_data_set_is_known_to_be_one(data):
    keys = {f"data.dataset.{key}" for key in dataset(data=data)}
    wanted = {f"data.dataset.{key}" for key in ("store", "captions", "splits", "names")}
    assert keys & wanted <= set(PATHS)
    assert set(SEVERAL) <= set(PATHS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["data=msvd"], "'data.dataset.captions' must be given"),
        (["data=msvd", "data.dataset.nmes=x"], "'data.dataset.nmes' .*did you mean 'data.dataset.names'"),
        (["experiment=stgkd_msrvtt", "data.dataset.split=x"], "did you mean 'data.dataset.splits'"),
        (["data.dataset.captions.val"], "must be a setting key=value"),
        (["data.dataset.splits.val=x"], "There is no setting 'data.dataset.splits'"),
    ],
)
def test_wrong_keys_are_named_beside_those_of_the_data_set_chosen(settings, words):
    with pytest.raises(OptionError, match=words):
        compose("train", settings)
