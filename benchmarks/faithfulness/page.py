"""Means and intervals of the measured falls, as a page and as a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from stgraph.drawing import COLOURS, styled
from stgraph.experiments import MeanInterval, mean_interval
from stgraph.files import save_figure
from stgraph.inspection import GROUNDING_METHODS

SYSTEMS = {"object": "STG-KD, object branch", "stats": "STaTS", "stat": "STAT"}
METHODS = {
    "attention": "attention",
    "gradient_x_input": "gradient x input",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}
KINDS = ("noun", "verb")

Cells = Mapping[str, Mapping[int, Any]]  # by system and seed
Value = Callable[[Mapping[str, Any]], float]


def summary(cells: Cells) -> dict[str, Any]:
    """Statistics by system; phrases of a video count once per video and kind.

    Over seeds: Student's interval of the mean over seeds. Over videos: the same over the videos of all seeds, given these
    runs.
    """
    settings = next(iter(next(iter(cells.values())).values()))["settings"]
    result: dict[str, Any] = {"settings": settings, "systems": {}}
    for system in SYSTEMS:
        if cells.get(system):
            result["systems"][system] = {
                "seeds": sorted(cells[system]),
                "kinds": {kind: _of_kind(cells[system], kind) for kind in KINDS},
                "curves": _curves(cells[system], settings["shares"]),
                "best": _best(cells[system]),
            }
    return result


def _of_kind(seeds: Mapping[int, Any], kind: str) -> dict[str, Any]:
    phrases = sum(len(video.get(kind, ())) for cell in seeds.values() for video in cell["videos"].values())
    if not phrases:
        return {"phrases": 0}
    found: dict[str, Any] = {
        "phrases": phrases,
        "named": _both(seeds, kind, lambda phrase: phrase["named"]),
        "others": _both(seeds, kind, lambda phrase: phrase["others"]),
        "named less others": _both(seeds, kind, lambda phrase: phrase["named"] - phrase["others"]),
    }
    for method in GROUNDING_METHODS:
        found[method] = {
            "less any": _both(seeds, kind, lambda phrase, m=method: phrase[m]["objects"] - phrase["any"]),
            "hit": _both(seeds, kind, lambda phrase, m=method: phrase[m]["hit"]),
            "boxes less random": _both(
                seeds, kind, lambda phrase, m=method: phrase[m]["boxes"][1] - phrase["random"][1]
            ),
        }
    return found


def _curves(seeds: Mapping[int, Any], shares: list[float]) -> dict[str, Any]:
    """Falls by share of removed boxes, nouns and verbs together."""
    curves: dict[str, Any] = {}
    for name in ("random", *GROUNDING_METHODS):
        curves[name] = [
            _both(
                seeds,
                None,
                lambda phrase, n=name, k=k: (phrase[n] if n == "random" else phrase[n]["boxes"])[k],
            )
            for k in range(len(shares))
        ]
    return curves


def _best(seeds: Mapping[int, Any]) -> dict[str, Any]:
    """The method whose 20 % most important boxes make phrases fall furthest, and its distance from the others."""

    def fall(phrase: Mapping[str, Any], method: str) -> float:
        return float(phrase[method]["boxes"][1])

    means = {
        method: _both(seeds, None, lambda phrase, m=method: fall(phrase, m))["over seeds"]["mean"]
        for method in GROUNDING_METHODS
    }
    best = max(means, key=means.__getitem__)
    less = {
        method: _both(seeds, None, lambda phrase, m=method: fall(phrase, best) - fall(phrase, m))
        for method in GROUNDING_METHODS
        if method != best
    }
    return {"method": best, "fall": means[best], "less": less}


def _both(seeds: Mapping[int, Any], kind: str | None, value: Value) -> dict[str, Any]:
    """Interval over seeds and over videos of a value of each phrase."""
    by_seed, by_video = [], []
    for cell in seeds.values():
        means = []
        for video in cell["videos"].values():
            values = [value(each) for name in KINDS if kind in (None, name) for each in video.get(name, ())]
            if values:
                means.append(sum(values) / len(values))
        if means:
            by_seed.append(sum(means) / len(means))
        by_video += means
    return {"over seeds": _ends(mean_interval(by_seed)), "over videos": _ends(mean_interval(by_video))}


def _ends(found: MeanInterval) -> dict[str, float | None]:
    values = {"mean": found.mean, "low": found.low, "high": found.high, "count": found.runs}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def page(found: Mapping[str, Any]) -> str:
    """The summary as Markdown."""
    settings, systems = found["settings"], found["systems"]
    lines = [
        "# Are explanations faithful?",
        "",
        f"`python -m benchmarks.faithfulness`: the first {settings['videos']} test videos of each seed of "
        "`interactions`, whose objects and their names are known. The model captions a video; each phrase of the "
        "caption that names an object, and each verb whose subject and object are in the video, is scored again "
        "with boxes removed. A number is the fall of the phrase's log-probability in nats: mean over the phrases "
        "of a video, then over videos, then over seeds, with Student's 95 % interval over seeds.",
        "",
        "![Fall of log-probability by share of removed boxes](figure.svg)",
        "",
        "Mean over nouns and verbs. Shaded: the interval over seeds, from three seeds on.",
    ]  # fmt: skip
    for kind, what in zip(KINDS, ("A noun names one object", "A verb names two objects"), strict=True):
        lines += [
            "",
            f"## {what}",
            "",
            "| system | seeds | phrases | named objects removed | as many others removed | difference | over videos |",
            "|---|---|---|---|---|---|---|",
        ]
        for system, rows in systems.items():
            of = rows["kinds"][kind]
            if not of["phrases"]:
                lines.append(f"| {SYSTEMS[system]} | {len(rows['seeds'])} | 0 | | | | |")
                continue
            shown = [_shown(of[name]["over seeds"]) for name in ("named", "others", "named less others")]
            lines.append(
                f"| {SYSTEMS[system]} | {len(rows['seeds'])} | {of['phrases']} | {' | '.join(shown)} | "
                f"{_shown(of['named less others']['over videos'])} |"
            )
        lines += [
            "",
            "| system | method | most important objects removed, less any as many | over videos | these are the named ones, "
            "% | 20 % most important boxes removed, less 20 % at random | over videos |",
            "|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for system, rows in systems.items():
            of = rows["kinds"][kind]
            for method in GROUNDING_METHODS if of["phrases"] else ():
                one = of[method]
                lines.append(
                    f"| {SYSTEMS[system]} | {METHODS[method]} | {_shown(one['less any']['over seeds'])} | "
                    f"{_shown(one['less any']['over videos'])} | {100 * one['hit']['over seeds']['mean']:.0f} | "
                    f"{_shown(one['boxes less random']['over seeds'])} | {_shown(one['boxes less random']['over videos'])} |"
                )
    lines += [
        "",
        "## Which method is most faithful",
        "",
        "By the fall without the 20 % most important boxes, nouns and verbs together.",
        "",
        "| system | most faithful | fall | less | difference | over videos |",
        "|---|---|---|---|---|---|",
    ]
    for system, rows in systems.items():
        best = rows["best"]
        lines += [
            f"| {SYSTEMS[system]} | {METHODS[best['method']]} | {best['fall']:.2f} | {METHODS[method]} | "
            f"{_shown(less['over seeds'])} | {_shown(less['over videos'])} |"
            for method, less in best["less"].items()
        ]
    lines += [
        "",
        "Objects: detected boxes that overlap the true object by 0.5 or more. Any as many: mean over all sets of as many "
        f"objects that are seen. At random: mean of {settings['draws']} draws. Integrated gradients: {settings['n_steps']} "
        "steps from zero. Over videos: the interval over the videos of all seeds, of these runs as they are.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _shown(ends: Mapping[str, float | None]) -> str:
    if ends["low"] is None:
        return f"{ends['mean']:.2f}"
    return f"{ends['mean']:.2f} ({ends['low']:.2f} to {ends['high']:.2f})"


@styled
def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draws the fall by the share of boxes that are removed, one panel per system."""
    systems = found["systems"]
    shares = [0.0, *(100 * share for share in found["settings"]["shares"])]
    figure = Figure(figsize=(2.6 * len(systems) + 0.4, 2.9), layout="constrained")
    panels = figure.subplots(1, len(systems), squeeze=False)[0]
    for axes, (system, rows) in zip(panels, systems.items(), strict=True):
        for row, (name, label) in enumerate({**METHODS, "random": "boxes at random"}.items()):
            over = [each["over seeds"] for each in rows["curves"][name]]
            colour = "0.45" if name == "random" else COLOURS[(0, 1, 2, 3)[row]]
            style = (
                {"ls": ":", "lw": 1.6} if name == "random" else {"marker": "osD^"[row], "ms": 4, "lw": 1.4}
            )
            axes.plot(shares, [0.0, *(each["mean"] for each in over)], color=colour, label=label, **style)
            if len(rows["seeds"]) > 2:
                low, high = ([0.0, *(each[end] for each in over)] for end in ("low", "high"))
                axes.fill_between(shares, low, high, color=colour, alpha=0.15, lw=0)
        number = len(rows["seeds"])
        axes.set_title(f"{SYSTEMS[system]}, {number} seed{'s' * (number > 1)}")
        axes.set_xticks(shares)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.grid(color="0.93")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("fall of log-probability (nats)")
    figure.supxlabel("most important boxes removed (%)", fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    save_figure(figure, path, dpi=150)
