"""Classifiers of graphs, tracks and pairs: batches, equivariance, options, and what they learn from."""

import pytest
import torch
from torch_geometric.data import Batch

import stgraph as sg
from stgraph.errors import DataError, OptionError
from stgraph.models import ClassifierConfig, find_model, load_model, model_names, save_model
from tests.models.moving_boxes import moving, moving_data

CONVS = [
    {},
    {"num_layers": 0},
    {"both_directions": True},
    {"conv": "GATv2Conv", "conv_arguments": {"heads": 2}, "edge_attributes": ["position", "velocity", "gap"]},
    {"conv": "GINEConv", "edge_attributes": ["size"]},
    {"conv": "GINEConv", "edge_attributes": ["distance", "gap"], "edge_channels": 3, "both_directions": True},
    {"conv": "TransformerConv", "edge_attributes": ["position"], "both_directions": True},
    {"conv": "RGCNConv", "both_directions": True},
    {"pool": "attention", "head_channels": 6},
    {"pool": "recurrent"},
]
SMALL = {"hidden_channels": 8}


def models(**options):
    sizes = {"object_channels": 5, "num_classes": 3, "num_labels": 2, **SMALL, **options}
    return [model(**sizes) for model in (sg.GraphClassifier, sg.TrackClassifier, sg.RelationClassifier)]


def query_of(model, graph):
    if model.level == "graph":
        return None
    if model.level == "pair":
        return torch.tensor([[0, 2], [1, 3]])
    return graph.track.clone()


@pytest.mark.parametrize("options", CONVS, ids=str)
def test_a_batch_equals_each_graph_alone(options):
    torch.manual_seed(0)
    graphs = [moving(seed, frames) for seed, frames in ((0, 4), (1, 6), (2, 3))]
    batch = Batch.from_data_list(graphs)
    for model in models(**options):
        model.eval()
        alone = torch.cat([model(graph, query_of(model, graph)) for graph in graphs])
        queries = [query_of(model, graph) for graph in graphs]
        query = None
        if model.level == "pair":
            query = torch.cat([q + start for q, start in zip(queries, batch.ptr.tolist(), strict=False)], 1)
        elif model.level == "track":
            query = torch.cat([q + 2 * number for number, q in enumerate(queries)])
        torch.testing.assert_close(model(batch, query), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("options", CONVS, ids=str)
def test_every_parameter_takes_part(options):
    graph = Batch.from_data_list([moving(0, 4), moving(1, 5)])
    for model in models(**options):
        query = torch.tensor([[0, 9], [1, 10]]) if model.level == "pair" else graph.track + 2 * graph.batch
        model(graph, query).square().sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_only_recurrent_pools_see_the_order_of_frames_that_do_not_move():
    """With neither motion nor edges, turning time around changes what a recurrent pool says, and nothing else."""
    graph = moving(0, 5)
    back = moving(0, 5)
    back.x, back.box = graph.x.reshape(5, 2, -1).flip(0).reshape(10, -1), graph.box
    for pool, same in (("mean", True), ("attention", True), ("recurrent", False)):
        torch.manual_seed(0)
        model = sg.GraphClassifier(5, 3, num_layers=0, motion=False, pool=pool, **SMALL).eval()
        assert torch.allclose(model(graph), model(back), atol=1e-6) == same


def test_the_paths_that_options_name_are_used():
    graph = moving(0, 4)
    base = {"object_channels": 5, "num_classes": 2, **SMALL}
    torch.manual_seed(0)
    model = sg.TrackClassifier(num_labels=2, **base).eval()
    query = graph.track.clone()
    first = model(graph, query)
    other = graph.clone()
    other.label = 1 - graph.label
    assert not torch.allclose(model(other, query), first)
    still = graph.clone()
    still.box = graph.box[:2].repeat(4, 1)
    assert not torch.allclose(model(still, query), first)  # motion
    alone = graph.clone()
    alone.edge_index, alone.edge_weight = graph.edge_index[:, :0], graph.edge_weight[:0]
    assert not torch.allclose(model(alone, query), first)  # edges


def test_an_edge_whose_reverse_is_an_edge_carries_no_message_twice():
    """With messages back, edges one way and the same edges both ways are one graph to a convolution."""
    one_way = moving(0, 4)
    kept = one_way.edge_index[:, one_way.edge_index[0] < one_way.edge_index[1]]
    one_way.edge_index, one_way.edge_weight = kept, torch.ones(kept.size(1))
    one_way.edge_kind = torch.zeros(kept.size(1), dtype=torch.long)
    two_ways = one_way.clone()
    two_ways.edge_index, two_ways.edge_weight = (
        torch.cat([kept, kept.flip(0)], 1),
        torch.ones(2 * kept.size(1)),
    )
    two_ways.edge_kind = torch.zeros(2 * kept.size(1), dtype=torch.long)
    torch.manual_seed(0)
    model = sg.GraphClassifier(
        5, 3, conv="GINEConv", edge_attributes=["position"], both_directions=True, **SMALL
    ).eval()
    assert kept.size(1) > 3
    torch.testing.assert_close(model(one_way), model(two_ways))
    no_edges = one_way.clone()
    no_edges.edge_index = kept[:, :0]
    no_edges.edge_weight, no_edges.edge_kind = one_way.edge_weight[:0], one_way.edge_kind[:0]
    assert not torch.allclose(model(no_edges), model(one_way))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"edge_attributes": ["gap"]}, "must be empty for 'ResidualGCNConv'"),
        ({"conv": "GATv3Conv"}, "'conv' must be 'ResidualGCNConv' or the name of a convolution"),
        ({"conv": "GATv2Conv", "edge_attributes": ["place"]}, "'names' must be some of"),
        ({"conv": "GATv2Conv", "edge_channels": 4}, "'edge_channels' must be 0 without 'edge_attributes'"),
        ({"pool": "sum"}, "'pool'"),
        ({"num_classes": 0}, "'num_classes'"),
        ({"hidden": 8}, "did you mean 'hidden_channels'"),
        ({"pool": "recurrent", "hidden_channels": 7}, "must be even"),
    ],
)
def test_wrong_options_are_named(options, said):
    with pytest.raises(OptionError, match=said):
        sg.GraphClassifier(**{"object_channels": 5, "num_classes": 3, **options})


