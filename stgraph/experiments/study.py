"""Definition of a study: named rows with the settings that set them apart and the paper's published scores."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stgraph.errors import OptionError

__all__ = ["Study", "StudyRow"]


class StudyRow(BaseModel):
    """One row of a table.

    Args:
        title: Name of the row in the paper.
        settings: Overrides of ``stgraph train``. ``{run:ROW}`` is replaced by the run folder of that row with the same
            seed, which is then trained first.
        published: The paper's scores, times 100, by data set and metric.
        references: Rows that this one is compared with; None uses those of the study.
        hidden: Whether the row is left out of the tables, because it only serves other rows.
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
    """A table of an ablation study.

    Args:
        name: Name of the table, and of its folder of results.
        title: Heading of the report.
        source: Where the rows come from.
        references: Rows that the others are compared with; the figure uses the first.
        metrics: Columns of the tables; metrics that the data set does not provide are left out.
        main_metric: Metric of the figure and of the paper's orderings.
        settings: Overrides shared by all rows.
        generated: Overrides on generated data, which have fewer streams than a paper's.
        others: Scores of other methods in the paper's table, times 100, by data set, method and metric.
        experiment: Experiment for the generated data, used unless the sweep names another one; None uses no experiment,
            for tables of custom models.
        rows: The rows by name.

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
    generated: tuple[str, ...] = ()
    others: dict[str, dict[str, dict[str, float]]] = {}
    experiment: str | None = "interactions_study"
    rows: dict[str, StudyRow] = Field(min_length=1)

    @classmethod
    def parse(cls, name: str, content: dict[str, Any]) -> Study:
        """Parses and validates the content of a file of ``configs/table``."""
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
        """Returns the requested rows and the rows they depend on, in the table's order.

        Args:
            rows: Names of rows; None selects all.

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
        """Returns the rows that ``row`` is compared with."""
        references = self.rows[row].references
        return tuple(
            other for other in (self.references if references is None else references) if other != row
        )
