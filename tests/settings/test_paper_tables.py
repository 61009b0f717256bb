"""Every row of the papers' tables: its settings on the paper's data and its published scores, written out here."""

import importlib.resources

import pytest
import yaml

from stgraph.experiments import Study
from stgraph.settings.compose import compose, plain

PATHS = ("data.dataset.store=s.h5", "data.dataset.captions=c.txt")
I3D, FLOW = "grid/i3d", "grid/i3d_flow"
NAMES = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr")


def scores(*values):
    """BLEU-4, METEOR, ROUGE-L, CIDEr as the papers print them, fractions or per cent; None where there is none."""
    found = {}
    for name, value in zip(NAMES, values, strict=True):
        if value is not None:
            found[name] = round(100 * value, 1) if value < 2 else value
    return found


def stats(streams, attention="stats", temporal="mean_ranked", categories=False):
    return {
        "model": {
            "name": "stats",
            "streams": streams,
            "attention": attention,
            "temporal": temporal,
            "categories": categories,
        }
    }


def stgkd(**changes):
    whole = {
        "model": {"name": "stgkd", "branches": ["scene", "object"], "num_graph_layers": 3},
        "graph": {"spatial": "iou", "temporal": "cosine", "dense": False},
        "loss": {"distill_weight": 4.0, "feature_weight": 0.0},
    }
    return {group: {**values, **changes.get(group, {})} for group, values in whole.items()}


def stat(streams, spatial=True, **more):
    return {"model": {"name": "stat", "streams": streams, "spatial": spatial, **more}}


