import pytest
import torch
from torch_geometric.explain import CaptumExplainer, Explainer, GNNExplainer

from stgraph.errors import OptionError
from stgraph.graph import VideoGraph
from stgraph.inspection import ExplainableCaption, ExplainableClassifier
from stgraph.models import GraphClassifier, RelationClassifier, TrackClassifier
from stgraph.nn import GraphEncoder
from tests.inspection.grounding.models import CAPTION, pipeline, scores, video

CLASSES = {"mode": "multiclass_classification", "task_level": "graph", "return_type": "raw"}
WORDS = {**CLASSES, "return_type": "log_probs"}
close = torch.testing.assert_close


def explained(model, algorithm, config=CLASSES, **types):
    types = {"node_mask_type": "attributes", "edge_mask_type": "object"} | types
    return Explainer(model, algorithm, explanation_type="model", model_config=config, **types)


def classifier(kind=GraphClassifier, **arguments):
    torch.manual_seed(0)
    model = kind(3, 4, hidden_channels=6, num_layers=2, motion=False, **arguments)
    return model.double()


def dense(model, graph, keep):
    """The logits of a graph classifier by dense matrices, each edge's message times ``keep``."""
    count, frames = len(graph.x), graph.num_frames
    matrix = torch.zeros(count, count).double()
    rows = torch.zeros(count).double()
    for (i, j), weight, share in zip(graph.edge_index.T.tolist(), graph.edge_weight, keep, strict=True):
        rows[i] += weight
        matrix[i, j] += weight * share
    rows[rows == 0] = 1
    matrix = matrix / rows.sqrt()[:, None] / rows.sqrt()[None]
    h = model.encoder.embed(graph.x) @ model.encoder.graph_encoder.project.weight.T
    for layer in model.encoder.graph_encoder.layers:
        h = (h + matrix @ h @ layer.lin.weight.T).relu()
    means = [
        h[graph.frame == t].mean(0) if bool((graph.frame == t).any()) else 0 * h[0] for t in range(frames)
    ]
    return model.head(torch.stack(means).mean(0))


def test_a_mask_of_edges_weighs_their_messages():
    model, graph = classifier().eval(), video()
    keep = torch.tensor([0.0, 1.0, 0.5, 1.0, 1.0, 0.2, 1.0, 1.0]).double()
    explainer = explained(ExplainableClassifier(model, graph), GNNExplainer(epochs=1))
    close(
        explainer.get_masked_prediction(graph.x, graph.edge_index, edge_mask=keep)[0],
        dense(model, graph, keep),
    )
    close(explainer.get_prediction(graph.x, graph.edge_index)[0], dense(model, graph, torch.ones(8)))
    close(model(graph)[0], dense(model, graph, torch.ones(8)))  # and nothing of it is left


def test_captum_explainer_gives_the_gradients_by_nodes_and_edges():
    pytest.importorskip("captum")
    model, graph = classifier().eval(), video()
    explainer = explained(ExplainableClassifier(model, graph), CaptumExplainer("Saliency"))
    found = explainer(graph.x, graph.edge_index)
    x, keep = graph.x.clone().requires_grad_(), torch.ones(8).double().requires_grad_()
    changed = graph.clone()
    changed.x = x
    logits = dense(model, changed, keep)
    nodes, edges = torch.autograd.grad(logits[logits.argmax()], [x, keep])
    close(found.node_mask, nodes.abs())
    close(found.edge_mask, edges.abs(), check_dtype=False)


def test_gnn_explainer_keeps_the_edges_that_carry_something():
    torch.manual_seed(1)
    graph = video()
    graph.x = torch.zeros(5, 3).double()
    graph.x[4] = torch.tensor([1.0, -2.0, 1.0])
    model = classifier()
    torch.nn.init.zeros_(model.encoder.embed[0].bias)
    found = explained(ExplainableClassifier(model, graph), GNNExplainer(epochs=20))(graph.x, graph.edge_index)
    # Row i gathers node j of edge (i, j): first node 4, then also node 3, which has something of it.
    carries = {e for e, (i, j) in enumerate(graph.edge_index.T.tolist()) if j in (3, 4)}
    kept = set(found.edge_mask.nonzero()[:, 0].tolist())
    assert kept == carries == {5, 6, 7}
    assert not bool(found.node_mask[:4].any())
    assert not any(part.training for part in model.modules())


