"""Every layer of ``stgraph.nn`` draws its parameters again by ``reset_parameters``, as PyG's layers do."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import MessagePassing

import stgraph.nn
from stgraph.nn import (
    AdditiveAttention,
    AllRegionsAttention,
    BranchCombination,
    CaptionTransformer,
    ConvBlock,
    FrameAttentionPool,
    GateDropoutLSTMCell,
    GraphEncoder,
    LSTMPool,
    MeanThenTemporalAttention,
    MultiHeadAttention,
    RankedAttention,
    RankedPool,
    RecurrentPool,
    RegionAttention,
    RelativeGeometry,
    ResidualGCNConv,
    SceneEncoder,
    SpatioTemporalAttention,
    STATAttention,
    STATDecoder,
    STATEncoder,
    STaTSAttention,
    STaTSDecoder,
    STaTSEncoder,
    StreamEmbedding,
    TemporoSpatialAttention,
    TimeAveragedAttention,
    WithMean,
    pyg_conv,
)

LAYERS = {
    "AdditiveAttention": lambda: AdditiveAttention(3, 4, 5),
    "AllRegionsAttention": lambda: AllRegionsAttention(3, 4, 5),
    "BranchCombination": lambda: BranchCombination(3, 4, 5),
    "CaptionTransformer": lambda: CaptionTransformer(9, 8, num_heads=2, feedforward_channels=6),
    "ConvBlock": lambda: ConvBlock(pyg_conv("GATv2Conv", 4), 4),
    "FrameAttentionPool": lambda: FrameAttentionPool(3),
    "GateDropoutLSTMCell": lambda: GateDropoutLSTMCell(3, 4),
    "GraphEncoder": lambda: GraphEncoder(3, 4),
    "LSTMPool": lambda: LSTMPool(3),
    "MeanThenTemporalAttention": lambda: MeanThenTemporalAttention(3, 4, 5),
    "MultiHeadAttention": lambda: MultiHeadAttention(4, 2),
    "RankedAttention": lambda: RankedAttention(3),
    "RankedPool": lambda: RankedPool(3),
    "RecurrentPool": lambda: RecurrentPool(4),
    "RegionAttention": lambda: RegionAttention(3, 4, 5),
    "RelativeGeometry": lambda: RelativeGeometry(3),
    "ResidualGCNConv": lambda: ResidualGCNConv(3),
    "STATAttention": lambda: STATAttention(3, 4, 5),
    "STATDecoder": lambda: STATDecoder(9, STATAttention(3, 4, 5), 3, word_channels=6, hidden_channels=4),
    "STATEncoder": lambda: STATEncoder(4, appearance_channels=3, motion_channels=2, object_channels=5),
    "STaTSAttention": lambda: STaTSAttention(None, TemporoSpatialAttention(3, 4, 5)),
    "STaTSDecoder": lambda: STaTSDecoder(
        9, STaTSAttention(None, TemporoSpatialAttention(3, 10, 5)), 3, word_channels=6, hidden_channels=4
    ),
    "STaTSEncoder": lambda: STaTSEncoder(object_channels=5, num_categories=3, category_channels=2),
    "SceneEncoder": lambda: SceneEncoder(3, 4, 5),
    "SpatioTemporalAttention": lambda: SpatioTemporalAttention(RegionAttention(3, 4, 5), RankedPool(3)),
    "StreamEmbedding": lambda: StreamEmbedding([3, 4], 5),
    "TemporoSpatialAttention": lambda: TemporoSpatialAttention(3, 4, 5),
    "TimeAveragedAttention": lambda: TimeAveragedAttention(3, 4, 5),
    "WithMean": lambda: WithMean(3, LSTMPool(3)),
}
WITHOUT_PARAMETERS = {"EdgeAttributes", "FrameMeanPool", "InputFeatures", "MeanPool", "SinusoidalPositions"}
# Registered in another order than drawn: their attention, or their convolution, is built first and passed in.
PASSED_IN = {"ConvBlock", "STATDecoder", "STaTSDecoder"}


def test_every_layer_is_tested():
    exported = [getattr(stgraph.nn, name) for name in stgraph.nn.__all__]
    layers = {each.__name__ for each in exported if isinstance(each, type) and issubclass(each, nn.Module)}
    assert layers - {"RecurrentDecoder"} == LAYERS.keys() | WITHOUT_PARAMETERS


@pytest.mark.parametrize("name", LAYERS)
def test_reset_parameters_draws_what_the_constructor_draws(name):
    torch.manual_seed(0)
    layer = LAYERS[name]()
    first = {key: value.clone() for key, value in layer.state_dict().items()}
    assert first
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(7.0)
    torch.manual_seed(0)
    layer.reset_parameters()
    again = layer.state_dict()
    assert not any((value == 7.0).any() for value in again.values())
    if name not in PASSED_IN:
        assert all(torch.equal(again[key], value) for key, value in first.items())


@pytest.mark.parametrize("name", ["MultiHeadAttention", "FrameAttentionPool", "ResidualGCNConv"])
def test_layers_are_built_on_the_default_device(name):
    with torch.device("meta"):
        assert all(parameter.is_meta for parameter in LAYERS[name]().parameters())


def test_the_convolution_keeps_the_contract_of_message_passing():
    torch.manual_seed(0)
    conv, linear = ResidualGCNConv(6), None
    assert isinstance(conv, MessagePassing)
    torch.manual_seed(0)
    linear = nn.Linear(6, 6, bias=False)  # one draw: later layers keep their random numbers
    assert torch.equal(conv.lin.weight, linear.weight)
    torch.manual_seed(0)
    ResidualGCNConv(6)
    following = torch.rand(1)
    torch.manual_seed(0)
    nn.Linear(6, 6, bias=False)
    assert torch.equal(following, torch.rand(1))
