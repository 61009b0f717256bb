"""A folder whose settings ask for more than its weights hold is refused before anything is allocated."""

import json
import resource
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from stgraph.errors import DataError, ModelFolderError
from stgraph.models import load_model, read_model_config
from stgraph.models.model_folder import load_tokenizer
from stgraph.text import CaptionTokenizer

LEGACY = Path(__file__).parents[1] / "legacy"
SYSTEMS = ("stgkd", "stat", "stats")


def changed(tmp_path, name, **arguments):
    folder = shutil.copytree(LEGACY / name, tmp_path / name)
    content = read_model_config(folder).model_dump(mode="json")
    content["arguments"] |= arguments
    (folder / "config.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("size", [2**20, 2**31, 2**62, 10**300])
def test_huge_arguments_are_refused_quickly_and_without_memory(tmp_path, name, size):
    folder = changed(tmp_path, name)
    given = read_model_config(folder).arguments
    sizes = [key for key, value in given.items() if type(value) is int]
    assert len(sizes) >= 3
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for number, key in enumerate(sizes):
        with pytest.raises(ModelFolderError):
            load_model(changed(tmp_path / str(number), name, **{key: size}))
    assert time.monotonic() - begin < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.mark.parametrize("name", SYSTEMS)
def test_values_of_another_type_are_refused(tmp_path, name):
    given = read_model_config(LEGACY / name).arguments
    number = next(key for key, value in given.items() if type(value) is int)
    for k, value in enumerate((True, str(given[number]), float(given[number]) + 0.5, [1], None, {})):
        with pytest.raises(ModelFolderError):
            load_model(changed(tmp_path / str(k), name, **{number: value}))


@pytest.mark.parametrize(
    "content", ["[" * 5000, '{"a": 1, "a": 2}', '{"version": 1' + "0" * 5000 + "}", "NaN"]
)
def test_json_that_python_reads_in_its_own_way_is_refused(tmp_path, content):
    folder = changed(tmp_path, "stat")
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelFolderError):
        read_model_config(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    folder = changed(tmp_path, "stat")
    weights = load_file(folder / "model.safetensors")
    next(iter(weights.values())).view(-1)[0] = value
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="holds NaN or infinity"):
        load_model(folder)


def test_every_system_is_loaded_as_before():
    for name in (*SYSTEMS, "stgkd_joint"):
        assert all(bool(value.isfinite().all()) for value in load_model(LEGACY / name).parameters())
        assert not any(value.is_meta for value in load_model(LEGACY / name).parameters())
    assert torch.get_default_device().type == "cpu"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (
            "pre_tokenizer",
            {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Removed", "invert": False},
        ),
        ("normalizer", {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}),
        ("truncation", {"max_length": 2**63, "direction": "Right", "stride": 0, "strategy": "LongestFirst"}),
        ("truncation", {"max_length": True}),
        ("model", {"type": "WordLevel", "vocab": {"<pad>": False, "<bos>": True}, "unk_token": "<unk>"}),
        ("model", []),
    ],
)
def test_a_tokenizer_with_other_rules_or_numbers_is_refused(tmp_path, key, value):
    folder = changed(tmp_path, "stat")
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(content | {key: value}))
    with pytest.raises(ModelFolderError, match="tokenizer.json"):
        load_tokenizer(folder)
    assert load_tokenizer(LEGACY / "stat").vocab_size == len(content["model"]["vocab"])


def test_a_tokenizer_of_hundreds_of_megabytes_is_refused_before_it_is_read(tmp_path):
    folder = changed(tmp_path, "stgkd")
    with (folder / "tokenizer.json").open("r+b") as file:
        file.truncate(500_000_000)  # without blocks
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(DataError, match="500,000,000 bytes are those of at least 7812500 tokens"):
        load_tokenizer(folder)
    assert time.monotonic() - begin < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_tokenizer_of_too_many_words_is_refused_and_the_remedy_works(tmp_path, monkeypatch):
    path, words = tmp_path / "tokenizer.json", ["a", "cat", "runs"]
    captions = [" ".join(f"{word}{number}" for word in words) for number in range(200)]
    CaptionTokenizer.from_captions(captions).save(path)
    monkeypatch.setenv("STGRAPH_MAX_TOKENS", "500")
    for make, shown in (
        (lambda: CaptionTokenizer.load(path), "it has 604 tokens, above the limit of 500"),
        (lambda: CaptionTokenizer.from_captions(captions), "have 604 tokens, above the limit of 500"),
    ):
        with pytest.raises(DataError, match=f"{shown}.*STGRAPH_MAX_TOKENS=604"):
            make()
    assert len(CaptionTokenizer.from_captions(captions, max_vocabulary=400)) == 404
    monkeypatch.setenv("STGRAPH_MAX_TOKENS", "604")
    assert len(CaptionTokenizer.load(path)) == len(CaptionTokenizer.from_captions(captions)) == 604


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("format", []),
        ("format", {"a": 1}),
        ("model", ["stat"]),
        ("model", "a\nb"),
        ("graph", {"spatial": "a\nb"}),
    ],
)
def test_an_entry_of_any_kind_is_named_in_a_line_that_prints(tmp_path, entry, value):
    folder = changed(tmp_path, "stat")
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {entry: value}))
    with pytest.raises(ModelFolderError, match=f"config.json .*{entry}") as refused:
        load_model(folder)
    assert str(refused.value).isprintable()
