"""Small tables that notebooks show in place of a representation."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from stgraph.errors import shown

__all__ = ["html_table"]


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> str:
    """A table in HTML; every text in it is shown as text, whatever it holds.

    Args:
        title: What stands above the table.
        columns: Names of the columns.
        rows: Values of each row.
        note: What stands below the table.

    >>> html_table("<b>", ["a"], [[1]])
    '<p>&lt;b&gt;</p><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{_text(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(value)}</td>" for value in row) + "</tr>" for row in rows)
    table = f"<p>{_text(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"{table}<p>{_text(note)}</p>" if note else table


def _text(value: object) -> str:
    return escape(shown(value))