def test_what_a_graph_lacks_is_named():
    graph = moving(0, 3)
    del graph["track"]
    with pytest.raises(DataError, match="reads 'track' of each box"):
        sg.GraphClassifier(5, 2, **SMALL)(graph)
    with pytest.raises(OptionError, match="'query' must name the tracks"):
        sg.TrackClassifier(5, 2, motion=False, **SMALL)(moving(0, 3))


def test_models_are_known_by_name_and_kind():
    assert find_model("graph_classifier", sg.Classifier) is sg.GraphClassifier
    assert set(model_names(sg.Classifier)) >= {"graph_classifier", "relation_classifier", "track_classifier"}
    assert "graph_classifier" not in model_names()
    with pytest.raises(OptionError, match="must be the name of a CaptioningModel, got 'graph_classifier'"):
        find_model("graph_classifier")
    with pytest.raises(OptionError, match="must be the name of a Classifier, got 'stgkd'"):
        find_model("stgkd", sg.Classifier)


@pytest.mark.parametrize("options", [CONVS[0], CONVS[3]], ids=str)
def test_a_saved_model_answers_alike(tmp_path, options):
    torch.manual_seed(0)
    for model in models(**options):
        folder = tmp_path / model.name
        save_model(folder, model, ClassifierConfig.of(model, classes=("a", "b", "c")))
        again = load_model(folder, sg.ClassificationPipeline.from_pretrained(folder).config, type(model))
        graph = moving(0, 4)
        query = query_of(model, graph)
        torch.testing.assert_close(again(graph, query), model.eval()(graph, query))


def test_for_data_takes_what_the_data_say():
    data = moving_data("graph")
    model = sg.GraphClassifier.for_data(data, **SMALL)
    assert (model.config["num_classes"], model.config["num_labels"]) == (2, 2)
    with pytest.raises(
        OptionError, match="'data' must have targets of the level 'track' for TrackClassifier, got 'graph'"
    ):
        sg.TrackClassifier.for_data(data)


class OwnEncoder(sg.GraphClassifier):
    def __init__(self, object_channels: int, num_classes: int) -> None:
        super().__init__(object_channels, num_classes)
        self.encoder = torch.nn.Identity()


def test_inputs_of_an_encoder_of_its_own_cannot_be_standardized():
    with pytest.raises(OptionError, match="'standardize' must be False for OwnEncoder"):
        OwnEncoder.for_data(moving_data("graph"), standardize=True)


def test_standardized_inputs_have_mean_0_and_variance_1_over_the_training_boxes(tmp_path):
    data = moving_data("graph")
    model = sg.GraphClassifier.for_data(data, standardize=True, **SMALL)
    entering = []
    model.encoder.embed.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    for graphs in data.graph_batches("train"):
        model(graphs)
    inputs = torch.cat(entering).detach()
    features, velocity = inputs[:, :5], inputs[:, -2:]
    raw = torch.cat([graphs.x for graphs in data.graph_batches("train")])
    varies = raw.double().std(0) > 1e-5
    assert varies.any()
    expected = (raw - raw.mean(0)) / raw.std(0, correction=0).where(varies, 1)
    torch.testing.assert_close(features, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(velocity.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        velocity.std(0, correction=0), torch.tensor([1.0, 0.0])
    )  # none moves up or down
    save_model(tmp_path / "model", model, data.model_config(model))
    again = load_model(tmp_path / "model", data.model_config(model), sg.GraphClassifier)
    torch.testing.assert_close(again(graphs), model.eval()(graphs))
    plain = sg.GraphClassifier.for_data(data, **SMALL)
    assert not plain.encoder.center.any()
    assert (plain.encoder.spread == 1).all()
    with pytest.raises(OptionError, match="'split' must be one of"):
        list(data.graph_batches("all"))