ALL = ["appearance", "motion", "object"]
# table -> data set -> row -> (settings, published scores)
TABLES = {
    "stgkd": {
        "msvd": {
            "scene_branch_only": (stgkd(model={"branches": ["scene"]}), scores(45.8, 34.3, 71.0, 86.0)),
            "two_branch_concat": (stgkd(model={"branches": ["joint"]}), scores(45.5, 34.1, 70.7, 79.3)),
            "two_branch_l2": (
                stgkd(loss={"distill_weight": 0.0, "feature_weight": 4.0}),
                scores(46.1, 33.7, 70.6, 80.3),
            ),
            "spatial_graph_only": (stgkd(graph={"temporal": None}), scores(50.8, 36.1, 72.9, 91.8)),
            "temporal_graph_only": (stgkd(graph={"spatial": None}), scores(50.7, 36.1, 73.1, 92.1)),
            "dense_graph": (
                stgkd(graph={"spatial": None, "temporal": None, "dense": True}),
                scores(51.4, 35.9, 72.8, 91.3),
            ),
            "full_model": (stgkd(), scores(52.2, 36.9, 73.9, 93.0)),
        }
    },
    "stgkd_1": {
        "msrvtt": {
            "scene_branch_only": (stgkd(model={"branches": ["scene"]}), scores(37.2, 27.3, 59.1, 44.6)),
            "full_model": (stgkd(), scores(40.5, 28.3, 60.9, 47.1)),
        }
    },
    "stgkd_2": {
        "msvd": {
            "scene_branch_only": (stgkd(model={"branches": ["scene"]}), scores(45.8, 34.3, 71.0, 86.0)),
            "full_model": (stgkd(), scores(52.2, 36.9, 73.9, 93.0)),
        }
    },
    "stat": {
        data: {
            "full": (stat(ALL, initialization="released"), {"BLEU-4": full}),
            "without_local": (stat(ALL[:2]), {"BLEU-4": round(full / (1 + local), 1)}),
            "global_only": (stat(ALL[:1]), {"BLEU-4": round(full / (1 + temporal), 1)}),
            "mean_regions": (stat(ALL, spatial=False), {"BLEU-4": round(full / (1 + temporal), 1)}),
            "released_weights": (stat(ALL, initialization="released"), None),
            "released_clips": ({"data": {"sampling": "chunks"}}, None),
        }
        for data, full, local, temporal in (("msvd", 51.1, 0.101, 0.183), ("msrvtt", 37.4, 0.008, 0.090))
    },
    "stats_1": {
        "msvd": {
            "st": (stats(["object"], "st"), scores(0.477, 0.33, 0.69, 0.686)),
            "ts": (stats(["object"], "ts"), scores(0.376, 0.274, 0.633, 0.439)),
            "stats": (stats(["object"]), scores(0.492, 0.319, 0.68, 0.709)),
        },
        "msrvtt": {
            "st": (stats(["object"], "st"), None),
            "ts": (stats(["object"], "ts"), None),
            "stats": (stats(["object"]), None),
        },
    },
    "stats_1_i3d": {
        "msvd": {
            "st": (stats([I3D], "st"), scores(0.502, 0.325, 0.68, 0.742)),
            "ts": (stats([I3D], "ts"), scores(0.391, 0.289, 0.646, 0.521)),
            "stats": (stats([I3D]), scores(0.526, 0.335, 0.695, 0.802)),
        },
        "msrvtt": {
            "st": (stats([I3D], "st"), scores(0.397, 0.271, 0.600, 0.429)),
            "ts": (stats([I3D], "ts"), scores(0.380, 0.273, 0.595, 0.427)),
            "stats": (stats([I3D]), scores(0.401, 0.275, 0.604, 0.434)),
        },
    },
    "stats_2": {
        "msrvtt": {
            "mean": (stats([I3D], "st", "mean"), scores(0.362, 0.263, 0.580, 0.389)),
            "lstm": (stats([I3D], "st", "lstm"), scores(0.347, 0.261, 0.578, 0.385)),
            "mean_lstm": (stats([I3D], "st", "mean_lstm"), scores(0.364, 0.259, 0.575, 0.388)),
            "attention": (stats([I3D], "st", "attention"), scores(0.368, 0.258, 0.580, 0.382)),
            "mean_attention": (stats([I3D], "st", "mean_attention"), scores(0.368, 0.26, 0.58, 0.385)),
            "ranked": (stats([I3D], "st", "ranked"), scores(0.376, 0.264, 0.589, 0.387)),
            "mean_ranked": (stats([I3D], "st", "mean_ranked"), scores(0.376, 0.268, 0.592, 0.404)),
        }
    },
    "stats_3": {
        "msvd": {
            "fr_fl": (stats(["object", FLOW]), scores(0.495, 0.334, 0.694, 0.747)),
            "i3d_fl": (stats([I3D, FLOW]), scores(0.548, 0.350, 0.711, 0.835)),
        },
        "msrvtt": {"fr_fl": (stats(["object", FLOW]), None), "i3d_fl": (stats([I3D, FLOW]), None)},
    },
    "stats_4": {
        "msrvtt": {
            "r152": (stats(["appearance"]), scores(0.392, 0.279, 0.597, 0.445)),
            "r152_c3d": (stats(["appearance", "motion"]), scores(0.416, 0.284, 0.615, 0.465)),
            "i3d": (stats([I3D]), scores(0.401, 0.275, 0.604, 0.434)),
            "i3d_fl": (stats([I3D, FLOW]), scores(0.410, 0.276, 0.611, 0.438)),
            "i3d_fl_c": (stats([I3D, FLOW], categories=True), scores(0.417, 0.280, 0.612, 0.451)),
        },
        "msvd": {
            "r152": (stats(["appearance"]), None),
            "r152_c3d": (stats(["appearance", "motion"]), None),
            "i3d": (stats([I3D]), None),
            "i3d_fl": (stats([I3D, FLOW]), None),
            "i3d_fl_c": (stats([I3D, FLOW], categories=True), None),
        },
    },
}
TABLES["systems"] = {
    data: {
        "stgkd": TABLES[{"msvd": "stgkd_2", "msrvtt": "stgkd_1"}[data]][data]["full_model"],
        "stgkd_object": (None, None),
        "stat": TABLES["stat"][data]["full"],
        "stats": TABLES[{"msvd": "stats_3", "msrvtt": "stats_4"}[data]][data][stats_row],
    }
    for data, stats_row in (("msvd", "i3d_fl"), ("msrvtt", "i3d_fl_c"))
}
OTHERS = {
    ("stgkd_1", "msrvtt"): {
        "Wang et al.": scores(42.0, 28.2, 61.6, 48.7),
        "Hou et al.": scores(42.3, 29.7, 62.8, 49.1),
        "RecNet": scores(39.1, 26.6, 59.3, 42.7),
        "PickNet": scores(41.3, 27.7, 59.8, 44.1),
        "OA-BTG": scores(41.4, 28.2, None, 46.9),
        "MARN": scores(40.4, 28.1, 60.7, 47.1),
    },
    ("stgkd_2", "msvd"): {
        "Wang et al.": scores(52.5, 34.1, 71.3, 88.7),
        "Hou et al.": scores(52.8, 36.1, 71.8, 87.8),
        "RecNet": scores(52.3, 34.1, 69.8, 80.3),
        "PickNet": scores(52.3, 33.3, 69.6, 76.5),
        "OA-BTG": scores(56.9, 36.2, None, 90.6),
        "MARN": scores(48.6, 35.1, 71.9, 92.2),
    },
    ("stats_3", "msvd"): {
        "PickNet": scores(0.523, 0.333, 0.696, 0.765),
        "M3": scores(0.520, 0.321, None, None),
        "LSTM-LS": scores(0.511, 0.326, None, None),
        "MA-LSTM": scores(0.523, 0.336, None, 0.704),
        "MAM-RNN": scores(0.413, 0.322, 0.688, 0.539),
        "RecNet": scores(0.523, 0.341, 0.698, 0.803),
        "GRU-EVE": scores(0.479, 0.350, 0.715, 0.781),
    },
    ("stats_4", "msrvtt"): {
        "Dense-Cap": scores(0.414, 0.283, 0.611, 0.489),
        "PickNet": scores(0.413, 0.277, 0.598, 0.441),
        "OA-BTG (R200)": scores(0.414, 0.282, None, 0.469),
        "M3-VC": scores(0.381, 0.266, None, None),
        "GRU-EVE (C3D + IRv2)": scores(0.383, 0.284, 0.607, 0.481),
        "RecNet": scores(0.391, 0.266, 0.593, 0.427),
    },
}


