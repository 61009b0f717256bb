"""Validation of study tables, and of the tables in the package."""

import importlib.resources

import pytest
import yaml

from stgraph.errors import OptionError
from stgraph.experiments import Study
from stgraph.settings.compose import compose

TABLES = (
    "beyond",
    "stat",
    "stat_reinforce",
    "stats_1",
    "stats_1_i3d",
    "stats_2",
    "stats_3",
    "stats_4",
    "stats_open",
    "stats_ranking",
    "stats_reinforce",
    "stgkd",
    "stgkd_1",
    "stgkd_2",
    "stgkd_distillation",
    "stgkd_distillation_long",
    "stgkd_graph",
    "stgkd_open",
    "stgkd_reinforce",
)


def _paths(study):
    """Tables without generated data need a store and captions."""
    own = study.experiment.startswith("interactions")
    return [] if own else ["data.dataset.store=s.h5", "data.dataset.captions=c.json"]


def _file(name):
    return importlib.resources.files("stgraph.configs").joinpath("table", f"{name}.yaml")


def test_all_tables_are_known_here():
    files = _file("stgkd").parent.iterdir()
    assert {file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_every_table_composes_and_no_two_are_the_same(name):
    study = Study.parse(name, yaml.safe_load(_file(name).read_text()))
    seen = {}
    for row, content in study.rows.items():
        settings = [setting.replace("{run:", "").replace("}", "") for setting in content.settings]
        config = compose(
            "train", [f"experiment={study.experiment}", *study.settings, *settings, *_paths(study)]
        )
        groups = ("model", "graph", "loss", "data", "teacher", "start", "reinforce", "trainer")
        key = str({group: config.get(group) for group in groups})
        assert key not in seen, f"{row} is the same as {seen[key]}"
        seen[key] = row


def test_the_tables_of_stat_and_stats_hold_the_papers_rows():
    def read(name):
        return Study.parse(name, yaml.safe_load(_file(name).read_text()))

    def titles(name):
        return [row.title for row in read(name).rows.values()]

    assert len(titles("stat")) == 6
    assert titles("stats_1") == ["ST", "TS", "STaTS"]
    pools = [
        "Mean Pool",
        "LSTM",
        "Mean + LSTM",
        "Temp Att",
        "Mean + Temp Att",
        "Ranked Att",
        "Mean + Ranked Att",
    ]
    assert titles("stats_2") == pools
    for name, system in (("stat", "stat"), ("stats_1", "stats"), ("stats_2", "stats")):
        study = read(name)
        config = compose("train", [f"experiment={study.experiment}"])
        assert (config.model.name, config.loss.name, study.main_metric) == (system, system, "CIDEr")
    assert config.loss.ranking_weight == 0.1  # as published, at any model size


ONE = {"title": "T", "source": "S", "references": ["a"], "rows": {"a": {"title": "A"}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"references": ["b"]}, "there is no row 'b'"),
        ({"rows": {"a": {"title": "A", "settings": ["teacher={run:b}"]}}}, "there is no row 'b'"),
        ({"rows": {"a": {"title": "A", "setings": []}}}, "rows.a.setings"),
        ({"colour": "red"}, "colour"),
        ({"rows": {}}, "rows"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_name(change, message):
    with pytest.raises(OptionError, match=message):
        Study.parse("t", {**ONE, **change})


def test_chosen_rows_bring_those_that_they_need_in_the_order_of_the_table():
    rows = {
        "plain": {"title": "P"},
        "teacher": {"title": "T"},
        "middle": {"title": "M", "settings": ["teacher={run:teacher}"]},
        "taught": {
            "title": "S",
            "settings": ["teacher={run:middle}", "seed=1"],
            "references": ["taught", "plain"],
        },
    }
    study = Study.parse("t", {**ONE, "references": ["plain"], "rows": rows})
    assert study.chosen(["taught"]) == ["teacher", "middle", "taught"]
    assert study.chosen(None) == list(rows)
    assert study.references_of("taught") == ("plain",)
    assert study.references_of("plain") == ()
    with pytest.raises(OptionError, match="no row 'taugt'; its rows are plain, teacher"):
        study.chosen(["taugt"])
