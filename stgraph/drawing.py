"""The style of all pictures: colours, font sizes, and text that is shown as it is."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure, SubFigure

from stgraph.errors import shown

__all__ = [
    "COLOURS",
    "colour_by_value",
    "even_share_norm",
    "ink_on",
    "literal",
    "picture_text",
    "show_frame",
    "styled",
    "value_bar",
]

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442", "#999999")
"""Okabe and Ito's colours, which people with any colour vision tell apart; the last one is for everything further."""

_STYLE: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Value = TypeVar("Value", bound=Hashable)


def styled(draw: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Runs a drawing function in the style of all pictures, whatever the user's Matplotlib settings."""

    @wraps(draw)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        style: Any = {**mpl.rcParamsDefault, "backend": mpl.rcParams["backend"], **_STYLE}
        with mpl.rc_context(style):
            return draw(*args, **kwargs)

    return run


def literal(text: object, most: int = 200) -> str:
    r"""Formats text for Matplotlib so that it is drawn as it is: dollar signs start no formula.

    Characters that don't print are shown escaped, and long text is cut, as in messages.

    Args:
        text: The text, or a value whose text is drawn.
        most: Largest number of characters.

    >>> literal("from $5 to $9")
    'from \\$5 to \\$9'
    """
    return shown(text, most).replace("$", r"\$")


def picture_text(text: object, width: int = 200, lines: int = 1) -> str:
    """Prepares text of unknown origin for a picture: characters that don't print are escaped, long text is wrapped and cut.

    Args:
        text: The text.
        width: Largest number of characters per line.
        lines: Largest number of lines.

    >>> picture_text("a red square chases a cone", width=12, lines=2)
    'a red square\\nchases...'
    """
    escaped = shown(text, 10_000)
    cut = textwrap.wrap(escaped, width, max_lines=lines, placeholder="...", break_long_words=True)
    return "\n".join(literal(line, 10_000) for line in cut)


def colour_by_value(values: Iterable[Value]) -> dict[Value, str]:
    """Assigns a colour to each distinct value in order; values after the seventh share the last colour.

    >>> colour_by_value([9, 2, 9])
    {9: '#56b4e9', 2: '#e69f00'}
    """
    distinct = list(dict.fromkeys(values))
    return {value: COLOURS[min(place, len(COLOURS) - 1)] for place, value in enumerate(distinct)}


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour (contrast as WCAG defines it).

    >>> ink_on("#f0e442"), ink_on("#0072b2")
    ('#000000', '#ffffff')
    """
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    luminance = sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#000000" if luminance > 0.179 else "#ffffff"


def even_share_norm(most: float, count: int) -> Normalize:
    """Scale from 0 over the even share 1/count, which is drawn white, to the largest weight."""
    even = 1 / max(count, 1)
    return TwoSlopeNorm(vmin=0.0, vcenter=even, vmax=max(most, 1.001 * even))


def show_frame(axes: Axes, frame: Any, height: int, width: int) -> None:
    """Shows a frame in its own pixel coordinates, so that pixel (0, 0) spans 0..1; None leaves it empty and grey."""
    axes.set_facecolor("#e4e4e8")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_linewidth(0.4)
    if frame is not None:
        axes.imshow(frame, extent=(0, width, height, 0), interpolation="nearest")


def value_bar(
    figure: Figure | SubFigure, mappable: Any, axes: Any, label: str, ticks: dict[float, str] | None = None
) -> Artist:
    """Adds a thin colour bar beside axes."""
    bar = figure.colorbar(mappable, ax=axes, fraction=0.05, pad=0.02, aspect=25)
    bar.set_label(label, fontsize=7)
    bar.ax.tick_params(labelsize=7)
    if ticks is not None:
        bar.set_ticks(list(ticks), labels=list(ticks.values()))
        bar.ax.minorticks_off()
    return bar.ax
