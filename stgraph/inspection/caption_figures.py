"""Pictures of captions: next to references, their words by part of speech, and how sharply they select frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stgraph.checking import checked
from stgraph.drawing import COLOURS, colour_by_value, picture_text, show_frame, styled
from stgraph.errors import OptionError
from stgraph.files import save_figure
from stgraph.inspection.sharpness import FrameSharpness
from stgraph.metrics import WordCounts

__all__ = ["CaptionExample", "draw_captions", "draw_sharpness", "draw_word_counts"]

CONTENT = ("noun", "verb", "adjective")
_PART_COLOURS = dict(zip(CONTENT, (COLOURS[5], COLOURS[1], COLOURS[2]), strict=True))
_LINE = 0.155  # inches per line of text
_LONGEST = 104  # characters per line of a caption


@checked
@dataclass(frozen=True, eq=False)
class CaptionExample:
    """A video with what people and models say about it.

    Args:
        video_id: Id of the video.
        captions: Caption by the name of the model.
        references: Sentences of people.
        frames: Some frames of the video, uint8 RGB; None leaves them out.

    Shapes: frames ``[T, H, W, 3]``.
    """

    video_id: str
    captions: Mapping[str, str]
    references: Sequence[str] = field(default_factory=tuple)
    frames: np.ndarray | None = None


@checked
@styled
def draw_captions(
    examples: Sequence[CaptionExample], path: str | Path | None = None, *, num_references: int = 1
) -> Figure:
    """Draws the captions of several models next to the references of each video, below its frames if they are given.

    Args:
        examples: The videos.
        path: File to write, in the format of its suffix; None writes no file.
        num_references: Largest number of references per video.

    Returns:
        The figure.

    Raises:
        OptionError: If there are no examples.

    Reference: after Cherian et al., WACV 2020, Fig. 4, Fig. 10 and Table 5.
    """
    if not examples:
        raise OptionError("'examples' must hold at least one video, got none.")
    blocks = [_lines(example, num_references) for example in examples]
    width = 7.5
    heights = []
    for example, lines in zip(examples, blocks, strict=True):
        picture = 0.0
        if example.frames is not None:
            count, high, wide = example.frames.shape[:3]
            picture = min((width - 0.12) / count, 1.6) * high / wide + 0.08
        heights.append((picture, _LINE * (sum(text.count("\n") + 1 for _, text in lines) + 1) + 0.12))
    total = sum(picture + text for picture, text in heights) + 0.2
    figure = Figure(figsize=(width, total))
    names = dict.fromkeys(name for example in examples for name in example.captions)
    colours = {"reference": "#000000"} | {
        name: _dark(colour) for name, colour in colour_by_value(names).items()
    }
    y = total - 0.08
    left = 0.08 + 0.075 * min(max(len(picture_text(name, 26)) for name in colours), 26)
    for example, lines, (picture, _) in zip(examples, blocks, heights, strict=True):
        if example.frames is not None:
            count, high, wide = example.frames.shape[:3]
            for t, frame in enumerate(example.frames):
                step = min((width - 0.12) / count, 1.6)
                place = (0.06 + t * step, y - picture + 0.08, step - 0.06, picture - 0.08)
                axes = figure.add_axes(tuple(np.array(place) / [width, total, width, total]))
                show_frame(axes, frame, high, wide)
            y -= picture
        y -= _LINE
        _write(figure, 0.06, y, picture_text(example.video_id, 100), weight="bold", fontsize=8)
        y -= _LINE
        for name, text in lines:
            _write(figure, 0.06, y, picture_text(name, 26), color=colours[name], fontsize=8)
            for line in text.split("\n"):
                _write(figure, left, y, line, fontsize=8)
                y -= _LINE
        y -= 0.02
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


@checked
@styled
def draw_word_counts(counts: Mapping[str, WordCounts], path: str | Path | None = None) -> Figure:
    """Draws the nouns and verbs of ranks 6 to 25 as bars, and the shares of nouns, verbs and adjectives, of each model.

    Args:
        counts: Word counts by the name of the model.
        path: File to write, in the format of its suffix; None writes no file.

    Returns:
        The figure.

    Raises:
        OptionError: If there are no counts.

    Reference: after Cherian et al., WACV 2020, Fig. 5.
    """
    if not counts:
        raise OptionError("'counts' must hold the words of at least one model, got none.")
    figure = Figure(figsize=(7.5, 0.4 + 2.1 * len(counts)), layout="constrained")
    grid = figure.subplots(len(counts), 2, squeeze=False, width_ratios=[4, 1])
    for (bars, share), (name, each) in zip(grid, counts.items(), strict=True):
        ranked = each.ranked()
        bars.bar(
            range(len(ranked)),
            [count for _, _, count in ranked],
            color=[_PART_COLOURS[part] for _, part, _ in ranked],
            width=0.75,
        )
        words = [picture_text(word, 14) for word, _, _ in ranked]
        bars.set_xticks(range(len(ranked)), words, rotation=60, ha="right", rotation_mode="anchor")
        bars.set_ylabel("occurrences")
        bars.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        verbs = sum(part == "verb" for _, part, _ in ranked)
        bars.set_title(f"{picture_text(name, 50)}: {verbs} verbs of {len(ranked)} words", loc="left")
        bars.spines[["top", "right"]].set_visible(False)
        below = 0.0
        for part in CONTENT:
            value = each.share(part, CONTENT)
            value = 0.0 if value != value else 100 * value
            share.bar([0], [value], bottom=[below], color=_PART_COLOURS[part], width=0.6)
            if value >= 7:
                share.text(0, below + value / 2, f"{value:.0f} %", ha="center", va="center", color="white")
            below += value
        share.set_xticks([])
        share.set_xlim(-0.6, 0.6)
        share.set_ylim(0, 100)
        share.set_ylabel("share in %")
        share.spines[["top", "right"]].set_visible(False)
    for part in CONTENT:
        grid[0][0].bar([0], [0], color=_PART_COLOURS[part], label=f"{part}s")
    figure.legend(loc="outside upper right", ncols=len(CONTENT), frameon=False)
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


@checked
@styled
def draw_sharpness(groups: Mapping[str, Sequence[FrameSharpness]], path: str | Path | None = None) -> Figure:
    """Draws how the videos of a split spread over the largest frame weight and the effective number of frames.

    Args:
        groups: Measures of one model's runs (seeds), by the name of the model.
        path: File to write, in the format of its suffix; None writes no file.

    Returns:
        The figure.

    Raises:
        OptionError: If there are no measures.
    """
    if not any(groups.values()):
        raise OptionError("'groups' must hold the measures of at least one run, got none.")
    figure = Figure(figsize=(7.5, 1.0 + 0.55 * len(groups)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    colours = colour_by_value(groups)
    for place, (name, runs) in enumerate(groups.items()):
        for axes, values in (
            (left, [list(run.largest.values()) for run in runs]),
            (right, [list(run.effective.values()) for run in runs]),
        ):
            everything = np.concatenate(values)
            low, high = np.quantile(everything, [0.05, 0.95])
            axes.plot(
                [low, high], [place, place], color=colours[name], lw=5, alpha=0.5, solid_capstyle="butt"
            )
            axes.plot(
                [np.mean(one) for one in values], [place] * len(values), "o", ms=5, mfc="white", mec="black"
            )
    even = np.mean([run.mean_even for runs in groups.values() for run in runs])
    left.axvline(float(even), color="0.4", ls=":", lw=1)
    right.axvline(1, color="0.4", ls=":", lw=1)
    left.set_xlim(0, 1.03)
    right.set_xlim(left=0)
    left.set_xlabel(
        "largest frame weight\n(dotted: even share; circle: mean of a run;\nbar: 90 % of the videos)"
    )
    right.set_xlabel("effective number of frames\n(dotted: one frame)")
    left.set_yticks(range(len(groups)), [picture_text(name, 30, 2) for name in groups])
    left.set_ylim(len(groups) - 0.4, -0.6)
    for axes in (left, right):
        axes.grid(axis="x", color="0.93")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


def _lines(example: CaptionExample, num_references: int) -> list[tuple[str, str]]:
    rows = [("reference", sentence) for sentence in example.references[:num_references]]
    rows += list(example.captions.items())
    return [(name, picture_text(text, _LONGEST - 20, 3) or "(no words)") for name, text in rows]


def _write(figure: Figure, x: float, y: float, text: str, **style: object) -> None:
    """Writes at inches from the lower left corner."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, text, va="baseline", ha="left", **style)  # type: ignore[arg-type]


def _dark(colour: str) -> str:
    """The colour, dark enough for text on white."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"#{int(0.7 * red):02x}{int(0.7 * green):02x}{int(0.7 * blue):02x}"
