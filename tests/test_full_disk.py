"""Whatever writes a file says in one sentence that it could not, and leaves what was there."""

import resource

import pytest
import torch

from stgraph.errors import WriteError
from stgraph.models import ModelConfig, STGraphCaptioner, save_model
from stgraph.text import CaptionTokenizer
from tests.graph.samples import square_graph

TOKENIZER = CaptionTokenizer.from_captions([f"word{number} runs" for number in range(200)])


def save_folder(path):
    torch.manual_seed(0)
    sizes = {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16}
    model = STGraphCaptioner(9, appearance_channels=8, object_channels=8, **sizes)
    save_model(path.parent, model, ModelConfig.of(model))


WRITERS = {
    **{
        f"graph.{ending}": lambda path: square_graph().save(path)
        for ending in ("pt", "graphml", "gexf", "json")
    },
    "model.safetensors": save_folder,
    "tokenizer.json": TOKENIZER.save,
}


@pytest.fixture
def small_files():
    """Files end at 1,500 bytes: a write beyond fails as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(on):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500, limits[1]) if on else limits)

    yield limit
    limit(False)


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_leaves_what_was_there(tmp_path, small_files, name):
    path, write = tmp_path / name, WRITERS[name]
    write(path)
    before = path.read_bytes()
    small_files(True)
    with pytest.raises(WriteError, match=f"No room left for .*{name}"):
        write(path)
    small_files(False)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
    write(path)
    assert path.read_bytes() == before  # equal values are equal bytes