def study_of(name):
    file = importlib.resources.files("stgraph.configs").joinpath("table", f"{name}.yaml")
    return Study.parse(name, yaml.safe_load(file.read_text()))


CASES = [(table, data) for table, sets in TABLES.items() for data in sets]


@pytest.mark.parametrize(("table", "data"), CASES)
def test_every_row_has_the_papers_settings_and_scores(table, data):
    study, system = study_of(table), table.split("_", maxsplit=1)[0]
    rows = TABLES[table][data]
    assert study.rows.keys() == rows.keys()
    for row, (settings, published) in rows.items():
        content = study.rows[row]
        if content.of is not None:  # shows a branch of another row's runs
            assert (content.of, content.branch, content.published) == ("stgkd", "object", {})
            continue
        experiment = content.experiment[data] if content.experiment else f"{system}_{data}"
        config = plain(
            compose(
                "train", [f"experiment={experiment}", *study.settings, *PATHS, "seed=0", *content.settings]
            )
        )
        for group, values in settings.items():
            assert {name: config[group][name] for name in values} == values, row
        assert config["data"]["dataset"]["name"] == data
        assert content.published.get(data) == published, row
    assert study.others.get(data, {}) == OTHERS.get((table, data), {})


EXPERIMENTS = {
    "demo": ("stgkd", "interactions", "torch.optim.Adam", 2e-3, 128, 24),
    "interactions_stat": ("stat", "interactions", "torch.optim.Adam", 5e-3, 32, 4),
    "interactions_stats": ("stats", "interactions", "torch.optim.Adam", 8e-3, 128, 6),
    "interactions_study": ("stgkd", "interactions", "torch.optim.Adam", 2e-3, 128, 12),
    "recommended": ("stgkd", "interactions", "torch.optim.Adam", 4e-3, 64, 12),
    "short_captions": ("stgkd", "folder", "torch.optim.Adam", 1e-3, 32, 40),
    "short_captions_stat": ("stat", "folder", "torch.optim.Adam", 3e-3, 32, 40),
    "short_captions_stats": ("stats", "folder", "torch.optim.Adam", 3e-3, 32, 40),
    **{f"stgkd_{data}": ("stgkd", data, "torch.optim.Adam", 1e-4, 64, 50) for data in ("msvd", "msrvtt")},
    **{f"stat_{data}": ("stat", data, "torch.optim.Adadelta", 1.0, 32, 500) for data in ("msvd", "msrvtt")},
    **{f"stats_{data}": ("stats", data, "torch.optim.RMSprop", 1e-4, 32, 20) for data in ("msvd", "msrvtt")},
    "stgkd_paper": ("stgkd", "folder", "torch.optim.Adam", 1e-4, 64, 50),
    "stat_paper": ("stat", "folder", "torch.optim.Adadelta", 1.0, 32, 500),
    "stats_paper": ("stats", "folder", "torch.optim.RMSprop", 1e-4, 32, 20),
}
"""Model, data set, optimiser, learning rate, batch size and epochs; test_paper_experiments has the papers' other numbers."""


def test_every_experiment_is_here():
    folder = importlib.resources.files("stgraph.configs").joinpath("experiment")
    files = [file.name for file in folder.iterdir() if file.name.endswith(".yaml")]
    assert {name.removesuffix(".yaml") for name in files} == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes_to_its_values(name):
    data = EXPERIMENTS[name][1]
    more = ["data=folder"] if data == "folder" else []
    config = plain(
        compose("train", [f"experiment={name}", *more, *(PATHS if data != "interactions" else ())])
    )
    found = (
        config["model"]["name"],
        config["data"]["dataset"]["name"],
        config["optimizer"]["_target_"],
        config["optimizer"]["lr"],
        config["data"]["loader"]["batch_size"],
        config["trainer"]["max_epochs"],
    )
    assert found == EXPERIMENTS[name]
    assert config["loss"]["name"] == config["model"]["name"]
