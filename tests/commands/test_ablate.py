"""``stgraph ablate`` on the tiny data set: kept and reused cells, and refused settings."""

import json
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stgraph.cli import main
from stgraph.commands import ablate
from stgraph.datasets import CaptionCorpus, VideoCaptions, open_dataset
from stgraph.datasets.stored_dataset import with_features
from stgraph.errors import WorkerError, WriteError
from stgraph.experiments import cell_path, load_cell, save_cell
from stgraph.experiments.plan import (
    data_hash,
    plan_cells,
    run_folder,
    study_of,
    unfinished,
    with_experiment,
)
from stgraph.experiments.run_cell import CellTask, _begin, is_run_of
from stgraph.settings.compose import compose
from stgraph.settings.identity import settings_that_matter
from stgraph.training.run_record import processor_name, run_record
from tests.experiments.cells import make_cell

SMALL = (
    "data=interactions_tiny",
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "trainer.max_epochs=2",
    "seeds=1",
    "jobs=1",
)
TAUGHT = ("table=stgkd_distillation", "rows=[taught_hinton_1]", *SMALL)


def in_this_process(function, tasks, **_):
    """Runs a sweep without worker processes, each of which loads torch and METEOR anew; `swept` has them."""
    for task in tasks:
        yield task, function(task.arguments)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Results and runs of a row that depends on another row's run; tests must not change them."""
    folder = tmp_path_factory.mktemp("sweep")
    assert main(["ablate", *TAUGHT, f"results={folder / 'results'}", f"runs={folder / 'runs'}"]) == 0
    return folder


