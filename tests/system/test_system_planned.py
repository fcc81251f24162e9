"""What the plan says of the fleet whose servers are started for real, by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
from planned import Planned


def rows(table: pl.DataFrame, columns: str) -> list[tuple[Any, ...]]:
    return table.select(columns.split()).rows()


def test_databases_have_their_pools(planned: Planned):
    # clusters: 10 connections per instance; two PgBouncers with pools of ⌈min(20, clients) / 2⌉ and reserves of ⌈5 / 2⌉
    #   catalog-price   1 × 10 = 10 clients   2 × ( 5 + 3) = 16 connections
    #   catalog-search  2 × 10 = 20           2 × (10 + 3) = 26
    #   orders-api      3 × 10 = 30           2 × (10 + 3) = 26
    #   orders-mail     2 × 10 = 20           2 × (10 + 3) = 26
    # dedicated: 20 connections per instance, 3 × 20 = 60, no PgBouncer
    columns = "database cluster clients connections_per_instance pool_size reserve_pool_size connections"
    assert rows(planned.plan.databases, columns) == [
        ("catalog_price_db", "pg-main-catalog-01", 10, 10, 5, 3, 16),
        ("catalog_search_db", "pg-main-catalog-01", 20, 10, 10, 3, 26),
        ("ledger_core_db", "postgresql-ledger-core", 60, 20, 0, 0, 60),
        ("orders_api_db", "pg-main-catalog-01", 30, 10, 10, 3, 26),
        ("orders_mail_db", "pg-main-catalog-01", 20, 10, 10, 3, 26),
    ]


def test_servers_add_their_databases_up(planned: Planned):
    # clients of the cluster: 10 + 20 + 30 + 20 = 80 ≤ 2 × ⌊60 × 0.7⌋ = 84; connections: 16 + 3 × 26 = 94 ≤ ⌊400 × 0.7⌋
    columns = "cluster pgbouncers clients max_connections connections_used connections_limit"
    assert rows(planned.plan.postgres_clusters, columns) == [
        ("pg-main-catalog-01", 2, 80, 400, 94, 280),
        ("postgresql-ledger-core", 0, 60, 100, 60, 70),
    ]


def test_caches_have_their_memory(planned: Planned):
    # a node holds ⌊60 × 0.7⌋ = 42 MB: 30 on a single one; 30 + 40 + 20 = 90 on three primaries, which hold 126
    assert rows(planned.plan.caches, "key_prefix cluster memory_mb") == [
        ("cart-session:", "valkey-main-cache-01", 30),
        ("catalog-price:", "valkey-main-cache-02", 30),
        ("catalog-search:", "valkey-main-cache-02", 40),
        ("orders-api:", "valkey-main-cache-02", 20),
    ]
    columns = "cluster mode tier primaries replicas memory_mb_used memory_mb_limit"
    assert rows(planned.plan.valkey_clusters, columns) == [
        ("valkey-main-cache-01", "single", "v-2", 1, 0, 30, 42),
        ("valkey-main-cache-02", "cluster", "v-2", 3, 3, 90, 126),
    ]


def test_shards_stand_apart(planned: Planned):
    # six nodes on three hosts, at most two on one, dealt to the shards in the order of the hosts: 1 1 2 2 3 3 gets
    # shards 1 2 3 1 2 3; primaries of shards 1, 2, 3 on hosts 1, 3, 2: no host has two
    _, _, nodes = planned.valkey_cluster("cluster")
    hosts = sorted({node["host"] for node in nodes})
    assert [(hosts.index(node["host"]) + 1, node["shard"], node["role"]) for node in nodes] == [
        (1, 1, "primary"),
        (1, 2, "replica"),
        (2, 3, "primary"),
        (2, 1, "replica"),
        (3, 2, "primary"),
        (3, 3, "replica"),
    ]
