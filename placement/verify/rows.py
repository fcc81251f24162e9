"""Rows of a plan's table held against what they must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.plan.findings import Finding
from placement.units import BoolArray
from placement.verify.collector import Collector
from placement.verify.view import whole


@dataclass(frozen=True)
class Column:
    """A column with a right value.

    Parameters
    ----------
    name
        Column of the plan's table.
    right
        Column with the right value, in internal units where `factor` is more than 1.
    factor
        Internal units in one unit of the column.
    kind
        Kind of the finding where it is wrong.
    """

    name: str
    right: str
    factor: int = 1
    kind: str = ""


@dataclass(frozen=True)
class Rows:
    """A table, beside it what is right for each row, and how to tell of a row.

    Parameters
    ----------
    frame
        Columns of both; a row per row of the file, in its order.
    file
        The file.
    key
        Column with the name of a row.
    found
        Takes the findings.
    """

    frame: pl.DataFrame
    file: str
    key: str
    found: Collector

    def report(self, kind: str, is_bad: BoolArray | pl.Series, text: str, **columns: str) -> None:
        """Add a finding per bad row.

        Parameters
        ----------
        text
            What is wrong; braces take the cells of the row.
        columns
            `value` and `limit`: columns to take them from.
        """
        frame, key = self.frame, self.key

        def make(row: int) -> Finding:
            cells = frame.row(row, named=True)
            figures = {name: float(cells[column]) for name, column in columns.items()}
            service = str(cells[key]) if key == "service" else ""
            message = f"{cells[key]}: {text.format(**cells)}"
            return Finding(kind, message, service=service, file=self.file, row=row + 1, **figures)  # type: ignore[arg-type]

        mask = is_bad.fill_null(False).to_numpy() if isinstance(is_bad, pl.Series) else is_bad
        self.found.add_rows(kind, np.flatnonzero(mask), make)

    def compare(self, kind: str, columns: Iterable[Column], is_known: BoolArray) -> None:
        """Report cells that are not what they must be, in the rows for which that is known."""
        for column in columns:
            stated, right = self.frame[column.name], self.frame[column.right]
            if column.factor > 1:
                wrong = whole(stated, column.factor) != right.fill_null(0).to_numpy()
            else:
                wrong = stated.ne_missing(right).to_numpy()
            self._report_cells(column.kind or kind, np.asarray(wrong & is_known), column)

    def _report_cells(self, kind: str, wrong: BoolArray, column: Column) -> None:
        frame, key = self.frame, self.key

        def make(row: int) -> Finding:
            cells = frame.row(row, named=True)
            said, right = cells[column.name], cells[column.right]
            if column.factor > 1:
                right = right / column.factor
            is_number = isinstance(right, int | float)
            service = str(cells[key]) if key == "service" else ""
            return Finding(
                kind,
                f"{cells[key]}: {column.name} is {said if said != '' else 'blank'}, it must be "
                f"{right if right != '' else 'blank'}",
                service=service,
                value=float(said) if is_number else None,
                limit=float(right) if is_number else None,
                file=self.file,
                row=row + 1,
            )

        self.found.add_rows(kind, np.flatnonzero(wrong), make)

    def twice(self, kind: str, text: str) -> None:
        """Report every row whose name a row before it has."""
        self.report(kind, (~self.frame[self.key].is_first_distinct()).to_numpy(), text)
