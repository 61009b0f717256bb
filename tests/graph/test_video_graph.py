"""VideoGraph with T == N == E, where PyG, going by sizes, would take frames for nodes, nodes for edges."""

import copy
import pickle

import pytest
import torch
from torch import Tensor
from torch_geometric import transforms
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.loader import DataLoader, DynamicBatchSampler, RandomNodeLoader
from torch_geometric.utils import to_networkx

from stgraph.graph import VideoGraph, VideoGraphBuilder
from tests.graph.samples import random_video, square_graph

NODE = ("x", "frame", "time", "box", "score", "label", "track")
EDGE = ("edge_weight", "edge_kind")
OTHER = ("num_frames", "appearance", "motion", "video_id")


def rows(value, index):
    return value[torch.as_tensor(index)]


def assert_equal(got, expected):
    assert got.keys() == expected.keys()
    for key in expected.keys():  # noqa: SIM118  (PyG's data iterates over pairs)
        same = (
            torch.equal(got[key], expected[key])
            if isinstance(expected[key], Tensor)
            else got[key] == expected[key]
        )
        assert same, key


def assert_kept(got, names, index=(0, 1, 2, 3)):
    for name in names:
        value = getattr(square_graph(), name)
        expected = rows(value, index) if isinstance(value, Tensor) else value
        same = torch.equal(got[name], expected) if isinstance(value, Tensor) else got[name] == expected
        assert same, name


def test_names_decide_not_sizes():
    graph = square_graph()
    assert sorted(graph.node_attrs()) == sorted(NODE)
    assert sorted(graph.edge_attrs()) == sorted((*EDGE, "edge_index"))
    plain = Data(**graph.to_dict())
    assert plain.is_node_attr("appearance")  # what would go wrong
    assert plain.is_node_attr("label")


def test_users_own_attributes_are_still_guessed():
    graph = square_graph()
    graph.train_mask = torch.tensor([True, False, True, False])
    graph.answer = torch.zeros(3)
    part = graph.subgraph(torch.tensor([2, 3]))
    assert part.train_mask.tolist() == [True, False]
    assert part.answer.shape == (3,)


@pytest.mark.parametrize("subset", [torch.tensor([0, 2]), torch.tensor([True, False, True, False])])
def test_subgraph_cuts_nodes_and_edges_alone(subset):
    part = square_graph().subgraph(subset)
    assert_kept(part, NODE, [0, 2])
    assert part.edge_index.tolist() == [[0], [1]]
    assert_kept(part, EDGE, [0])
    assert_kept(part, OTHER)


def test_edge_subgraph_cuts_edges_alone():
    part = square_graph().edge_subgraph(torch.tensor([1, 3]))
    assert_kept(part, NODE)
    assert part.edge_index.tolist() == [[1, 3], [0, 1]]
    assert_kept(part, EDGE, [1, 3])
    assert_kept(part, OTHER)


@pytest.mark.parametrize(
    "layout", [None, torch.sparse_csr, torch.sparse_coo]
)  # None: torch-sparse, if installed
def test_to_sparse_tensor_permutes_edges_alone(layout):
    graph = transforms.ToSparseTensor(layout=layout)(square_graph())
    assert_kept(graph, (*NODE, *OTHER))
    assert_kept(graph, ["edge_kind"], [1, 3, 0, 2])  # sorted by column, as PyG does
    expected = torch.zeros(4, 4)
    expected[[2, 0, 3, 1], [0, 1, 2, 3]] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert torch.equal(graph.adj_t.to_dense(), expected)
    batch = Batch.from_data_list([graph, graph])
    assert torch.equal(batch.adj_t.to_dense(), torch.block_diag(expected, expected))
    assert batch.frame.tolist() == [0, 0, 1, 2, 4, 4, 5, 6]


def test_to_sparse_tensor_after_a_batch_and_back():
    part = Batch.from_data_list([square_graph(), square_graph()])[1]
    sparse = transforms.ToSparseTensor()(part)
    assert_kept(sparse, (*NODE, *OTHER))
    assert_kept(sparse, ["edge_kind"], [1, 3, 0, 2])


