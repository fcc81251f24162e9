"""What each service asks of a PostgreSQL server, and what a server may give: integers, from the model's figures.

With p connections of one instance's pool, i instances, S MB stored (not rounded), n PgBouncers:

    clients     = i·p
    connections = clients directly;  n·(⌈min(default_pool_size, clients) / n⌉ + ⌈reserve_pool_size / n⌉) through them
    storage     = ⌈S · growth_factor⌉
    cpu         = ⌈i · load.cpu_cores_per_instance⌉,  network = ⌈i · traffic.postgres⌉
    memory      = ⌈connections · load.memory_mb_per_connection + load.cached_share · S⌉
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.capacity import CapacityModel
from placement.capacity.datatier_tables import DatabaseTier, PoolTier
from placement.capacity.figures import End, Figure
from placement.datatier.node_price import node_demand
from placement.fleet.types import Fleet
from placement.units import BoolArray, IntArray, exact

CONNECTIONS, CLIENTS, STORAGE, CPU, MEMORY, NETWORK = range(6)
"""Columns of demands and limits."""
NUM_SERVER_RESOURCES = 6
SERVER_RESOURCES = ("connections", "clients", "storage", "cpu", "memory", "network")
SERVER_UNITS = (("connections", 1), ("clients", 1), ("GB", 1000), ("cores", 1000), ("MB", 1), ("Mbps", 1000))
"""Outer unit of each column, and how many inner ones make it."""
UNLIMITED = 1 << 60

_INT64 = 1 << 62


@dataclass(frozen=True)
class Figures:
    """What services ask for, whichever server they are on.

    Parameters
    ----------
    per_instance, clients
        int64[num_services]: connections of one instance's pool, and of all instances.
    storage_mb
        int64[num_services]: on each node, growth included.
    storage_class
        Names of the storage classes.
    cpu_millicores, network_kbps
        int64[num_services].
    stored
        Numerators of S, MB without growth, over `stored_unit`.
    """

    per_instance: IntArray
    clients: IntArray
    storage_mb: IntArray
    storage_class: pl.Series
    cpu_millicores: IntArray
    network_kbps: IntArray
    stored: npt.NDArray[Any]
    stored_unit: int

    def __len__(self) -> int:
        return len(self.clients)

    def of(self, which: IntArray) -> Figures:
        """Return the figures of some of the services, int64[num]."""
        return Figures(
            self.per_instance[which], self.clients[which], self.storage_mb[which], self.storage_class.gather(which),
            self.cpu_millicores[which], self.network_kbps[which], self.stored[which], self.stored_unit,
        )  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """What services ask of their server.

    Parameters
    ----------
    amount
        int64[num_services, `NUM_SERVER_RESOURCES`].
    pool_size, reserve_size
        int64[num_services]: of the pool that one PgBouncer keeps for a service; 0: connected directly.
    """

    amount: IntArray
    pool_size: IntArray
    reserve_size: IntArray

    def of(self, which: IntArray) -> Demand:
        """Return the demand of some of the services, int64[num]."""
        return Demand(self.amount[which], self.pool_size[which], self.reserve_size[which])


@dataclass(frozen=True)
class ServerTier:
    """A tier of servers.

    Parameters
    ----------
    limits
        What services may use together, int per server resource; clients are `UNLIMITED` (PgBouncers limit them).
    max_connections
        The server's own setting.
    node_demand
        int64[num_resources]: what a node needs of its host.
    """

    name: str
    limits: tuple[int, ...]
    max_connections: int
    node_demand: IntArray

    def holds(self, amount: IntArray) -> BoolArray:
        """bool[num]: whether the tier holds each demand (int64[num, `NUM_SERVER_RESOURCES`]) alone."""
        fits: BoolArray = np.asarray((amount <= np.array(self.limits, np.int64)).all(axis=1))
        return fits


def server_tiers(model: CapacityModel, tiers: Mapping[str, DatabaseTier], end: End) -> tuple[ServerTier, ...]:
    """Return tiers of a model, from the smallest to the largest."""
    shares = model.postgres.limits

    def limit(figure: Figure, share: Figure, factor: int) -> int:
        return int(exact(figure.at(end)) * exact(share.at(end)) * factor // 1)

    return tuple(
        ServerTier(
            name=name,
            limits=(
                limit(row.max_connections, shares.connections, 1),
                UNLIMITED,
                limit(row.storage_gb, shares.storage, 1000),
                limit(row.cpu_cores, shares.cpu, 1000),
                limit(row.memory_mb, shares.memory, 1),
                limit(row.network_mbps, shares.network, 1000),
            ),
            max_connections=int(exact(row.max_connections.at(end)) // 1),
            node_demand=node_demand(row, end),
        )
        for name, row in tiers.items()
    )


def num_pgbouncers(model: CapacityModel, end: End) -> int:
    """Return how many PgBouncers stand before a cluster that has them."""
    return max(1, -(-exact(model.postgres.pgbouncer.min_processes.at(end)) // 1))


def client_limit(model: CapacityModel, end: End) -> int:
    """Return how many clients the PgBouncers of a cluster may have together."""
    settings = model.postgres.pgbouncer
    of_one = exact(settings.max_client_conn.at(end)) * exact(settings.client_share.at(end)) // 1
    return num_pgbouncers(model, end) * int(of_one)


def has_pgbouncers(model: CapacityModel, num_services: int) -> bool:
    """Whether a fleet is large enough for PgBouncers."""
    return num_services >= model.postgres.pgbouncer.services_from.typical


def pool_row(model: CapacityModel, arrangement: str, num_services: int) -> PoolTier:
    """Return the row of connection pools for an arrangement at a scale: the one that covers it, or the nearest.

    Nearest is the one whose span is the fewest services away, of equals the one below. A model without a row for the
    arrangement has the row by scale for it.
    """

    def distance(row: PoolTier) -> tuple[float, float]:
        from_, below = row.services_from.typical, row.services_below
        if num_services < from_:
            return from_ - num_services, from_
        return (0 if below is None else max(0, num_services - below.typical + 1)), from_

    rows = list(model.postgres.pools.values())
    return min([row for row in rows if row.arrangement == arrangement] or rows, key=distance)


def figures_of(fleet: Fleet, rows: IntArray, arrangement: str) -> Figures:
    """Return the figures of services.

    Parameters
    ----------
    rows
        int64[num]: row numbers in the fleet's services.
    arrangement
        How they are arranged: connection pools depend on it.
    """
    model, end = fleet.model, fleet.policy.demand
    services = fleet.services[rows]
    instances = services["instances"].to_numpy()
    blank = pool_row(model, arrangement, len(fleet.services)).max_connections_per_instance.at(end)
    per_instance = services["db_connections"].fill_null(-(-exact(blank) // 1)).to_numpy()
    stored, unit = _stored(fleet, services)
    postgres = model.postgres
    growth = exact(postgres.storage_formula.growth_factor.at(end))
    traffic = exact(model.network.traffic["postgres"].bandwidth_mbps.at(end))
    return Figures(
        per_instance=per_instance,
        clients=instances * per_instance,
        storage_mb=_up(stored, growth / unit),
        storage_class=_storage_classes(fleet, services, stored, unit),
        cpu_millicores=_up(instances, exact(postgres.load.cpu_cores_per_instance.at(end)) * 1000),
        network_kbps=_up(instances, traffic * 1000),
        stored=stored,
        stored_unit=unit,
    )


def direct_demand(fleet: Fleet, figures: Figures) -> Demand:
    """Return what services ask of a server that they connect to directly."""
    none = np.zeros(len(figures), np.int64)
    return Demand(_amounts(fleet, figures, figures.clients), none, none)


def pooled_demand(fleet: Fleet, figures: Figures) -> Demand:
    """Return what services ask of a server that they connect to through its PgBouncers."""
    end, settings = fleet.policy.demand, fleet.model.postgres.pgbouncer
    num = num_pgbouncers(fleet.model, end)
    default = int(-(-exact(settings.default_pool_size.at(end)) // 1))
    of_all = int(-(-exact(settings.reserve_pool_size.at(end)) // 1))
    pool = -(-np.minimum(default, figures.clients) // num)
    reserve = np.full(len(figures), -(-of_all // num), np.int64)
    return Demand(_amounts(fleet, figures, num * (pool + reserve)), pool, reserve)


def _amounts(fleet: Fleet, figures: Figures, connections: IntArray) -> IntArray:
    end, load = fleet.policy.demand, fleet.model.postgres.load
    of_connection = exact(load.memory_mb_per_connection.at(end))
    cached = exact(load.cached_share.at(end)) / figures.stored_unit
    # over a common denominator, so that the sum is rounded and not its parts
    unit = of_connection.denominator * cached.denominator
    memory = _wide(connections, int(of_connection * unit)) + _wide(figures.stored, int(cached * unit))
    amounts = np.empty((len(figures), NUM_SERVER_RESOURCES), np.int64)
    amounts[:, CONNECTIONS] = connections
    amounts[:, CLIENTS] = figures.clients
    amounts[:, STORAGE] = figures.storage_mb
    amounts[:, CPU] = figures.cpu_millicores
    amounts[:, MEMORY] = _divided_up(memory, unit)
    amounts[:, NETWORK] = figures.network_kbps
    return amounts


def _stored(fleet: Fleet, services: pl.DataFrame) -> tuple[npt.NDArray[Any], int]:
    """Return S as (numerators, denominator): as stated, from rows, or the model's default class."""
    end, postgres = fleet.policy.demand, fleet.model.postgres
    formula = postgres.storage_formula
    base = exact(formula.base_mb.at(end))
    of_row = exact(formula.row_bytes.at(end)) * (1 + exact(formula.index_share.at(end))) / 10**6
    default = exact(postgres.storage_classes[formula.default_class].storage_gb.at(end)) * 1000
    unit = int(np.lcm.reduce([number.denominator for number in (base, of_row, default)], dtype=object))
    rows, stated = services["db_rows"], services["db_storage_mb"]
    from_rows = _wide(rows.fill_null(0).to_numpy(), int(of_row * unit))
    from_rows = from_rows + _wide(np.ones(len(rows), np.int64), int(base * unit))
    found = np.where(rows.is_null().to_numpy(), int(default * unit), from_rows)
    return np.where(stated.is_null().to_numpy(), found, _wide(stated.fill_null(0).to_numpy(), unit)), unit


