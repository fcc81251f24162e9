"""Tables that refer to services: interference rules and calls by row number, and where instances run today.

Interference tables reach tens of millions of rows: names become row numbers in one vectorised step (where the
table has a dictionary of names, as Parquet does, only its entries are looked up), rules are sorted as numbers, and
nothing here touches a row in Python.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.errors import Problem
from placement.fleet.casting import CastTable, cast_table
from placement.fleet.columns import CALLS, CURRENT, INTERFERENCE, Column
from placement.fleet.faults import cell_problem, cell_text, duplicate_rows, unknown_names
from placement.fleet.tables import RawTable
from placement.fleet.types import CALLS_SCHEMA, CURRENT_SCHEMA, INTERFERENCE_SCHEMA
from placement.units import IntArray

Int32Array = npt.NDArray[np.int32]

_ENDS = ("service", "other")
_CALL_ENDS = ("from", "to")
_NONE: Int32Array = np.zeros(0, np.int32)
_KEY_BITS = 63
_CHUNK = 1 << 22
"""Rules compared at a time, so that temporary arrays stay small."""


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
    codes: dict[str, Int32Array] = {}
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
    service, other = codes["service"], codes["other"]
    most = table.frame["max_instances"].cast(pl.Int32).to_numpy()
    nowhere = (service == other) & (most == 0)
    if nowhere.any():
        message = "0 for a service and itself, which could then stand nowhere"
        allowed = "from 1: at most one instance on a host"
        bad = pl.Series(nowhere)
        return empty, [cell_problem(raw.file, "max_instances", bad, None, message, allowed)]
    ordered = sort_rules(service, other, most)
    if ordered is None:
        return empty, duplicate_rows(raw.file, raw.frame, _ENDS, "the same service and other")
    return pl.DataFrame(dict(zip(INTERFERENCE_SCHEMA, ordered, strict=True))), []


def sort_rules(
    service: Int32Array, other: Int32Array, most: Int32Array
) -> tuple[Int32Array, Int32Array, Int32Array] | None:
    """Sort rules by service and other; None where two rules are for the same two.

    Parameters
    ----------
    service, other, most
        int32[num_rules] ≥ 0.
    """
    if not len(service):
        return service, other, most
    # a rule is one number if its bits allow, as they nearly always do: sorting numbers alone is several times
    # faster than sorting rows, and needs no order to gather by
    other_bits, most_bits = (int(column.max()).bit_length() for column in (other, most))
    if int(service.max()).bit_length() + other_bits + most_bits > _KEY_BITS:
        most_bits = 0
    packed = service.astype(np.int64)
    packed <<= other_bits
    packed |= other
    packed <<= most_bits
    if most_bits:
        packed |= most
    if (packed[1:] > packed[:-1]).all():
        return (service, other, most) if _differ(packed, most_bits) else None
    if most_bits or not most.any():
        packed.sort()
        most = _last_bits(packed, most_bits)
    else:
        order = np.argsort(packed, kind="stable")
        packed, most = packed[order], most[order]
    if not _differ(packed, most_bits):
        return None
    packed >>= most_bits
    other = _last_bits(packed, other_bits)
    packed >>= other_bits
    return packed.astype(np.int32), other, most


def _last_bits(packed: IntArray, bits: int) -> Int32Array:
    """Return so many last bits of each number, at most 31, without another array as wide."""
    last = np.empty(len(packed), np.int32)
    return np.bitwise_and(packed, (1 << bits) - 1, out=last, casting="unsafe")


def _differ(packed: IntArray, bits: int) -> bool:
    """Whether no two of these sorted numbers are equal but for their last bits."""
    return all(
        ((packed[at + 1 : at + _CHUNK + 1] >> bits) > (packed[at : min(at + _CHUNK, len(packed) - 1)] >> bits)).all()
        for at in range(0, len(packed), _CHUNK)
    )


def _from_numbers(cells: pl.Series, ranks: pl.Series, column: Column, file: str) -> tuple[Int32Array, list[Problem]]:
    num_services = len(ranks)
    bad = ((cells < 0) | (cells >= num_services)).fill_null(True)
    if bad.any():
        allowed = f"row numbers of the services, 0 to {num_services - 1:,}"
        return _NONE, [cell_problem(file, column.name, bad, cells, "no such row", allowed)]
    return ranks.to_numpy()[cells.to_numpy()], []


def _from_names(
    cells: pl.Series, names: pl.Series | None, column: Column, raw: RawTable
) -> tuple[Int32Array, list[Problem]]:
    file = raw.file
    is_text = isinstance(cells.dtype, pl.String | pl.Categorical | pl.Enum)
    odd = raw.not_text.get(column.name)
    if not is_text and not isinstance(cells.dtype, pl.Null):
        odd = cells.is_not_null()
    if odd is not None and odd.any():
        found = "" if is_text else f" (the column's type is {cells.dtype})"
        return _NONE, [cell_problem(file, column.name, odd, cells, f"not text{found}", column.allowed())]
    if names is None:
        return _NONE, []
    codes = _codes(cells, names)
    if len(codes) and codes.min() < 0:
        text = cells.cast(pl.String).str.strip_chars(" ")
        blank = text.is_null() | (text == "").fill_null(False)
        unknown = pl.Series(codes < 0) & ~blank
        problems = []
        if blank.any():
            problems.append(cell_problem(file, column.name, blank, None, "blank", "the name of a service"))
        if unknown.any():
            problems += unknown_names(file, column.name, unknown, text, "no such service", names.to_list())
        return _NONE, problems
    return codes, []


def _codes(cells: pl.Series, names: pl.Series) -> Int32Array:
    """Return int32[num_cells]: the row of each name, -1 where the cell is blank or no name."""
    if isinstance(cells.dtype, pl.Categorical | pl.Enum):
        # only the different names are looked up; the cells hold their numbers already
        distinct = cells.unique().drop_nulls()
        numbers = distinct.to_physical().cast(pl.Int64).to_numpy()
        row_of = np.full(int(numbers.max(initial=-1)) + 1, -1, np.int32)
        row_of[numbers] = _codes(distinct.cast(pl.String), names)
        rows = pl.Series(row_of, dtype=pl.Int32).gather(cells.to_physical())
    else:
        known = pl.Enum(names)
        codes = cells.cast(known, strict=False)
        if codes.null_count():
            # only now, because stripping tens of millions of cells for nothing takes seconds
            codes = cells.cast(pl.String).str.strip_chars(" ").cast(known, strict=False)
        rows = codes.to_physical().cast(pl.Int32)
    return (rows.fill_null(-1) if rows.null_count() else rows).to_numpy()


def resolve_calls(
    raw: RawTable, names: pl.Series | None, ranks: pl.Series | None = None
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return the calls with the schema of `Fleet.calls`, and what is wrong with them; parameters as `resolve_rules`."""
    table = cast_table(raw, CALLS, skip=_CALL_ENDS)
    problems = list(table.problems)
    codes: dict[str, Int32Array] = {}
    for end in _CALL_ENDS:
        if end in raw.frame.columns:
            cells = raw.frame[end]
            if ranks is not None and cells.dtype.is_integer():
                codes[end], found = _from_numbers(cells, ranks, CALLS[end], raw.file)
            else:
                codes[end], found = _from_names(cells, names, CALLS[end], raw)
            problems += found
    if problems or names is None:
        return pl.DataFrame(schema=CALLS_SCHEMA), problems
    calls = pl.DataFrame({**codes, "kbps": table.frame["kbps"]}).select(
        pl.col(name).cast(kind) for name, kind in CALLS_SCHEMA.items()
    )
    if calls.select(_CALL_ENDS).is_duplicated().any():
        return calls.clear(), duplicate_rows(raw.file, raw.frame, _CALL_ENDS, "the same from and to")
    return calls.sort(_CALL_ENDS), []


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
        # what other pools run is known only once the data tier is planned
        judged = frame["service"].is_not_null() & (frame["pool"] == "services").fill_null(False)
        unknown = judged & ~frame["service"].is_in(services["service"].implode())
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
    return frame.select(list(CURRENT_SCHEMA)).sort("pool", "service", "instance"), problems


def _beyond(frame: pl.DataFrame, services: pl.DataFrame, file: str) -> list[Problem]:
    counts = frame.join(services.select("service", "instances"), on="service", how="left", maintain_order="left")
    beyond = ((frame["instance"] > counts["instances"]) & (frame["pool"] == "services")).fill_null(False)
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
