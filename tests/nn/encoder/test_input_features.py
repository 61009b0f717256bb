import math

import pytest
import torch

from stgraph import VideoGraphBuilder
from stgraph.errors import OptionError
from stgraph.nn import GraphEncoder, InputFeatures, SceneEncoder
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections


def scaled(rows):
    """The formula in plain Python."""
    found = []
    for row in rows.tolist():
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        found.append([(value - mean) / math.sqrt(variance + 1e-5) for value in row])
    return torch.tensor(found)


def test_layer_scales_each_vector_by_its_own_mean_and_variance():
    torch.manual_seed(0)
    x = 3 + 20 * torch.rand(6, 9)
    torch.testing.assert_close(InputFeatures("layer")(x), scaled(x))
    assert torch.equal(InputFeatures("layer")(torch.full((1, 4), 7.0)), torch.zeros(1, 4))


def test_dropout_hides_channels_of_each_vector_in_training_alone():
    torch.manual_seed(0)
    inputs, x = InputFeatures(dropout=0.8), torch.ones(50, 400)
    seen = inputs(x)
    assert seen.unique().tolist() == pytest.approx([0.0, 5.0])  # kept ones grow by 1 / (1 - p)
    assert float((seen == 0).float().mean()) == pytest.approx(0.8, abs=0.01)
    assert len({tuple(row) for row in seen.tolist()}) == 50
    assert torch.equal(inputs.eval()(x), x)


def test_the_scene_encoder_projects_both_streams_scaled():
    torch.manual_seed(0)
    encoder = SceneEncoder(5, 4, motion_channels=3, inputs=InputFeatures("layer"))
    f2d, f3d = torch.rand(7, 5), torch.rand(7, 3)
    joined = torch.cat(
        [scaled(f2d) @ encoder.appearance.weight.T, scaled(f3d) @ encoder.motion.weight.T], dim=1
    )
    torch.testing.assert_close(encoder(f2d, f3d), joined @ encoder.fuse.weight.T)


def test_the_graph_encoder_projects_the_objects_scaled():
    torch.manual_seed(0)
    graph = VideoGraphBuilder()(detections((3, 2)))
    plain, encoder = GraphEncoder(CHANNELS, 8), GraphEncoder(CHANNELS, 8, inputs=InputFeatures("layer"))
    encoder.load_state_dict(plain.state_dict())
    rest = (graph.edge_index, graph.edge_weight, graph.frame, graph.num_frames)
    torch.testing.assert_close(encoder(graph.x, *rest), plain(scaled(graph.x), *rest))


def test_by_default_training_is_bit_equal_to_an_encoder_without_it_and_draws_no_number():
    torch.manual_seed(0)
    encoder, x = SceneEncoder(5, 4).train(), torch.rand(7, 5)
    before = torch.get_rng_state()
    assert torch.equal(encoder(x), encoder.fuse(encoder.appearance(x)))
    assert torch.equal(torch.get_rng_state(), before)
    assert list(InputFeatures("layer", 0.5).state_dict()) == []  # state dicts do not change


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "batch"}, r"'norm' must be one of \(None, 'layer'\), got 'batch'"),
        ({"dropout": 1.0}, "'dropout' must be a number of at least 0 and below 1, got 1.0"),
        ({"dropout": -0.1}, "'dropout' must be a number of at least 0 and below 1, got -0.1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(OptionError, match=message):
        InputFeatures(**options)