def _storage_classes(fleet: Fleet, services: pl.DataFrame, stored: npt.NDArray[Any], unit: int) -> pl.Series:
    """Return the class of the rows where they are given, else the first class that reaches to what is stored."""
    classes = fleet.model.postgres.storage_classes
    names = list(classes)
    by_size = np.full(len(services), len(names) - 1, np.int64)
    by_rows = by_size.copy()
    rows = services["db_rows"].fill_null(0).to_numpy()
    for position in reversed(range(len(names))):
        row = classes[names[position]]
        by_size[stored <= int(exact(row.storage_gb.high) * 1000 * unit // 1)] = position
        from_, below = row.rows_from.typical, row.rows_below
        by_rows[(rows >= from_) & (below is None or rows < below.typical)] = position
    which = np.where(services["db_rows"].is_null().to_numpy(), by_size, by_rows)
    return pl.Series("storage_class", names, dtype=pl.String).gather(which)


def _up(values: npt.NDArray[Any], factor: Fraction) -> IntArray:
    """Return ⌈values × factor⌉."""
    return _divided_up(_wide(values, factor.numerator), factor.denominator)


def _divided_up(numerators: npt.NDArray[Any], denominator: int) -> IntArray:
    """Return ⌈numerators / denominator⌉; the denominator of a figure with many digits may need more than 64 bits."""
    wide = numerators.astype(object) if denominator >= _INT64 else numerators
    return (-(-wide // denominator)).astype(np.int64)


def _wide(values: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    """Return values × factor, as Python's integers where 64 bits may not do for it and a sum of such."""
    # a factor beyond 64 bits fails even where all values are 0
    largest = max(int(values.max(initial=0)), 1) * max(abs(factor), 1)
    return values.astype(object) * factor if largest >= _INT64 // 4 else values * factor
