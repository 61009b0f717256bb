"""Reports of a study: score tables, paired differences and the Markdown page that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from stgraph.checking import checked
from stgraph.experiments.cell import Cell
from stgraph.experiments.statistics import (
    FEW_RUNS,
    MeanInterval,
    mean_interval,
    paired_interval,
    score_limits,
)
from stgraph.experiments.study import Study

if TYPE_CHECKING:
    from stgraph.experiments.video_pairs import VideoPair
    from stgraph.metrics import PairedDifference

__all__ = ["FEW", "Block", "Cells", "blocks_of", "markdown_report", "values_by_seed"]

Cells = Mapping[str, Mapping[int, Cell]]
"""Cells by row and seed."""
FEW = "†"
"""Mark of rows whose intervals rest on fewer than three seeds."""
_WARNING = f"{FEW} Fewer than three seeds: one has no interval, and that of two says little."


@checked
@dataclass(frozen=True)
class Block:
    """One table of the report: heading, column names, rows of text and a footnote."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def values_by_seed(
    cells: Mapping[int, Cell], branch: str, metric: str, *, chosen: bool = False
) -> dict[int, float]:
    """Returns a metric by seed, for the cells whose branch has it.

    Args:
        cells: Cells of one row, by seed.
        branch: Name of the branch.
        metric: Name of the metric.
        chosen: Whether to read the scores of the split that the epoch was chosen on, not those of the reported split.
    """
    tables = {seed: cell.chosen if chosen else cell.scores for seed, cell in cells.items()}
    return {
        seed: table[branch][metric]
        for seed, table in sorted(tables.items())
        if metric in table.get(branch, {})
    }


@checked
def blocks_of(study: Study, cells: Cells, pairs: Sequence[VideoPair] = ()) -> list[Block]:
    """Builds all tables of a study: scores of the tested branch, differences, other branches, the paper's orderings.

    Args:
        study: The study.
        cells: Its finished cells, with the rows that show a branch of another row.
        pairs: Differences over test videos.
    """
    shown = {row: cells[row] for row in study.rows if cells.get(row) and not study.rows[row].hidden}
    if not shown:
        return []
    first = next(iter(next(iter(shown.values())).values()))
    found = [_scores(study, shown, None, f"{first.split} split, the branch that the row is about")]
    found.append(_differences(study, shown, None))
    found.append(_over_videos(study, shown, pairs))
    others = {
        branch
        for row in shown.values()
        for cell in row.values()
        for branch in cell.scores
        if branch != cell.tested
    }
    for branch in sorted(others):
        found.append(_scores(study, shown, branch, f"{first.split} split, {branch} branch of the same runs"))
        found.append(_differences(study, shown, branch))
    return [block for block in [*found, _orderings(study, shown), _paper(study, shown)] if block.rows]


@checked
def markdown_report(
    study: Study, cells: Cells, figure: str | None = None, pairs: Sequence[VideoPair] = ()
) -> str:
    """Formats the report of a study as a Markdown page.

    Args:
        study: The study.
        cells: Its finished cells, with the rows that show a branch of another row.
        figure: File name of the figure to include.
        pairs: Differences over test videos.

    Raises:
        OptionError: If a cell is of a row that the study doesn't have.
    """
    study.check_rows(cells)
    every = [cell for row, of_row in cells.items() if study.rows[row].of is None for cell in of_row.values()]
    lines = [f"# {study.title}", "", f"{study.source}", ""]
    if every:
        chosen, split = _names({cell.chosen_on for cell in every}), _names({cell.split for cell in every})
        videos = _names({str(cell.videos) for cell in every})
        minutes = sum(sum(cell.seconds.values()) for cell in every) / 60
        lines += [
            f"Data: {_names({cell.dataset for cell in every})}. Epochs were chosen on the **{chosen}** split; all scores "
            f"are of the **{split}** split ({videos} videos), times 100: mean over seeds ± standard deviation, and the "
            "95 % interval of the mean (Student, cut where a score cannot be). Differences are paired by seed.",
            "",
            f"{len(every)} runs, {minutes:.0f} minutes together; commit "
            f"{_names({_commit(cell) for cell in every})}; "
            f"{_names({str(cell.record.get('device')) for cell in every})}.",
            "",
        ]
    if figure:
        lines += [f"![{study.title}]({figure})", ""]
    for block in blocks_of(study, cells, pairs):
        lines += [
            f"## {block.title}",
            "",
            _markdown_row(block.columns),
            _markdown_row(["---"] * len(block.columns)),
        ]
        lines += [_markdown_row(row) for row in block.rows]
        lines += ["", *([block.note, ""] if block.note else [])]
    return "\n".join(lines)


