"""Ready-made graphs as data: PyG graphs and sentences, without a store."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from stgraph import CaptionCollator, CaptionDataModule, VideoGraphBuilder
from stgraph.datasets import GraphList
from stgraph.errors import DataError, OptionError
from stgraph.graph import VideoGraph
from stgraph.text import CaptionTokenizer
from tests.graph.samples import random_video

SENTENCES = ["a dog runs", "a cat sleeps in the sun"]


def graphs(count=4):
    builder = VideoGraphBuilder(max_objects=3)
    return [builder(random_video(seed)) for seed in range(count)]


def plain(nodes=3):
    return Data(x=torch.rand(nodes, 4), edge_index=torch.tensor([[0, 1], [1, 2]]))


def test_graphs_and_sentences_make_a_data_module():
    first, second, third, _ = graphs()
    data = CaptionDataModule(
        train=[(first, SENTENCES), (second, SENTENCES[:1])], val=[(third, SENTENCES)], batch_size=2
    )
    assert data.corpus.ids("train") == ["train-0", "train-1"]
    assert data.references("val") == {"val-0": SENTENCES}
    assert data.widths == {"object": first.x.size(1)}
    batches = list(data.train_dataloader())
    assert sum(len(batch.tokens) for batch in batches) == 3
    (only,) = data.val_dataloader()
    assert only.video_ids == ["val-0"]
    assert torch.equal(only.graphs.x, third.x)


def test_a_plain_graph_is_a_video_of_one_frame():
    batch = GraphList({"a": plain(), "b": plain(4)}).batch(["b", "a"])
    assert batch.frame.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert batch.num_frames.tolist() == [1, 1]
    assert batch.edge_weight.tolist() == [1.0] * 4


@pytest.mark.parametrize("further", [{}, {"keypoints": 0.5}], ids=["plain", "with an attribute of its own"])
def test_a_batch_is_the_one_that_pyg_makes(further):
    given = {}
    for number, graph in enumerate(graphs()):
        extra = {key: torch.full((graph.num_nodes, 2), value) for key, value in further.items()}
        given[f"v{number}"] = VideoGraph(**graph.to_dict(), **extra)
    source = GraphList(given)
    names = ["v2", "v0", "v3"]
    batch, expected = source.batch(names), Batch.from_data_list([source.graphs[name] for name in names])
    assert type(batch) is type(expected)
    assert batch.num_graphs == expected.num_graphs
    assert set(batch.keys()) == set(expected.keys())
    wanted = {
        **expected.to_dict(),
        **expected._slice_dict,
        **{f"+{k}": v for k, v in expected._inc_dict.items()},
    }
    got = {**batch.to_dict(), **batch._slice_dict, **{f"+{k}": v for k, v in batch._inc_dict.items()}}
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        if isinstance(value, torch.Tensor):
            assert got[key].dtype == value.dtype
            torch.testing.assert_close(got[key], value, rtol=0, atol=0, equal_nan=True)
        else:
            assert got[key] == value
    for one, other in zip(batch.to_data_list(), expected.to_data_list(), strict=True):
        assert torch.equal(one.edge_index, other.edge_index)


@pytest.mark.parametrize(
    ("train", "error", "named"),
    [
        ([], DataError, "at least one graph"),
        ([plain()], OptionError, r"'train\[0\]' must be a tuple of 2"),
        (
            [("a.mp4", SENTENCES)],
            OptionError,
            r"'train\[0\]\[0\]' must be a Data, got 'a.mp4'",
        ),
        ([(plain(), [3])], OptionError, r"'train\[0\]\[1\]\[0\]' must be a string, got 3"),
        ([(plain(), [])], DataError, "Video 'train-0' has no captions"),
        ([(Data(x=torch.rand(2, 3)), SENTENCES)], DataError, "must have 'x' and 'edge_index'"),
        (
            [
                (plain(), SENTENCES),
                (Data(x=torch.rand(2, 7), edge_index=torch.zeros(2, 0).long()), SENTENCES),
            ],
            DataError,
            "must have the same attributes and widths",
        ),
    ],
)
def test_what_is_no_graph_with_sentences_is_named(train, error, named):
    with pytest.raises(error, match=named):
        CaptionDataModule(train=train)


def test_two_graphs_of_one_id_are_refused():
    one, two = plain(), plain()
    one.video_id = two.video_id = "cat"
    with pytest.raises(DataError, match="video id 'cat' occurs twice, again as item 1 of 'train'"):
        CaptionDataModule(train=[(one, SENTENCES), (two, SENTENCES)])


def test_the_collator_joins_pairs_and_graphs_with_captions():
    collate = CaptionCollator(CaptionTokenizer.from_captions(SENTENCES))
    first, second, *_ = graphs()
    batch = collate([(first, SENTENCES), (second, SENTENCES[:1])])
    assert batch.video.tolist() == [0, 0, 1]
    assert batch.references == [SENTENCES, SENTENCES[:1]]
    one = first.clone()
    one.captions = SENTENCES
    again = collate([one])
    assert torch.equal(again.tokens, batch.tokens[:2])
    assert "captions" in one  # the caller's graph keeps them
    with pytest.raises(DataError, match="Item 0 must have a list of sentences, got None"):
        collate([first])
