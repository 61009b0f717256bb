import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.extraction.extractors.motion import I3D
from stgraph.extraction.extractors.registry import make_extractor
from tests.extraction.extractors.motion.samples import item, save_layout
from tests.reference import i3d as reference


@pytest.fixture(scope="module")
def i3d():
    return make_extractor("i3d", {"weights": "random", "grid": True})


def test_cells_join_their_two_time_steps_and_motion_is_their_mean(i3d):
    clip = item(64)
    said = i3d.extract([clip])[0]
    with torch.no_grad():
        cells = reference.cells(i3d.network.state_dict(), clip[None] / 127.5 - 1)[0]  # [1024, 2, 2, 2]
    assert list(said) == ["motion", "grid/i3d"] == list(i3d.streams)
    close = {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(said["motion"], cells.mean((1, 2, 3)), **close)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        expected = torch.cat([cells[:, 0, row, column], cells[:, 1, row, column]])
        torch.testing.assert_close(said["grid/i3d"][2 * row + column], expected, **close)


def test_a_batch_says_what_each_clip_alone_says(i3d):
    clips = [item(64, seed) for seed in range(3)]
    for clip, together in zip(clips, i3d.extract(clips), strict=True):
        alone = i3d.extract([clip])[0]
        for stream in i3d.streams:
            torch.testing.assert_close(together[stream], alone[stream], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "streams"),
    [({}, ("motion",)), ({"grid": True, "pooled": False}, ("grid/i3d",))],
)
def test_only_the_wanted_streams_are_there(settings, streams):
    i3d = I3D(weights="random", **settings)
    assert i3d.streams == streams
    assert tuple(i3d.extract([item(32)])[0]) == streams


def test_no_stream_at_all_is_refused():
    with pytest.raises(OptionError, match="'grid' and 'pooled' must not both be false"):
        I3D(weights="random", pooled=False)


def test_a_file_in_the_public_layout_is_read_and_its_classifier_left(tmp_path):
    classifier = {"logits.conv3d.weight": (400, 1024, 1, 1, 1), "logits.conv3d.bias": (400,)}
    whole = I3D(save_layout(tmp_path / "rgb_imagenet.pt", reference.layout() | classifier))
    without = I3D(save_layout(tmp_path / "no_classifier.pt", reference.layout()))
    other = I3D(save_layout(tmp_path / "other.pt", reference.layout(), value=0.02))
    assert float(whole.network.Mixed_5c.b3b.conv3d.weight.sum()) == pytest.approx(0.01 * 832 * 128, rel=1e-4)
    assert whole.weights == without.weights != other.weights


def test_files_of_other_networks_are_refused(tmp_path):
    flow = save_layout(tmp_path / "flow_imagenet.pt", reference.layout(in_channels=2))
    with pytest.raises(DataError, match=r"'Conv3d_1a_7x7.conv3d.weight' is \[64, 2, 7, 7, 7\], not \[64, 3,"):
        I3D(flow)
    part = {name: shape for name, shape in reference.layout().items() if "Mixed_5c" not in name}
    with pytest.raises(DataError, match="it lacks 'Mixed_5c.b0.bn.bias' and 29 more"):
        I3D(save_layout(tmp_path / "part.pt", part))


def test_no_library_has_weights():
    with pytest.raises(OptionError, match="must be a file or 'random' .* got 'default'"):
        I3D()
