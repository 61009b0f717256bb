"""Graphs come back from files of each kind with every attribute to the bit."""

import json

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.graph import VideoGraph, VideoGraphBuilder, to_networkx
from tests.graph.samples import random_video, square_graph

SUFFIXES = (".pt", ".graphml", ".gexf", ".json")


def assert_identical(got, expected):
    assert type(got) is VideoGraph
    assert sorted(got.to_dict()) == sorted(expected.to_dict())
    for name, value in expected.to_dict().items():
        if isinstance(value, Tensor):
            assert (got[name].dtype, got[name].shape) == (value.dtype, value.shape), name
            assert torch.equal(torch.nan_to_num(got[name], 7.5), torch.nan_to_num(value, 7.5)), name
            if value.is_floating_point():
                assert torch.equal(got[name].isnan(), value.isnan()), name
        else:
            assert got[name] == value, name
            assert type(got[name]) is type(value), name


def random_graph(seed):
    """A graph with all attributes, among them NaN times, odd types and edges in no order."""
    draw = torch.Generator().manual_seed(seed)
    video = random_video(seed, num_frames=5, most=4, known_time=bool(seed % 2))
    graph = VideoGraphBuilder("iou", "cosine" if seed % 3 else "track")(
        video,
        appearance=torch.randn(5, 3, generator=draw),
        motion=torch.randn(5, 2, generator=draw),
        grids={"cells/a b": torch.randn(5, 2, 2, generator=draw)},
        category=3,
        video_id=' "ü" <&>\n\x00 ',
    )
    graph.x *= 1e-38  # subnormal numbers too
    graph.notes = {"who": ["me", None], "sure": 0.1}
    graph.mask = torch.rand(graph.num_nodes, generator=draw) > 0.5
    graph.half = torch.randn(graph.num_nodes, 2, generator=draw).to([torch.float16, torch.bfloat16][seed % 2])
    if seed % 4 == 1:
        order = torch.randperm(graph.num_edges, generator=draw)
        for name in ("edge_index", "edge_weight", "edge_kind"):
            graph[name] = graph[name][..., order]
    if seed % 4 == 2 and graph.num_nodes:
        graph.time[0], graph.score[-1], graph.box[0, 0] = torch.nan, torch.inf, -0.0
    return graph


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("seed", range(12))
def test_comes_back_to_the_bit(tmp_path, suffix, seed):
    graph = random_graph(seed)
    graph.save(tmp_path / f"graph{suffix}")
    assert_identical(VideoGraph.load(tmp_path / f"graph{suffix}"), graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "graph",
    [
        square_graph(),  # T == N == E
        VideoGraph(),
        VideoGraph(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]])),
        VideoGraph(edge_index=torch.tensor([[0], [1]]), num_nodes=3),
        VideoGraphBuilder(score_threshold=2.0)(random_video(0)),
        VideoGraphBuilder.dense(2, pad_objects=3)(random_video(1)),
    ],
    ids=["square", "nothing", "no attributes", "number of nodes", "no objects", "dense"],
)
def test_small_graphs_come_back(tmp_path, suffix, graph):
    if "edge_index" not in graph:
        with pytest.raises(DataError, match="has no 'edge_index'"):
            graph.save(tmp_path / f"graph{suffix}")
        return
    graph.save(tmp_path / f"graph{suffix}")
    assert_identical(VideoGraph.load(tmp_path / f"graph{suffix}"), graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_label_names_come_back_and_are_written_for_other_programs(tmp_path, suffix):
    path = tmp_path / f"graph{suffix}"
    square_graph().save(path, label_names={20: "cat", 22: "dog"})
    found = VideoGraph.load(path)
    assert found.label_names == {"20": "cat", "22": "dog"}
    assert torch.equal(found.label, square_graph().label)
    found.save(path)  # and again
    assert VideoGraph.load(path).label_names == {"20": "cat", "22": "dog"}
    if suffix == ".graphml":
        named = nx.read_graphml(path, node_type=int)
        assert dict(named.nodes(data="label_name")) == {0: "cat", 1: None, 2: "dog", 3: None}


HOSTILE = 'a <b> & "c"\n\x1b[31m é'


@pytest.mark.parametrize(
    ("suffix", "write", "read"),
    [
        (".graphml", nx.write_graphml_xml, nx.read_graphml),
        (".gexf", nx.write_gexf, nx.read_gexf),
        (".json", lambda graph, path: path.write_text(json.dumps(nx.node_link_data(graph, edges="edges"))),
         lambda path, node_type: nx.node_link_graph(json.loads(path.read_text()), edges="edges")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1, 3, 5])  # all finite: others are left out of files
def test_networkx_reads_what_its_own_writers_give(tmp_path, monkeypatch, suffix, write, read, seed):
    monkeypatch.setattr("stgraph.graph.text_writers._CHUNK", 3)  # records of several chunks
    graph = random_graph(seed)
    graph.video_id = "v"
    expected = to_networkx(graph)
    for _, values in expected.nodes(data=True):
        if values["label"] == 0:
            values["label_name"] = HOSTILE.replace("\x1b", " ") if suffix != ".json" else HOSTILE
    write(expected, tmp_path / f"theirs{suffix}")
    graph.save(tmp_path / f"ours{suffix}", label_names=[HOSTILE])
    ours, theirs = (read(tmp_path / f"{name}{suffix}", node_type=int) for name in ("ours", "theirs"))
    assert list(ours.nodes(data=True)) == list(theirs.nodes(data=True))
    assert list(ours.edges(data=True)) == list(theirs.edges(data=True))
    assert VideoGraph.load(tmp_path / f"ours{suffix}").label_names == {"0": HOSTILE}


def test_values_that_another_program_changed_are_read(tmp_path):
    path = tmp_path / "graph.json"
    square_graph().save(path)
    content = json.loads(path.read_text())
    content["nodes"][1]["score"] = 0.125
    path.write_text(json.dumps(content))
    assert VideoGraph.load(path).score.tolist()[1] == 0.125


def test_networkx_graphs_of_other_makers_are_read(tmp_path):
    other = nx.Graph(num_frames=3)
    other.add_node("a", frame=0, x1=0.0, y1=0.0, x2=2.0, y2=4.0, label="cat")
    other.add_node("b", frame=2, x1=1.0, y1=1.0, x2=3.0, y2=3.0, label="dog", time=0.5)
    other.add_edge("a", "b", weight=2.0, kind="time")
    graph = VideoGraph.from_networkx(other, ["dog", "cat"])
    assert graph.edge_index.tolist() == [[0, 1], [1, 0]]
    assert graph.edge_weight.tolist() == [2.0, 2.0]
    assert (graph.label.tolist(), graph.num_frames) == ([1, 0], 3)
    assert graph.time.isnan().tolist() == [True, False]
    assert graph.pos.tolist() == [[1.0, 2.0], [2.0, 2.0]]
    nx.write_graphml(to_networkx(square_graph()), tmp_path / "plain.graphml")
    plain = VideoGraph.load(tmp_path / "plain.graphml")
    for name in ("edge_index", "edge_weight", "edge_kind", "frame", "time", "box", "score", "label", "track"):
        assert torch.equal(plain[name], square_graph()[name]), name
    assert VideoGraph.from_networkx(nx.path_graph(3)).num_nodes == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: g.nodes["a"].pop("frame"), "Each node must have 'frame' or none, but node 0 lacks it"),
        (lambda g: g.nodes["a"].update(frame="x"), "'frame' must be numbers"),
        (
            lambda g: g.nodes["a"].update(label="cat"),
            "'label' 'cat' is neither a number nor among 'label_names'",
        ),
        (lambda g: g.edges["a", "b"].update(kind="odd"), "'kind' must be space, time, dense, got 'odd'"),
    ],
)
def test_wrong_networkx_graphs_are_refused(change, says):
    graph = nx.DiGraph()
    graph.add_node("a", frame=0, label=1)
    graph.add_node("b", frame=1, label=1)
    graph.add_edge("a", "b")
    change(graph)
    with pytest.raises(DataError, match=says):
        VideoGraph.from_networkx(graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_not_graphs_are_refused(tmp_path, suffix):
    path = tmp_path / f"graph{suffix}"
    with pytest.raises(MissingDataError, match="No graph at"):
        VideoGraph.load(path)
    path.write_bytes(b"{]<not a graph")
    with pytest.raises(DataError, match="is not the file of a video graph"):
        VideoGraph.load(path)
    with pytest.raises(DataError, match="got a batch of 2"):
        Batch.from_data_list([square_graph()] * 2).save(path)
    assert path.read_bytes() == b"{]<not a graph"  # a failed save leaves the old file


@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_entities_are_refused(tmp_path, suffix):
    path = tmp_path / f"graph{suffix}"
    square_graph().save(path)
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    text = path.read_text()
    start = text.index("?>") + 2 if text.startswith("<?") else 0
    path.write_text(f'{text[:start]}<!DOCTYPE a [<!ENTITY a0 "b">{bomb}]>{text[start:]}')
    with pytest.raises(DataError, match="declares entities"):
        VideoGraph.load(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (r"\"shape\": [4,", r"\"shape\": [4000000000000,", "a tensor of .* bytes must fill its shape"),
        (r"\"shape\": [4,", r"\"shape\": [-4,", "a tensor of .* bytes must fill its shape"),
        (r"\"dtype\": \"torch", r"\"dtype\": \"os", r"not the file of a video graph .*; write it again"),
    ],
)
def test_wrong_tensors_in_text_are_refused(tmp_path, old, new, says):
    path = tmp_path / "graph.json"
    square_graph().save(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=says):
        VideoGraph.load(path)


