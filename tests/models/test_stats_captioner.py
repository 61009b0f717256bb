import pytest
import torch

from stgraph.decoding import BeamSearch
from stgraph.errors import DataError, OptionError
from stgraph.models.stats_captioner import STaTSCaptioner
from stgraph.nn import RegionAttention, TimeAveragedAttention
from tests.models.defaults import defaults_of
from tests.models.test_stgraph_captioner import SPECIAL_TOKENS, TOKENS, VIDEO, graphs
from tests.nn.conv.test_residual_gcn_conv import CHANNELS

SIZES = {
    "embedding_channels": 6,
    "attention_channels": 4,
    "word_channels": 7,
    "hidden_channels": 8,
    "max_length": 5,
}
BOXES = {"object_channels": CHANNELS}
FRAMES = {"appearance_channels": 5, "motion_channels": 3}
GRIDS = {"grid_channels": {"rgb": 4, "flow": 2}}


def make(**changed):
    torch.manual_seed(0)
    return STaTSCaptioner(**{"vocab_size": 12, **SIZES, **changed}).eval()


def videos():
    """Three videos with all streams; the second one has no boxes."""
    batch = graphs()
    generator = torch.Generator().manual_seed(2)
    rows = len(batch.appearance)
    batch.rgb, batch.flow = (torch.randn(rows, 9, width, generator=generator) for width in (4, 2))
    batch.category = torch.tensor([1, -1, 0])
    return batch


def one_of(batch, video):
    """One video of a batch; its grids are cut by hand."""
    ends = torch.as_tensor(batch.num_frames).cumsum(0).tolist()
    single = batch[video]
    for name in ("rgb", "flow"):
        single[name] = batch[name][([0, *ends])[video] : ends[video]]
    single.category = batch.category[video : video + 1]
    return single


def test_defaults_are_the_papers():
    paper = defaults_of(STaTSCaptioner)
    assert (paper.embedding_channels, paper.word_channels, paper.hidden_channels) == (512, 256, 512)
    assert (paper.attention_channels, paper.frame_temperature, paper.ranking_margin) == (128, 0.1, 1.0)
    assert (paper.attention, paper.temporal, paper.frame_select) == ("stats", "mean_ranked", "softmax")


STREAMS = [BOXES, FRAMES, GRIDS, {**BOXES, "grid_channels": {"flow": 2}}, {**GRIDS, "num_categories": 2}]


@pytest.mark.parametrize("streams", STREAMS, ids=str)
def test_a_video_alone_equals_the_video_in_a_batch_for_all_streams(streams):
    model, batch = make(**streams), videos()
    together = model(batch, TOKENS, VIDEO)["stats"]
    for caption, video in enumerate(VIDEO.tolist()):
        alone = model(one_of(batch, video), TOKENS[caption : caption + 1], torch.tensor([0]))["stats"]
        torch.testing.assert_close(alone[0], together[caption], atol=1e-5, rtol=1e-5)
    assert (together[0] - together[3]).abs().max() > 1e-4


def test_attention_is_averaged_over_time_for_grids_alone():
    def spatial(**streams):
        return type(make(**streams).decoder.attention.spatio_temporal.spatial)

    assert spatial(**GRIDS) is TimeAveragedAttention
    assert spatial(**BOXES) is RegionAttention
    assert spatial(**BOXES, grid_channels={"flow": 2}) is RegionAttention


TABLES = [{"attention": name} for name in ("stats", "st", "ts")] + [
    {"temporal": name}
    for name in ("mean", "lstm", "mean_lstm", "attention", "mean_attention", "ranked", "mean_ranked")
]


@pytest.mark.parametrize("row", TABLES, ids=str)
def test_every_row_of_tables_1_and_2_learns(row):
    model, batch = make(**GRIDS, **row, num_categories=2).train(), videos()
    out = model.teacher_forced(batch, TOKENS, VIDEO, teacher_forcing_ratio=0.5)
    out.logits.log_softmax(-1).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    ranked = model.config["attention"] != "ts" and "ranked" in model.config["temporal"]
    assert (out.ranking is not None) == (out.ranking_mask is not None) == ranked


@pytest.mark.parametrize("streams", [BOXES, FRAMES, GRIDS], ids=str)
def test_input_options_reach_every_kind_of_place(streams):
    batch, scaled = videos(), videos()
    for name in ("x", "appearance", "motion", "rgb", "flow"):
        scaled[name] = torch.nn.functional.layer_norm(scaled[name], scaled[name].shape[-1:])
    model = make(**streams, input_norm="layer", input_dropout=0.5)
    expected = make(**streams).encode(scaled).regions
    torch.testing.assert_close(model.encode(batch).regions, expected)
    seen = model.train().encode(batch).regions
    parts = seen.unflatten(-1, (-1, 6)) - expected.unflatten(-1, (-1, 6))
    assert bool(parts.abs().amax((0, 1, 2, 4)).gt(1e-3).all())  # of each stream


def test_generates_with_attention_of_every_word():
    model, batch = make(**GRIDS), videos()
    found = model.generate(batch, SPECIAL_TOKENS, decoding=BeamSearch(), attention=True)
    real = found.tokens > 0
    for name in ("ts_frames", "branches"):
        torch.testing.assert_close(found.attention[name].sum(-1)[real], torch.ones(int(real.sum())))
    assert found.attention["st_regions"].shape[2:] == (4, 9)


def test_wrong_settings_and_missing_streams_are_named():
    with pytest.raises(OptionError, match="'temporal' must stay 'mean_ranked' without the ST branch"):
        make(**BOXES, attention="ts", temporal="lstm")
    with pytest.raises(DataError, match="needs 'rgb' features"):
        make(**GRIDS)(graphs(), TOKENS, VIDEO)
    with pytest.raises(DataError, match="needs 'category'"):
        make(**BOXES, num_categories=3)(graphs(), TOKENS, VIDEO)
