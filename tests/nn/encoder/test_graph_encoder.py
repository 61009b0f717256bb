import torch
from torch_geometric.explain import Explainer, GNNExplainer

from stgraph import VideoGraphBuilder
from stgraph.nn import GraphEncoder
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections
from tests.reference.gcn import dense, residual_gcn


def test_equals_equations_4_and_5_and_frame_means():
    torch.manual_seed(0)
    graph, encoder = VideoGraphBuilder()(detections()), GraphEncoder(CHANNELS, 8, num_layers=3)
    h = graph.x.double() @ encoder.project.weight.T.double()
    matrix = dense(graph.edge_index, graph.edge_weight, len(h))
    for layer in encoder.layers:
        h = residual_gcn(h, matrix, layer.weight.weight.T)
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
    out = encoder(batch.x, batch.edge_index, batch.edge_weight, batch.frame, int(batch.num_frames.sum()))
    out.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())
    second = VideoGraphBuilder()(videos[1])
    alone = encoder(second.x, second.edge_index, second.edge_weight, second.frame, second.num_frames)
    torch.testing.assert_close(out[3:], alone)


def test_without_layers_it_is_projection_and_mean():
    graph, encoder = VideoGraphBuilder()(detections((2,))), GraphEncoder(CHANNELS, 8, num_layers=0)
    out = encoder(graph.x, graph.edge_index, graph.edge_weight, graph.frame, 1)
    torch.testing.assert_close(out[0], encoder.project(graph.x).mean(0))


class FrameScore(torch.nn.Module):
    """One number a frame, so that the explainer has something to explain."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x, edge_index, edge_weight, frame, num_frames):
        return self.encoder(x, edge_index, edge_weight, frame, num_frames).sum(1, keepdim=True)


def test_pyg_explains_it_by_edge_masks():
    torch.manual_seed(0)
    graph = VideoGraphBuilder()(detections((2, 2, 2)))
    explainer = Explainer(
        FrameScore(GraphEncoder(CHANNELS, 8)),
        GNNExplainer(epochs=5),
        explanation_type="model",
        edge_mask_type="object",
        model_config={"mode": "regression", "task_level": "node", "return_type": "raw"},
    )
    inputs = {"edge_weight": graph.edge_weight, "frame": graph.frame, "num_frames": graph.num_frames}
    explanation = explainer(graph.x, graph.edge_index, index=0, **inputs)
    assert explanation.edge_mask.shape == graph.edge_weight.shape
    # Three layers reach frame 2 from frame 0, but nothing in another frame changes what frame 2 alone says.
    last = explainer(graph.x, graph.edge_index, index=2, **inputs)
    inside = graph.frame[graph.edge_index[0]] == 2
    assert last.edge_mask[~inside].abs().max() == 0
    assert last.edge_mask[inside].min() > 0