@pytest.mark.parametrize("conv", ["GATv2Conv", "FastRGCNConv", "TransformerConv"])
def test_convolutions_of_pyg_are_explained_too(conv):
    classifier(conv="RGCNConv")  # FastRGCNConv is a subclass of it
    graph = video()
    graph.edge_kind = torch.tensor([0, 0, 1, 1, 0, 0, 0, 0])
    graph.x, graph.edge_weight = graph.x.float(), graph.edge_weight.float()
    model = classifier(conv=conv).float()
    found = explained(ExplainableClassifier(model, graph), GNNExplainer(epochs=3))(graph.x, graph.edge_index)
    assert found.edge_mask.shape == (8,)
    assert bool(found.edge_mask.any())


@pytest.mark.parametrize(
    ("kind", "query"), [(TrackClassifier, [0, 1, 0, 0, 1]), (RelationClassifier, [[0, 3], [1, 4]])]
)
def test_tracks_and_pairs_are_explained_one_by_one(kind, query):
    graph = video()
    graph.box = torch.rand(5, 4).double() + torch.tensor([0, 0, 1, 1])
    graph.track = torch.tensor([0, 1, 0, 0, 1])
    adapter = ExplainableClassifier(classifier(kind), graph, torch.tensor(query))
    found = explained(adapter, GNNExplainer(epochs=3))(graph.x, graph.edge_index, index=1)
    assert found.node_mask.shape == (5, 3)
    assert found.prediction.shape == (2, 4)


@pytest.mark.parametrize("name", ["object", "joint", "stat", "stats"])
def test_words_of_captions_are_explained(name):
    captioner = pipeline(name)
    adapter = ExplainableCaption(captioner, video(), CAPTION)
    graph = adapter.graph
    assert adapter.words == (*CAPTION.split(), "(end)")
    tokens = captioner.tokenizer.encode([CAPTION])[0, 1:]
    with torch.no_grad():
        rows = adapter(graph.x, graph.edge_index)
    close(rows.gather(1, tokens[:, None])[:, 0], scores(captioner, video()))
    edges = "object" if name in ("object", "joint") else None  # STAT and STaTS have no edges
    explainer = explained(adapter, GNNExplainer(epochs=3), WORDS, edge_mask_type=edges)
    found = explainer(graph.x, graph.edge_index, index=1)
    assert found.node_mask.shape == graph.x.shape
    assert (found.get("edge_mask") is not None) == (edges is not None)


def test_the_graph_encoder_needs_no_adapter():
    graph = video()
    torch.manual_seed(0)
    encoder = GraphEncoder(3, 4, 2).double().eval()
    explainer = explained(encoder, GNNExplainer(epochs=3), {"mode": "regression", "task_level": "node"})
    rest = {"edge_weight": graph.edge_weight, "frame": graph.frame, "num_frames": graph.num_frames}
    found = explainer(graph.x, graph.edge_index, index=3, **rest)
    # Frame 3 has nodes 3 and 4, whose edges lead nowhere else.
    assert set(found.edge_mask.nonzero()[:, 0].tolist()) <= {5, 6, 7}
    assert found.prediction.shape == (4, 4)


def test_says_what_cannot_be_explained():
    with pytest.raises(OptionError, match="'model' must not use each edge both ways, .*; train one without"):
        ExplainableClassifier(classifier(both_directions=True), VideoGraph())
    with pytest.raises(OptionError, match="The branch 'scene' reads no boxes"):
        ExplainableCaption(pipeline("scene"), video(), CAPTION)