def test_to_undirected_joins_edges_alone():
    graph = transforms.ToUndirected(reduce="max")(square_graph())
    pairs = graph.edge_index.T.tolist()
    assert pairs == [[0, 1], [0, 2], [1, 0], [1, 3], [2, 0], [2, 3], [3, 1], [3, 2]]
    torch.testing.assert_close(graph.edge_weight, torch.tensor([0.2, 0.1, 0.2, 0.4, 0.1, 0.3, 0.4, 0.3]))
    assert graph.edge_kind.tolist() == [0, 1, 0, 0, 1, 1, 0, 1]
    assert_kept(graph, (*NODE, *OTHER))


def test_transforms_that_drop_nodes_leave_frames():
    graph = square_graph()
    graph.edge_index = torch.tensor([[0, 3, 0, 3], [3, 0, 0, 3]])
    for transform in (transforms.RemoveIsolatedNodes(), transforms.LargestConnectedComponents()):
        part = transform(copy.copy(graph))
        assert_kept(part, NODE, [0, 3])
        assert_kept(part, (*EDGE, *OTHER))
        assert part.edge_index.tolist() == [[0, 1, 0, 1], [1, 0, 0, 1]]


def test_link_split_divides_edges_alone():
    split = transforms.RandomLinkSplit(num_val=0.25, num_test=0.25, add_negative_train_samples=False)
    for part in split(square_graph()):
        assert_kept(part, (*NODE, *OTHER))
        weight = {(i, j): w for i, j, w in zip(*square_graph().edge_index.tolist(), range(4), strict=True)}
        kept = [weight[pair] for pair in map(tuple, part.edge_index.T.tolist())]
        assert_kept(part, EDGE, kept)


def test_virtual_node_adds_no_frame():
    graph = transforms.VirtualNode()(square_graph())
    assert (graph.num_nodes, graph.num_edges) == (5, 12)
    assert_kept(graph, OTHER)


def test_snapshot_keeps_edges_between_the_nodes_it_keeps():
    for part in (square_graph().snapshot(0.0, 0.5), square_graph().up_to(0.5)):
        assert_kept(part, NODE, [0, 1, 2])
        assert part.edge_index.tolist() == [[0, 1], [2, 0]]
        assert_kept(part, EDGE, [0, 1])
        assert_kept(part, OTHER)
    graph = square_graph()
    graph.edge_time = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert graph.snapshot(1.0, 2.0, "edge_time").edge_kind.tolist() == [0, 1]


def test_batch_and_back():
    graphs = [square_graph() for _ in range(4)]  # B == T == N == E
    batch = Batch.from_data_list(graphs)
    assert batch.frame.tolist() == [0, 0, 1, 2, 4, 4, 5, 6, 8, 8, 9, 10, 12, 12, 13, 14]
    assert batch.num_frames.tolist() == [4, 4, 4, 4]
    assert torch.equal(batch.appearance[batch.frame[4:8]], square_graph().appearance[[0, 0, 1, 2]])
    for part in [*batch.to_data_list(), batch[2], *batch[1:3]]:
        assert type(part) is VideoGraph
        assert isinstance(part.num_frames, int)
        assert_equal(part, square_graph())


def test_batch_of_as_many_graphs_as_nodes_is_cut_at_nodes():
    single = square_graph().subgraph(torch.tensor([1]))
    batch = Batch.from_data_list([single] * 4)  # N == B
    part = batch.subgraph(torch.tensor([0, 3]))
    assert part.num_frames.tolist() == [4, 4, 4, 4]
    assert part.video_id == ["square"] * 4
    assert part.ptr.tolist() == [0, 1, 2, 3, 4]
    assert part.batch.tolist() == [0, 3]
    assert part.appearance.shape == (16, 3)


def test_batch_of_batches_numbers_frames_through():
    pair = Batch.from_data_list([square_graph(), square_graph()])
    both = Batch.from_data_list([pair, pair])
    assert both.frame.tolist() == [0, 0, 1, 2, 4, 4, 5, 6, 8, 8, 9, 10, 12, 12, 13, 14]
    assert both.num_frames.tolist() == [4, 4, 4, 4]