def _scores(study: Study, shown: Cells, branch: str | None, title: str) -> Block:
    metrics = _metrics(study, shown)
    published = _published(study, shown)
    rows = []
    for row, cells in shown.items():
        of = branch or _tested(cells)
        texts = [_cell(values_by_seed(cells, of, metric), metric) for metric in metrics]
        if any(texts):
            paper = published.get(row, {}) if branch is None else {}
            beside = ["; ".join(f"{name} {value:.1f}" for name, value in paper.items())] if published else []
            rows.append((_marked(study.rows[row].title, len(cells)), str(len(cells)), *texts, *beside))
    columns = ("row", "seeds", *metrics, *(["paper"] if published else []))
    return Block(title[0].upper() + title[1:], columns, tuple(rows), _note("", rows))


def _differences(study: Study, shown: Cells, branch: str | None) -> Block:
    metrics, rows = _metrics(study, shown), []
    for row, cells in shown.items():
        for reference in study.references_of(row):
            against = shown.get(reference, {})
            texts, seeds = [], set[int]()
            for metric in metrics:
                ours = values_by_seed(cells, branch or _tested(cells), metric)
                theirs = values_by_seed(against, branch or _tested(against), metric) if against else {}
                both = ours.keys() & theirs.keys()
                seeds |= both
                found = paired_interval(ours, theirs, limits=score_limits(metric)) if both else None
                texts.append(_signed(found) if found else "")
            if any(texts):
                rows.append((_marked(study.rows[row].title, len(seeds)), study.rows[reference].title, *texts))
    of = f", {branch} branch" if branch else ""
    note = "Mean difference and its 95 % interval, paired by seed; **bold** where the interval leaves out 0."
    return Block(f"Differences{of}", ("row", "less", *metrics), tuple(rows), _note(note, rows))


def _over_videos(study: Study, shown: Cells, pairs: Sequence[VideoPair]) -> Block:
    """Paired differences over test videos, with p-values."""
    metrics, rows = _metrics(study, shown), []
    for pair in pairs:
        if pair.row in shown and pair.reference in shown:
            texts = [
                _tested_difference(pair.metrics[name]) if name in pair.metrics else "" for name in metrics
            ]
            rows.append((study.rows[pair.row].title, study.rows[pair.reference].title, *texts))
    have = [k for k in range(len(metrics) + 2) if any(row[k] for row in rows)]
    videos = _names({f"{pair.videos:,}" for pair in pairs})
    note = (
        f"Captions of all seeds as one set, {videos} test videos resampled in pairs (bootstrap of 1,000 draws, as `stgraph "
        "compare` does): these runs as they are, whereas differences paired by seed also cover training. **Bold** where the "
        "95 % interval leaves out 0; p is two-sided, at least 0.002."
    )
    columns = ("row", "less", *metrics)
    return Block(
        "Differences over test videos",
        tuple(columns[k] for k in have),
        tuple(tuple(row[k] for k in have) for row in rows),
        note,
    )


def _tested_difference(pair: PairedDifference) -> str:
    difference, low, high = (100 * value for value in pair[:3])
    text = f"{difference:+.1f} ({low:+.1f} to {high:+.1f}), p {pair.p_value:.3f}"
    return f"**{text}**" if low > 0 or high < 0 else text


