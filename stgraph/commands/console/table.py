"""Score tables as plain text."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["score_table"]


def score_table(rows: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Formats scores as a table with a row per name and a column per metric; values are multiplied by 100.

    >>> print(score_table({"ours": {"BLEU-4": 0.5}}, "test split"))
    test split (x 100)  BLEU-4
    ours                 50.0
    """
    columns = list(next(iter(rows.values())))
    title = f"{title} (x 100)"
    first = max(len(title), *(len(name) for name in rows))
    widths = [max(len(column), 6) for column in columns]
    lines = [f"{title:<{first}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(columns, widths, strict=True))]
    for name, scores in rows.items():
        cells = "  ".join(f"{100 * scores[c]:>{w}.1f}" for c, w in zip(columns, widths, strict=True))
        lines.append(f"{name:<{first}}  {cells}")
    return "\n".join(lines)
