"""Reading a plan folder: every problem of every file at once, and never a traceback."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from placement.errors import InputError, Problem, nearest_name
from placement.plan.folders import recover
from placement.plan.tables import (
    BOUNDS_FILE,
    SUMMARY_FILE,
    TABLE_FORMATS,
    TABLES,
    Table,
)
from placement.plan.types import BOUNDS_FORMAT, PLAN_FORMAT, Bounds, Plan, PlanSummary
from placement.units import LARGEST, RESOURCES

_ROWS_SHOWN = 5
_VALUE_LENGTH = 60
_JSON_PROBLEMS_SHOWN = 20
_LARGEST_PRICE = LARGEST / 10**6
_FACTORS = {f"{resource.column}_{end}": resource.factor for resource in RESOURCES for end in ("used", "limit")}

_Model = TypeVar("_Model", bound=BaseModel)


def read_plan(folder: Path) -> Plan:
    """Read a plan folder.

    Parameters
    ----------
    folder
        The folder; tables may be CSV or Parquet.

    Raises
    ------
    InputError
        With every problem found: missing files, unknown columns, cells that are no number, and so on.
    """
    folder = Path(folder)
    problems: list[Problem] = []
    try:
        if not folder.is_dir():
            recover(folder.resolve())
        if not folder.is_dir():
            message = "is a file; a plan is a folder" if folder.exists() else "there is no such folder"
            raise InputError(Problem(str(folder), message))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(Problem(str(folder), f"cannot be read: {error}")) from error
    summary = _read_json(folder, SUMMARY_FILE, PLAN_FORMAT, PlanSummary, problems)
    bounds = _read_json(folder, BOUNDS_FILE, BOUNDS_FORMAT, Bounds, problems)
    frames = {table.name: _read_table(folder, table, problems) for table in TABLES}
    if summary is None or bounds is None or problems:
        raise InputError(problems)
    return Plan(summary, bounds, **{name: frame for name, frame in frames.items() if frame is not None})


# --- JSON ------------------------------------------------------------------------------------------------


def _read_json(
    folder: Path, name: str, format_name: str, model: type[_Model], problems: list[Problem]
) -> _Model | None:
    content = _read_bytes(folder / name, name, problems)
    if content is None:
        return None
    try:
        data = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        problems.append(Problem(name, "is nested too deeply"))
        return None
    except ValueError as error:  # what is no JSON, no text, or no finite number
        problems.append(Problem(name, f"is no valid JSON: {error}"))
        return None
    if not isinstance(data, dict):
        problems.append(Problem(name, "must hold one JSON object", value=_short(data)))
        return None
    if data.get("format") != format_name:
        value = _short(data["format"]) if "format" in data else ""
        problems.append(Problem(name, "unknown or missing format", column="format", value=value, allowed=format_name))
        return None
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        problems.extend(_json_problems(name, error, model))
    except RecursionError:
        problems.append(Problem(name, "is nested too deeply"))
    return None


def _json_problems(name: str, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    details = error.errors(include_url=False, include_context=False)
    found = []
    for detail in details[:_JSON_PROBLEMS_SHOWN]:
        key = ".".join(str(part) for part in detail["loc"])
        is_extra = detail["type"] == "extra_forbidden"
        is_missing = detail["type"] == "missing"
        last = str(detail["loc"][-1]) if detail["loc"] else ""
        found.append(
            Problem(
                name,
                "unknown key" if is_extra else "key is missing" if is_missing else detail["msg"],
                column=key,
                value="" if is_missing else _short(detail["input"]),
                suggestion=nearest_name(last, _keys_of(model)) if is_extra else "",
            )
        )
    if len(details) > _JSON_PROBLEMS_SHOWN:
        found.append(Problem(name, f"has {len(details) - _JSON_PROBLEMS_SHOWN} further problems"))
    return found


def _keys_of(model: type[BaseModel]) -> set[str]:
    """Return all keys that a JSON file of this type can hold, at any depth."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number that a plan can hold")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value


# --- tables ----------------------------------------------------------------------------------------------


def _read_table(folder: Path, table: Table, problems: list[Problem]) -> pl.DataFrame | None:
    """Read and check one table; rows keep the order of the file."""
    present = [ending for ending in TABLE_FORMATS if (folder / f"{table.name}.{ending}").exists()]
    if not present and table.optional:
        return pl.DataFrame(schema=table.schema)
    if len(present) > 1:
        both = " and ".join(f"{table.name}.{ending}" for ending in present)
        problems.append(Problem(both, "only one of them may be there"))
        return None
    name = f"{table.name}.{present[0] if present else 'csv'}"
    content = _read_bytes(folder / name, name, problems)
    if content is None:
        return None
    raw = _parse_parquet(content, name, problems) if name.endswith(".parquet") else _parse_csv(content, name, problems)
    if raw is None or not _columns_agree(raw.columns, table, name, problems):
        return None
    before = len(problems)
    frame = pl.DataFrame(
        [_read_column(raw[column], kind, table, name, problems) for column, kind in table.schema.items()]
    )
    if len(problems) > before:
        return None
    repeated = frame.select(table.key).is_duplicated()
    if table.is_unique and repeated.any():
        rows = (repeated.arg_true() + 1).to_list()
        (column,) = table.key
        problems.append(_row_problem(name, rows, column, "is listed more than once", frame[column][rows[0] - 1]))
        return None
    return frame


