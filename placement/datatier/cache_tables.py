"""Caches as tables: names, caches.csv, valkey_clusters.csv, and their nodes as workloads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from placement.datatier.cache_sets import Cache, CacheServices
from placement.datatier.names import cluster_host_name, label, numbered_names
from placement.datatier.node_price import node_demand
from placement.fleet.types import Fleet
from placement.plan.types import CACHES_SCHEMA, VALKEY_CLUSTERS_SCHEMA
from placement.units import price_from_micros
from placement.workloads import WORKLOADS_SCHEMA


def cache_names(caches: Sequence[Cache], services: CacheServices) -> list[str]:
    """Return the name of each Valkey: ``valkey-{region}-{function}-{nn}``."""
    stems = [f"valkey-{cache.of.region}-{label(cache.of.function)}" for cache in caches]
    return numbered_names(stems, [services.names[int(cache.rows[0])] for cache in caches])


def caches_frame(caches: Sequence[Cache], names: Sequence[str], services: CacheServices) -> pl.DataFrame:
    """Return caches.csv. A key prefix ends with the first colon in it, so that none begins another."""
    rows = np.concatenate([cache.rows for cache in caches]) if caches else np.zeros(0, np.int64)
    cluster_of = np.repeat(np.arange(len(caches)), [len(cache.rows) for cache in caches])
    frame = pl.DataFrame(
        {
            "service": pl.Series(services.names, dtype=pl.String).gather(rows),
            "cluster": pl.Series(names, dtype=pl.String).gather(cluster_of),
            "memory_mb": services.memory_mb[rows],
        }
    ).with_columns(key_prefix=pl.col("service") + ":")
    return frame.select(CACHES_SCHEMA.keys()).sort("service")


def clusters_frame(
    fleet: Fleet, caches: Sequence[Cache], names: Sequence[str], services: CacheServices
) -> pl.DataFrame:
    """Return valkey_clusters.csv."""
    end = fleet.policy.demand
    settings = fleet.model.valkey.clusters
    sensitivity = fleet.services["sensitivity"].to_list()
    rows = []
    for cache, name in zip(caches, names, strict=True):
        members = cache.rows.tolist()
        rows.append(
            {
                "cluster": name,
                "region": cache.of.region,
                "function": cache.of.function,
                "domains": ";".join(sorted({services.domains[row] for row in members} - {""})),
                "sensitivity": ";".join(sorted({sensitivity[row] for row in members})),
                "mode": cache.kind.mode,
                "tier": cache.kind.tier,
                "host_name": cluster_host_name(name, settings.host_name_pattern),
                "port": int(settings.port.at(end)),
                "primaries": cache.kind.primaries,
                "replicas": cache.kind.nodes - cache.kind.primaries,
                "services": len(members),
                "memory_mb_used": cache.used_mb,
                "memory_mb_limit": cache.kind.limit_mb,
                "node_price_per_hour": price_from_micros(cache.kind.price // cache.kind.nodes),
            }
        )
    return pl.DataFrame(rows, schema=VALKEY_CLUSTERS_SCHEMA).sort("cluster")


def workloads_frame(fleet: Fleet, caches: Sequence[Cache], names: Sequence[str]) -> pl.DataFrame:
    """Return the nodes of each Valkey as a workload."""
    end = fleet.policy.demand
    demand = {tier: node_demand(row, end).tolist() for tier, row in fleet.model.valkey.node_tiers.items()}
    rows = [
        (
            name,
            "caches",
            "valkey",
            cache.of.region,
            cache.kind.tier,
            cache.kind.nodes,
            cache.kind.primaries,
            cache.kind.max_per_host,
            "zone",
            *demand[cache.kind.tier],
        )
        for cache, name in zip(caches, names, strict=True)
    ]
    return pl.DataFrame(rows, schema=WORKLOADS_SCHEMA, orient="row").sort("workload")
