"""The plan that real servers are started from: that of the fleet in `small-fleet`.

`small_plan` is the one place that knows where the figures come from; the tests read the model and the plan's tables,
and find a cluster by what it is (through PgBouncers, dedicated, sharded), never by its name.

The tables are made by hand, with the calculation, as long as the engine does not plan the data tier. When it does,
all that stands below the class `Planned` becomes::

    def small_plan() -> Planned:
        fleet = read_fleet(SMALL_FLEET)
        return Planned(fleet.model, place(fleet))

and the comments become the assertions of a test of these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from placement.capacity import CapacityModel
from placement.fleet import read_fleet
from placement.plan.types import (
    CACHES_SCHEMA,
    DATABASES_SCHEMA,
    NODES_SCHEMA,
    POSTGRES_CLUSTERS_SCHEMA,
    VALKEY_CLUSTERS_SCHEMA,
    Plan,
)

SMALL_FLEET = Path(__file__).parent / "small-fleet"


@dataclass(frozen=True)
class Planned:
    """A model, and a plan's tables of the data tier."""

    model: CapacityModel
    plan: Plan | SimpleNamespace

    def postgres_cluster(self, *, pgbouncers: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the cluster that is reached through PgBouncers, or directly, and its databases."""
        through = pl.col("pgbouncers") > 0
        cluster = self.plan.postgres_clusters.row(by_predicate=through if pgbouncers else ~through, named=True)
        return cluster, self.plan.databases.filter(cluster=cluster["cluster"]).to_dicts()

    def valkey_cluster(self, mode: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the cluster of this mode, its caches and its nodes."""
        cluster = self.plan.valkey_clusters.row(by_predicate=pl.col("mode") == mode, named=True)
        caches = self.plan.caches.filter(cluster=cluster["cluster"]).to_dicts()
        return cluster, caches, self.plan.nodes.filter(workload=cluster["cluster"]).to_dicts()


def small_plan() -> Planned:
    """Return the plan of `small-fleet`."""
    tables = SimpleNamespace(
        databases=pl.DataFrame(_databases(), schema=DATABASES_SCHEMA),
        postgres_clusters=pl.DataFrame(_postgres_clusters(), schema=POSTGRES_CLUSTERS_SCHEMA),
        caches=pl.DataFrame(_caches(), schema=CACHES_SCHEMA),
        valkey_clusters=pl.DataFrame(_valkey_clusters(), schema=VALKEY_CLUSTERS_SCHEMA),
        nodes=pl.DataFrame(_nodes(), schema=NODES_SCHEMA),
    )
    return Planned(read_fleet(SMALL_FLEET).model, tables)


def _databases() -> list[dict[str, Any]]:
    # clusters: 10 connections per instance; two PgBouncers with pools of ⌈min(20, clients) / 2⌉ and reserves of ⌈5 / 2⌉
    #   catalog-price   1 × 10 = 10 clients   2 × ( 5 + 3) = 16 connections
    #   catalog-search  2 × 10 = 20           2 × (10 + 3) = 26
    #   orders-api      3 × 10 = 30           2 × (10 + 3) = 26
    #   orders-mail     2 × 10 = 20           2 × (10 + 3) = 26
    # dedicated: 20 connections per instance, 3 × 20 = 60, no PgBouncer
    columns = (
        "service",
        "cluster",
        "clients",
        "connections_per_instance",
        "pool_size",
        "reserve_pool_size",
        "connections",
    )
    rows = [
        ("catalog-price", "pg-main-catalog-01", 10, 10, 5, 3, 16),
        ("catalog-search", "pg-main-catalog-01", 20, 10, 10, 3, 26),
        ("ledger-core", "postgresql-ledger-core", 60, 20, 0, 0, 60),
        ("orders-api", "pg-main-catalog-01", 30, 10, 10, 3, 26),
        ("orders-mail", "pg-main-catalog-01", 20, 10, 10, 3, 26),
    ]
    return [{**dict(zip(columns, row, strict=True)), "database": row[0].replace("-", "_") + "_db"} for row in rows]


def _postgres_clusters() -> list[dict[str, Any]]:
    # clients of the cluster: 10 + 20 + 30 + 20 = 80 ≤ 2 × ⌊60 × 0.7⌋ = 84; connections: 16 + 3 × 26 = 94 ≤ ⌊400 × 0.7⌋
    columns = ("cluster", "pgbouncers", "clients", "max_connections", "connections_used", "connections_limit")
    rows = [("pg-main-catalog-01", 2, 80, 400, 94, 280), ("postgresql-ledger-core", 0, 60, 100, 60, 70)]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _caches() -> list[dict[str, Any]]:
    rows = [
        ("cart-session", "valkey-main-cache-01", 30),
        ("catalog-price", "valkey-main-cache-02", 30),
        ("catalog-search", "valkey-main-cache-02", 40),
        ("orders-api", "valkey-main-cache-02", 20),
    ]
    columns = ("service", "cluster", "memory_mb")
    return [{**dict(zip(columns, row, strict=True)), "key_prefix": f"{row[0]}:"} for row in rows]


def _valkey_clusters() -> list[dict[str, Any]]:
    # a node holds ⌊60 × 0.7⌋ = 42 MB: 30 on a single one; 30 + 40 + 20 = 90 on three primaries, which hold 126
    columns = ("cluster", "mode", "tier", "primaries", "replicas", "memory_mb_used", "memory_mb_limit")
    rows = [
        ("valkey-main-cache-01", "single", "v-2", 1, 0, 30, 42),
        ("valkey-main-cache-02", "cluster", "v-2", 3, 3, 90, 126),
    ]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _nodes() -> list[dict[str, Any]]:
    # six nodes on three hosts, at most two on one, dealt to the shards in the order of the hosts: 1 1 2 2 3 3 gets
    # shards 1 2 3 1 2 3; primaries of shards 1, 2, 3 on hosts 1, 3, 2: no host has two
    columns = ("node", "workload", "role", "shard", "host")
    rows = [
        ("valkey-main-cache-01-1", "valkey-main-cache-01", "primary", 0, "caches-1"),
        ("valkey-main-cache-02-1", "valkey-main-cache-02", "primary", 1, "caches-1"),
        ("valkey-main-cache-02-2", "valkey-main-cache-02", "replica", 2, "caches-1"),
        ("valkey-main-cache-02-3", "valkey-main-cache-02", "primary", 3, "caches-2"),
        ("valkey-main-cache-02-4", "valkey-main-cache-02", "replica", 1, "caches-2"),
        ("valkey-main-cache-02-5", "valkey-main-cache-02", "primary", 2, "caches-3"),
        ("valkey-main-cache-02-6", "valkey-main-cache-02", "replica", 3, "caches-3"),
    ]
    return [dict(zip(columns, row, strict=True)) for row in rows]
