"""From cells that are wrong to problems that people can read: grouped, with the first rows and values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import polars as pl

from placement.errors import Problem, nearest_name

SHOWN_ROWS = 5
"""Rows listed per problem; the rest is counted."""

SHOWN_VALUES = 5
"""Different values listed per problem."""

SHOWN_NAMES = 10
"""Unknown names that get a problem each, with a suggestion; the rest is summed up in one."""

SHOWN_KNOWN = 12
"""Known names listed as what is allowed."""

_VALUE_LENGTH = 60
_MANY_NAMES = 1000


def shorten(value: object) -> str:
    """Return a value as text of readable length."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


def file_label(name: str) -> str:
    """Return a file's name as it is shown: on one line, of readable length, whatever it holds."""
    return shorten(name if name.isprintable() else name.encode("unicode_escape").decode("ascii"))


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words, cut where it is long."""
    names = list(names)
    if not names:
        return "none"
    more = len(names) - SHOWN_KNOWN
    return ", ".join(names[:SHOWN_KNOWN]) + (f" and {more} more" if more > 0 else "")


def rows_of(bad: pl.Series) -> tuple[int, ...]:
    """Return the first 1-based rows where `bad` (Boolean) holds."""
    return tuple(int(row) + 1 for row in bad.arg_true().head(SHOWN_ROWS))


def cell_text(value: object) -> str:
    """Return one cell as it is shown in a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return shorten(json.dumps(value, default=str, ensure_ascii=False))
    return shorten(value)


def cell_problem(
    file: str, column: str, bad: pl.Series, cells: pl.Series | None, message: str, allowed: str = ""
) -> Problem:
    """Return one problem for all the cells of a column that share a fault.

    Parameters
    ----------
    bad
        Boolean, one per row; at least one holds.
    cells
        The cells as written, to show the first different values; None: the fault is that they are blank.
    """
    value = ""
    if cells is not None:
        # enough distinct values to know that there are more, however many rows are wrong
        wrong = cells.filter(bad).head(10_000).unique(maintain_order=True).head(SHOWN_VALUES + 1).to_list()
        shown = [cell_text(cell) for cell in wrong[:SHOWN_VALUES]]
        value = ", ".join(shown) + (", …" if len(wrong) > SHOWN_VALUES else "")
    return Problem(
        file, message, rows=rows_of(bad), num_rows=int(bad.sum()), column=column, value=value, allowed=allowed
    )


def unknown_names(
    file: str, column: str, bad: pl.Series, cells: pl.Series, message: str, known: Sequence[str]
) -> list[Problem]:
    """Return a problem per unknown name, with the nearest known one, and one for all beyond the first few.

    Parameters
    ----------
    bad
        Boolean, one per row: the cell is a name that is not known.
    cells
        The names, as text.
    known
        The known names, sorted.
    """
    wrong = cells.filter(bad).unique(maintain_order=True)
    allowed = listed(known)
    problems = []
    for name in wrong.head(SHOWN_NAMES).to_list():
        here = bad & (cells == name).fill_null(False)
        problems.append(
            Problem(
                file,
                message,
                rows=rows_of(here),
                num_rows=int(here.sum()),
                column=column,
                value=shorten(name),
                allowed=allowed,
                suggestion=suggest(name, known),
            )
        )
    if len(wrong) > SHOWN_NAMES:
        rest = bad & ~cells.is_in(wrong.head(SHOWN_NAMES).implode()).fill_null(False)
        num_names = len(wrong) - SHOWN_NAMES
        problems.append(cell_problem(file, column, rest, cells, f"{message} ({num_names:,} more names)", allowed))
    return problems


def suggest(name: str, known: Sequence[str]) -> str:
    """Return the known name nearest to `name`, or the empty string; quick among very many names too."""
    name = shorten(name)
    if len(known) > _MANY_NAMES:
        # a misspelt name still begins or ends like the right one, and has about its length
        near = [
            other
            for other in known
            if abs(len(other) - len(name)) <= 2 and (other[:4] == name[:4] or other[-4:] == name[-4:])
        ]
        # those that begin or end most alike come first, so that the cut does not lose the right one
        near.sort(key=lambda other: -_common(name, other))
        known = near[:_MANY_NAMES]
    lowered = nearest_name(name.lower(), known) if name != name.lower() else ""
    return nearest_name(name, known) or lowered


def _common(one: str, other: str) -> int:
    length = sum(1 for a, b in zip(one, other, strict=False) if a == b)
    return length + sum(1 for a, b in zip(reversed(one), reversed(other), strict=False) if a == b)


def duplicate_rows(file: str, frame: pl.DataFrame, key: Sequence[str], noun: str) -> list[Problem]:
    """Return the problems of rows that repeat a key.

    Parameters
    ----------
    frame
        Has the key columns, in the order of the file; rows with a null in the key are passed over.
    noun
        What a row is, for the message.
    """
    keys = frame.select(key)
    if not keys.is_duplicated().any():
        return []
    rows = keys.with_row_index("row", offset=1).drop_nulls()
    groups = (
        rows.group_by(key, maintain_order=True)
        .agg(pl.col("row"))
        .filter(pl.col("row").list.len() > 1)
        .sort(pl.col("row").list.first())
    )
    problems = []
    for *values, where in groups.head(SHOWN_NAMES).iter_rows():
        problems.append(
            Problem(
                file,
                f"{noun} stands more than once",
                rows=tuple(where[:SHOWN_ROWS]),
                num_rows=len(where),
                column=", ".join(key),
                value=", ".join(cell_text(value) for value in values),
                allowed="each once",
            )
        )
    if groups.height > SHOWN_NAMES:
        rest = groups.slice(SHOWN_NAMES)
        repeated = rest["row"].explode()
        problems.append(
            Problem(
                file,
                f"{noun} stands more than once ({rest.height:,} more)",
                rows=tuple(int(row) for row in repeated.head(SHOWN_ROWS)),
                num_rows=len(repeated),
                column=", ".join(key),
                allowed="each once",
            )
        )
    return problems
