"""Tables that refer to services: interference rules by row number, and where instances run today.

Interference tables reach tens of millions of rows, so names become row numbers in one vectorised step (a
cast to an enumeration of the services' names), and nothing here touches a row in Python.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.errors import Problem
from placement.fleet.casting import CastTable, cast_table
from placement.fleet.columns import CURRENT, INTERFERENCE, Column
from placement.fleet.faults import cell_problem, cell_text, duplicate_rows, unknown_names
from placement.fleet.tables import RawTable
from placement.fleet.types import CURRENT_SCHEMA, INTERFERENCE_SCHEMA

_ENDS = ("service", "other")


def resolve_rules(
    raw: RawTable, names: pl.Series | None, ranks: pl.Series | None = None
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return the interference rules with the schema of `Fleet.interference`, and what is wrong with them.

    Parameters
    ----------
    raw
        The table as it was found.
    names
        Names of the services, sorted, each once; None: not known, the names are then not judged.
    ranks
        Given where the table may hold row numbers instead of names: Int32, the row in `names` of each row
        of the services as they were given.
    """
    table = cast_table(raw, INTERFERENCE, skip=_ENDS)
    problems = list(table.problems)
    codes: dict[str, pl.Series] = {}
    for end in _ENDS:
        if end in raw.frame.columns:
            cells = raw.frame[end]
            column = INTERFERENCE[end]
            if ranks is not None and cells.dtype.is_integer():
                codes[end], found = _from_numbers(cells, ranks, column, raw.file)
            else:
                codes[end], found = _from_names(cells, names, column, raw)
            problems += found
    empty = pl.DataFrame(schema=INTERFERENCE_SCHEMA)
    if problems or names is None:
        return empty, problems
    rules = pl.DataFrame({**codes, "max_instances": table.frame["max_instances"].cast(pl.Int32)})
    nowhere = (rules["service"] == rules["other"]) & (rules["max_instances"] == 0)
    if nowhere.any():
        message = "0 for a service and itself, which could then stand nowhere"
        allowed = "from 1: at most one instance on a host"
        return empty, [cell_problem(raw.file, "max_instances", nowhere, None, message, allowed)]
    key = rules["service"].to_numpy().astype(np.int64) * (len(names) + 1) + rules["other"].to_numpy()
    step = np.diff(key)
    if (step < 0).any():
        del step
        keyed = rules.with_columns(pl.Series("key", key)).sort("key")
        rules, key = keyed.drop("key"), keyed["key"].to_numpy()
        step = np.diff(key)
    if (step == 0).any():
        return empty, duplicate_rows(raw.file, raw.frame, _ENDS, "the same service and other")
    return rules, []


def _from_numbers(cells: pl.Series, ranks: pl.Series, column: Column, file: str) -> tuple[pl.Series, list[Problem]]:
    num_services = len(ranks)
    bad = ((cells < 0) | (cells >= num_services)).fill_null(True)
    if bad.any():
        allowed = f"row numbers of the services, 0 to {num_services - 1:,}"
        return ranks.clear(), [cell_problem(file, column.name, bad, cells, "no such row", allowed)]
    return ranks.gather(cells), []


def _from_names(
    cells: pl.Series, names: pl.Series | None, column: Column, raw: RawTable
) -> tuple[pl.Series, list[Problem]]:
    file = raw.file
    nothing = pl.Series(column.name, [], dtype=pl.Int32)
    is_text = isinstance(cells.dtype, pl.String | pl.Categorical | pl.Enum)
    odd = raw.not_text.get(column.name)
    if not is_text and not isinstance(cells.dtype, pl.Null):
        odd = cells.is_not_null()
    if odd is not None and odd.any():
        found = "" if is_text else f" (the column's type is {cells.dtype})"
        return nothing, [cell_problem(file, column.name, odd, cells, f"not text{found}", column.allowed())]
    if not isinstance(cells.dtype, pl.String):
        cells = cells.cast(pl.String)
    if names is None:
        return nothing, []
    known = pl.Enum(names)
    codes = cells.cast(known, strict=False)
    if codes.null_count():
        # only now, because stripping tens of millions of cells for nothing takes seconds
        cells = cells.str.strip_chars(" ")
        codes = cells.cast(known, strict=False)
    if codes.null_count():
        blank = cells.is_null() | (cells == "").fill_null(False)
        unknown = codes.is_null() & ~blank
        problems = []
        if blank.any():
            problems.append(cell_problem(file, column.name, blank, None, "blank", "the name of a service"))
        if unknown.any():
            problems += unknown_names(file, column.name, unknown, cells, "no such service", names.to_list())
        return nothing, problems
    return codes.to_physical().cast(pl.Int32), []


def resolve_current(
    raw: RawTable, services: pl.DataFrame, faulty: frozenset[str], hosts: pl.Series | None
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return where instances run, with the schema of `Fleet.current`, and what is wrong with that.

    Parameters
    ----------
    raw
        The table as it was found.
    services
        The services, any order.
    faulty
        Columns of the services that have problems.
    hosts
        Names of the hosts; None: not known, they are then not judged.
    """
    table = cast_table(raw, CURRENT)
    problems = list(table.problems)
    frame = table.frame
    if "service" not in faulty and "service" not in table.faulty:
        unknown = frame["service"].is_not_null() & ~frame["service"].is_in(services["service"].implode())
        if unknown.any():
            known = services["service"].sort().to_list()
            problems += unknown_names(raw.file, "service", unknown, frame["service"], "no such service", known)
    if hosts is not None and "host" not in table.faulty:
        unknown = frame["host"].is_not_null() & ~frame["host"].is_in(hosts.implode())
        if unknown.any():
            known = hosts.sort().to_list()
            problems += unknown_names(raw.file, "host", unknown, frame["host"], "no such host", known)
    if faulty.isdisjoint(("service", "instances")):
        problems += _beyond(frame, services, raw.file)
    return frame.select(list(CURRENT_SCHEMA)).sort("service", "instance"), problems


def _beyond(frame: pl.DataFrame, services: pl.DataFrame, file: str) -> list[Problem]:
    counts = frame.join(services.select("service", "instances"), on="service", how="left", maintain_order="left")
    beyond = (frame["instance"] > counts["instances"]).fill_null(False)
    if not beyond.any():
        return []
    first = counts.filter(beyond).row(0, named=True)
    message = f"beyond the service's instances ({cell_text(first['service'])} has {first['instances']})"
    return [
        cell_problem(file, "instance", beyond, frame["instance"], message, "1 to the service's number of instances")
    ]


def cast_current_alone(raw: RawTable) -> CastTable:
    """Judge the cells of `current` by themselves, where services cannot be read."""
    return cast_table(raw, CURRENT)
