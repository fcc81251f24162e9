"""A cluster of PostgreSQL or Valkey, or a platform service: who uses it, where it is, what binds, what it costs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from placement.explain.bills import cluster_cost
from placement.explain.context import Context, fullest, rounded
from placement.explain.types import ClusterExplanation, Placed, Use

_POSTGRES_USES = {
    "connections": "connections",
    "storage_gb": "GB",
    "cpu_cores": "cores",
    "memory_mb": "MB",
    "network_mbps": "Mbps",
}


def explain_cluster(context: Context, name: str) -> tuple[ClusterExplanation, list[str]]:
    """Return the explanation of a cluster, and notes on what could not be said."""
    plan = context.plan
    nodes = plan.nodes.filter(pl.col("workload") == name).sort("node")
    placed = tuple(
        Placed(name=node, host=host, role=role) for node, host, role in nodes.select("node", "host", "role").iter_rows()
    )
    postgres = plan.postgres_clusters.filter(pl.col("cluster") == name)
    valkey = plan.valkey_clusters.filter(pl.col("cluster") == name)
    if not postgres.is_empty():
        row = postgres.row(0, named=True)
        what, users = f"PostgreSQL, {row['arrangement']}", plan.databases
        use = {key: _use(row, key, unit) for key, unit in _POSTGRES_USES.items()}
    elif not valkey.is_empty():
        row = valkey.row(0, named=True)
        what, users = f"Valkey, {row['mode']}", plan.caches
        use = {"memory_mb": _use(row, "memory_mb", "MB")}
    else:
        row = {"region": nodes["region"][0], "tier": nodes["tier"][0], "domains": "", "sensitivity": ""}
        what, users, use = f"platform service, {nodes['kind'][0]}", plan.caches.clear(), {}
    cost = cluster_cost(context, name)
    counted = Counter(item.host for item in placed)
    return (
        ClusterExplanation(
            name=name,
            what=what,
            region=row["region"],
            tier=row["tier"],
            domains=tuple(filter(None, row["domains"].split(";"))),
            sensitivity=tuple(filter(None, row["sensitivity"].split(";"))),
            services=tuple(users.filter(pl.col("cluster") == name)["service"].sort()),
            nodes=placed,
            use=use,
            binds=fullest(use),
            cost=rounded(cost) if cost is not None else None,
            same_host=tuple(sorted(host for host, number in counted.items() if number > 1)),
        ),
        [],
    )


def _use(row: dict[str, Any], key: str, unit: str) -> Use:
    used, limit = float(row[f"{key}_used"]), float(row[f"{key}_limit"])
    return Use(unit=unit, used=used, limit=limit, share=used / limit if limit else 0.0)
