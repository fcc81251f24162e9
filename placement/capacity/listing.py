"""Every figure of a model in one flat list, with its unit and the provenance in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from placement.capacity.figures import Figure, Provenance, Status, Table


@dataclass(frozen=True)
class Entry:
    """One figure of a model.

    Parameters
    ----------
    path
        Dotted path by which an overlay changes it, e.g. ``hosts.sizes.medium.cpu_cores``.
    low, typical, high
        The range; the three are equal where there is none.
    unit, status, source, owner, note
        Unit and provenance; `owner` is who must validate an estimate.
    """

    path: str
    low: int | float
    typical: int | float
    high: int | float
    unit: str
    status: Status
    source: str
    owner: str
    note: str

    @property
    def value(self) -> int | float:
        """The number to plan with where nothing else is said: `typical`."""
        return self.typical

    @property
    def is_range(self) -> bool:
        """Whether the figure is a range and not a single value."""
        return self.low != self.high

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON-ready data."""
        return asdict(self)


SHOW_COLUMNS = ("path", "value", "unit", "status", "owner", "source", "note")
"""Columns of `show_rows`."""


def show_row(entry: Entry) -> tuple[str, ...]:
    """Return one row of ``placement model show``, in the order of `SHOW_COLUMNS`."""
    value = _readable(entry.typical)
    if entry.is_range:
        value = f"{_readable(entry.low)} to {_readable(entry.high)} ({value})"
    return (entry.path, value, entry.unit, entry.status, entry.owner, entry.source, entry.note)


def list_entries(root: Table) -> tuple[Entry, ...]:
    """Return every figure below `root`, in the order of the files.

    Provenance goes from the outside in. A table's `provenance` beats whatever enclosing tables say; its
    `provenance_of` beats its `provenance` for the keys that it names, at any depth below it. A note is not
    taken over by who names another source.
    """
    return tuple(_walk_table(root, (), Provenance(), {}))


def unused_provenance(root: Table) -> Iterator[tuple[str, ...]]:
    """Yield the path of each `provenance_of` key that names nothing below its table."""
    for path, table in _tables(root, ()):
        keys = _keys_below(table)
        yield from ((*path, "provenance_of", key) for key in table.provenance_of if key not in keys)


def _walk_table(
    table: Table, path: tuple[str, ...], outer: Provenance, by_key: Mapping[str, Provenance]
) -> Iterator[Entry]:
    here = table.provenance.within(outer)
    keyed = {key: table.provenance.within(provenance) for key, provenance in by_key.items()}
    for key, provenance in table.provenance_of.items():
        keyed[key] = provenance.within(keyed.get(key, here))
    for key in type(table).model_fields:
        yield from _walk(table, getattr(table, key), (*path, key), keyed.get(key, here), keyed)


def _walk(
    table: Table, value: object, path: tuple[str, ...], outer: Provenance, by_key: Mapping[str, Provenance]
) -> Iterator[Entry]:
    if isinstance(value, Figure):
        final = value.within(outer)
        yield Entry(
            path=".".join(path),
            low=value.low,
            typical=value.typical,
            high=value.high,
            unit=table.unit_of(value),
            status=final.status or "estimate",
            source=final.source,
            owner=final.owner,
            note=final.note,
        )
    elif isinstance(value, Table):
        yield from _walk_table(value, path, outer, by_key)
    elif isinstance(value, dict):
        for name, row in value.items():
            yield from _walk(table, row, (*path, name), by_key.get(name, outer), by_key)


def _tables(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Table]]:
    if isinstance(value, Table):
        yield path, value
        for key in type(value).model_fields:
            yield from _tables(getattr(value, key), (*path, key))
    elif isinstance(value, dict):
        for name, row in value.items():
            yield from _tables(row, (*path, name))


def _keys_below(value: object) -> set[str]:
    keys: set[str] = set()
    if isinstance(value, BaseModel) and not isinstance(value, Provenance):
        for key in type(value).model_fields.keys() - {"provenance", "provenance_of"}:
            keys |= {key} | _keys_below(getattr(value, key))
    elif isinstance(value, dict):
        for name, row in value.items():
            keys |= {name} | _keys_below(row)
    return keys


def _readable(number: int | float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.10g}"
