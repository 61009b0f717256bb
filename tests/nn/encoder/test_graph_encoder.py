import pytest
import torch
from torch_geometric.explain import Explainer, GNNExplainer

from stgraph import VideoGraphBuilder
from stgraph.errors import OptionError, ShapeError
from stgraph.nn import FrameAttentionPool, GraphEncoder, NormalizedAdjacency, RelativeGeometry
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections, forms
from tests.reference.gcn import dense, residual_gcn
from tests.reference.graph_options import attention_pool, geometry_factor


def test_equals_equations_4_and_5_and_frame_means():
    torch.manual_seed(0)
    graph, encoder = VideoGraphBuilder()(detections()), GraphEncoder(CHANNELS, 8, num_layers=3)
    h = graph.x.double() @ encoder.project.weight.T.double()
    matrix = dense(graph.edge_index, graph.edge_weight, len(h))
    for layer in encoder.layers:
        h = residual_gcn(h, matrix, layer.lin.weight.T)
    frames = torch.zeros(graph.num_frames, 8, dtype=torch.float64)
    for t in range(graph.num_frames):
        if (graph.frame == t).any():
            frames[t] = h[graph.frame == t].mean(0)
    out = encoder(graph.x, graph.edge_index, graph.edge_weight, graph.frame, graph.num_frames)
    torch.testing.assert_close(out, frames.float())
    assert out[1].abs().sum() == 0  # the frame without objects


def test_every_parameter_learns_and_videos_in_a_batch_do_not_meet():
    encoder = GraphEncoder(CHANNELS, 8)
    videos = [detections((3, 0, 2)), detections((1, 1))]
    batch = VideoGraphBuilder().build_batch(videos)
    out = encoder(batch.x, batch.edge_index, batch.edge_weight, batch.frame, batch.num_frames)
    total = encoder(batch.x, batch.edge_index, batch.edge_weight, batch.frame, int(batch.num_frames.sum()))
    assert torch.equal(out, total)
    out.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())
    second = VideoGraphBuilder()(videos[1])
    alone = encoder(second.x, second.edge_index, second.edge_weight, second.frame, second.num_frames)
    torch.testing.assert_close(out[3:], alone)


def test_without_layers_it_is_projection_and_mean():
    graph, encoder = VideoGraphBuilder()(detections((2,))), GraphEncoder(CHANNELS, 8, num_layers=0)
    out = encoder(graph.x, graph.edge_index, graph.edge_weight, graph.frame, 1)
    torch.testing.assert_close(out[0], encoder.project(graph.x).mean(0))


def past_the_paper(flow="target_to_source"):
    """Attention pooling and geometry whose weights differ between nodes and between edges."""
    torch.manual_seed(0)
    encoder = GraphEncoder(CHANNELS, 8, flow=flow, pool=FrameAttentionPool(8), geometry=RelativeGeometry(4))
    torch.nn.init.normal_(encoder.pool.score.weight)
    torch.nn.init.normal_(encoder.geometry.log_factor.weight)
    return encoder


def inputs_of(graph):
    num_frames = int(torch.as_tensor(graph.num_frames).sum())
    return graph.x, graph.edge_index, graph.edge_weight, graph.frame, num_frames, graph.box


