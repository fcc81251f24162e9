"""Services whose caches are planned together, and the clusters that they get."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier.arrangement import Arrangements, valkey_arrangements
from placement.datatier.cache_kinds import CacheKind, memory_of_services
from placement.datatier.groups import group_of_services, isolation_groups
from placement.fleet.types import Fleet
from placement.units import IntArray


@dataclass(frozen=True)
class CacheServices:
    """What is known of a fleet's services, by row.

    Parameters
    ----------
    names, domains
        "" where a service has no domain.
    domain_codes
        int64[num_services]: numbers of the domains, sorted by name.
    memory_mb
        int64[num_services]: of the cache, whether the service has one or not.
    """

    names: list[str]
    domains: list[str]
    domain_codes: IntArray
    memory_mb: IntArray
    arrangements: Arrangements

    def total_mb(self, rows: IntArray) -> int:
        """Return the memory of some services together."""
        return int(self.memory_mb[rows].sum())


@dataclass(frozen=True)
class CacheSet:
    """Services of one region, isolation group and function.

    Parameters
    ----------
    rows
        int64: rows of the fleet's services, ascending.
    """

    region: str
    group: str
    function: str
    rows: IntArray

    @property
    def name(self) -> str:
        """Isolation group and function, as certificates have it."""
        return f"{self.group}/{self.function}"

    def __str__(self) -> str:
        return f"function {self.function!r}, sensitivity {self.group}, region {self.region}"


@dataclass(frozen=True)
class Cache:
    """A Valkey: a single or replicated server, or a sharded cluster.

    Parameters
    ----------
    rows
        int64: rows of its services, ascending.
    used_mb
        What they ask for.
    """

    of: CacheSet
    kind: CacheKind
    rows: IntArray
    used_mb: int


def cache_services(fleet: Fleet) -> CacheServices:
    """Return what the planning of caches needs to know of services."""
    return CacheServices(
        fleet.services["service"].to_list(),
        fleet.services["domain"].to_list(),
        fleet.services["domain"].rank("dense").to_numpy().astype(np.int64) - 1,
        memory_of_services(fleet),
        valkey_arrangements(fleet),
    )


def cache_sets(fleet: Fleet) -> list[CacheSet]:
    """Return the sets of services with a cache, sorted by region, isolation group and function."""
    groups = isolation_groups(fleet.model.grouping)
    default = fleet.model.valkey.clusters.default_function
    rows = (
        fleet.services.select("region", "needs_valkey", pl.col("valkey_function").replace("", default))
        .with_row_index("row")
        .with_columns(group=pl.Series(group_of_services(fleet, groups)))
        .filter("needs_valkey")
        .group_by("region", "group", "valkey_function")
        .agg("row")
        .sort("region", "group", "valkey_function")
    )
    return [
        CacheSet(region, groups[group].name, function, np.sort(np.array(members, np.int64)))
        for region, group, function, members in rows.iter_rows()
    ]
