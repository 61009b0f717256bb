import io
import json

import networkx as nx
import pytest
import torch
from torch_geometric.data import Batch

from stgraph.errors import DataError
from stgraph.graph import VideoGraphBuilder, to_networkx
from tests.graph.samples import random_video, square_graph

NAMES = {20: "cat", 21: "box", 22: "cat", 99: "tree"}


def test_holds_all_attributes_as_plain_values():
    graph = square_graph()
    out = graph.to_networkx()
    assert out.graph == {"num_frames": 4, "video_id": "square"}
    assert list(out.nodes) == [0, 1, 2, 3]
    assert out.nodes[2] == {
        "frame": 1,
        "time": 0.5,
        "score": pytest.approx(0.7),
        "label": 22,
        "track": 32,
        "x1": 8.0,
        "y1": 9.0,
        "x2": 10.0,
        "y2": 11.0,
    }
    assert dict(out.edges) == {
        (0, 2): {"weight": pytest.approx(0.1), "kind": "time"},
        (1, 0): {"weight": pytest.approx(0.2), "kind": "space"},
        (2, 3): {"weight": pytest.approx(0.3), "kind": "time"},
        (3, 1): {"weight": pytest.approx(0.4), "kind": "space"},
    }
    for attributes in (out.graph, *(values for _, values in out.nodes(data=True))):
        assert {type(value) for value in attributes.values()} <= {int, float, str}


@pytest.mark.parametrize(
    "builder", [VideoGraphBuilder(max_objects=3), VideoGraphBuilder.dense(max_objects=3)]
)
def test_holds_every_edge_of_a_built_graph(builder):
    graph = builder(random_video(3, num_frames=6))
    out = to_networkx(graph)
    assert out.number_of_nodes() == graph.num_nodes
    assert list(out.edges) == [tuple(pair) for pair in graph.edge_index.T.tolist()]
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes)
    matrix[graph.edge_index[0], graph.edge_index[1]] = graph.edge_weight
    assert torch.equal(torch.from_numpy(nx.to_numpy_array(out, dtype="float32")), matrix)


def test_names_labels_that_have_a_name():
    labels = dict(to_networkx(square_graph(), NAMES).nodes(data="label"))
    assert labels == {0: "cat", 1: "box", 2: "cat", 3: "23"}
    graph = square_graph()
    graph.label = torch.tensor([0, 1, -1, 2])
    assert dict(to_networkx(graph, ["cat", "box"]).nodes(data="label")) == {
        0: "cat",
        1: "box",
        2: "-1",
        3: "2",
    }


def test_unknown_time_is_left_out():
    video = random_video(0, counts=[1, 1], known_time=False)
    out = VideoGraphBuilder(score_threshold=0.0)(video).to_networkx()
    assert out.number_of_nodes() == 2
    assert all("time" not in values for _, values in out.nodes(data=True))


def test_survives_graphml():
    out = to_networkx(square_graph(), NAMES)
    stream = io.BytesIO()
    nx.write_graphml(out, stream)
    stream.seek(0)
    back = nx.read_graphml(stream, node_type=int)
    assert dict(back.nodes(data=True)) == dict(out.nodes(data=True))
    assert dict(back.edges) == dict(out.edges)
    assert {name: back.graph[name] for name in out.graph} == out.graph


def test_survives_json():
    out = to_networkx(square_graph())
    back = nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(out), allow_nan=False)))
    assert nx.utils.graphs_equal(back, out)


def test_survives_gexf():
    out = to_networkx(square_graph(), NAMES)
    stream = io.BytesIO()
    nx.write_gexf(out, stream)
    stream.seek(0)
    back = nx.read_gexf(stream, node_type=int)
    assert dict(back.nodes(data=True)) == dict(out.nodes(data=True))
    for i, j, values in out.edges(data=True):
        assert values.items() <= back.edges[i, j].items()  # GEXF adds an id
    assert back.number_of_edges() == out.number_of_edges()


def test_video_without_objects():
    out = VideoGraphBuilder(score_threshold=2.0)(random_video(0)).to_networkx()
    assert out.number_of_nodes() == 0
    assert out.graph == {"num_frames": 6}


def test_batch_is_refused():
    with pytest.raises(
        DataError, match=r"'graph' must be one video's graph, got a batch of 2; pass batch\[i\]"
    ):
        Batch.from_data_list([square_graph(), square_graph()]).to_networkx()
