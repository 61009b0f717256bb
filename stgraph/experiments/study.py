"""What a study runs: named rows, each the settings in which it differs, and what the paper printed for them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stgraph.errors import OptionError

__all__ = ["Study", "StudyRow"]


class StudyRow(BaseModel):
    """One row of a table.

    Args:
        title: What the row is called in the paper.
        settings: Overrides of ``stgraph train``. "{run:ROW}" in one stands for the folder of that row's run of the same
            seed, which is then trained first.
        published: The paper's figures, times 100, by data set and metric.
        references: Rows that this one is compared with; None takes the study's.
        hidden: Runs because other rows need it, and is left out of the tables.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    settings: tuple[str, ...] = ()
    published: dict[str, dict[str, float]] = {}
    references: tuple[str, ...] | None = None
    hidden: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Rows whose runs this one uses."""
        parts = [setting.split("{run:", 1)[1] for setting in self.settings if "{run:" in setting]
        return tuple(part.split("}", 1)[0] for part in parts)


class Study(BaseModel):
    """A table: rows by name.

    Args:
        title, source: Heading, and where the rows come from.
        references: Rows that the others are compared with; the figure shows the first.
        metrics: Columns; a metric that the data set does not have is left out.
        main_metric: The one that is drawn, and by which orderings are told.
        settings: Overrides that all rows share.
        experiment: Settings that fit generated data, used unless a sweep names others; None uses none, as a table of models
            of one's own needs.

    Raises:
        OptionError: If :meth:`parse` finds an unknown entry, or a reference to a row that does not exist.

    >>> study = Study.parse("t", {"title": "T", "source": "house", "references": ["a"], "rows": {"a": {"title": "A"}}})
    >>> list(study.rows)
    ['a']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    source: str
    references: tuple[str, ...]
    metrics: tuple[str, ...] = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr", "noun", "verb")
    main_metric: str = "CIDEr"
    settings: tuple[str, ...] = ()
    experiment: str | None = "interactions_study"
    rows: dict[str, StudyRow] = Field(min_length=1)

    @classmethod
    def parse(cls, name: str, content: dict[str, Any]) -> Study:
        """Checks what a file of ``configs/table`` holds."""
        try:
            return cls.model_validate({"name": name, **content})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise OptionError(
                f"The table '{name}' has a wrong entry {where or 'at its top'}: {first['msg']}."
            ) from error

    @model_validator(mode="after")
    def _rows_are_there(self) -> Study:
        named = set(self.references)
        for row in self.rows.values():
            named |= {*row.needs, *(row.references or ())}
        if missing := sorted(named - self.rows.keys()):
            raise ValueError(f"there is no row '{missing[0]}' among {', '.join(self.rows)}")
        return self

    def chosen(self, rows: list[str] | None) -> list[str]:
        """The rows that were asked for and those that they need, in the table's order; None is all.

        Raises:
            OptionError: If there is no such row.
        """
        wanted = set(self.rows if rows is None else rows)
        if unknown := sorted(wanted - self.rows.keys()):
            raise OptionError(
                f"The table '{self.name}' has no row '{unknown[0]}'; its rows are {', '.join(self.rows)}."
            )
        while needed := {need for row in wanted for need in self.rows[row].needs} - wanted:
            wanted |= needed
        return [row for row in self.rows if row in wanted]

    def references_of(self, row: str) -> tuple[str, ...]:
        """The rows that ``row`` is compared with."""
        references = self.rows[row].references
        return tuple(
            other for other in (self.references if references is None else references) if other != row
        )
