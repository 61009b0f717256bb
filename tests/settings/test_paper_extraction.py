"""stgraph extract experiment=stgkd|stat|stats: the papers' streams, written out here, and what must be fetched for them."""

import pytest

from stgraph.cli import main
from stgraph.commands.arguments import completions
from stgraph.commands.extract import plan_of
from stgraph.commands.weights_to_fetch import check_weights
from stgraph.errors import MissingDataError, OptionError
from stgraph.extraction.extractors.registry import find_extractor
from stgraph.settings.compose import compose, plain

RANDOM = {group: f"{group}.weights=random" for group in ("appearance", "motion", "objects", "flow")}
PRESETS = {
    "stgkd": {  # Pan et al., section 4.3
        "frames": {"rule": "spread", "number": 10},
        "appearance": {"name": "resnet101", "weights": "IMAGENET1K_V1", "grid": False},
        "motion": {"name": "i3d", "weights": "random", "grid": False},
        "objects": {
            "name": "visual_genome",  # ResNeXt-101 + FPN
            "weights": "random",
            "features": "roi",  # 7 x 7 x 2048, max-pooled
            "max_boxes": 5,
            "score_threshold": 0.5,
        },
        "flow": {"name": None},
    },
    "stat": {  # the authors' released code
        "frames": {"rule": "chunks", "number": 28},
        "appearance": {"name": "googlenet", "weights": "IMAGENET1K_V1"},
        "motion": {"name": "c3d", "weights": "random"},
        "objects": {
            "name": "faster_rcnn",
            "weights": "random",
            "features": "fc",
            "max_boxes": 8,
            "score_threshold": 0.0,
        },
        "flow": {"name": None},
    },
    "stats": {  # Cherian et al., section 4.1
        "frames": {"rule": "every", "number": 16},
        "appearance": {"name": "resnet152", "weights": "IMAGENET1K_V1", "grid": False},
        "motion": {"name": "i3d", "weights": "random", "grid": True, "pooled": False},
        "objects": {
            "name": "faster_rcnn",
            "weights": "random",
            "features": "roi",
            "max_boxes": 10,
            "score_threshold": 0.0,
        },
        "flow": {"name": "i3d_flow", "weights": "random", "grid": True, "pooled": False},
    },
}
FETCHED = {"stgkd": ("motion", "objects"), "stat": ("motion",), "stats": ("motion", "flow")}
"""Groups whose weights no library downloads."""


def composed(name, *more):
    given = [RANDOM[group] for group in FETCHED[name]]
    given += [RANDOM["objects"]] if "objects" not in FETCHED[name] else []
    return compose("extract", [f"experiment={name}", *given, *more])


@pytest.mark.parametrize("name", PRESETS)
def test_every_stream_is_as_published(name):
    found = plain(composed(name))
    for group, values in PRESETS[name].items():
        assert values.items() <= found[group].items(), group
    for choice in plan_of(composed(name)).choices:
        assert find_extractor(choice.name)  # a class of stgraph


@pytest.mark.parametrize(
    ("name", "streams"),
    [("stgkd", {"appearance", "motion", "object"}), ("stat", {"appearance", "motion", "object"})],
)
def test_the_models_find_the_streams_that_they_are_trained_on(name, streams):
    model = plain(
        compose(
            "train",
            [f"experiment={name}_paper", "data=folder", "data.dataset.store=s", "data.dataset.captions=c"],
        )
    )
    assert set(model["model"].get("streams", streams)) == streams
    frames, graph = PRESETS[name]["frames"], model["graph"]
    assert model["data"]["num_frames"] == frames["number"]
    assert model["data"]["sampling"] == frames["rule"]
    boxes = PRESETS[name]["objects"]
    assert (graph["max_objects"], graph["score_threshold"]) == (boxes["max_boxes"], boxes["score_threshold"])


def test_stats_keeps_all_frames_and_ten_boxes():
    model = plain(
        compose(
            "train",
            ["experiment=stats_paper", "data=folder", "data.dataset.store=s", "data.dataset.captions=c"],
        )
    )
    assert model["data"]["num_frames"] is None
    assert (model["graph"]["max_objects"], model["graph"]["score_threshold"]) == (10, 0.0)
    assert model["model"]["streams"] == ["grid/i3d", "grid/i3d_flow"]


@pytest.mark.parametrize("name", PRESETS)
def test_what_must_be_fetched_is_named_with_its_settings(name):
    with pytest.raises(MissingDataError) as caught:
        check_weights(compose("extract", [f"experiment={name}"], complete=False))
    for group in FETCHED[name]:
        assert f"'{group}.weights' must be given (" in str(caught.value)
        assert f"{group}.weights=FILE" in str(caught.value)
    assert "github.com/" in str(caught.value)
    check_weights(composed(name))


def test_another_stream_can_be_chosen():
    given = ["motion=c3d", "motion.weights=random", "flow=none", "objects=none"]
    config = plain(compose("extract", ["experiment=stats", *given]))
    assert config["motion"] == {"name": "c3d", "weights": "random"}
    assert (config["flow"]["name"], config["objects"]["name"]) == (None, None)


def test_the_presets_are_choices_of_extract_alone(tmp_path, capsys):
    assert {f"experiment={name}" for name in PRESETS} <= set(completions("extract"))
    assert "experiment=stgkd_msvd" not in completions("extract")
    assert "experiment=stgkd" not in completions("train")
    with pytest.raises(OptionError, match="There is no experiment 'stgkd'"):
        compose("train", ["experiment=stgkd"])
    with pytest.raises(OptionError, match="did you mean 'stats'"):
        compose("extract", ["experiment=sttats"])
    assert main(["extract", str(tmp_path), str(tmp_path / "s.h5"), "experiment=stat"]) == 1
    assert "c3d.pickle" in capsys.readouterr().err
