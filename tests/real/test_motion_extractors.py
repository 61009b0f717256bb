"""The motion extractors, with random weights, on real clips."""

import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.extraction.extractors.registry import make_extractor, record_of
from stgraph.video import VideoReader

SMALL_FLOW = {"flow": "raft_small", "flow_weights": "random"}
PUBLISHED = {
    "i3d": ({"grid": True}, {"motion": (1024,), "grid/i3d": (49, 2048)}),
    "i3d_flow": (SMALL_FLOW | {"grid": True}, {"motion": (1024,), "grid/i3d_flow": (49, 2048)}),
    "c3d": ({}, {"motion": (4096,)}),
    "s3d": ({}, {"motion": (1024,)}),
}


@pytest.fixture(scope="module")
def clips(real_data):
    """16 consecutive frames of two videos of different sizes."""
    read = []
    for name in ("video8133.mp4", "0lh_UWF9ZP4_62_69.avi"):
        with VideoReader(real_data / "clips" / name) as video:
            read.append(video.read(range(16)))
    assert read[0].shape != read[1].shape
    return read


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_real_clip_has_the_published_shapes_and_a_batch_says_what_each_alone_says(name, clips):
    settings, shapes = PUBLISHED[name]
    extractor = make_extractor(name, {"weights": "random"} | settings)
    assert extractor.frames_per_item == 16
    items = [extractor.preprocess(clip) for clip in clips]
    assert all(prepared.dtype == torch.uint8 and prepared.nbytes < 2_500_000 for prepared in items)
    whole = extractor.extract(items[:1])[0]
    assert {stream: tuple(value.shape) for stream, value in whole.items()} == shapes
    if name == "i3d_flow":  # RAFT takes 15 s a clip on a core; its batches are compared on the clips' middle
        items = [prepared[:, :, 48:176, 48:176].contiguous() for prepared in items]
    together = extractor.extract(items)
    for index, prepared in enumerate(items):
        alone = whole if index == 0 and name != "i3d_flow" else extractor.extract([prepared])[0]
        for stream in shapes:
            value = together[index][stream]
            torch.testing.assert_close(value, alone[stream], rtol=1e-3, atol=1e-4 * float(value.std()))
    first, second = (description["motion"] for description in together)
    assert (first - second).abs().mean() > 0.01 * first.std()
    assert torch.isfinite(torch.stack([first, second]).half()).all()  # as stores keep them


@pytest.mark.parametrize("name", PUBLISHED)
def test_saved_weights_come_back_with_the_same_hash(name, tmp_path):
    settings, _ = PUBLISHED[name]
    made = make_extractor(name, {"weights": "random"} | settings)
    file = tmp_path / "weights.pt"
    torch.save((made.i3d if name == "i3d_flow" else made.network).state_dict(), file)
    read = make_extractor(name, {"weights": str(file)} | settings)
    file.unlink()  # C3D's has 250 MB
    assert read.weights == made.weights
    assert record_of(name, {}, read).weights.startswith("sha256:")


def test_the_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "s3d.pt"
    torch.save(make_extractor("s3d", {"weights": "random"}).network.state_dict(), file)
    with pytest.raises(DataError, match="do not fit I3DNetwork: it lacks 'Conv3d_1a_7x7"):
        make_extractor("i3d", {"weights": str(file)})


@pytest.mark.parametrize("name", ["i3d", "i3d_flow", "c3d"])
def test_default_weights_are_refused_where_no_library_has_them(name):
    with pytest.raises(OptionError, match="no maintained library publishes any"):
        make_extractor(name, {"weights": "default"})
