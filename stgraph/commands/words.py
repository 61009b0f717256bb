"""``stgraph words RUN_OR_FILE... [split=test tagger=english references=true]``: which kinds of words models say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from stgraph.commands.arguments import parser_of
from stgraph.commands.words_tables import figure_5, means_of, part_table, record_of
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.datasets.interactions import tag_interactions
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.metrics import Evaluation, WordCounts, count_words
from stgraph.settings.compose import compose, looks_like_override, saved_config
from stgraph.settings.training import open_data
from stgraph.text import Tagger, english_tagger

__all__ = ["run"]

KEYS = ("split", "tagger", "references")


def run(arguments: list[str]) -> int:
    """The command."""
    chosen = parser_of("words").parse_intermixed_args(arguments)
    settings = [each for each in chosen.runs if looks_like_override(each, KEYS) and not Path(each).is_dir()]
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
    files = {file: _model(path) for path in runs for file in [_file(path, config.split)]}
    evaluations = {file: _evaluation(file, config.split) for file in files}
    name, tagger = _tagger(config.tagger, evaluations)
    models: dict[str, dict[Path, WordCounts]] = {}
    for file, evaluation in evaluations.items():
        references = _references(file, evaluation) if config.references else None
        counts = count_words(evaluation.captions, tagger, references)
        models.setdefault(files[file], {})[file] = counts
    means = {model: means_of(list(counts.values())) for model, counts in models.items()}
    print(f"{config.split} split, parts of speech by {name}; means ± one standard deviation over runs\n")
    print(figure_5(means))
    print(f"\n{part_table(means)}")
    if chosen.output is not None:
        found = {model: record_of(counts, means[model]) for model, counts in models.items()}
        record = {"split": config.split, "tagger": name, "models": found}
        chosen.output.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
        print(f"\nAll numbers are in {chosen.output}.")
    return 0


def _file(path: Path, split: str) -> Path:
    """The evaluation that an argument means: a file, or the only one of a run and split."""
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


def _model(path: Path) -> str:
    """Whose run it is: 'stgraph ablate' names the runs of a row by their seeds, ROW/0, ROW/1, ..."""
    run, file = (path.parent, path.stem) if path.is_file() else (path, "")
    return str((run.parent if run.name.isdecimal() else run) / file)


def _evaluation(file: Path, split: str) -> Evaluation:
    evaluation = Evaluation.load(file)
    if evaluation.split != split:
        raise OptionError(
            f"{file} is of the {evaluation.split} split, and splits are never mixed; leave it out, or add "
            f"split={evaluation.split}."
        )
    return evaluation


def _tagger(wanted: str | None, evaluations: Mapping[Path, Evaluation]) -> tuple[str, Tagger]:
    """One tagger for all, so that their numbers can be compared."""
    if wanted not in (None, "interactions", "english"):
        raise OptionError(f"'tagger' must be interactions, english or null, got '{wanted}'.")
    real = [file for file, each in evaluations.items() if not each.dataset.startswith("interactions-")]
    if wanted is None and 0 < len(real) < len(evaluations):
        raise OptionError(f"{real[0]} is not of 'interactions' as others are; add tagger=english for all.")
    if wanted == "english" or (wanted is None and real):
        return "HanTa", english_tagger()
    return "the grammar of interactions", tag_interactions


def _references(file: Path, evaluation: Evaluation) -> Mapping[str, Sequence[str]]:
    """The references of the videos, from the data that the run was trained on."""
    dataset = open_data(saved_config(file.parent).data)
    references = dataset.corpus.references(evaluation.split)
    if dataset.name != evaluation.dataset or references.keys() != evaluation.captions.keys():
        raise DataError(
            f"{file} holds captions of '{evaluation.dataset}', but its run's data, '{dataset.name}', have other videos; "
            "evaluate it again, or leave references=true out."
        )
    return references
