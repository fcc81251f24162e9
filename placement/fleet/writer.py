"""Fleets written in the input format."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
import yaml

from placement.errors import InputError, Problem
from placement.fleet.documents import FLEET_FILE
from placement.fleet.frames import FleetFrames, fleet_to_frames
from placement.fleet.types import Fleet

TableFormat = Literal["csv", "parquet", "jsonl"]

_ROW_GROUP = 1 << 22
"""Rows of a row group in Parquet: each has a dictionary of names of its own."""

TOPOLOGY_FILE = "topology.yaml"


def write_fleet(fleet: Fleet | FleetFrames, folder: str | Path, table_format: TableFormat = "csv") -> Path:
    """Write a fleet in the input format.

    Every file is written whole or not at all, and fleet.yaml last, so that an interrupted run leaves no
    fleet that names tables which are not there. Other files in the folder are left alone.

    Parameters
    ----------
    fleet
        A fleet, or its input tables.
    folder
        Where to; made if it is not there.
    table_format
        ``csv``, ``parquet`` or ``jsonl``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the fleet cannot be written down (see `fleet_to_frames`) or the folder cannot be written to.
    """
    if table_format not in get_args(TableFormat):
        allowed = ", ".join(get_args(TableFormat))
        raise InputError(Problem("fleet", "no such format of tables", value=str(table_format), allowed=allowed))
    frames = fleet_to_frames(fleet) if isinstance(fleet, Fleet) else fleet
    folder = Path(folder)
    document = dict(frames.document)
    tables = {
        "services": frames.services,
        "interference": frames.named_interference(),
        "hosts": frames.hosts,
        "current": frames.current,
        "calls": frames.named_calls(),
        "sizes": frames.sizes,
        "prices": frames.prices,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for key, table in tables.items():
            if table is not None:
                document[key] = f"{key}.{table_format}"
                _replace(folder / document[key], _writer(table, table_format))
        if frames.topology is not None:
            document["topology"] = TOPOLOGY_FILE
            _replace(folder / TOPOLOGY_FILE, _yaml_writer(frames.topology))
        _replace(folder / FLEET_FILE, _yaml_writer(_ordered(document)))
    except OSError as error:
        problem = Problem(str(folder), f"cannot be written: {error.strerror or error}")
        raise InputError(problem) from error
    return folder


def write_generated(generated: FleetFrames, folder: str | Path, table_format: TableFormat = "csv") -> Path:
    """Write a generated fleet; as `write_fleet`."""
    return write_fleet(generated, folder, table_format)


def _ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return fleet.yaml's keys in the order of the documentation."""
    order = (
        "format",
        "name",
        "model",
        "override",
        "services",
        "interference",
        "hosts",
        "current",
        "calls",
        "topology",
        "sizes",
        "prices",
        "currency",
        "policy",
    )
    return {key: document[key] for key in order if document.get(key) is not None}


def _writer(table: pl.DataFrame, table_format: TableFormat) -> Callable[[Path], object]:
    if table_format == "csv":
        return table.write_csv
    if table_format == "parquet":
        return lambda path: table.write_parquet(path, row_group_size=_ROW_GROUP)
    return table.write_ndjson


def _yaml_writer(document: Mapping[str, Any]) -> Callable[[Path], object]:
    text = yaml.safe_dump(_plain(document), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100)
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside `path` and move it there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