@pytest.fixture
def call(swept, tmp_path, capsys):
    """Calls the command on copies of the results and runs; returns (exit status, stdout, stderr)."""
    for name in ("results", "runs"):
        shutil.copytree(swept / name, tmp_path / name)

    def run(*arguments):
        status = main(["ablate", *arguments, f"results={tmp_path / 'results'}", f"runs={tmp_path / 'runs'}"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_sweep_leaves_cells_tables_and_a_figure(swept):
    folder = swept / "results" / "stgkd_distillation"
    assert {path.name for path in folder.iterdir()} == {
        "object_branch",
        "taught_hinton_1",
        "table.md",
        "table.tex",
        "figure.svg",
    }
    cell = load_cell(cell_path(swept / "results", "stgkd_distillation", "taught_hinton_1", 0))
    assert (cell.split, cell.chosen_on, cell.tested, cell.videos) == ("test", "val", "scene", 10)
    assert set(cell.scores) == {"scene", "object"}
    assert {"CIDEr", "METEOR", "noun", "verb"} <= set(cell.scores["scene"])
    assert cell.epoch == cell.epochs == 2
    assert cell.record["versions"]["torch"]
    assert "teacher trained first" in (folder / "table.md").read_text()
    run = swept / "runs" / "stgkd_distillation" / "taught_hinton_1" / "0"
    assert (run / "model.safetensors").is_file()
    assert not (run / "checkpoints").exists()


def test_the_taught_models_object_branch_scores_as_its_teacher(swept):
    results = swept / "results"
    teacher, taught = (
        load_cell(cell_path(results, "stgkd_distillation", row, 0))
        for row in ("object_branch", "taught_hinton_1")
    )
    assert taught.scores["object"] == teacher.scores["object"]


def test_a_second_sweep_of_a_cell_is_refused(call, tmp_path):
    """Cells are not run twice at the same time; the lock is that of a living process."""
    parent = os.getppid()
    started = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    lock = tmp_path / "results" / "stgkd_distillation" / "object_branch" / ".0.json.lock"
    lock.write_text(json.dumps({"host": socket.gethostname(), "pid": parent, "started": started}))
    status, _, error = call(*TAUGHT)
    assert status == 1
    assert (
        f"Cell stgkd_distillation/object_branch/0 is being run by process {parent} on this machine" in error
    )
    lock.write_text(json.dumps({"host": socket.gethostname(), "pid": parent, "started": "earlier"}))
    assert call(*TAUGHT)[0] == 0
    assert not list(tmp_path.rglob("*.lock"))


def test_finished_cells_are_not_run_again(call, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/*/*/*.json")}
    status, out, _ = call(*TAUGHT)
    assert status == 0
    assert "2 of 2 cells are finished, 0 to run" in out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/*/*/*.json")} == before


def test_a_cell_of_another_table_that_is_the_same_run_is_taken_over(call, tmp_path):
    status, out, _ = call("table=stgkd_graph", "rows=[full_graph]", *SMALL)
    assert status == 0
    assert "1 of 1 cells are finished" in out
    cell = load_cell(cell_path(tmp_path / "results", "stgkd_graph", "full_graph", 0))
    assert (cell.table, cell.row) == ("stgkd_graph", "full_graph")
    assert (tmp_path / "runs" / "stgkd_graph" / "full_graph" / "0" / "model.safetensors").is_file()


def test_a_run_of_other_settings_is_neither_gone_on_with_nor_taken_for_this_one(tmp_path):
    study, config = study_of(["table=stgkd", f"runs={tmp_path}"])

    def plan(*more):
        return plan_cells(study, config, with_experiment([*SMALL[:5], *more]), ["full_model"], [0])

    one, other = plan()["full_model", 0], plan("trainer.max_epochs=3")["full_model", 0]
    folder = run_folder(one)
    assert folder == run_folder(other)
    assert not _begin(one, folder)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()
    assert is_run_of(one, folder)
    assert not is_run_of(other, folder)
    assert _begin(one, folder)
    assert not _begin(other, folder)
    assert not (folder / "checkpoints").exists()


def test_cells_of_other_settings_are_not_overwritten(call):
    status, _, error = call(*TAUGHT, "optimizer.lr=1e-3")
    assert status == 1
    assert "was made with other settings or data" in error
    assert "replace=true" in error


def test_a_check_runs_a_cell_again_and_finds_a_score_that_is_not_its_own(call, tmp_path, monkeypatch):
    monkeypatch.setattr(ablate, "run_tasks", in_this_process)
    path = cell_path(tmp_path / "results", "stgkd_distillation", "object_branch", 0)
    content = json.loads(path.read_text())
    content["scores"]["object"]["CIDEr"] += 0.25
    content["record"] |= {
        "device": run_record(0)["device"],
        "processor": "another",
    }  # threads may differ as well
    path.write_text(json.dumps(content))
    status, out, _ = call("table=stgkd_distillation", "rows=[object_branch]", *SMALL, "check=true")
    assert status == 1
    assert "largest difference 0.25 (object CIDEr)" in out
    assert f"Recorded with another environment: processor another, now {processor_name()}." in out
    assert json.loads(path.read_text()) == content


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rows=[full_modle]", "has no row 'full_modle'; its rows are scene_branch_only"),
        ("data=store", "needs an experiment that fits it"),
        ("seeds=[]", "'seeds' must be a number of seeds or a list"),
        ("table=stgdk", "stgdk"),
        ("model.hidden_chanels=3", "did you mean 'model.hidden_channels'?"),
        ("check=true", "Cell stgkd_distillation/"),
        ("start=runs/mine", "'start' of a table must be one of its rows"),
    ],
)
def test_wrong_settings_are_named_before_anything_runs(tmp_path, capsys, setting, message):
    own = [given for given in TAUGHT if given.partition("=")[0] != setting.partition("=")[0]]
    folders = (f"results={tmp_path / 'results'}", f"runs={tmp_path / 'runs'}")
    assert main(["ablate", *own, setting, *folders]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_settings_that_cannot_change_a_score_do_not_tell_runs_apart():
    plain = settings_that_matter(compose("train", ["experiment=demo"]))
    assert plain == settings_that_matter(
        compose("train", ["experiment=demo", "run=x", "trainer.accelerator=cpu", "data.loader.num_workers=1"])
    )
    for other in ("seed=1", "model.dropout=0", "data.dataset.seed=1", "loss.temperature=2", "optimizer.lr=1"):
        assert settings_that_matter(compose("train", ["experiment=demo", other])) != plain, other


def test_a_default_that_is_said_is_no_difference():
    plain = settings_that_matter(compose("train", ["experiment=interactions_study"]))
    said = compose(
        "train", ["experiment=interactions_study", "graph.spatial=iou", "model.num_graph_layers=3"]
    )
    assert settings_that_matter(said) == plain


def test_the_hash_of_data_changes_with_a_caption_and_with_a_split():
    dataset = open_dataset("interactions", size="tiny", seed=0)
    videos = {video: dataset.corpus[video] for video in dataset.corpus.ids()}
    first = next(iter(videos))
    plain = data_hash(dataset)
    assert plain == data_hash(open_dataset("interactions", size="tiny", seed=0))
    assert plain != data_hash(open_dataset("interactions", size="tiny", seed=1))
    for split, captions in (("test", ("a b",)), ("val", videos[first].captions)):
        if (split, captions) == (videos[first].split, videos[first].captions):
            continue
        other = CaptionCorpus({**videos, first: VideoCaptions(split, captions)})
        assert data_hash(with_features("x", dataset.store, other)) != plain


def test_the_experiment_can_be_chosen(tmp_path, capsys):
    """Hydra reads ``experiment=`` as a group choice, and the settings of the sweep itself have no such group."""
    folders = (f"results={tmp_path / 'results'}", f"runs={tmp_path / 'runs'}")
    assert main(["ablate", "experiment=demo", "model.dropout=0.1", *TAUGHT, "check=true", *folders]) == 1
    assert "does not exist, so it cannot be checked" in capsys.readouterr().err
    study, config = study_of(["table=stgkd"])
    planned = plan_cells(study, config, ["experiment=demo", "data=interactions_tiny"], ["full_model"], [0])
    other = plan_cells(study, config, with_experiment(["data=interactions_tiny"]), ["full_model"], [0])
    assert planned["full_model", 0].overrides[0] == "experiment=demo"
    assert planned["full_model", 0].settings_hash != other["full_model", 0].settings_hash


TINY = (
    "data=interactions_tiny",
    "model.attention_channels=8",
    "model.word_channels=8",
    "model.hidden_channels=8",
    "trainer.max_epochs=2",
    "seeds=1",
    "jobs=1",
)


def test_a_table_of_another_system_takes_its_own_experiment(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ablate, "run_tasks", in_this_process)
    folders = (f"results={tmp_path / 'results'}", f"runs={tmp_path / 'runs'}")
    assert main(["ablate", "table=stats_2", "rows=[ranked]", *TINY, *folders]) == 0
    cell = load_cell(cell_path(tmp_path / "results", "stats_2", "ranked", 0))
    assert (cell.tested, set(cell.scores), cell.epoch) == ("stats", {"stats"}, 2)
    assert {"CIDEr", "METEOR", "noun", "verb"} <= set(cell.scores["stats"])
    capsys.readouterr()
    assert main(["ablate", "table=stats_2", "rows=[ranked]", *TINY, *folders]) == 0
    assert "1 of 1 cells are finished, 0 to run" in capsys.readouterr().out


def test_settings_that_matter_leave_out_the_defaults_of_the_models_own_system():
    """A new STaTS option does not invalidate its cells, and different systems have different hashes."""

    def matter(*given):
        return settings_that_matter(compose("train", [*given]))

    assert matter("model=stats")["model"] == {"name": "stats"}
    assert "loss" not in matter("model=stats")
    assert matter("model=stats", "model.attention=ts")["model"] == {"name": "stats", "attention": "ts"}
    assert matter("model=stats") != matter("model=stat") != matter()


def test_cells_that_fail_or_cannot_be_saved_do_not_end_the_sweep(monkeypatch, capsys, tmp_path):
    """Each is listed at the end; the same command runs it again."""
    finished = make_cell()
    names = [(row, seed) for row in ("a", "b", "c") for seed in (0, 1)]
    tasks = [CellTask("t", row, seed, (f"run={tmp_path / row}",), "x", "y") for row, seed in names]

    def answers(function, tasks, **_):
        for task in tasks:
            cell = task.arguments
            bad = cell.row == "a" and cell.seed == 0
            yield (
                task,
                WorkerError("full")
                if bad
                else finished.model_copy(update={"table": "t", "row": cell.row, "seed": cell.seed}),
            )

    def save(results, cell):
        if cell.row == "b":
            raise WriteError("No room left for it.") if cell.seed else OSError(28, "No space left on device")
        return save_cell(results, cell)

    monkeypatch.setattr(ablate, "run_tasks", answers)
    monkeypatch.setattr(ablate, "save_cell", save)
    config = OmegaConf.create({"results": str(tmp_path / "results"), "jobs": 1, "threads": 1})
    failed = ablate._sweep({(task.row, task.seed): task for task in tasks}, tasks, config)
    assert [(task.row, task.seed) for task, _ in failed] == [("a", 0), ("b", 0), ("b", 1)]
    assert sorted(path.parent.name for path in tmp_path.glob("results/t/*/*.json")) == ["a", "c", "c"]
    assert "b/0" not in capsys.readouterr().out


SYSTEMS = (
    "table=systems",
    "rows=[stgkd_object,stat]",
    "data=interactions_tiny",
    "model.hidden_channels=8",
    "stgkd:model.num_heads=2",
    "stgkd:model.feedforward_channels=8",
    "trainer.max_epochs=1",
    "trainer.check_val_every_n_epoch=1",
    "seeds=1",
    "jobs=1",
)


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Results and runs of two systems; tests must not change them."""
    folder = tmp_path_factory.mktemp("systems")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablate, "run_tasks", in_this_process)
        assert main(["ablate", *SYSTEMS, f"results={folder / 'results'}", f"runs={folder / 'runs'}"]) == 0
    return folder


def test_rows_of_different_systems_take_experiments_of_their_own(systems):
    cells = {row: load_cell(cell_path(systems / "results", "systems", row, 0)) for row in ("stgkd", "stat")}
    assert {row: set(cell.scores) for row, cell in cells.items()} == {
        "stgkd": {"scene", "object"},
        "stat": {"stat"},
    }
    assert cells["stat"].overrides[0] == "experiment=interactions_stat"
    assert "model.num_heads=2" in cells["stgkd"].overrides
    assert not any("num_heads" in override for override in cells["stat"].overrides)
    assert not (systems / "results" / "systems" / "stgkd_object").exists()


def test_systems_are_compared_over_videos(systems):
    page = (systems / "results" / "systems" / "table.md").read_text()
    assert page.count("| STG-KD, object branch of the same runs † | 1 |") == 1
    assert "object branch of the same runs\n" not in page  # is a row of the first table instead
    content = json.loads((systems / "results" / "systems" / "videos.json").read_text())
    pairs = {(pair["row"], pair["reference"]): pair for pair in content["pairs"]}
    assert set(pairs) == {("stgkd_object", "stgkd"), ("stgkd_object", "stat"), ("stat", "stgkd")}
    pair = pairs["stgkd_object", "stat"]
    assert pair["videos"] == 10
    ciders = []
    for row, branch in (("stgkd", "object"), ("stat", "stat")):
        path = systems / "runs" / "systems" / row / "0" / f"evaluation-test-{branch}.json"
        ciders.append(json.loads(path.read_text())["scores"]["CIDEr"])
    difference, low, high, p_value = pair["metrics"]["CIDEr"]
    assert difference == pytest.approx(ciders[0] - ciders[1])
    block = page.split("## Differences over test videos")[1].split("## ")[0]
    assert f"{100 * difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}), p {p_value:.3f}" in block


def test_comparisons_over_videos_outlive_their_runs_but_not_their_cells(systems, tmp_path, capsys):
    shutil.copytree(systems / "results", tmp_path / "results")
    folders = (f"results={tmp_path / 'results'}", f"runs={tmp_path / 'runs'}")
    before = json.loads((tmp_path / "results" / "systems" / "videos.json").read_text())
    assert main(["ablate", *SYSTEMS, *folders]) == 0
    assert json.loads((tmp_path / "results" / "systems" / "videos.json").read_text()) == before
    path = cell_path(tmp_path / "results", "systems", "stat", 0)
    path.write_text(path.read_text().replace('"data_hash": "', '"data_hash": "other'))
    capsys.readouterr()
    assert main(["ablate", *SYSTEMS, "rows=[stgkd]", *folders]) == 0
    assert "Not compared over test videos" in (said := capsys.readouterr().err)
    assert "stat/0; add replace=true to train them again." in said
    kept = json.loads((tmp_path / "results" / "systems" / "videos.json").read_text())["pairs"]
    assert [(pair["row"], pair["reference"]) for pair in kept] == [("stgkd_object", "stgkd")]
    study, config = study_of(
        ["table=systems", f"results={systems / 'results'}", f"runs={tmp_path / 'runs'}", "replace=true"]
    )
    planned = plan_cells(study, config, ["data=interactions_tiny"], ["stat"], [0])
    cell = load_cell(cell_path(systems / "results", "systems", "stat", 0))
    here = {key: replace(task, settings_hash=cell.settings_hash) for key, task in planned.items()}
    assert unfinished(here, config) == []
    assert unfinished(here, config, need_runs=True) == list(here.values())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "experiment=stgkd_msvd",
            "rows have experiments of their own; choose the data instead, such as data=msvd",
        ),
        ("sttat:seed=1", "must begin with a trained row of 'systems': stgkd, stat, stats."),
        ("stgkd_object:seed=1", "must begin with a trained row of 'systems': stgkd, stat, stats."),
    ],
)
def test_settings_that_a_table_of_systems_cannot_take_are_named(setting, message, tmp_path, capsys):
    assert main(["ablate", "table=systems", setting, f"results={tmp_path}"]) == 1
    assert message in capsys.readouterr().err
