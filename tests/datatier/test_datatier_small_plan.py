"""The tables of the small fleet whose servers the system tests start, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from placement.engine import place
from placement.fleet import read_fleet
from placement.plan.types import Plan

SMALL_FLEET = Path(__file__).parents[1] / "system" / "small-fleet"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return place(read_fleet(SMALL_FLEET))


def rows(frame: pl.DataFrame, like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the frame's rows in the columns that the hand-made ones have."""
    return frame.select(like[0].keys()).to_dicts()


def test_databases_and_their_server(plan: Plan) -> None:
    assert rows(plan.databases, _databases()) == _databases()
    assert rows(plan.postgres_clusters, _postgres_clusters()) == _postgres_clusters()


def test_caches_and_their_valkeys(plan: Plan) -> None:
    assert rows(plan.caches, _caches()) == _caches()
    assert rows(plan.valkey_clusters, _valkey_clusters()) == _valkey_clusters()


def test_shards_and_primaries_on_three_hosts(plan: Plan) -> None:
    nodes = plan.nodes.filter(kind="valkey")
    hosts = nodes["host"].unique().sort().to_list()
    assert len(hosts) == 3
    numbered = nodes.with_columns(
        host=pl.col("host").replace_strict({host: f"caches-{n}" for n, host in enumerate(hosts, start=1)})
    )
    assert rows(numbered, _nodes()) == _nodes()


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
