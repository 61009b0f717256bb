"""``stgraph words RUN_OR_FILE... [split=test tagger=english references=true]``: word counts by part of speech."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.datasets.interactions import tag_interactions
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.experiments import MeanInterval, mean_interval
from stgraph.files import write_text
from stgraph.metrics import Evaluation, WordCounts, count_words
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.overrides import looks_like_override
from stgraph.settings.paths import check_paths_of_run
from stgraph.settings.training import open_data
from stgraph.text import PARTS_OF_SPEECH, Tagger, english_tagger

__all__ = ["choose_tagger", "evaluation_file", "model_of", "read_evaluation", "run"]

CONTENT = ("noun", "verb", "adjective")  # parts of speech in the pie charts of STaTS' Fig. 5
HEADS = {"words": "words", "distinct": "distinct", "share": "% of all", "right": "% right"}
COUNTS = ("words", "distinct", "top 20")

Means = Mapping[str, Mapping[str, MeanInterval]]
"""Means by part of speech and measure."""


def run(arguments: list[str]) -> int:
    """Runs ``stgraph words``."""
    chosen = parser_of("words").parse_intermixed_args(arguments)
    settings = [each for each in chosen.runs if looks_like_override(each)]
    config = compose("words", settings)
    runs = [Path(each) for each in chosen.runs if each not in settings]
    if not runs:
        raise OptionError("Name at least one evaluated run, as in 'stgraph words runs/mine'.")
    if config.split not in SPLITS:
        raise OptionError(f"'split' must be one of {', '.join(SPLITS)}, got '{config.split}'.")
    if not isinstance(config.references, bool):
        raise OptionError(f"'references' must be true or false, got {config.references}.")
    if chosen.output is not None and not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    files = {file: model_of(path) for path in runs for file in [evaluation_file(path, config.split)]}
    evaluations = {file: read_evaluation(file, config.split) for file in files}
    name, tagger = choose_tagger(config.tagger, evaluations)
    models: dict[str, dict[Path, WordCounts]] = {}
    for file, evaluation in evaluations.items():
        references = _references(file, evaluation) if config.references else None
        counts = count_words(evaluation.captions, tagger, references)
        models.setdefault(files[file], {})[file] = counts
    means = {model: _means(list(counts.values())) for model, counts in models.items()}
    say(f"{config.split} split, parts of speech by {name}; means ± one standard deviation over runs\n")
    say(_figure_table(means))
    say(f"\n{_part_table(means)}")
    if chosen.output is not None:
        found = {model: _record(counts, means[model]) for model, counts in models.items()}
        record = {"split": config.split, "tagger": name, "models": found}
        write_text(chosen.output, json.dumps(record, indent=1, allow_nan=False) + "\n")
        say(f"\nWrote all numbers to {chosen.output}.")
    return 0


def evaluation_file(path: Path, split: str) -> Path:
    """Resolves an argument to an evaluation file: the file itself, or the only one of a run for the split."""
    if path.is_file():
        return path
    found = sorted(path.glob(f"evaluation-{split}-*.json"))
    if not found:
        raise MissingDataError(
            f"{path} was not evaluated on the {split} split; run 'stgraph evaluate {path} split={split}' first."
        )
    if len(found) > 1:
        raise OptionError(
            f"{path} has {len(found)} evaluations of the {split} split; name one in place of the run, such as {found[0]}."
        )
    return found[0]


def model_of(path: Path) -> str:
    """Returns the model of a run; the runs ROW/0, ROW/1, ... of 'stgraph ablate' are seeds of one model."""
    run, file = (path.parent, path.stem) if path.is_file() else (path, "")
    return str((run.parent if run.name.isdecimal() else run) / file)


def read_evaluation(file: Path, split: str) -> Evaluation:
    """Reads an evaluation, which must be of the split."""
    evaluation = Evaluation.load(file)
    if evaluation.split != split:
        raise OptionError(
            f"{file} is of the {evaluation.split} split, and splits are not mixed; leave it out, or add "
            f"split={evaluation.split}."
        )
    return evaluation


def choose_tagger(wanted: str | None, evaluations: Mapping[Path, Evaluation]) -> tuple[str, Tagger]:
    """Chooses one tagger for all evaluations, so that their numbers can be compared."""
    if wanted not in (None, "interactions", "english"):
        raise OptionError(f"'tagger' must be interactions, english or null, got '{wanted}'.")
    real = [file for file, each in evaluations.items() if not each.dataset.startswith("interactions-")]
    if wanted is None and 0 < len(real) < len(evaluations):
        raise OptionError(
            f"{real[0]} is not of 'interactions', but others are; add tagger=english to use one tagger for all."
        )
    if wanted == "english" or (wanted is None and real):
        return "HanTa", english_tagger()
    return "the grammar of interactions", tag_interactions


def _references(file: Path, evaluation: Evaluation) -> Mapping[str, Sequence[str]]:
    """Reads the reference captions of the evaluated videos from the data of the run."""
    run, data = file.parent, saved_config(file.parent).data
    check_paths_of_run(plain(data), plain(data), run, f"correct the path in {run / 'config.yaml'}")
    dataset = open_data(data)
    references = dataset.corpus.references(evaluation.split)
    if dataset.name != evaluation.dataset or references.keys() != evaluation.captions.keys():
        raise DataError(
            f"{file} holds captions of '{evaluation.dataset}', but its run's data, '{dataset.name}', have other videos; "
            "evaluate it again, or leave references=true out."
        )
    return references


def _means(runs: Sequence[WordCounts]) -> Means:
    """Averages every measure over the runs of a model."""
    measured = [_measures(counts) for counts in runs]
    return {
        part: {name: mean_interval([run[part][name] for run in measured]) for name in measures}
        for part, measures in measured[0].items()
    }


def _figure_table(models: Mapping[str, Means]) -> str:
    """Formats the numbers of Fig. 5: verbs and nouns on ranks 6 to 25, and shares of nouns, verbs and adjectives."""
    head = ["model", "runs", "verbs of 20", "nouns of 20", *(f"{part} % of the three" for part in CONTENT)]
    rows = []
    for model, parts in models.items():
        ranks = [_text("top 20", parts[part]) for part in ("verb", "noun")]
        shares = [_text("share of content", parts[part]) for part in CONTENT]
        rows.append([model, str(parts["noun"]["words"].runs), *ranks, *shares])
    return _markdown([head, *rows])


def _part_table(models: Mapping[str, Means]) -> str:
    """Formats a table of every part of speech that occurs, with one row per model."""
    measures = next(iter(models.values()))["noun"]
    names = [name for name in HEADS if name in measures]
    parts = [part for part in PARTS_OF_SPEECH if any(means[part]["words"].mean for means in models.values())]
    rows = [
        [part, model, *(_text(name, means[part]) for name in names)]
        for part in parts
        for model, means in models.items()
    ]
    return _markdown([["part of speech", "model", *(HEADS[name] for name in names)], *rows])


def _record(runs: Mapping[Path, WordCounts], means: Means) -> dict[str, Any]:
    """Returns all numbers of a model for the JSON file, and the words on ranks 6 to 25 of each run."""
    return {
        "runs": [str(path) for path in runs],
        "parts": {
            part: {
                name: {"mean": _number(mean.mean), "deviation": _number(mean.deviation)}
                for name, mean in measures.items()
            }
            for part, measures in means.items()
        },
        "ranks 6-25": {str(path): counts.ranked() for path, counts in runs.items()},
    }


def _measures(counts: WordCounts) -> dict[str, dict[str, float]]:
    top = [part for _, part, _ in counts.ranked()]
    found: dict[str, dict[str, float]] = {}
    for part in PARTS_OF_SPEECH:
        found[part] = {
            "words": counts.said(part),
            "distinct": counts.distinct(part),
            "share": counts.share(part),
            "top 20": top.count(part),
        }
        if part in CONTENT:
            found[part]["share of content"] = counts.share(part, CONTENT)
        if counts.right is not None:
            found[part]["right"] = counts.precision(part)
    return found


def _text(name: str, measures: Mapping[str, MeanInterval]) -> str:
    """Formats mean and deviation, with shares times 100; "-" if a run has no words to take a share of."""
    value, scale = measures[name], 1 if name in COUNTS else 100
    if math.isnan(value.mean):
        return "-"
    if value.runs == 1:
        return f"{value.mean:.0f}" if name in COUNTS else f"{scale * value.mean:.1f}"
    return f"{scale * value.mean:.1f} ± {scale * value.deviation:.1f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value  # JSON has no NaN


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
