import pytest
import torch

from stgraph.decoding import BeamSearch
from stgraph.errors import DataError, OptionError
from stgraph.models.stat_captioner import STATCaptioner
from tests.models.defaults import defaults_of
from tests.models.test_stgraph_captioner import COUNTS, SPECIAL_TOKENS, TOKENS, VIDEO, graphs
from tests.nn.conv.test_residual_gcn_conv import CHANNELS

SIZES = {
    "stream_channels": 6,
    "attention_channels": 4,
    "word_channels": 7,
    "hidden_channels": 8,
    "max_length": 5,
    "initialization": "torch",  # larger weights than the released ones, so that each input shows
}
STREAMS = {"appearance_channels": 5, "motion_channels": 3, "object_channels": CHANNELS}


def make(**changed):
    torch.manual_seed(0)
    return STATCaptioner(**{"vocab_size": 12, **SIZES, **STREAMS, **changed}).eval()


def test_defaults_are_the_released_codes():
    paper = defaults_of(STATCaptioner)
    assert (paper.stream_channels, paper.attention_channels, paper.hidden_channels) == (1024, 1024, 1024)
    assert (paper.word_channels, paper.dropout, paper.max_length, paper.spatial) == (512, 0.5, 30, True)
    assert (paper.initialization, paper.exclude_padding) == ("released", False)


ROWS = [
    {},
    {"object_channels": 0},
    {"object_channels": 0, "motion_channels": 0},
    {"spatial": False},
    {"appearance_channels": 0, "motion_channels": 0},
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_row_sees_its_streams_and_a_video_alone_equals_the_video_in_a_batch(row):
    model, batch = make(**row), graphs()
    together = model(batch, TOKENS, VIDEO)["stat"]
    for caption, video in enumerate(VIDEO.tolist()):
        alone = model(batch[video], TOKENS[caption : caption + 1], torch.tensor([0]))["stat"]
        torch.testing.assert_close(alone[0], together[caption], atol=1e-5, rtol=1e-5)
    for name, stream in (
        ("appearance_channels", "appearance"),
        ("motion_channels", "motion"),
        ("object_channels", "x"),
    ):
        other = batch.clone()
        other[stream] = batch[stream] + torch.linspace(-1, 1, batch[stream].numel()).view_as(batch[stream])
        change = (model(other, TOKENS, VIDEO)["stat"] - together).abs().max()
        assert (change > 1e-4) == bool(model.config[name])


def test_every_parameter_learns():
    model, batch = make().train(), graphs()
    out = model.teacher_forced(batch, TOKENS, VIDEO)
    out.logits.log_softmax(-1).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_input_options_reach_every_stream():
    batch, scaled = graphs(), graphs()
    for name in ("x", "appearance", "motion"):
        scaled[name] = torch.nn.functional.layer_norm(scaled[name], scaled[name].shape[-1:])
    model = make(input_norm="layer", input_dropout=0.5)
    expected, found = make().encode(scaled), model.encode(batch)
    seen = model.train().encode(batch)
    for name in ("frames", "motion", "regions"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name))
        assert not torch.allclose(getattr(seen, name), getattr(expected, name))


def test_generates_with_attention_of_every_word():
    model, batch = make(), graphs()
    found = model.generate(batch, SPECIAL_TOKENS, "stat", decoding=BeamSearch(), attention=True)
    assert not found.tokens.eq(SPECIAL_TOKENS.bos).any()
    real = found.tokens > 0
    for stream in ("global", "motion"):
        torch.testing.assert_close(found.attention[stream].sum(-1)[real], torch.ones(int(real.sum())))
    # The second video has no regions.
    assert found.attention["local"][1].abs().sum() == 0
    assert len(COUNTS) == len(found.tokens)


def test_missing_streams_and_branches_are_named():
    with pytest.raises(DataError, match="needs 'motion'"):
        batch = graphs()
        del batch["motion"]
        make()(batch, TOKENS, VIDEO)
    with pytest.raises(OptionError, match="'branch' must be one of .*stat.* got 'scene'"):
        make().generate(graphs(), SPECIAL_TOKENS, "scene")
    with pytest.raises(OptionError, match="width above 0"):
        STATCaptioner(vocab_size=12)
