"""``stgraph compare RUN_A RUN_B [split=test branch_a=scene decoding_b=beam5 ...]``: compares two evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.decoding import Greedy
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.files import write_text
from stgraph.metrics import Evaluation, paired_bootstrap
from stgraph.settings.compose import compose

__all__ = ["run"]

GREEDY = Greedy().label


def run(arguments: list[str]) -> int:
    """Runs ``stgraph compare``."""
    chosen = parser_of("compare").parse_intermixed_args(arguments)
    config = compose("compare", chosen.settings)
    if config.split not in SPLITS:
        raise OptionError(f"'split' must be one of {', '.join(SPLITS)}, got '{config.split}'.")
    if not isinstance(config.videos, int) or config.videos < 0:
        raise OptionError(f"'videos' must be a number of videos, 0 or more, got {config.videos}.")
    if chosen.output is not None and not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    a = _evaluation(chosen.a, config, "a")
    b = _evaluation(chosen.b, config, "b")
    _check_same(chosen.a, a, chosen.b, b)
    comparison = _compare(a, b, config)
    names = {
        side: f"{run}, {evaluation.branch} branch, {evaluation.decoding.label}"
        for side, run, evaluation in (("a", chosen.a, a), ("b", chosen.b, b))
    }
    say(_shown(comparison, names))
    if chosen.output is not None:
        write_text(chosen.output, json.dumps({**names, **comparison}, indent=1) + "\n")
        say(f"\nWrote the comparison to {chosen.output}.")
    return 0


def _evaluation(run: Path, config: DictConfig, side: str) -> Evaluation:
    """Loads the evaluation of a run by split, branch and decoding; the last two may be omitted if there is only one."""
    split, wanted = config.split, {name: config[f"{name}_{side}"] for name in ("branch", "decoding")}
    found = []
    for path in sorted(run.glob(f"evaluation-{split}-*.json")):
        branch, _, decoding = path.stem.removeprefix(f"evaluation-{split}-").partition("-")
        is_of = {"branch": branch, "decoding": decoding or GREEDY}
        if all(value in (None, is_of[name]) for name, value in wanted.items()):
            found.append((path, is_of))
    if not found:
        branch, decoding = wanted["branch"], wanted["decoding"]
        raise MissingDataError(
            f"{run} was not evaluated on the {split} split"
            + (f" by its {branch} branch" if branch else "")
            + (f" with {decoding} decoding" if decoding else "")
            + f"; run 'stgraph evaluate {run} split={split}"
            + (f" branch={branch}" if branch else "")
            + (" decoding.method=..." if decoding not in (None, GREEDY) else "")
            + "' first."
        )
    for name, many in (("branch", "branches"), ("decoding", "decodings")):
        values = sorted({is_of[name] for _, is_of in found})
        if len(values) > 1:
            ways = " or ".join(f"{name}_{side}={value}" for value in values)
            raise OptionError(
                f"{run} was evaluated on the {split} split by {len(values)} {many}; add {ways}."
            )
    path = found[0][0]
    evaluation = Evaluation.load(path)
    if evaluation.file_name != path.name:
        raise DataError(
            f"{path} holds scores of the {evaluation.split} split by the {evaluation.branch} branch with "
            f"{evaluation.decoding.label} decoding, so its name is wrong; run 'stgraph evaluate {run} split={split}' again."
        )
    return evaluation


def _check_same(run_a: Path, a: Evaluation, run_b: Path, b: Evaluation) -> None:
    if a.dataset != b.dataset:
        raise DataError(
            f"The runs were evaluated on different data sets, {run_a} on '{a.dataset}' and {run_b} on '{b.dataset}'; "
            "evaluate both on the same one."
        )
    alone = sorted(a.captions.keys() ^ b.captions.keys())
    if alone:
        raise DataError(
            f"The runs captioned different videos of the {a.split} split: {len(alone)} are in only one evaluation "
            f"(first '{alone[0]}'); evaluate both again on the same data."
        )
    if a.references != b.references:
        raise DataError(
            f"The runs were scored against different reference captions of '{a.dataset}'; evaluate both again."
        )


def _compare(a: Evaluation, b: Evaluation, config: DictConfig) -> dict[str, Any]:
    pairs = paired_bootstrap(a.scores, b.scores, config.samples, config.level, config.seed)
    ciders = [evaluation.scores.per_video.get("CIDEr", {}) for evaluation in (a, b)]
    furthest = sorted(ciders[0], key=lambda video: -abs(ciders[0][video] - ciders[1][video]))
    return {
        "dataset": a.dataset,
        "split": a.split,
        "videos": len(a.captions),
        "decoding": {"a": a.decoding.to_dict(), "b": b.decoding.to_dict()},
        "bootstrap": {"level": config.level, "samples": config.samples, "seed": config.seed},
        "metrics": {
            metric: {"a": a.scores[metric], "b": b.scores[metric], **pair._asdict()}
            for metric, pair in pairs.items()
        },
        "differ_most": {
            video: {
                name: {"CIDEr": cider[video], "caption": evaluation.captions[video]}
                for name, cider, evaluation in zip("ab", ciders, (a, b), strict=True)
            }
            for video in furthest[: config.videos]
        },
    }


def _shown(comparison: dict[str, Any], names: dict[str, str]) -> str:
    """Formats the comparison as text, with scores times 100 as in papers."""
    draws, decodings = comparison["bootstrap"], comparison["decoding"]
    interval = f"{100 * draws['level']:g} % interval"
    lines = [
        f"{comparison['dataset']}, {comparison['split']} split, {comparison['videos']} videos (x 100)",
        f"A: {names['a']}",
        f"B: {names['b']}",
        *(["The two runs used different decodings."] if decodings["a"] != decodings["b"] else []),
        "",
        f"{'':<8}{'A':>7}{'B':>7}{'A - B':>8}  {interval:>17}  {'p':>6}",
    ]
    for metric, row in comparison["metrics"].items():
        ends = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}"
        scores = f"{100 * row['a']:>7.1f}{100 * row['b']:>7.1f}{100 * row['difference']:>+8.1f}"
        lines.append(f"{metric:<8}{scores}  {ends:>17}  {row['p_value']:>6.3f}")
    lines += [
        "",
        f"{draws['samples']} paired draws of the videos, seed {draws['seed']}; p is two-sided, "
        f"at least {2 / (draws['samples'] + 1):.2g}.",
    ]
    if comparison["differ_most"]:
        lines += ["", "Videos that differ most in CIDEr:"]
    for video, rows in comparison["differ_most"].items():
        lines.append(video)
        lines += [
            f"  {name.upper()} {100 * row['CIDEr']:>6.1f}  {row['caption']}" for name, row in rows.items()
        ]
    return "\n".join(lines)
