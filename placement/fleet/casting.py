"""From the cells of a table to a typed frame in internal units, column by column, with every fault."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.errors import Problem
from placement.fleet.columns import (
    FALSE_WORDS,
    MAX_TEXT_LENGTH,
    NAME_PATTERN,
    TEXT_PATTERN,
    TRUE_WORDS,
    Column,
    Table,
)
from placement.fleet.faults import cell_problem, duplicate_rows, shorten, suggest, unknown_names
from placement.fleet.tables import RawTable
from placement.units import MICROS, price_to_micros, scale_down, scale_up


@dataclass(frozen=True)
class CastTable:
    """A table made of a raw one.

    Parameters
    ----------
    file
        Its name, for messages.
    frame
        All columns of the table under their internal names and types, in the order of the file. Cells that
        are blank or wrong hold the default, or null where there is none.
    problems
        Everything that is wrong with it.
    faulty
        Input columns with a problem: what rests on them cannot be judged.
    """

    file: str
    frame: pl.DataFrame
    problems: tuple[Problem, ...]
    faulty: frozenset[str]


def cast_table(
    raw: RawTable,
    table: Table,
    *,
    known: Mapping[str, Sequence[str]] | None = None,
    defaults: Mapping[str, str] | None = None,
    skip: Collection[str] = (),
) -> CastTable:
    """Check and cast a table.

    Parameters
    ----------
    raw
        The table as it was found.
    table
        What it should be.
    known
        Names that reference columns may hold, by input column. A reference column that is neither here nor
        has `Column.choices` is taken as it is.
    defaults
        What blank cells of reference columns mean, by input column, where `Column.default` does not say it.
    skip
        Columns left out altogether: neither read nor returned. Duplicate rows are then not looked for.
    """
    known, defaults = known or {}, defaults or {}
    columns = [column for column in table.columns if column.name not in skip]
    problems = _header_problems(raw, table)
    faulty = {problem.column for problem in problems}
    num_rows = raw.frame.height
    cast: dict[str, pl.Series] = {}
    untyped: set[str] = set()
    for column in columns:
        name = column.name
        if name in raw.frame.columns:
            cells, found = _cells(raw, column)
            if found:
                untyped.add(name)
            series, more = _cast_column(cells, column, raw.file, known.get(name, column.choices))
            found += more
            if column.required:
                found += _blank_problems(cells, column, raw.file)
            problems += found
            if found:
                faulty.add(name)
        else:
            series = pl.Series(name, [None], dtype=_dtype(column)).new_from_index(0, num_rows)
        default = column.default if column.default is not None else defaults.get(name)
        cast[column.inside] = series if default is None else series.fill_null(default)
    # a column of the key that is not there and has a default is the same in all rows
    key = [name for name in table.key if name in raw.frame.columns or table[name].default is None]
    if not skip and untyped.isdisjoint(key) and set(key) <= set(raw.frame.columns):
        keys = pl.DataFrame({name: cast[table[name].inside] for name in key})
        repeated = duplicate_rows(raw.file, keys, key, "the same " + " and ".join(key))
        problems += repeated
        faulty.update(key if repeated else ())
    frame = pl.DataFrame([series.alias(inside) for inside, series in cast.items()])
    return CastTable(raw.file, frame, tuple(problems), frozenset(faulty))


def _header_problems(raw: RawTable, table: Table) -> list[Problem]:
    names = raw.frame.columns
    problems = [
        Problem(
            raw.file,
            "unknown column",
            column=shorten(name),
            allowed=", ".join(table.names),
            suggestion=_near_column(name, names, table),
        )
        for name in names
        if name not in table.names
    ]
    problems += [
        Problem(raw.file, "the column is missing", column=column.name, allowed=column.allowed())
        for column in table.columns
        if column.required and column.name not in names
    ]
    return problems


def _near_column(name: str, given: Sequence[str], table: Table) -> str:
    """Return the column that was meant: rather one that is not there as well."""
    absent = [other for other in table.names if other not in given]
    return suggest(name, absent) or suggest(name, table.names)


def _blank_problems(cells: pl.Series, column: Column, file: str) -> list[Problem]:
    if not cells.null_count():
        return []
    return [cell_problem(file, column.name, cells.is_null(), None, "blank", column.allowed())]


def _dtype(column: Column) -> pl.DataType:
    if column.is_numeric:
        return pl.Int64()
    return pl.Boolean() if column.kind == "boolean" else pl.String()


def _cells(raw: RawTable, column: Column) -> tuple[pl.Series, list[Problem]]:
    """Return the column with blank cells null, or all null where its type cannot hold what is asked for."""
    cells = raw.frame[column.name]
    dtype = cells.dtype
    is_text = isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    if is_text:
        if not isinstance(dtype, pl.String):
            cells = cells.cast(pl.String)
        cells = cells.str.strip_chars(" ")
        if (cells == "").any():
            cells = cells.set(cells == "", None)
    elif isinstance(dtype, pl.Null):
        cells = cells.cast(_dtype(column))
    fits = {
        "number": is_text or dtype.is_numeric(),
        "integer": is_text or dtype.is_numeric(),
        "boolean": is_text or dtype.is_integer() or isinstance(dtype, pl.Boolean),
    }
    if not isinstance(dtype, pl.Null) and not fits.get(column.kind, is_text):
        return _blanked(cells, column, raw.file, cells.is_not_null())
    odd = raw.not_text.get(column.name)
    if odd is not None and not column.is_numeric and column.kind != "boolean" and odd.any():
        return _blanked(cells, column, raw.file, odd)
    return cells, []


def _blanked(cells: pl.Series, column: Column, file: str, wrong: pl.Series) -> tuple[pl.Series, list[Problem]]:
    """Report cells of a wrong type; a column of another type altogether comes back blank."""
    if not wrong.any():
        return pl.Series(column.name, [None], dtype=_dtype(column)).new_from_index(0, len(cells)), []
    noun = {"number": "a number", "integer": "a number", "boolean": "true or false"}.get(column.kind, "text")
    is_text = isinstance(cells.dtype, pl.String)
    found = "" if is_text else f" (the column's type is {cells.dtype})"
    problem = cell_problem(file, column.name, wrong, cells, f"not {noun}{found}", column.allowed())
    # not null, lest the cells be called blank as well
    placeholder = {"boolean": True}.get(column.kind, 1 if column.is_numeric else "0")
    kept = (
        cells if is_text else pl.Series(column.name, [placeholder], dtype=_dtype(column)).new_from_index(0, len(cells))
    )
    return kept, [problem]


def _cast_column(cells: pl.Series, column: Column, file: str, known: Sequence[str]) -> tuple[pl.Series, list[Problem]]:
    if column.is_numeric:
        return _cast_number(cells, column, file)
    if column.kind == "boolean":
        return _cast_boolean(cells, column, file)
    if column.kind == "text":
        return cells, _text_problems(cells, column, file)
    if column.kind == "name":
        bad = ~cells.str.contains(NAME_PATTERN).fill_null(True)
        if bad.any():
            return cells, [cell_problem(file, column.name, bad, cells, "not a name", column.allowed())]
        return cells, []
    if not known:
        return cells, []
    bad = ~cells.is_in(pl.Series(known, dtype=pl.String).implode()).fill_null(True)
    if bad.any():
        return cells, unknown_names(file, column.name, bad, cells, "no such " + column.name.replace("_", " "), known)
    return cells, []


def _cast_boolean(cells: pl.Series, column: Column, file: str) -> tuple[pl.Series, list[Problem]]:
    if isinstance(cells.dtype, pl.Boolean):
        return cells, []
    words = cells.cast(pl.String).str.to_lowercase()
    truth = words.replace_strict(
        {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)},
        default=None,
        return_dtype=pl.Boolean,
    )
    bad = truth.is_null() & cells.is_not_null()
    if bad.any():
        return truth, [cell_problem(file, column.name, bad, cells, "neither true nor false", column.allowed())]
    return truth, []


def _text_problems(cells: pl.Series, column: Column, file: str) -> list[Problem]:
    problems = []
    unprintable = ~cells.str.contains(TEXT_PATTERN).fill_null(True)
    too_long = (cells.str.len_chars() > MAX_TEXT_LENGTH).fill_null(False)
    for bad, message in ((unprintable, "not printable text"), (too_long & ~unprintable, "text is too long")):
        if bad.any():
            problems.append(cell_problem(file, column.name, bad, cells, message, column.allowed()))
    return problems


def _cast_number(cells: pl.Series, column: Column, file: str) -> tuple[pl.Series, list[Problem]]:
    """Return the numbers as integers in internal units, null where blank or wrong."""
    if cells.null_count() == len(cells):
        return pl.Series(cells.name, [None], dtype=pl.Int64).new_from_index(0, len(cells)), []
    if column.kind == "integer" and column.factor == 1 and cells.dtype.is_integer() and not cells.null_count():
        smallest, largest = cells.min(), cells.max()
        least = 1 if column.positive else column.minimum
        if isinstance(smallest, int) and isinstance(largest, int) and least <= smallest and largest <= column.largest:
            return cells.cast(pl.Int64), []  # whole numbers as they are: tens of millions are no rare case
    numbers = cells.cast(pl.Float64, strict=False)
    is_given = cells.is_not_null()
    lowest = numbers.min()
    if (
        numbers.null_count() == cells.null_count()
        and not numbers.is_nan().any()
        and isinstance(lowest, float)
        and lowest >= column.minimum
        and not (column.positive and lowest == 0)
        and _largest(numbers) <= column.largest
        and not (column.kind == "integer" and _is_fractional(numbers).any())
    ):
        return _scaled(numbers, is_given, column), []
    problems = []
    is_number = numbers.is_not_null() & ~numbers.is_nan().fill_null(False)
    left = is_given
    too_small = (numbers <= 0 if column.positive else numbers < column.minimum) & is_number
    below = "negative" if column.minimum == 0 and not column.positive else "too small"
    for bad, message in (
        (~is_number, "not a number"),
        (numbers.is_infinite(), "not a finite number"),
        (too_small, below),
        (numbers > column.largest, "too large"),
        (_is_fractional(numbers) if column.kind == "integer" else ~is_given, "not a whole number"),
    ):
        here = bad.fill_null(False) & left
        if here.any():
            problems.append(cell_problem(file, column.name, here, cells, message, column.allowed()))
            left = left & ~here
    return _scaled(numbers, left, column), problems


def _largest(numbers: pl.Series) -> float:
    largest = numbers.max()
    return largest if isinstance(largest, float) else 0.0


def _is_fractional(numbers: pl.Series) -> pl.Series:
    return numbers != numbers.floor()


def _scaled(numbers: pl.Series, usable: pl.Series, column: Column) -> pl.Series:
    """Return numbers in internal units where `usable`, null elsewhere."""
    all_usable = bool(usable.all())
    values = (numbers if all_usable else numbers.set(~usable, 0.0)).to_numpy()
    if column.factor == MICROS:
        # prices as written, to the micro: 0.1 is 100,000 micros; few differ, so one by one will do
        distinct, where = np.unique(values, return_inverse=True)
        scaled = np.array([price_to_micros(price) for price in distinct.tolist()], dtype=np.int64)[where]
    elif column.factor == 1 and column.kind == "integer":
        scaled = values.astype(np.int64)
    else:
        scale = scale_down if column.rounding == "down" else scale_up
        scaled = scale(values, column.factor)
    series = pl.Series(numbers.name, scaled, dtype=pl.Int64)
    return series if all_usable else series.set(~usable, None)