def _parse_csv(content: bytes, name: str, problems: list[Problem]) -> pl.DataFrame | None:
    """Return the table with every cell as text, null where it is blank."""
    try:
        text_start = content[:65536].decode("utf-8", errors="ignore")
        header = next(csv.reader(io.StringIO(text_start)), [])
        repeated = sorted({column for column in header if header.count(column) > 1})
        if repeated:
            problems.append(Problem(name, "column is there twice", column=repeated[0]))
            return None
        return pl.read_csv(content, infer_schema=False, low_memory=True)
    except (pl.exceptions.PolarsError, csv.Error, ValueError) as error:
        problems.append(Problem(name, f"is no valid CSV table: {_first_line(error)}"))
        return None


def _parse_parquet(content: bytes, name: str, problems: list[Problem]) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(io.BytesIO(content), use_statistics=False)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        problems.append(Problem(name, f"is no valid Parquet table: {_first_line(error)}"))
    except BaseException as error:  # a damaged file can panic the reader, which is no Exception
        if type(error).__name__ != "PanicException":
            raise
        problems.append(Problem(name, "is no valid Parquet table"))
    return None


def _columns_agree(columns: list[str], table: Table, name: str, problems: list[Problem]) -> bool:
    missing = [column for column in table.schema if column not in columns]
    unknown = [column for column in columns if column not in table.schema]
    problems.extend(
        Problem(name, "unknown column", column=_short(column), suggestion=nearest_name(column, missing))
        for column in unknown
    )
    problems.extend(Problem(name, "column is missing", column=column) for column in missing)
    return not missing and not unknown


def _read_column(raw: pl.Series, kind: pl.DataType, table: Table, name: str, problems: list[Problem]) -> pl.Series:
    """Return one column in its type; what cannot be read is reported and null."""
    column = raw.name
    if kind == pl.String():
        if raw.dtype != pl.String():
            problems.append(Problem(name, f"must be text, not {raw.dtype}", column=column))
            return pl.Series(column, [None] * len(raw), dtype=kind)
        if column in table.blank:
            return raw.fill_null("")
        _report_rows(raw, raw.is_null() | (raw == ""), name, "is blank", "", problems)
        return raw
    if kind == pl.Boolean():
        allowed = "true or false"
        if raw.dtype == pl.String():
            values = raw.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        else:
            values = raw if raw.dtype == pl.Boolean() else pl.Series(column, [None] * len(raw), dtype=kind)
    else:
        values, allowed = _numbers(raw, kind)
    _report_rows(raw, values.is_null(), name, "is blank or not of its type", allowed, problems)
    return values


def _numbers(raw: pl.Series, kind: pl.DataType) -> tuple[pl.Series, str]:
    """Return a column of numbers, null where a cell is none or out of range, and what is allowed."""
    column = raw.name
    is_whole = kind == pl.Int64()
    low = 1 if column == "instance" else 0
    high: float = _LARGEST_PRICE if column == "price_per_hour" else 10**18 / _FACTORS.get(column, 1)
    allowed = f"a {'whole ' if is_whole else ''}number from {low} to {high:.0f}"
    if raw.dtype.is_numeric() or raw.dtype == pl.String():
        values = raw.cast(kind, strict=False) if not (is_whole and raw.dtype.is_float()) else None
    else:
        values = None
    if values is None:
        return pl.Series(column, [None] * len(raw), dtype=kind), allowed
    usable = values.is_between(low, high).fill_null(False)
    if not is_whole:
        usable &= values.is_finite().fill_null(False)
    return values.zip_with(usable, pl.Series(column, [None], dtype=kind)) if not usable.all() else values, allowed


def _report_rows(
    raw: pl.Series, is_bad: pl.Series, name: str, message: str, allowed: str, problems: list[Problem]
) -> None:
    rows = (is_bad.arg_true() + 1).to_list()
    if rows:
        value = raw[rows[0] - 1]
        shown = "" if value is None else _short(value)
        problems.append(_row_problem(name, rows, raw.name, message, shown, allowed))


def _row_problem(name: str, rows: list[int], column: str, message: str, value: str, allowed: str = "") -> Problem:
    return Problem(
        name,
        message,
        rows=tuple(rows[:_ROWS_SHOWN]),
        num_rows=len(rows),
        column=column,
        value=value,
        allowed=allowed,
    )


# --- both ------------------------------------------------------------------------------------------------


def _read_bytes(path: Path, name: str, problems: list[Problem]) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problems.append(Problem(name, "the file is missing"))
    except OSError as error:
        problems.append(Problem(name, f"cannot be read: {error.strerror or error}"))
    return None


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