def test_followed_attributes_keep_their_level():
    batch = Batch.from_data_list([square_graph()] * 3, follow_batch=["appearance", "edge_kind"])  # 12 of each
    part = batch.subgraph(torch.tensor([0, 1, 4]))
    assert part.appearance_batch.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert part.appearance_ptr.tolist() == [0, 4, 8, 12]
    assert part.edge_kind_batch.tolist() == [0]  # of edges 1 -> 0, 0 -> 2 and 4 -> 6 the first stays


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loader(num_workers):
    loader = DataLoader([square_graph() for _ in range(3)], batch_size=2, num_workers=num_workers)
    batches = list(loader)
    assert [batch.num_graphs for batch in batches] == [2, 1]
    for batch in batches:
        for part in batch.to_data_list():
            assert_equal(part, square_graph())


def test_dynamic_batch_sampler():
    graphs = [square_graph() for _ in range(5)]
    loader = DataLoader(graphs, batch_sampler=DynamicBatchSampler(graphs, max_num=8, num_steps=3))
    batches = list(loader)
    assert sum(batch.num_graphs for batch in batches) == 5
    assert max(batch.num_nodes for batch in batches) <= 8
    for batch in batches:
        for part in batch.to_data_list():
            assert_equal(part, square_graph())


def test_random_node_loader_cuts_nodes_and_edges_alone():
    seen = []
    for part in RandomNodeLoader(square_graph(), num_parts=2):
        assert_kept(part, OTHER)
        nodes = (part.label - 20).tolist()
        assert_kept(part, NODE, nodes)
        seen += nodes
    assert sorted(seen) == [0, 1, 2, 3]


@pytest.mark.filterwarnings("error:Weights only load failed")
def test_in_memory_dataset(tmp_path):
    videos = [random_video(seed, num_frames=3 + seed) for seed in range(3)]
    graphs = [VideoGraphBuilder()(video, appearance=torch.randn(video.num_frames, 2)) for video in videos]
    InMemoryDataset.save(graphs, str(tmp_path / "graphs.pt"))
    dataset = InMemoryDataset()
    dataset.load(str(tmp_path / "graphs.pt"), data_cls=VideoGraph)
    assert len(dataset) == 3
    for got, expected in zip(dataset, graphs, strict=True):
        assert_equal(got, expected)


def test_copies():
    graph = square_graph()
    for clone in (
        copy.copy(graph),
        copy.deepcopy(graph),
        graph.clone(),
        pickle.loads(pickle.dumps(graph)),
        graph.to("cpu"),
        VideoGraph.from_dict(graph.to_dict()),
    ):
        assert type(clone) is VideoGraph
        assert_equal(clone, square_graph())
        assert_equal(clone.subgraph(torch.tensor([0, 2])), square_graph().subgraph(torch.tensor([0, 2])))
    deep = graph.clone()
    deep.x += 1
    assert_equal(graph, square_graph())


def test_pickled_batch_comes_apart():
    batch = pickle.loads(pickle.dumps(Batch.from_data_list([square_graph(), square_graph()])))
    assert_equal(batch[1], square_graph())


def test_to_moves_all():
    graph = square_graph().to("meta")
    assert {value.device.type for _, value in graph if isinstance(value, Tensor)} == {"meta"}
    assert graph.num_frames == 4


def test_pygs_own_networkx():
    nx_graph = to_networkx(
        square_graph(), node_attrs=["frame", "label"], edge_attrs=["edge_weight", "edge_kind"]
    )
    assert [nx_graph.nodes[node]["label"] for node in range(4)] == [20, 21, 22, 23]
    assert nx_graph.edges[2, 3] == {"edge_weight": pytest.approx(0.3), "edge_kind": 1}


def test_built_graphs_have_sorted_edges_without_repeats():
    graph = VideoGraphBuilder()(random_video(5, num_frames=9))
    assert graph.is_coalesced()
    assert graph.is_sorted()
    assert graph.validate()
