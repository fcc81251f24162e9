"""A fleet as its input tables: what a writer writes, what the generator makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from placement.capacity import CapacityModel, load_model
from placement.capacity.sizes import HostSize
from placement.errors import InputError, Problem
from placement.fleet.columns import CALLS, HOSTS, MAX_LINUX_THREADS, SERVICES, SIZES, Table
from placement.fleet.documents import FLEET_FORMAT
from placement.fleet.places import standing_topology
from placement.fleet.reader import fleet_from_frames
from placement.fleet.topology_document import topology_content
from placement.fleet.types import Fleet
from placement.units import price_from_micros


@dataclass(frozen=True)
class FleetFrames:
    """A fleet as tables with the columns and units of the input format.

    Parameters
    ----------
    document
        fleet.yaml without the keys that name files.
    services, hosts, current, interference, calls, sizes, prices
        Tables; None: the fleet has none. `interference` and `calls` may hold row numbers of `services` instead of
        names.
    topology
        topology.yaml, if any.
    """

    document: Mapping[str, Any]
    services: pl.DataFrame
    hosts: pl.DataFrame | None = None
    current: pl.DataFrame | None = None
    interference: pl.DataFrame | None = None
    calls: pl.DataFrame | None = None
    sizes: pl.DataFrame | None = None
    prices: pl.DataFrame | None = None
    topology: Mapping[str, Any] | None = field(default=None)

    def build(self) -> Fleet:
        """Return the fleet, checked as from files.

        Raises
        ------
        InputError
            With every problem.
        """
        document = {key: value for key, value in self.document.items() if key != "format"}
        sizes = document.pop("sizes", None) if self.sizes is None else self.sizes
        prices = document.pop("prices", None) if self.prices is None else self.prices
        return fleet_from_frames(
            services=self.services,
            hosts=self.hosts,
            current=self.current,
            interference=self.interference,
            calls=self.calls,
            topology=self.topology,
            sizes=sizes,
            prices=prices,
            **document,
        )

    def named_interference(self) -> pl.DataFrame | None:
        """Return the interference rules with names for row numbers."""
        return self._named(self.interference, ("service", "other"))

    def named_calls(self) -> pl.DataFrame | None:
        """Return the calls with names for row numbers."""
        return self._named(self.calls, ("from", "to"))

    def _named(self, table: pl.DataFrame | None, ends: tuple[str, str]) -> pl.DataFrame | None:
        if table is None or not table[ends[0]].dtype.is_integer():
            return table
        names = self.services["service"]
        return table.with_columns(names.gather(table[end]).alias(end) for end in ends)


GeneratedFleet = FleetFrames
"""What `generate_fleet` returns."""


def fleet_to_frames(fleet: Fleet, model: str | None = None) -> FleetFrames:
    """Return a fleet as input tables: reading them back gives the same digest.

    Parameters
    ----------
    fleet
        The fleet.
    model
        What fleet.yaml is to call the capacity model: a bundled name, or a path. Default: the model's own
        name.

    Raises
    ------
    InputError
        If the model is not the one of that name, because it was changed by overrides, say: those are not
        kept in a fleet, so it cannot be written down.
    """
    name = model or fleet.model.name
    if load_model(name).digest != fleet.model.digest:
        message = "the fleet's capacity model is not the one of this name"
        raise InputError(Problem("fleet", message, column="model", value=name, allowed="a fleet without overrides"))
    document: dict[str, Any] = {"format": FLEET_FORMAT, "name": fleet.name, "model": name}
    sizes, prices = _stock_frames(fleet, document)
    document["policy"] = fleet.policy.model_dump(mode="json")
    rules = fleet.interference
    regions = {*fleet.services["region"].unique().to_list(), *fleet.hosts["region"].unique().to_list()}
    is_plain = fleet.topology == standing_topology(fleet.hosts, tuple(sorted(regions)))
    return FleetFrames(
        document=document,
        services=_outer(fleet.services, SERVICES),
        hosts=_outer(fleet.hosts, HOSTS) if fleet.hosts.height else None,
        current=fleet.current if fleet.current.height else None,
        interference=rules if rules.height else None,
        calls=_outer(fleet.calls, CALLS) if fleet.calls.height else None,
        sizes=sizes,
        prices=prices,
        topology=None if is_plain else topology_content(fleet.topology),
    )


def _outer(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return a table in the columns and units of the input."""
    columns = []
    for column in table.columns:
        values = pl.col(column.inside)
        columns.append((values / column.factor if column.factor > 1 else values).alias(column.name))
    return frame.select(columns)


def _stock_frames(fleet: Fleet, document: dict[str, Any]) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """Return the tables of sizes and prices, where the model's own do not do, and write the keys that do."""
    in_force = sorted({*fleet.buyable, *fleet.hosts["size"].unique().to_list()})
    for price_list in fleet.model.price_lists:
        known = _sizes_of(fleet.model, price_list)
        same_currency = fleet.model.currency(price_list) == fleet.currency
        if same_currency and all(known.get(size) == fleet.sizes[size] for size in in_force):
            document |= {"sizes": list(fleet.buyable), "prices": price_list}
            return None, None
    document["currency"] = fleet.currency
    prices = pl.DataFrame(
        {
            "size": in_force,
            "price_per_hour": [price_from_micros(fleet.sizes[size].price_micros_per_hour) for size in in_force],
        },
        schema={"size": pl.String, "price_per_hour": pl.Float64},
    )
    known = _sizes_of(fleet.model, fleet.model.default_price_list)
    own = [size for size in in_force if not _same_capacity(fleet.sizes[size], known.get(size))]
    if not own:
        document["sizes"] = list(fleet.buyable)
        return None, prices
    rows = [_size_row(fleet.sizes[size]) for size in sorted({*own, *fleet.buyable})]
    return pl.DataFrame(rows, schema={name: _SIZE_TYPES.get(name, pl.Float64()) for name in SIZES.names}), prices


_SIZE_TYPES: dict[str, pl.DataType] = {
    "size": pl.String(),
    "max_open_files": pl.Int64(),
    "max_threads": pl.Int64(),
    "stock": pl.Int64(),
}


def _sizes_of(model: CapacityModel, price_list: str) -> dict[str, HostSize]:
    try:
        return model.host_sizes(price_list)
    except InputError:
        return {}  # a list without a price for every size


def _same_capacity(size: HostSize, other: HostSize | None) -> bool:
    return other is not None and replace(size, price_micros_per_hour=other.price_micros_per_hour) == other


def _size_row(size: HostSize) -> dict[str, Any]:
    row: dict[str, Any] = {"size": size.name}
    for column in SIZES.columns[1:]:
        value = getattr(size, column.inside)
        row[column.name] = value / column.factor if column.factor > 1 else value
    # prices have a table of their own, which also covers sizes that cannot be bought
    row["price_per_hour"] = None
    if row["max_threads"] == MAX_LINUX_THREADS:
        row["max_threads"] = None
    return row
