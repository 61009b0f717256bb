import pytest
import torch

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.extraction.extractors.objects import VisualGenomeFasterRCNN, visual_genome
from stgraph.extraction.extractors.registry import make_extractor

FRAME = torch.randint(0, 256, (1, 48, 64, 3), dtype=torch.uint8, generator=torch.manual_seed(0))


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    file = tmp_path_factory.mktemp("names") / "names.txt"
    file.write_text("".join(f"thing {number}\n" for number in range(1, 1601)))
    return file


@pytest.fixture(scope="module")
def detector(names):
    # With random weights the scores of all 1,601 classes are about the same.
    settings = {
        "weights": "random",
        "score_threshold": 1.08 / 1601,
        "min_size": 32,
        "max_boxes": 5,
        "names": str(names),
    }
    return make_extractor("visual_genome", settings)


def test_boxes_scores_and_labels_are_those_of_the_network_itself(detector):
    found = detector.extract([detector.preprocess(FRAME)])[0]["object"]
    with torch.inference_mode():
        expected = detector.network([FRAME[0].permute(2, 0, 1) / 255])[0]
    assert len(found.boxes) == 5
    torch.testing.assert_close(found.boxes, expected["boxes"], atol=1e-3, rtol=0)
    torch.testing.assert_close(found.scores, expected["scores"])
    assert torch.equal(found.labels, expected["labels"])
    assert found.features.shape == (5, 2048)
    assert found.features.std() > 0


def test_the_network_is_a_wide_resnext_for_1600_classes_and_the_background(detector):
    state = detector.network.state_dict()
    assert state["backbone.body.layer3.22.conv2.weight"].shape == (
        512 * 2,
        32,
        3,
        3,
    )  # 32 groups of 32 channels
    assert state["roi_heads.box_predictor.cls_score.weight"].shape == (1601, 1024)


def test_labels_are_positions_among_the_names(detector):
    assert len(detector.label_names) == 1601
    assert detector.label_names[0] == "__background__"
    assert detector.label_names[1600] == "thing 1600"


def test_weights_have_to_be_given(monkeypatch):
    monkeypatch.setattr(visual_genome, "_build", lambda **_: torch.nn.Identity())
    with pytest.raises(OptionError, match="no maintained library publishes any"):
        VisualGenomeFasterRCNN()


def test_counts_of_plain_batch_normalisation_are_no_hindrance():
    state = {
        "backbone.body.bn1.weight": torch.ones(1),
        "backbone.body.bn1.num_batches_tracked": torch.tensor(3),
    }
    assert list(visual_genome._without_counts(state)) == ["backbone.body.bn1.weight"]


def test_files_of_names_that_cannot_be_right(names, tmp_path):
    with pytest.raises(
        MissingDataError, match="'names' must be a text file with 1600 lines, got 'nowhere.txt'"
    ):
        VisualGenomeFasterRCNN("random", names="nowhere.txt")
    short = tmp_path / "short.txt"
    short.write_text("cat\ndog\n")
    with pytest.raises(DataError, match=r"short.txt must have 1600 lines.*got 2"):
        VisualGenomeFasterRCNN("random", names=str(short))
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"cat\n\xff\x00")
    with pytest.raises(DataError, match="line 2 is not UTF-8"):
        VisualGenomeFasterRCNN("random", names=str(binary))