def _orderings(study: Study, shown: Cells) -> Block:
    """Compares each pair of rows that the paper ranks with the ranking found here."""
    rows, metric = [], study.main_metric
    sets = {name for row in shown for name in study.rows[row].published}
    for dataset in sorted(sets):
        known = {
            row: study.rows[row].published[dataset][metric]
            for row in shown
            if metric in study.rows[row].published.get(dataset, {})
        }
        for a, b in combinations(known, 2):
            upper, lower = (a, b) if known[a] >= known[b] else (b, a)
            ours, theirs = (values_by_seed(shown[row], _tested(shown[row]), metric) for row in (upper, lower))
            if not ours.keys() & theirs.keys():
                continue
            here = paired_interval(ours, theirs, limits=score_limits(metric))
            verdict = {1: "holds", -1: "reversed", 0: "not told apart"}[here.sign]
            rows.append(
                (
                    _marked(f"{study.rows[upper].title} > {study.rows[lower].title}", here.runs),
                    f"+{known[upper] - known[lower]:.1f} ({dataset})",
                    _signed(here),
                    verdict,
                )
            )
    note = "An order holds where the paired 95 % interval of the difference here is above 0."
    return Block(
        f"The paper's orderings by {metric}",
        ("order", "paper", "here", "verdict"),
        tuple(rows),
        _note(note, rows),
    )


def _paper(study: Study, shown: Cells) -> Block:
    """The paper's whole table, other methods first, if all cells use its data set."""
    datasets = {cell.dataset for cells in shown.values() for cell in cells.values()}
    dataset = next(iter(datasets)) if len(datasets) == 1 else ""
    lines = dict(study.others.get(dataset, {}))
    rows = {row.title: row.published[dataset] for row in study.rows.values() if dataset in row.published}
    metrics = [metric for metric in study.metrics if any(metric in scores for scores in rows.values())]
    texts = [
        (title, *(f"{scores[metric]:.1f}" if metric in scores else "" for metric in metrics))
        for title, scores in (*lines.items(), *rows.items())
    ]
    note = "As published; other methods as the paper of this table quotes them."
    return Block(f"The paper's scores on {dataset}", ("method", *metrics), tuple(texts), note)


def _commit(cell: Cell) -> str:
    commit, plus, changes = str(cell.record.get("commit")).partition("+")
    return commit[:12] + plus + changes  # keep the mark of a working tree with changes


def _published(study: Study, shown: Cells) -> dict[str, dict[str, float]]:
    """Returns the published scores by row, if all cells use the paper's data set."""
    datasets = {cell.dataset for cells in shown.values() for cell in cells.values()}
    found = {}
    for row in shown:
        for dataset, scores in study.rows[row].published.items():
            if datasets == {dataset}:
                found[row] = scores
    return found


def _metrics(study: Study, shown: Cells) -> list[str]:
    have = {
        metric
        for cells in shown.values()
        for cell in cells.values()
        for table in cell.scores.values()
        for metric in table
    }
    return [metric for metric in study.metrics if metric in have]


def _tested(cells: Mapping[int, Cell]) -> str:
    return next(iter(cells.values())).tested


def _marked(title: str, seeds: int) -> str:
    return f"{title} {FEW}" if seeds < FEW_RUNS else title


def _note(note: str, rows: Sequence[tuple[str, ...]]) -> str:
    """The note of a table, with what the mark means if a row has it."""
    marked = any(row[0].endswith(FEW) for row in rows)
    return " ".join(part for part in (note, _WARNING if marked else "") if part)


def _cell(values: Mapping[int, float], metric: str) -> str:
    if not values:
        return ""
    found = _scaled(mean_interval(list(values.values()), limits=score_limits(metric)))
    if found.runs == 1:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ± {found.deviation:.1f} ({found.low:.1f} to {found.high:.1f})"


def _signed(found: MeanInterval) -> str:
    found = _scaled(found)
    if found.runs == 1:
        return f"{found.mean:+.1f}"
    text = f"{found.mean:+.1f} ({found.low:+.1f} to {found.high:+.1f})"
    return f"**{text}**" if found.sign else text


def _scaled(found: MeanInterval) -> MeanInterval:
    mean, deviation, low, high = (round(100 * value, 4) + 0.0 for value in found[:4])  # no "-0.0"
    return MeanInterval(mean, deviation, low, high, found.runs)


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
