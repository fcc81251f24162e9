"""Names that become parts of paths, unit names, group names and addresses: refused unless they are what they must be.

A fleet that was read from files has such names only; a plan or fleet made in Python may have any text. What is free
text (a domain, a cache's function) is not refused: each target escapes it for its format.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import polars as pl

from placement.errors import InputError, Problem
from placement.fleet.columns import NAME_ALLOWED, NAME_PATTERN
from placement.plan.types import Plan

HOST_NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
HOST_NAME_ALLOWED = "a host name: DNS labels joined by dots"
DATABASE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$"
DATABASE_ALLOWED = "1 to 63 letters, digits, underscores and hyphens, no hyphen first"

_ROWS_SHOWN = 5
_VALUE_LENGTH = 60

# Rust's $ does not match before a line feed at the end, as Python's does
_LABELS = {
    "hosts": ("host", "size", "pool", "region"),
    "assignments": ("service", "host"),
    "nodes": ("node", "pool", "kind", "workload", "role", "region", "host"),
    "databases": ("service", "cluster"),
    "postgres_clusters": ("cluster", "region"),
    "caches": ("service", "cluster"),
    "valkey_clusters": ("cluster", "region", "mode"),
}
_OPTIONAL_LABELS = {"hosts": ("zone", "segment", "nic")}
_HOST_NAMES = dict.fromkeys(("databases", "postgres_clusters", "valkey_clusters"), ("host_name",))
_DATABASE_NAMES = {"databases": ("database",)}


def check_names(plan: Plan) -> None:
    """Check every name of a plan that the exports use as one.

    Raises
    ------
    InputError
        With every column that has a name which is none, and the rows.
    """
    problems = [
        *_problems(plan, _LABELS, NAME_PATTERN, NAME_ALLOWED),
        *_problems(plan, _OPTIONAL_LABELS, f"{NAME_PATTERN}|^$", NAME_ALLOWED),
        *_problems(plan, _HOST_NAMES, HOST_NAME_PATTERN, HOST_NAME_ALLOWED),
        *_problems(plan, _DATABASE_NAMES, DATABASE_PATTERN, DATABASE_ALLOWED),
    ]
    if problems:
        raise InputError(problems)


def is_text(letter: str) -> bool:
    """Whether a character may stand in a line of text: no control or format character, nor one that ends a line."""
    category = unicodedata.category(letter)
    return category[0] != "C" and category not in ("Zl", "Zp")


def refuse_control_characters(text: str, file: str, column: str = "") -> None:
    """Refuse text with characters that no line of a configuration can have.

    Raises
    ------
    InputError
        If it has one.
    """
    if not all(map(is_text, text)):
        value = text[:_VALUE_LENGTH]
        raise InputError(Problem(file, "has control characters", column=column, value=value, allowed="printable text"))


def _problems(plan: Plan, columns: Mapping[str, tuple[str, ...]], pattern: str, allowed: str) -> Iterable[Problem]:
    for table, names in columns.items():
        frame: pl.DataFrame = getattr(plan, table)
        for name in names:
            column = frame[name]
            rows = (~column.str.contains(pattern).fill_null(False)).arg_true()
            if len(rows):
                value = column[int(rows[0])]
                yield Problem(
                    table,
                    "is no name that can be exported",
                    rows=tuple((rows[:_ROWS_SHOWN] + 1).to_list()),
                    num_rows=len(rows),
                    column=name,
                    value="" if value is None else value[:_VALUE_LENGTH],
                    allowed=allowed,
                )
