"""The tables of a plan folder: which there are, their columns, their order, their bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import polars as pl

from placement.errors import InternalError
from placement.plan.types import (
    ASSIGNMENTS_SCHEMA,
    CACHES_SCHEMA,
    DATABASES_SCHEMA,
    HOSTS_SCHEMA,
    LINKS_SCHEMA,
    NODES_SCHEMA,
    POSTGRES_CLUSTERS_SCHEMA,
    VALKEY_CLUSTERS_SCHEMA,
)

TableFormat = Literal["csv", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("csv", "parquet")

SUMMARY_FILE = "plan.json"
BOUNDS_FILE = "bounds.json"


@dataclass(frozen=True)
class Table:
    """A table of the plan folder.

    Parameters
    ----------
    name
        File name without its ending.
    schema
        Columns and types, in order.
    key
        Columns that identify a row; rows are sorted by them.
    blank
        Text columns that may be empty.
    optional
        Whether the file is there only if the table has rows.
    is_unique
        Whether a plan whose rows repeat a key cannot be read; else it is the checker who says so.
    """

    name: str
    schema: dict[str, pl.DataType]
    key: tuple[str, ...]
    blank: tuple[str, ...] = ()
    optional: bool = False
    is_unique: bool = True


HOSTS = Table("hosts", HOSTS_SCHEMA, ("host",), ("zone", "segment", "nic"))
ASSIGNMENTS = Table("assignments", ASSIGNMENTS_SCHEMA, ("service", "instance"), is_unique=False)
NODES = Table("nodes", NODES_SCHEMA, ("node",), ("tier",), optional=True)
DATABASES = Table("databases", DATABASES_SCHEMA, ("service",), optional=True)
POSTGRES_CLUSTERS = Table("postgres_clusters", POSTGRES_CLUSTERS_SCHEMA, ("cluster",), ("domains",), optional=True)
CACHES = Table("caches", CACHES_SCHEMA, ("service",), optional=True)
VALKEY_CLUSTERS = Table("valkey_clusters", VALKEY_CLUSTERS_SCHEMA, ("cluster",), ("domains",), optional=True)
LINKS = Table("links", LINKS_SCHEMA, ("link",), optional=True, is_unique=False)
TABLES = (HOSTS, ASSIGNMENTS, NODES, DATABASES, POSTGRES_CLUSTERS, CACHES, VALKEY_CLUSTERS, LINKS)
"""Each is the attribute of this name of `Plan`."""


def known_files() -> frozenset[str]:
    """Return the names of all files that a plan folder may hold, data tier and network included."""
    tables = {f"{table.name}.{ending}" for table in TABLES for ending in TABLE_FORMATS}
    return frozenset({SUMMARY_FILE, BOUNDS_FILE, *tables})


def normal_form(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the frame with the table's columns, types and order of rows, blank text as "".

    Raises
    ------
    InternalError
        If a column is missing, unknown, or of another type, or a cell is null or no finite number.
    """
    if set(frame.columns) != set(table.schema):
        odd = sorted(set(frame.columns) ^ set(table.schema))
        raise InternalError(f"table {table.name} has missing or unknown columns: {', '.join(odd)}")
    try:
        frame = frame.select(pl.col(name).cast(kind) for name, kind in table.schema.items())
    except pl.exceptions.PolarsError as error:
        raise InternalError(f"table {table.name} has a column of a wrong type: {error}") from error
    frame = frame.with_columns(pl.col(name).fill_null("") for name in table.blank)
    for name, kind in table.schema.items():
        column = frame[name]
        if column.null_count() or (kind == pl.Float64() and not column.is_finite().all()):
            raise InternalError(f"table {table.name}, column {name} has a cell without a finite value")
    return frame.sort(table.key, maintain_order=True)


def table_bytes(frame: pl.DataFrame, table: Table, table_format: TableFormat) -> bytes:
    """Return the table as a file's content: the same bytes for the same rows, in whatever order they come.

    CSV has a header, line feeds, floats in their shortest exact form, and nothing for blank text.
    """
    frame = normal_form(frame, table)
    buffer = io.BytesIO()
    if table_format == "parquet":
        frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=1 << 20)
        return buffer.getvalue()
    # Polars writes "" as two quotes and null as nothing; blank cells read better as nothing
    blanks = [pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in table.blank]
    frame.with_columns(blanks).write_csv(buffer, line_terminator="\n")
    return buffer.getvalue()
