"""``stgraph report RUN [RUN ...] -o FOLDER``: a page of evaluated runs with scores, curves and captions."""

from __future__ import annotations

import csv
from pathlib import Path

from stgraph.commands.arguments import parser_of
from stgraph.commands.caption_examples import caption_examples, names_of
from stgraph.commands.console.output import say
from stgraph.commands.words import evaluation_file, read_evaluation
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.errors import MissingDataError, OptionError, shown
from stgraph.inspection import ScoredModel, write_report
from stgraph.settings.compose import compose

__all__ = ["run"]

CURVES = ("train/loss", "val/loss", "val/CIDEr")


def run(arguments: list[str]) -> int:
    """Runs ``stgraph report``."""
    chosen = parser_of("report").parse_args(arguments)
    if chosen.split not in SPLITS:
        raise OptionError(f"'--split' must be one of {', '.join(SPLITS)}, got '{shown(chosen.split)}'.")
    if chosen.count < 1:
        raise OptionError(f"'--count' must be at least 1, got {chosen.count}.")
    for path in chosen.runs:
        if not path.exists():
            raise MissingDataError(f"There is no run at {path}; train one with 'stgraph train run={path}'.")
    if not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    files = [evaluation_file(path, chosen.split) for path in chosen.runs]
    evaluations = [read_evaluation(file, chosen.split) for file in files]
    config = compose("caption", [], data={})
    wanted = (files, evaluations, config, chosen.split, chosen.count)
    try:
        examples = caption_examples(*wanted, 5, chosen.videos)
    except MissingDataError as error:
        if chosen.videos is not None:
            raise
        say(f"Captions have no frames next to them: {error}", error=True)
        examples = caption_examples(*wanted, 0, None)
    models = [
        ScoredModel(name, each.scores, read_curves(file.parent))
        for name, file, each in zip(names_of(files), files, evaluations, strict=True)
    ]
    chosen.output.mkdir(exist_ok=True)
    page = chosen.output / "index.html"
    write_report(page, examples, models, title=f"{evaluations[0].dataset}, {chosen.split} split")
    say(f"Wrote {page}: {len(models)} runs, captions of {len(examples)} videos.")
    return 0


def read_curves(run: Path) -> dict[str, list[tuple[float, float]]]:
    """What Lightning's logger wrote during training, over all of its versions; nothing for runs without a log."""
    found: dict[str, dict[float, float]] = {}
    logs = sorted(run.glob("log/version_*/metrics.csv"), key=lambda path: path.stat().st_mtime)
    for path in logs:
        with path.open(encoding="utf-8", newline="", errors="replace") as file:
            for row in csv.DictReader(file):
                for name in CURVES:
                    point = _number(row.get("step")), _number(row.get(name))
                    if point[0] is not None and point[1] is not None:
                        found.setdefault(name, {})[point[0]] = point[1]  # a resumed run logs some steps again
    return {name: sorted(points.items()) for name, points in found.items() if len(points) > 1}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
