"""CSV as text cells, with exact rows for what is wrong with the file's shape.

Files without a quote character, which is nearly all of them, are parsed by Polars after one pass that
counts the fields of every line (Polars itself fills short rows silently). Files with quotes go through the
standard library's strict parser, about four times slower, which tells a missing cell from an empty one.
"""

from __future__ import annotations

import csv
import io
from collections import Counter

import polars as pl

from placement.errors import InputError, Problem
from placement.fleet.faults import cell_problem, shorten

_NO_BYTE = "\x00"
"""Never in a text file: a separator that splits nothing."""


def parse_csv(data: bytes, file: str) -> pl.DataFrame:
    """Return the cells of a CSV file as text, blank ones null.

    Parameters
    ----------
    data
        UTF-8 with or without byte order mark; lines end with LF, CRLF or CR; cells separated by commas.
    file
        Name for messages.

    Raises
    ------
    InputError
        If it is no text, no UTF-8, has no header, a column without a name or twice, or rows that are longer
        or shorter than the header.
    """
    data = _text_bytes(data, file)
    if b'"' in data:
        return _parse_quoted(data.decode(), file)
    header, _, body = data.partition(b"\n")
    names = _column_names(header.decode().removesuffix("\r").split(","), file)
    if not body:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    _check_lines(body, len(names), file)
    return pl.read_csv(body, has_header=False, schema=dict.fromkeys(names, pl.String), quote_char=None)


def check_text(data: bytes, file: str) -> bytes:
    """Return the bytes without byte order mark, known to be UTF-8 text.

    Raises
    ------
    InputError
        If they are empty, or not UTF-8 text.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(Problem(file, "the file is empty"))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Problem(file, "the file is UTF-16", allowed="UTF-8"))
    if b"\x00" in data:
        raise InputError(Problem(file, "the file is binary, not text", allowed="UTF-8 text"))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"0x{data[error.start]:02x}"
        message = f"the file is not UTF-8: byte {error.start + 1:,}, in line {line:,}"
        raise InputError(Problem(file, message, value=wrong, allowed="UTF-8 text")) from error
    return data


def _text_bytes(data: bytes, file: str) -> bytes:
    data = check_text(data, file)
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    return data.strip(b"\r\n")


def _column_names(cells: list[str], file: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    problems = []
    if len(names) == 1:
        for separator, noun in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in names[0]:
                problems.append(Problem(file, f"columns are separated by {noun}", allowed="commas"))
    for position, name in enumerate(names, start=1):
        if not name:
            problems.append(Problem(file, f"column {position} has no name in the header"))
    for name, count in Counter(names).items():
        if name and count > 1:
            problems.append(
                Problem(file, f"the header names this column {count} times", column=shorten(name), allowed="once")
            )
    if problems:
        raise InputError(problems)
    return names


def _check_lines(body: bytes, num_columns: int, file: str) -> None:
    """Raise if a line has more or fewer fields than the header."""
    lines = pl.read_csv(
        body, has_header=False, schema={"line": pl.String}, separator=_NO_BYTE, quote_char=None
    ).to_series()
    num_fields = lines.str.count_matches(",", literal=True).fill_null(0) + 1
    if num_fields.min() == num_columns == num_fields.max():
        return
    is_empty = lines.is_null() | (lines == "").fill_null(False)
    _raise_ragged(num_fields, is_empty, num_columns, file)


def _raise_ragged(num_fields: pl.Series, is_empty: pl.Series, num_columns: int, file: str) -> None:
    problems = []
    allowed = f"{num_columns} fields, as in the header"
    ragged = (num_fields != num_columns) & ~is_empty
    if ragged.any():
        counts = num_fields.cast(pl.String) + " fields"
        problems.append(cell_problem(file, "", ragged, counts, "another number of fields than the header", allowed))
    if num_columns > 1 and is_empty.any():
        problems.append(cell_problem(file, "", is_empty, None, "the line is empty", allowed))
    if problems:
        raise InputError(problems)


def _parse_quoted(text: str, file: str) -> pl.DataFrame:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    try:
        names = _column_names(next(reader), file)
        rows.extend(reader)
    except csv.Error as error:
        message = f"not CSV: {error}, line {reader.line_num:,} of the file"
        raise InputError(
            Problem(
                file,
                message,
                rows=(len(rows) + 1,),
                num_rows=1,
                allowed="quotes around whole cells, doubled inside",
            )
        ) from error
    num_columns = len(names)
    if any(len(row) != num_columns for row in rows):
        lengths = pl.Series([len(row) for row in rows], dtype=pl.Int64)
        _raise_ragged(lengths, lengths == 0, num_columns, file)
    cells = zip(*rows, strict=False) if rows else ((),) * num_columns
    columns = {name: pl.Series(name, column, dtype=pl.String) for name, column in zip(names, cells, strict=True)}
    return pl.DataFrame(columns)
