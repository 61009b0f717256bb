"""Definition of a study: named rows with the settings that set them apart and the paper's published scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stgraph.checking import checked
from stgraph.errors import OptionError, shown
from stgraph.experiments.cell import Cell

__all__ = ["Study", "StudyRow"]


@checked
class StudyRow(BaseModel):
    """One row of a table.

    Args:
        title: Name of the row in the paper.
        settings: Overrides of ``stgraph train``. ``{run:ROW}`` is replaced by the run folder of that row with the same
            seed, which is then trained first.
        experiment: Experiment by data set, in tables whose rows are different systems: the keys are choices of ``data``,
            and "interactions" stands for all generated ones. None uses the study's experiment.
        of: Another row, of whose runs this one shows the branch ``branch``; such a row is not trained.
        branch: The branch of the other row's runs.
        published: The paper's scores, times 100, by data set and metric.
        references: Rows that this one is compared with; None uses those of the study.
        hidden: Whether the row is left out of the tables, because it only serves other rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    settings: tuple[str, ...] = ()
    experiment: dict[str, str] | None = None
    of: str | None = None
    branch: str | None = None
    published: dict[str, dict[str, float]] = {}
    references: tuple[str, ...] | None = None
    hidden: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Rows whose runs this one uses."""
        parts = [setting.split("{run:", 1)[1] for setting in self.settings if "{run:" in setting]
        return (*(part.split("}", 1)[0] for part in parts), *([self.of] if self.of else []))

    @model_validator(mode="after")
    def _shows_a_branch_or_is_trained(self) -> StudyRow:
        if (self.of is None) != (self.branch is None):
            raise ValueError("'of' and 'branch' must be given together")
        if self.of and (self.settings or self.experiment):
            raise ValueError(
                "a row with 'of' shows runs of another row, so it takes no settings or experiment"
            )
        return self


@checked
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
            for tables of custom models, or whose rows have experiments of their own.
        videos: Whether rows are also compared over test videos, which needs their runs.
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
    videos: bool = False
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
                f"The table '{shown(name)}' has a wrong entry {shown(where) or 'at its top'}: "
                f"{shown(first['msg'], 1000)}; correct it."
            ) from error

    @model_validator(mode="after")
    def _rows_are_there(self) -> Study:
        named = set(self.references)
        for row in self.rows.values():
            named |= {*row.needs, *(row.references or ())}
        if missing := sorted(named - self.rows.keys()):
            raise ValueError(f"there is no row '{missing[0]}' among {', '.join(self.rows)}")
        for name, row in self.rows.items():
            if row.of and self.rows[row.of].of:
                raise ValueError(f"row '{name}' must show a row that is trained, not '{row.of}'")
        return self

    def chosen(self, rows: list[str] | None) -> list[str]:
        """Returns the requested rows and the rows they depend on, in the table's order.

        Args:
            rows: Names of rows; None selects all.

        Raises:
            OptionError: If there is no such row.
        """
        wanted = set(self.rows if rows is None else rows)
        self.check_rows(wanted)
        while needed := {need for row in wanted for need in self.rows[row].needs} - wanted:
            wanted |= needed
        return [row for row in self.rows if row in wanted]

    def check_rows(self, rows: Iterable[str]) -> None:
        """Checks that the table has these rows.

        Raises:
            OptionError: If it lacks one.
        """
        if unknown := sorted(set(rows) - self.rows.keys()):
            raise OptionError(
                f"The table '{self.name}' has no row '{shown(unknown[0], 60)}'; its rows are "
                f"{shown(', '.join(self.rows), 1000)}."
            )

    def with_branches(self, cells: Mapping[str, Mapping[int, Cell]]) -> dict[str, dict[int, Cell]]:
        """Adds the cells of rows that show a branch of another row, which no longer shows that branch itself.

        Args:
            cells: Cells by row and seed, as they were trained.
        """
        found = {row: dict(of_row) for row, of_row in cells.items()}
        for name, row in self.rows.items():
            if row.of is None or row.branch is None:
                continue
            for seed, cell in found.get(row.of, {}).items():
                if row.branch in cell.scores and row.branch != cell.tested:
                    found.setdefault(name, {})[seed] = _only(cell, name, {row.branch})
                    found[row.of][seed] = _only(cell, row.of, cell.scores.keys() - {row.branch})
        return found

    def references_of(self, row: str) -> tuple[str, ...]:
        """Returns the rows that ``row`` is compared with.

        Raises:
            OptionError: If the table has no such row.
        """
        self.check_rows([row])
        references = self.rows[row].references
        return tuple(
            other for other in (self.references if references is None else references) if other != row
        )


def _only(cell: Cell, row: str, branches: Set[str]) -> Cell:
    """The cell with the scores of these branches alone; if there is one, it is the tested one."""
    tested = next(iter(branches)) if len(branches) == 1 else cell.tested
    scores, chosen = (
        {name: table for name, table in tables.items() if name in branches}
        for tables in (cell.scores, cell.chosen)
    )
    return cell.model_copy(update={"row": row, "tested": tested, "scores": scores, "chosen": chosen})
