"""Tables of a study for LaTeX."""

from __future__ import annotations

import re

from stgraph.checking import checked
from stgraph.experiments.report import FEW, Block

__all__ = ["latex_table"]

_LONG_TITLE = 18  # characters; longer columns of text are wrapped


@checked
def latex_table(block: Block, name: str = "study") -> str:
    r"""Formats one block as a floating LaTeX table of the package booktabs.

    To be compact, an interval in small type follows its mean, or stands below it in tables of many columns, and deviations
    are left out.

    Args:
        block: The table.
        name: Name of the study, which begins the label: ``\\ref{tab:study-scores}``.

    >>> print(latex_table(Block("Scores", ("row", "CIDEr"), (("a_b", "50.0 ± 1.0 (48.5 to 51.5)"),))))
    \begin{table}
      \centering\small
      \setlength{\tabcolsep}{4pt}
      \caption{Scores.}
      \label{tab:study-scores}
      \begin{tabular}{@{}lr@{}}
        \toprule
        row & CIDEr \\
        \midrule
        a\_b & 50.0 {\scriptsize [48.5, 51.5]} \\
        \bottomrule
      \end{tabular}
    \end{table}
    """
    many = len(block.columns) > 5
    texts = [k for k in range(len(block.columns)) if k == 0 or block.columns[k] in ("less", "verdict")]
    wide = [k for k in texts if max(len(row[k]) for row in (block.columns, *block.rows)) > _LONG_TITLE]
    layout = "".join(
        "p{2.7cm}" if k in wide else "l" if k in texts else "r" for k in range(len(block.columns))
    )
    lines = []
    for row in block.rows:
        cells = [_with_interval(cell) for cell in row]
        means = [rf"\raggedright {mean}" if k in wide else mean for k, (mean, _) in enumerate(cells)]
        intervals = [rf"\scriptsize {interval}" if interval else "" for _, interval in cells]
        if many and any(intervals):
            lines += [" & ".join(means) + r" \\", " & ".join(intervals) + r" \\[2pt]"]
        else:
            joined = (
                f"{mean} {{{low}}}" if low else mean for mean, low in zip(means, intervals, strict=True)
            )
            lines.append(" & ".join(joined) + r" \\")
    caption = f"{block.title}. {block.note}".strip()
    return "\n".join(
        [
            rf"\begin{{table{'*' * many}}}",
            r"  \centering" + (r"\footnotesize" if many else r"\small"),
            r"  \setlength{\tabcolsep}{" + ("3pt" if many else "4pt") + "}",
            rf"  \caption{{{_latex(caption)}}}",
            rf"  \label{{tab:{_slug(name)}-{_slug(block.title)}}}",
            rf"  \begin{{tabular}}{{@{{}}{layout}@{{}}}}",
            r"    \toprule",
            f"    {' & '.join(map(_latex, block.columns))} " + r"\\",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
            rf"\end{{table{'*' * many}}}",
        ]
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _with_interval(cell: str) -> tuple[str, str]:
    """Splits "60.0 ± 1.0 (58.5 to 61.5)" into the mean and the interval, each as LaTeX; other texts have no interval."""
    number = r"[+-]?[\d.]+"
    found = re.fullmatch(rf"(\*\*)?({number})(?: ± [\d.]+)? \(({number}) to ({number})\)(.*?)(?:\*\*)?", cell)
    if found is None:
        return _latex(cell), ""
    bold, mean, low, high, rest = (each or "" for each in found.groups())
    return _latex(f"{bold}{mean}{rest}{bold}"), _latex(f"{bold}[{low}, {high}]{bold}")


def _latex(text: str) -> str:
    text = re.sub(r"[\\{}&%_#$^~<>|±†]", lambda found: _SIGNS[found[0]], text)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    text = re.sub(r"`(.+?)`", r"\\texttt{\1}", text)
    return re.sub(r"(?<![\w}])-(?=\d)", "$-$", text)


_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": "$<$", ">": "$>$", "|": "$|$", "±": r"$\pm$", FEW: r"$^\dagger$", **{sign: rf"\{sign}" for sign in "&%_#$"},
}  # fmt: skip
