"""Tables as they come: CSV, Parquet, JSON lines or Python columns, made into frames of cells not yet judged.

What is wrong with the shape of a table is raised from here with exact rows; what is wrong with its cells is
the business of `casting`. No exception of Polars leaves this file.
"""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from placement.errors import InputError, Problem
from placement.fleet.csv_table import check_text, parse_csv
from placement.fleet.faults import SHOWN_ROWS, cell_problem, cell_text, file_label, shorten

_Result = TypeVar("_Result")

TABLE_ENDINGS = (".csv", ".parquet", ".jsonl")

MAX_TEXT_BYTES = 4 * 2**30
"""Largest CSV or JSONL file read; beyond it a table belongs into Parquet."""

MAX_ROWS = 200_000_000
"""Most rows of a table."""

Columns = pl.DataFrame | Mapping[str, Any]
"""A table given from Python: a frame, or columns by name."""


@dataclass(frozen=True)
class RawTable:
    """A table as it was found.

    Parameters
    ----------
    file
        Its name, for messages.
    frame
        Its cells: text, or the types of the file.
    not_text
        For columns that mix types: per column a Boolean series, true where the cell was no text.
    """

    file: str
    frame: pl.DataFrame
    not_text: Mapping[str, pl.Series] = field(default_factory=dict)


def read_table(path: Path, file: str) -> RawTable:
    """Read a table, told by its ending.

    Parameters
    ----------
    path
        Where it is.
    file
        Its name as the user gave it, for messages.

    Raises
    ------
    InputError
        If it cannot be read as a table.
    """
    ending = path.suffix.lower()
    if ending not in TABLE_ENDINGS:
        raise InputError(
            Problem(
                file,
                "not a table's file name",
                value=file_label(path.name),
                allowed=f"names ending in {', '.join(TABLE_ENDINGS)}",
            )
        )
    check_file(path, file, "a table", None if ending == ".parquet" else MAX_TEXT_BYTES)
    if ending == ".parquet":
        return RawTable(file, _shielded(lambda: _scan_parquet(path, file), file, "not a Parquet file"))
    data = read_bytes(path, file)
    if ending == ".jsonl":
        return _shielded(lambda: _parse_jsonl(data, file), file, "not JSON lines")
    return RawTable(file, _shielded(lambda: parse_csv(data, file), file, "not CSV"))


def check_file(path: Path, file: str, noun: str, max_bytes: int | None = None) -> None:
    """Raise unless `path` is a regular file (or a link to one) of at most `max_bytes`."""
    try:
        if path.is_dir():
            raise InputError(Problem(file, f"is a folder where {noun} is needed"))
        if not path.exists():
            raise InputError(Problem(file, "there is no such file"))
        if not path.is_file():
            raise InputError(Problem(file, "is no regular file"))
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(Problem(file, f"cannot be read: {_words(error)}")) from error
    if max_bytes is not None and size > max_bytes:
        raise InputError(
            Problem(file, "the file is too large", value=f"{size:,} bytes", allowed=f"at most {max_bytes:,} bytes")
        )


