"""Weights are given by name, by file, or random; their hash identifies them."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.extraction.extractors.weights import hash_of, load_network


def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def load(weights, **options):
    return load_network(build, str(weights), **options)


def test_random_weights_are_the_same_each_time_and_leave_the_callers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = load("random"), load("random")
    assert torch.equal(torch.rand(3), expected)
    assert one[1] == other[1] == hash_of(one[0].state_dict())
    assert not one[0].training


@pytest.mark.parametrize(
    "wrap", [dict, lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}}]
)
def test_a_file_gives_its_weights_and_their_hash(tmp_path, wrap):
    torch.manual_seed(7)
    network = build()
    torch.save(wrap(network.state_dict()), tmp_path / "w.pt")
    found, digest = load(tmp_path / "w.pt")
    assert torch.equal(found[0].weight, network[0].weight)
    assert digest == hash_of(network.state_dict()) != load("random")[1]
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    assert load(tmp_path / "w.safetensors")[1] == digest


def test_the_hash_sees_values_names_and_shapes_and_no_counts():
    state = build().state_dict()
    digest = hash_of(state)
    assert hash_of(dict(reversed(state.items()))) == digest
    assert hash_of({**state, "1.num_batches_tracked": torch.tensor(9)}) == digest
    assert hash_of({**state, "0.bias": state["0.bias"] + 1e-6}) != digest
    assert hash_of({**state, "0.bias": state["0.bias"].view(2, 2)}) != digest
    assert hash_of({("0.bais" if k == "0.bias" else k): v for k, v in state.items()}) != digest


class Evil:
    def __reduce__(self):
        return (open, ("/nowhere/evil", "w"))


def test_nothing_in_a_file_is_run(tmp_path):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"w": Evil()}))
    with pytest.raises(DataError, match="cannot be read as weights .* only tensors are loaded, no code"):
        load(tmp_path / "evil.pt")
    torch.save({"w": [1, 2]}, tmp_path / "list.pt")
    with pytest.raises(DataError, match="must hold tensors by name"):
        load(tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(DataError, match="cannot be read as weights"):
        load(tmp_path / "text.pt")


def test_files_that_do_not_fit_say_where(tmp_path):
    state = build().state_dict()
    cases = {
        "lacks": ({k: v for k, v in state.items() if k != "0.bias"}, "it lacks '0.bias' and 0 more"),
        "more": (
            {**state, "2.weight": torch.zeros(1)},
            "it has '2.weight' and 0 more that are not of this network",
        ),
        "shape": ({**state, "0.bias": torch.zeros(5)}, r"'0.bias' is \[5\], not \[4\]"),
    }
    for name, (content, sentence) in cases.items():
        torch.save(content, tmp_path / name)
        with pytest.raises(DataError, match=f"do not fit Sequential: {sentence}"):
            load(tmp_path / name)
    torch.save({**state, "fc.weight": torch.zeros(1)}, tmp_path / "head")
    assert load(tmp_path / "head", optional=("fc.",))[1] == hash_of(state)


def test_names_of_weights(tmp_path, monkeypatch):
    published = models.ResNet18_Weights
    asked = []
    monkeypatch.setattr(
        published,
        "get_state_dict",
        lambda self, **options: asked.append((self, options)) or build().state_dict(),
    )
    load("default", published=published)
    load("IMAGENET1K_V1", published=published)
    assert [entry for entry, _ in asked] == [published.DEFAULT, published.IMAGENET1K_V1]
    assert all(options["check_hash"] for _, options in asked)
    with pytest.raises(
        MissingDataError, match="'weights' must be default, IMAGENET1K_V1, random or a file, got 'IMAGENET'"
    ):
        load("IMAGENET", published=published)
    with pytest.raises(OptionError, match="got 'default': no maintained library publishes any"):
        load("default")


def test_a_download_that_fails_says_what_to_do(monkeypatch):
    def offline(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(
        MissingDataError, match=r"cannot be downloaded from https://.* \(no route\); fetch the file elsewhere"
    ):
        load("default", published=models.ResNet18_Weights)
