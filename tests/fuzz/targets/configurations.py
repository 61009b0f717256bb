"""Files of settings and records: what is accepted has the values of the file and can be used."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stgraph.experiments import load_cell, save_cell
from stgraph.experiments.plan import study_of
from stgraph.metrics import Evaluation
from stgraph.metrics.bootstrap import bootstrap_intervals
from stgraph.settings.choices import CONFIGS
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.identity import check_same_settings
from stgraph.settings.paths import check_paths_of_run
from stgraph.settings.training import data_config
from stgraph.training.summary import TrainingSummary
from tests.fuzz.mutations import mutate_bytes, mutate_text, mutate_tokens, mutate_tree
from tests.fuzz.target import Silent, Target
from tests.fuzz.targets.checkpoints import settings_of, small_run

ROOT = Path(__file__).parents[3]
EVALUATION = ROOT / "tests" / "legacy" / "stgkd" / "evaluation-test-scene.json"
CELL = ROOT / "benchmarks" / "results" / "stgkd_distillation" / "taught_as_printed_1" / "3.json"
TABLES = ("beyond", "stgkd", "stgkd_graph")


class Configurations(Target):
    """The settings and the summary of a run, an evaluation, tables of ablations, and a cell of one."""

    name = "configurations"

    def prepare(self) -> dict[str, bytes]:
        run = small_run(self.folder)
        return {
            "config.yaml": (run / "config.yaml").read_bytes(),
            "training.json": (run / "training.json").read_bytes(),
            "evaluation.json": EVALUATION.read_bytes(),
            "cell.json": CELL.read_bytes(),
            **{f"table-{name}.yaml": (CONFIGS / "table" / f"{name}.yaml").read_bytes() for name in TABLES},
        }

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if seed.endswith(".json"):
            return mutate_text(draw, content, others)
        kind = draw.randrange(3)
        if kind == 0:
            return mutate_bytes(draw, content, others)
        if kind == 1:
            return mutate_tokens(draw, content.decode()).encode(errors="surrogatepass")
        tree = mutate_tree(draw, yaml.safe_load(content))
        text: str = yaml.safe_dump(tree, allow_unicode=draw.random() < 0.5)
        return text.encode(errors="surrogatepass")

    def check(self, seed: str, path: Path) -> None:
        match seed.partition("-")[0]:
            case "config.yaml":
                check_saved(path.parent)
            case "training.json":
                summary = TrainingSummary.load(path.parent)
                [str(summary), *summary.warnings()]
                summary.save(path.parent)
                _same(TrainingSummary.load(path.parent), summary)
            case "evaluation.json":
                evaluation = Evaluation.load(path)
                bootstrap_intervals(evaluation.scores, 20, 0.95, 0)
                evaluation.save(path, {})
                _same(Evaluation.load(path), evaluation)
            case "cell.json":
                cell = load_cell(path)
                assert cell is not None
                _same(load_cell(save_cell(path.parent, cell)), cell)
            case _:
                study, _ = study_of([f"table={path}"])
                for row in study.chosen(None)[:3]:
                    compose("train", [*study.settings, *study.rows[row].settings], complete=False)


def check_saved(run: Path) -> None:
    """Reads the settings of a run, as ``stgraph evaluate`` and a resumed training do."""
    saved = saved_config(run)
    values = plain(saved)
    written = yaml.safe_load((run / "config.yaml").read_bytes().decode())
    if difference := _difference(values, written):
        raise Silent(f"a setting is not what the file says: {difference}")
    if "${" in json.dumps(values):
        raise Silent("an interpolation was accepted")
    composed = compose("evaluate", [], data=saved.data)
    check_paths_of_run(plain(composed.data), plain(saved.data), run)
    data_config(composed.data)
    check_same_settings(compose("train", settings_of(run)), saved)


def _difference(found: Any, written: Any) -> str:
    """Where two values differ; numbers that YAML leaves as texts, such as 1e-3, count as numbers."""
    if isinstance(written, dict) and isinstance(found, dict):
        found, written = ({str(key): value for key, value in each.items()} for each in (found, written))
        if found.keys() != written.keys():
            return f"keys {sorted(found)} and {sorted(written)}"[:200]
        differences = (
            f"{key}: {inner}" for key in written if (inner := _difference(found[key], written[key]))
        )
        return next(differences, "")
    if isinstance(written, list) and isinstance(found, list) and len(written) == len(found):
        return next((inner for pair in zip(found, written, strict=True) if (inner := _difference(*pair))), "")
    if isinstance(found, str) and isinstance(written, str) and found.endswith(written):
        return ""  # a path that was relative to the run
    return (
        ""
        if repr(found) == repr(written) or _number(found) == _number(written)
        else f"{found!r} and {written!r}"[:200]
    )


def _number(value: Any) -> Any:
    try:
        return str(float(value))
    except (TypeError, ValueError):
        return value


def _same(read: object, written: object) -> None:
    if repr(read) != repr(written):
        raise Silent("it is another one after it was written and read again")


TARGET = Configurations