def read_bytes(path: Path, file: str) -> bytes:
    """Return a file's content; an operating system error becomes an `InputError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(Problem(file, f"cannot be read: {_words(error)}")) from error


def columns_table(columns: Columns, file: str) -> RawTable:
    """Take a table given from Python: a frame, or lists (or arrays) of equal length by column name.

    Raises
    ------
    InputError
        If it is neither, or its columns differ in length.
    """
    if isinstance(columns, pl.DataFrame):
        return RawTable(file, columns)
    if not isinstance(columns, Mapping):
        raise InputError(
            Problem(
                file,
                "not a table",
                value=type(columns).__name__,
                allowed="a Polars frame, or columns by name",
            )
        )
    return _shielded(lambda: _from_columns(columns, file), file, "not columns of plain values")


def _from_columns(columns: Mapping[str, Any], file: str) -> RawTable:
    series: dict[str, pl.Series] = {}
    not_text: dict[str, pl.Series] = {}
    for name, values in columns.items():
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise InputError(
                Problem(
                    file,
                    "not a column",
                    column=str(name),
                    value=shorten(str(values)),
                    allowed="a list or an array",
                )
            )
        if isinstance(values, pl.Series):
            series[name] = values
        elif hasattr(values, "dtype"):
            series[name] = pl.Series(name, values)
        else:
            series[name], odd = _series(name, values, file)
            if odd is not None:
                not_text[name] = odd
    if len({len(column) for column in series.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column):,}" for name, column in series.items())
        raise InputError(Problem(file, "columns differ in length", value=shorten(lengths), allowed="equal lengths"))
    return RawTable(file, pl.DataFrame(series), not_text)


def _shielded(read: Callable[[], _Result], file: str, message: str) -> _Result:
    """Run `read`; whatever goes wrong inside becomes an `InputError`."""
    try:
        return read()
    except (InputError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except MemoryError as error:
        raise InputError(Problem(file, "too large for this machine's memory")) from error
    except BaseException as error:
        # a panic inside Polars derives from BaseException; on damaged files it is an ordinary answer
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise InputError(Problem(file, message, value=_words(error))) from error


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).strip()
    return shorten(text.splitlines()[0] if text else type(error).__name__)


# --- Parquet --------------------------------------------------------------------------------------


def _scan_parquet(path: Path, file: str) -> pl.DataFrame:
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise InputError(Problem(file, "the file is empty"))
    if magic != b"PAR1":
        raise InputError(Problem(file, "not a Parquet file", allowed="a file that begins with PAR1"))
    table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    num_rows = int(table.select(pl.len()).collect().item())
    if num_rows > MAX_ROWS:
        raise InputError(Problem(file, "too many rows", value=f"{num_rows:,}", allowed=f"at most {MAX_ROWS:,}"))
    return table.collect()


# --- JSON lines -----------------------------------------------------------------------------------


class _RepeatedKeyError(ValueError):
    pass


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return row


def _parse_jsonl(data: bytes, file: str) -> RawTable:
    text = check_text(data, file).decode().rstrip()
    with _no_collection():
        rows, bad = _decode_lines(text)
    if bad:
        raise InputError(_grouped_lines(bad, file))
    return _from_columns(_turned(rows), file)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector off: it would walk all rows again and again, and none is garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _decode_lines(text: str) -> tuple[list[dict[str, Any]], dict[tuple[str, str], list[int]]]:
    """Return the objects of all lines, and the rows that are none, by what is wrong and the line's text."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique_keys)
    rows: list[dict[str, Any]] = []
    bad: dict[tuple[str, str], list[int]] = {}
    # not splitlines(): it also splits at characters that may stand inside a JSON string
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        try:
            row = decoder.decode(line)
        except _RepeatedKeyError as error:
            bad.setdefault(("the object has a key twice", shorten(str(error))), []).append(number)
        except (ValueError, RecursionError):
            what = "the line is empty" if not line.strip() else "the line is not JSON"
            bad.setdefault((what, shorten(line.strip())), []).append(number)
        else:
            if isinstance(row, dict):
                rows.append(row)
            else:
                bad.setdefault(("the line is not a JSON object", cell_text(row)), []).append(number)
    return rows, bad


def _turned(rows: Sequence[dict[str, Any]]) -> dict[str, Sequence[Any]]:
    """Return the columns of rows, by name in the order of first appearance, missing cells as None."""
    first = tuple(rows[0])
    if all(tuple(row) == first for row in rows):
        return dict(zip(first, zip(*(row.values() for row in rows), strict=True), strict=True))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _grouped_lines(bad: Mapping[tuple[str, str], Sequence[int]], file: str) -> list[Problem]:
    by_message: dict[str, list[tuple[int, str]]] = {}
    for (message, value), rows in bad.items():
        by_message.setdefault(message, []).extend((row, value) for row in rows)
    problems = []
    for message, found in by_message.items():
        found.sort()
        rows = tuple(row for row, _ in found[:SHOWN_ROWS])
        allowed = 'one object per line, e.g. {"service": "billing"}'
        problems.append(Problem(file, message, rows=rows, num_rows=len(found), value=found[0][1], allowed=allowed))
    return problems


def _series(name: str, values: Sequence[Any], file: str) -> tuple[pl.Series, pl.Series | None]:
    """Return plain Python values as a series and, for mixed types (then all as text), which were no text."""
    types = set(map(type, values)) - {type(None)}
    if not types <= {str, bool, int, float}:
        values = [_plain(value) for value in values]
        types = set(map(type, values)) - {type(None)}
        nested = pl.Series(
            [not isinstance(value, str | bool | int | float | None) for value in values], dtype=pl.Boolean
        )
        if nested.any():
            shown = pl.Series([cell_text(value) for value in values], dtype=pl.String)
            raise InputError(
                cell_problem(file, name, nested, shown, "not a plain value", "text, a number, true or false")
            )
    if types <= {str}:
        return _text_series(name, values, file), None
    if types == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean), None
    if types == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return pl.Series(name, values, dtype=pl.Int64), None
    if types == {float}:
        return pl.Series(name, values, dtype=pl.Float64), None
    odd = pl.Series([not isinstance(value, str | None) for value in values], dtype=pl.Boolean)
    texts = [None if value is None else _number_text(value) for value in values]
    return _text_series(name, texts, file), None if str not in types else odd


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # integers of thousands of digits have no text, and are too large in any case
    return "1e999" if isinstance(value, int) and abs(value) > 10**300 else str(value)


def _text_series(name: str, values: Sequence[str | None], file: str) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=pl.String)
    except UnicodeEncodeError:
        bad = pl.Series([value is not None and not _encodes(value) for value in values], dtype=pl.Boolean)
        raise InputError(
            cell_problem(file, name, bad, None, "half of a surrogate pair, which is no character", "Unicode text")
        ) from None


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
