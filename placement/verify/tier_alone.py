"""The data tier of a plan without its fleet: its tables held against each other."""

from __future__ import annotations

import polars as pl

from placement.units import RESOURCES
from placement.verify.collector import Collector
from placement.verify.nodes import check_node_hosts
from placement.verify.rows import Column, Rows
from placement.verify.tier import each_row_once
from placement.verify.view import UNREADABLE, PlanView

_DATABASES = {
    "services": pl.len().cast(pl.Int64),
    "clients": pl.col("clients").sum(),
    "connections_used": pl.col("connections").sum(),
}
_CACHES = {"services": pl.len().cast(pl.Int64), "memory_mb_used": pl.col("memory_mb").sum()}
_LIMITS = {
    "postgres_clusters": ("connections", "storage_gb", "cpu_cores", "memory_mb", "network_mbps"),
    "valkey_clusters": ("memory_mb",),
}


def check_tier_alone(plan: PlanView, found: Collector) -> None:
    """Report what the tables of the data tier alone betray: clusters against their rows and nodes, nodes and hosts."""
    tables = each_row_once(plan.plan, found)
    nodes = Rows(tables.nodes, "nodes.csv", "node", found)
    check_node_hosts(plan, nodes)
    for at, resource in enumerate(RESOURCES):
        unreadable = plan.stated_node_demand[:, at] == UNREADABLE
        nodes.report("node-demand-wrong", unreadable, f"{resource.column} is no whole number of internal units")
    for name, rows_name, sums in (
        ("postgres_clusters", "databases", _DATABASES),
        ("valkey_clusters", "caches", _CACHES),
    ):
        table, members = getattr(tables, name), getattr(tables, rows_name)
        rows = Rows(members, f"{rows_name}.csv", "service", found)
        is_known = members["cluster"].is_in(table["cluster"].implode())
        rows.report("unknown-cluster", ~is_known, "the plan has no cluster {cluster}")
        right = members.group_by("cluster").agg(**{f"right_{column}": total for column, total in sums.items()})
        clusters = Rows(
            table.join(right, on="cluster", how="left", maintain_order="left").join(
                _counted(tables.nodes), on="cluster", how="left", maintain_order="left"
            ),
            f"{name}.csv",
            "cluster",
            found,
        )
        is_used = clusters.frame["right_services"].is_not_null().to_numpy()
        clusters.report("cluster-unused", ~is_used, "no service uses it")
        clusters.compare("cluster-wrong", [Column(column, f"right_{column}") for column in sums], is_used)
        for column in _LIMITS[name]:
            over = clusters.frame[f"{column}_used"] > clusters.frame[f"{column}_limit"]
            text = f"{column}_used is {{{column}_used}}, the limit {{{column}_limit}}"
            clusters.report("cluster-over-limit", over, text)
        _report_nodes(clusters)


def _counted(nodes: pl.DataFrame) -> pl.DataFrame:
    """Count nodes and primaries by workload, and the most primaries of a shard."""
    primaries = nodes.group_by("workload", "shard").agg(
        count=pl.len().cast(pl.Int64), primaries=(pl.col("role") == "primary").sum().cast(pl.Int64)
    )
    return primaries.group_by(cluster="workload").agg(
        num_nodes=pl.col("count").sum(),
        num_primaries=pl.col("primaries").sum(),
        is_led=(pl.col("primaries") == 1).all(),
    )


def _report_nodes(clusters: Rows) -> None:
    """Report clusters that have not the nodes they say, or a shard without exactly one primary."""
    frame = clusters.frame
    wanted = frame["nodes"] if "nodes" in frame.columns else frame["primaries"] + frame["replicas"]
    there = frame["num_nodes"].fill_null(0)
    clusters.report("node-missing", there < wanted, "has fewer nodes in nodes.csv than it says")
    clusters.report("node-surplus", there > wanted, "has more nodes in nodes.csv than it says")
    clusters.report("role-wrong", (there == wanted) & ~frame["is_led"].fill_null(True), "a shard has not one primary")
