"""What must run in the pools beside `services`, as it follows from clusters and platform services."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from placement.units import RESOURCES, exact
from placement.verify import names
from placement.verify.platform import PlatformFacts
from placement.verify.tier_facts import PLATFORM_POOL, POSTGRES_POOL, VALKEY_POOL, TierFacts
from placement.verify.valkey_facts import num_replicas

WORKLOADS: dict[str, type[pl.DataType]] = {
    "workload": pl.String,
    "pool": pl.String,
    "kind": pl.String,
    "region": pl.String,
    "tier": pl.String,
    "instances": pl.Int64,
    "max_per_host": pl.Int64,
    "shards": pl.Int64,  # that each have one primary; 0: all nodes are alike
    "is_sharded": pl.Boolean,  # whether nodes name their shard
}
"""Columns of a frame of workloads, beside what a node needs; names are unique."""


def tier_workloads(
    postgres: pl.DataFrame | None, valkey: pl.DataFrame | None, platform: Sequence[PlatformFacts], tier: TierFacts
) -> pl.DataFrame:
    """Return the workloads with the columns of `WORKLOADS` and what a node needs, sorted by name.

    That has the internal columns of `RESOURCES`; null where there is no such tier.

    Parameters
    ----------
    postgres, valkey
        Clusters as `postgres_clusters.postgres_clusters` and `valkey_clusters.valkey_clusters` return them; None:
        the pool is not planned.
    platform
        Platform services.
    """
    parts = [pl.DataFrame(schema=WORKLOADS)]
    if postgres is not None:
        used = postgres.filter(pl.col("right_nodes").is_not_null())
        parts.append(_workloads(used, POSTGRES_POOL, "postgres", instances="right_nodes", shards=1))
        behind = used.filter("is_pooled") if PLATFORM_POOL in tier.facts.pools else used.clear()
        pgbouncers = behind.with_columns(
            cluster=pl.Series([names.workload("pgbouncer", name) for name in behind["cluster"]], dtype=pl.String),
            tier=pl.lit(""),
        )
        parts.append(_workloads(pgbouncers, PLATFORM_POOL, "pgbouncer", instances="right_pgbouncers", shards=0))
    if valkey is not None:
        copies = 1 + num_replicas(tier)
        is_sharded = pl.col("mode") == "cluster"
        cached = valkey.filter(pl.col("right_services").is_not_null()).with_columns(
            is_sharded=is_sharded,
            instances=pl.col("right_primaries") + pl.col("right_replicas"),
            shards="right_primaries",
            max_per_host=pl.when(is_sharded).then(pl.min_horizontal("right_primaries", pl.lit(copies))).otherwise(1),
        )
        parts.append(_workloads(cached, VALKEY_POOL, "valkey"))
    rows = [
        (row.name, PLATFORM_POOL, row.kind, row.region, "", row.num_nodes, row.max_per_host, 0, False)
        for row in platform
    ]
    parts.append(pl.DataFrame(rows, schema=WORKLOADS, orient="row"))
    found = pl.concat(parts).unique("workload", keep="first", maintain_order=True).sort("workload")
    needs = pl.DataFrame(
        [(kind, name, *needs) for (kind, name), needs in tier.footprints.items()],
        schema={"kind": pl.String, "tier": pl.String} | {resource.internal_column: pl.Int64 for resource in RESOURCES},
        orient="row",
    )
    found = found.join(needs, on=["kind", "tier"], how="left", maintain_order="left")
    if postgres is None or found.filter(kind="pgbouncer").is_empty():
        return found
    # each passes its part of what goes to the cluster on, and its part of the answers
    back = exact(tier.model.network.traffic["postgres"].reverse_share.at(tier.end))
    passing = pgbouncers.select(
        workload="cluster",
        passing=pl.struct("sum_network_kbps", "right_pgbouncers").map_elements(
            lambda row: math.ceil(row["sum_network_kbps"] * (1 + back) / row["right_pgbouncers"]), return_dtype=pl.Int64
        ),
    ).unique("workload", keep="first", maintain_order=True)
    return (
        found.join(passing, on="workload", how="left", maintain_order="left")
        .with_columns(
            network_kbps=pl.when(kind="pgbouncer")
            .then(pl.max_horizontal("network_kbps", "passing"))
            .otherwise("network_kbps")
        )
        .drop("passing")
    )


def _workloads(
    clusters: pl.DataFrame, pool: str, kind: str, instances: str = "instances", shards: int | None = None
) -> pl.DataFrame:
    """Return workloads of clusters; those of equal nodes have `shards` primaries, sharded ones say it in columns."""
    own = shards is None
    return clusters.select(
        workload="cluster",
        pool=pl.lit(pool),
        kind=pl.lit(kind),
        region="region",
        tier="tier",
        instances=pl.col(instances).cast(pl.Int64),
        max_per_host=pl.col("max_per_host").cast(pl.Int64) if own else pl.lit(1, dtype=pl.Int64),
        shards=pl.col("shards").cast(pl.Int64) if own else pl.lit(shards, dtype=pl.Int64),
        is_sharded=pl.col("is_sharded") if own else pl.lit(False),
    )