@pytest.mark.parametrize("end", [-1, 7])
def test_edges_to_nodes_that_do_not_exist_are_refused(tmp_path, end):
    graph = square_graph()
    graph.save(tmp_path / "graph.pt")
    content = torch.load(tmp_path / "graph.pt", weights_only=True)
    content["attributes"]["edge_index"][1, 0] = end
    torch.save(content, tmp_path / "graph.pt")
    with pytest.raises(DataError, match=r"graph\.pt: 'edge_index' must lie in 0\.\."):
        VideoGraph.load(tmp_path / "graph.pt")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"must end in \.pt, \.graphml, \.gexf, \.json, got 'graph\.txt'"):
        square_graph().save(tmp_path / "graph.txt")
    graph = square_graph()
    graph.answer = {1, 2}
    with pytest.raises(
        DataError, match=r"'answer' of type set cannot be written as text; save the graph as \.pt"
    ):
        graph.save(tmp_path / "graph.json")
    assert list(tmp_path.iterdir()) == []
    torch.save({"format": "other"}, tmp_path / "other.pt")
    with pytest.raises(DataError, match=r"was not written by VideoGraph\.save"):
        VideoGraph.load(tmp_path / "other.pt")
    square_graph().save(tmp_path / "graph.json")
    text = (tmp_path / "graph.json").read_text().replace('\\"version\\": 1', '\\"version\\": 9')
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(DataError, match="version 9, and this stgraph reads version 1"):
        VideoGraph.load(tmp_path / "graph.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_frames": None}, "'num_frames' must be a whole number from 0 on, got none"),
        ({"num_frames": "3"}, "'num_frames' must be a whole number from 0 on, got '3'"),
        ({"num_frames": 1}, r"'frame' must lie in 0\.\.0, got 0 to 1"),
    ],
)
def test_frames_that_do_not_fit_are_refused(tmp_path, change, message):
    """A file of these was read, and the graph could not be batched."""
    graph = square_graph()
    graph.frame = torch.tensor([0, 0, 1, 1])
    for name, value in change.items():
        graph[name] = value
    graph.save(tmp_path / "graph.pt")
    with pytest.raises(DataError, match=message):
        VideoGraph.load(tmp_path / "graph.pt")


def test_a_graph_of_unknown_frames_is_not_batched():
    graph = VideoGraph(torch.ones(1, 2), torch.empty(2, 0, dtype=torch.long), frame=torch.tensor([0]))
    with pytest.raises(DataError, match="must have 'num_frames' to be batched"):
        Batch.from_data_list([graph, graph])
