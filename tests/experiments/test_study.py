"""Validation of study tables, and of the tables in the package."""

import importlib.resources

import pytest
import yaml

from stgraph.errors import OptionError
from stgraph.experiments import Study
from stgraph.settings.compose import compose
from tests.experiments.cells import make_cell

TABLES = (
    "beyond",
    "edges",
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
    "systems",
    "training_speed",
)


def _paths(experiment):
    """Tables without generated data need a store and captions."""
    own = experiment.startswith("interactions")
    return [] if own else ["data.dataset.store=s.h5", "data.dataset.captions=c.json"]


def _file(name):
    return importlib.resources.files("stgraph.configs").joinpath("table", f"{name}.yaml")


def test_all_tables_are_known_here():
    files = _file("stgkd").parent.iterdir()
    assert {file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")} == set(TABLES)


OF_PAPERS = (
    "stat",
    "stats_1",
    "stats_1_i3d",
    "stats_2",
    "stats_3",
    "stats_4",
    "stgkd",
    "stgkd_1",
    "stgkd_2",
    "systems",
)


@pytest.mark.parametrize("name", OF_PAPERS)
def test_every_row_of_a_papers_table_composes_and_no_two_are_the_same(name):
    """On generated data, if the table has an experiment for them; tests/settings/test_own_tables has the other tables."""
    study = Study.parse(name, yaml.safe_load(_file(name).read_text()))
    seen = {}
    for row, content in study.rows.items():
        if content.of is not None:
            continue
        experiment = content.experiment["interactions"] if content.experiment else study.experiment
        settings = [setting.replace("{run:", "").replace("}", "") for setting in content.settings]
        config = compose(
            "train", [f"experiment={experiment}", *study.settings, *settings, *_paths(experiment)]
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
        ({"references": ["a\nb"]}, r"there is no row 'a\\nb'"),
        ({"rows": {"a": {"title": "A", "settings": ["teacher={run:b}"]}}}, "there is no row 'b'"),
        ({"rows": {"a": {"title": "A", "setings": []}}}, "rows.a.setings"),
        ({"colour": "red"}, "colour"),
        ({"rows": {"a": {"title": "A", "of": "b", "branch": "object"}}}, "there is no row 'b'"),
        ({"rows": {"a": {"title": "A", "branch": "object"}}}, "'of' and 'branch' must be given together"),
        (
            {"rows": {"a": {"title": "A", "of": "a", "branch": "object"}}},
            "row 'a' must show a row that is trained, not 'a'",
        ),
        (
            {"rows": {"a": {"title": "A", "of": "a", "branch": "object", "settings": ["seed=1"]}}},
            "so it takes no settings or experiment",
        ),
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


def test_a_row_that_shows_a_branch_takes_it_from_the_row_that_was_trained():
    rows = {"a": {"title": "A"}, "b": {"title": "B", "of": "a", "branch": "object"}}
    study = Study.parse("t", {**ONE, "rows": rows})
    cell = make_cell("a", 3)
    both = {"scene": {"CIDEr": 0.5}, "object": {"CIDEr": 0.7}}
    cell = cell.model_copy(update={"scores": both, "chosen": both})
    found = study.with_branches({"a": {3: cell}})
    assert {row: (each[3].row, each[3].tested, each[3].scores) for row, each in found.items()} == {
        "a": ("a", "scene", {"scene": {"CIDEr": 0.5}}),
        "b": ("b", "object", {"object": {"CIDEr": 0.7}}),
    }
    assert study.chosen(["b"]) == ["a", "b"]
    assert study.with_branches({"a": {3: make_cell("a", 3)}}).keys() == {"a"}  # a run without that branch
