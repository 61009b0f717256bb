"""Every row of the tables that no paper has: exactly what it changes in its experiment, written out here."""

import importlib.resources

import pytest

from stgraph.settings.compose import compose, plain
from tests.settings.test_paper_tables import TABLES, study_of

IDENTITY = {"graph.spatial": "self", "graph.temporal": None}
NO_EDGES = {"graph.spatial": None, "graph.temporal": None}
SCENE, OBJECT = {"model.branches": ["scene"]}, {"model.branches": ["object"]}
LONG = {"trainer.max_epochs": 36, "trainer.check_val_every_n_epoch": 6}
SHARP = {"graph.spatial_temperature": 0.1, "graph.temporal_temperature": 0.1}


def distilled(direction, weight, **more):
    """Changes of a distilled row; Eq. 7 as printed and a weight of 4 are the experiment's."""
    changes = {"loss.distill_weight": weight, "loss.distill_direction": direction}
    published = {"loss.distill_weight": 4.0, "loss.distill_direction": "as_printed"}
    return {key: value for key, value in changes.items() if value != published[key]} | more


FORMS = {
    f"{direction}_{weight}": (direction, float(weight))
    for direction in ("as_printed", "hinton")
    for weight in (4, 1)
}
TAUGHT = {"teacher": "object_branch"}
DISTILLATION = {
    "scene_branch_only": SCENE,
    "object_branch": OBJECT,
    **{f"joint_{name}": distilled(*form) for name, form in FORMS.items()},
    **{f"detached_{name}": distilled(*form, **{"loss.detach_teacher": True}) for name, form in FORMS.items()},
    **{f"taught_{name}": distilled(*form, **TAUGHT) for name, form in FORMS.items()},
    "taught_hinton_4_soft": distilled("hinton", 4.0, **TAUGHT, **{"loss.temperature": 3.0}),
}
LATER = {
    "start": "cross_entropy",
    "optimizer.lr": 1e-3,
    "trainer.max_epochs": 4,
    "trainer.check_val_every_n_epoch": 4,
}
REWARDED = LATER | {
    "reinforce.from_epoch": 0,
    "reinforce.weight": 1.0,
    "reinforce.loss_weight": 1.0,
    "reinforce.baseline": "greedy",
    "reinforce.samples_per_video": 2,
    "reinforce.metrics.METEOR": 1.0,
    "reinforce.metrics.BLEU-4": 1.0,
    "reinforce.metrics.ROUGE-L": 0.0,
    "reinforce.metrics.CIDEr": 0.0,
}
REINFORCE = {
    "cross_entropy": {},
    "longer": LATER,
    "rewarded_learned": REWARDED | {"reinforce.baseline": "learned"},
    "rewarded": REWARDED,
}
ST = {"model.attention": "st"}
RANKED = ST | {"model.temporal": "ranked"}
WITHOUT = {"loss.ranking_weight": 0}
PARTS = {
    "appearance": ["appearance"],
    "geometry": ["appearance", "geometry"],
    "motion": ["appearance", "geometry", "motion"],
}
TRACK = {"graph.temporal": "track", "graph.track_decay": None, "graph.track_hops": [1]}
EDGES = {
    "none": NO_EDGES,
    "identity": IDENTITY,
    "paper": {},
    "sharper": SHARP,
    "track": TRACK,
    "track_geometry": TRACK | {"model.edge_geometry": True},
    "dense": NO_EDGES | {"graph.dense": True},
}
POOLS = {"mean": {}, "attention": {"model.pool": "attention"}}
# table -> (experiment, changes of all rows, changes by row)
OWN = {
    "edges": (
        "interactions_study",
        OBJECT | {"trainer.max_epochs": 8},
        {
            f"{parts}_{graph}_{pool}": {"data.dataset.objects": names} | changes | pooled
            for parts, names in PARTS.items()
            for pool, pooled in POOLS.items()
            for graph, changes in EDGES.items()
        },
    ),
    "stgkd_open": (
        "interactions_study",
        {},
        {
            "full_model": {},
            "messages_along_time": {"model.flow": "source_to_target"},
            "teacher_detached": {"loss.detach_teacher": True},
            "direction_hinton": {"loss.distill_direction": "hinton"},
            "padded_objects": {"graph.pad_objects": 5},
            "temperature_2": {"loss.temperature": 2.0},
            "one_caption_per_video": {"data.loader.captions_per_video": 1},
            "one_layer": {"model.num_graph_layers": 1},
            "two_layers": {"model.num_graph_layers": 2},
            "identity": IDENTITY,
            "no_edges": NO_EDGES,
            "no_layers": {"model.num_graph_layers": 0},
        },
    ),
    "stgkd_graph": (
        "interactions_study",
        OBJECT,
        {
            "full_graph": {},
            "spatial_graph": {"graph.temporal": None},
            "temporal_graph": {"graph.spatial": None},
            "dense_graph": NO_EDGES | {"graph.dense": True},
            "uniform_weights": {"graph.spatial_temperature": 1000.0, "graph.temporal_temperature": 1000.0},
            "identity": IDENTITY,
            "no_edges": NO_EDGES,
            "no_layers": {"model.num_graph_layers": 0},
        },
    ),
    "stgkd_distillation": ("interactions_study", {}, DISTILLATION),
    "stgkd_distillation_long": ("interactions_study", LONG, DISTILLATION),
    "beyond": (
        "interactions_study",
        OBJECT,
        {
            "full_graph": {},
            "identity": IDENTITY,
            "sharp_edges": SHARP,
            "centred_cosine": {"graph.center_features": True},
            "centred_sharp": SHARP | {"graph.center_features": True},
            "both_directions": {"graph.temporal_direction": "both"},
            "edge_geometry": {"model.edge_geometry": True},
            "attention_pool": {"model.pool": "attention"},
            "attention_pool_identity": IDENTITY | {"model.pool": "attention"},
            "all_together": SHARP
            | {
                "graph.center_features": True,
                "graph.temporal_direction": "both",
                "model.edge_geometry": True,
                "model.pool": "attention",
            },
        },
    ),
    "stgkd_reinforce": ("interactions_study", SCENE, REINFORCE),
    "stat_reinforce": ("interactions_stat", {}, REINFORCE),
    "stats_reinforce": ("interactions_stats", {}, REINFORCE),
    "stats_open": (
        "interactions_stats",
        {},
        {
            "stats": {},
            "sharp_frames": {"model.frame_temperature": 0.01},
            "sharp_frames_ts": {"model.attention": "ts", "model.frame_temperature": 0.01},
            "ts": {"model.attention": "ts"},
            "attached_ranking": {"model.ranking_detach": False},
        },
    ),
    "training_speed": (
        "recommended",
        OBJECT
        | {
            "data.loader.batch_size": 128,
            "data.loader.captions_per_epoch": None,
            "trainer.max_epochs": 18,
            "trainer.check_val_every_n_epoch": 6,
        },
        {
            "one_caption": {"data.loader.captions_per_video": 1},
            "sixteen_captions": {"data.loader.captions_per_video": 16},
            "sixteen_captions_bf16": {
                "data.loader.captions_per_video": 16,
                "trainer.precision": "bf16-mixed",
            },
        },
    ),
    "stats_ranking": (
        "interactions_stats",
        ST,
        {
            "mean_ranked": {},
            "mean_ranked_without": WITHOUT,
            "mean_ranked_attached": {"model.ranking_detach": False},
            "ranked": RANKED,
            "ranked_without": RANKED | WITHOUT,
        },
    ),
}


def test_every_table_is_a_papers_or_here():
    folder = importlib.resources.files("stgraph.configs").joinpath("table")
    files = {file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")}
    assert files == OWN.keys() | TABLES.keys()


def flat(settings, prefix=""):
    found = {}
    for key, value in settings.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        found.update(inner)
    return found


@pytest.mark.parametrize("table", OWN)
def test_every_row_changes_what_it_names_and_nothing_else(table):
    study, (experiment, shared, rows) = study_of(table), OWN[table]
    assert study.experiment == experiment
    assert study.rows.keys() == rows.keys()
    base = flat(plain(compose("train", [f"experiment={experiment}"])))
    seen = []
    for row, changes in rows.items():
        settings = [setting.replace("{run:", "").replace("}", "") for setting in study.rows[row].settings]
        found = flat(plain(compose("train", [f"experiment={experiment}", *study.settings, *settings])))
        assert found == base | shared | changes, row
        assert found not in seen, row
        seen.append(found)
