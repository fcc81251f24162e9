"""States that plans and fleets describe: which hosts there are, what runs where, who uses which cluster."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from placement.fleet.types import Fleet
from placement.plan.moves import RUNS_SCHEMA
from placement.plan.types import Plan
from placement.units import MICROS

HOSTS_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "size": pl.String(),
    "pool": pl.String(),
    "region": pl.String(),
    "zone": pl.String(),
    "segment": pl.String(),
    "nic": pl.String(),  # "": not said
    "spare": pl.Boolean(),
    "state": pl.String(),  # active | draining | failed
    "price_per_hour": pl.Float64(),
}
"""Columns of a state's hosts, sorted by host."""

NODES_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),  # the workload
    "instance": pl.Int64(),
    "kind": pl.String(),
    "role": pl.String(),
    "host": pl.String(),
}
"""Columns of a state's nodes: what kind those are of that run in other pools than `services`."""

CLUSTERS_SCHEMA: dict[str, pl.DataType] = {"service": pl.String(), "cluster": pl.String()}
"""Columns of who uses which database or cache."""


@dataclass(frozen=True)
class State:
    """Hosts and what runs on them.

    Parameters
    ----------
    name
        What it is called in a message.
    hosts
        With `HOSTS_SCHEMA`.
    runs
        With `placement.plan.moves.RUNS_SCHEMA`.
    nodes
        With `NODES_SCHEMA`; empty where not known.
    databases, caches
        Columns service and cluster; None: not known.
    currency
        Currency of the prices.
    is_live
        Whether it is what runs today, not a plan.
    is_priced
        Whether prices and sizes of all hosts are known.
    lists_idle
        Whether hosts are listed on which nothing runs.
    """

    name: str
    hosts: pl.DataFrame
    runs: pl.DataFrame
    nodes: pl.DataFrame
    databases: pl.DataFrame | None
    caches: pl.DataFrame | None
    currency: str
    is_live: bool
    is_priced: bool = True
    lists_idle: bool = True

    @property
    def cost_per_hour(self) -> float:
        """What the hosts cost on which something runs."""
        used = self.hosts.filter(pl.col("host").is_in(self.runs["host"].unique().implode()))
        return round(float(used["price_per_hour"].sum()), 6)

    @property
    def total_per_hour(self) -> float:
        """What all hosts cost, spare ones included."""
        return round(float(self.hosts["price_per_hour"].sum()), 6)


def state_of_plan(plan: Plan) -> State:
    """Return the state that a plan describes."""
    nodes = _numbered(plan.nodes)
    runs = runs_of(plan.assignments, plan.nodes)
    has_tier = plan.summary.data_tier
    return State(
        name=f"plan of {plan.summary.fleet.name}",
        hosts=plan.hosts.with_columns(pl.lit("active").alias("state")).select(list(HOSTS_SCHEMA)),
        runs=runs,
        nodes=nodes.select(pl.col("workload").alias("service"), "instance", "kind", "role", "host"),
        databases=plan.databases.select(list(CLUSTERS_SCHEMA)) if has_tier and has_tier.postgres else None,
        caches=plan.caches.select(list(CLUSTERS_SCHEMA)) if has_tier and has_tier.valkey else None,
        currency=plan.summary.cost.currency,
        is_live=False,
    )


def runs_of(assignments: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return what runs where, by a plan's assignments and nodes: with `RUNS_SCHEMA`, sorted."""
    parts = [
        assignments.with_columns(pl.lit("services").alias("pool")).select(list(RUNS_SCHEMA)),
        _numbered(nodes).with_columns(pl.col("workload").alias("service")).select(list(RUNS_SCHEMA)),
    ]
    return pl.concat(parts).sort(list(RUNS_SCHEMA))


def _numbered(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return nodes with the number that ends their name as `instance`."""
    return nodes.with_columns(pl.col("node").str.extract(r"-(\d+)$").cast(pl.Int64).fill_null(0).alias("instance"))


def state_of_fleet(fleet: Fleet) -> State:
    """Return what runs today by the fleet's tables `hosts` and `current`."""
    used = fleet.current["host"].unique().implode()
    hosts = fleet.hosts.with_columns(
        (~pl.col("host").is_in(used)).alias("spare"), (pl.col("price_micros_per_hour") / MICROS).alias("price_per_hour")
    )
    return State(
        name=f"what runs of {fleet.name}",
        hosts=hosts.select(list(HOSTS_SCHEMA)).sort("host"),
        runs=fleet.current.select(list(RUNS_SCHEMA)).sort(list(RUNS_SCHEMA)),
        nodes=pl.DataFrame(schema=NODES_SCHEMA),
        databases=None,
        caches=None,
        currency=fleet.currency,
        is_live=True,
    )