@pytest.mark.parametrize("flow", ["target_to_source", "source_to_target"])
@pytest.mark.parametrize("counts", [(3, 0, 2, 4, 1), (1, 1)])  # the second has as many frames as nodes
def test_geometry_acts_before_the_normalisation_and_attention_after_the_layers(counts, flow):
    graph, encoder = VideoGraphBuilder(max_objects=4)(detections(counts)), past_the_paper(flow)
    state = {name: value.data for name, value in encoder.named_parameters()}
    matrix = dense(graph.edge_index, graph.edge_weight, len(graph.x))
    geometry = [state[f"geometry.{name}"] for name in ("hidden.weight", "hidden.bias", "log_factor.weight")]
    for i, j in graph.edge_index.T.tolist():
        matrix[i, j] *= geometry_factor(graph.box[i], graph.box[j], *geometry[:2], geometry[2][0])
    h = graph.x.double() @ encoder.project.weight.data.T.double()
    for layer in encoder.layers:
        h = residual_gcn(h, matrix, layer.lin.weight.data.T, transpose=flow == "source_to_target")
    pool = [state[f"pool.{name}"] for name in ("hidden.weight", "hidden.bias", "score.weight")]
    expected = attention_pool(h, graph.frame.tolist(), graph.num_frames, *pool[:2], pool[2][0])
    torch.testing.assert_close(encoder(*inputs_of(graph)).data, expected.float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pad", [None, 4])
def test_past_the_paper_every_parameter_learns_and_videos_do_not_meet(pad):
    encoder, videos = past_the_paper(), [detections((3, 0, 2)), detections((1, 1))]
    builder = VideoGraphBuilder(max_objects=4, pad_objects=pad)
    out = encoder(*inputs_of(builder.build_batch(videos)))
    out.square().sum().backward()
    grads = {name: parameter.grad for name, parameter in encoder.named_parameters()}
    assert all(grad.isfinite().all() and grad.abs().sum() > 0 for grad in grads.values())
    torch.testing.assert_close(out[3:], encoder(*inputs_of(builder(videos[1]))))


def test_geometry_takes_every_form_of_the_graph_but_one_already_normalised():
    graph, encoder = VideoGraphBuilder()(detections()), past_the_paper()
    answers = {
        name: encoder(graph.x, *(*form, None)[:2], graph.frame, graph.num_frames, graph.box)
        for name, form in forms(graph)
        if name != "prepared"
    }
    for name, answer in answers.items():
        torch.testing.assert_close(answer, answers["edge index"], msg=name)
    ready = NormalizedAdjacency(graph.edge_index, graph.edge_weight, len(graph.x))
    with pytest.raises(OptionError, match="'edge_index' must be a tensor .* got NormalizedAdjacency"):
        encoder(graph.x, ready, None, graph.frame, graph.num_frames, graph.box)


def test_geometry_without_what_it_needs_is_named():
    graph, encoder = VideoGraphBuilder()(detections()), past_the_paper()
    with pytest.raises(OptionError, match="'box' must be given .* got None"):
        encoder(*inputs_of(graph)[:-1])
    with pytest.raises(ShapeError, match=r"'box' must be \[N=10, 4\], got \[9, 4\]"):
        encoder(*inputs_of(graph)[:-1], graph.box[:-1])
    with pytest.raises(OptionError, match="'geometry' must be None without graph convolutions"):
        GraphEncoder(CHANNELS, 8, 0, geometry=RelativeGeometry())


def test_with_the_identity_layers_see_their_own_node_alone_and_with_no_edges_nothing():
    encoder = GraphEncoder(CHANNELS, 8)
    for spatial, share in (("self", 1.0), (None, 0.0)):
        graph = VideoGraphBuilder(spatial, None)(detections((3, 0, 2)))
        h = encoder.project(graph.x)
        for layer in encoder.layers:
            h = (h + share * layer.lin(h)).relu()
        torch.testing.assert_close(encoder.nodes(graph.x, graph.edge_index, graph.edge_weight), h)


class FrameScore(torch.nn.Module):
    """One number per frame as the output to explain."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x, edge_index, edge_weight, frame, num_frames, box):
        return self.encoder(x, edge_index, edge_weight, frame, num_frames, box).sum(1, keepdim=True)


@pytest.mark.parametrize("options", [{}, {"pool": True, "geometry": True}])
def test_pyg_explains_it_by_edge_masks(options):
    torch.manual_seed(0)
    graph = VideoGraphBuilder()(detections((2, 2, 2)))
    explainer = Explainer(
        FrameScore(past_the_paper() if options else GraphEncoder(CHANNELS, 8)),
        GNNExplainer(epochs=5),
        explanation_type="model",
        edge_mask_type="object",
        model_config={"mode": "regression", "task_level": "node", "return_type": "raw"},
    )
    inputs = {"edge_weight": graph.edge_weight, "frame": graph.frame, "num_frames": graph.num_frames}
    inputs["box"] = graph.box
    explanation = explainer(graph.x, graph.edge_index, index=0, **inputs)
    assert explanation.edge_mask.shape == graph.edge_weight.shape
    # Three layers reach frame 2 from frame 0, but other frames do not change the output of frame 2 alone.
    last = explainer(graph.x, graph.edge_index, index=2, **inputs)
    inside = graph.frame[graph.edge_index[0]] == 2
    assert last.edge_mask[~inside].abs().max() == 0
    assert last.edge_mask[inside].min() > 0


@pytest.mark.parametrize("num_frames", [3.0, None, "3", [3, 2], True, torch.tensor([3.0])])
def test_a_number_of_frames_of_a_wrong_type_is_named(num_frames):
    graph, encoder = VideoGraphBuilder()(detections((2, 1, 1))), GraphEncoder(CHANNELS, 8)
    message = "^'num_frames' must be a whole number or an? (integer )?tensor"
    with pytest.raises(OptionError, match=message):
        encoder(graph.x, graph.edge_index, graph.edge_weight, graph.frame, num_frames)
