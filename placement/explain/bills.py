"""What every service costs: its instances, its parts of its database and cache, its part of the platform.

A cluster's nodes are paid by the services that use it: PostgreSQL in proportion to the larger of a service's shares of
the server's connections and storage, Valkey in proportion to memory (equally where nobody asks for anything). Platform
services of a region are paid in proportion to instances. What no service uses (a region without services) is left
with the platform itself, so that bills and what is left add up to the plan's total cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.explain.context import Context
from placement.explain.prices import PoolPrices, added
from placement.explain.types import CostParts
from placement.units import FloatArray

_COLUMN_OF = {"databases": "database", "caches": "cache"}


@dataclass(frozen=True)
class Bills:
    """Cost per hour of every service: float64[num_services] by pool, in the order of `Context.services`."""

    by_pool: dict[str, FloatArray]

    @property
    def total(self) -> FloatArray:
        """float64[num_services]: of all pools."""
        whole: FloatArray = np.sum(list(self.by_pool.values()), axis=0)
        return whole


def cluster_shares(context: Context, pool: str) -> pl.DataFrame:
    """Return who pays how much of each cluster: cluster, service, share; shares of a cluster sum to 1."""
    plan = context.plan
    if pool == "databases":
        limits = plan.postgres_clusters.select("cluster", "connections_limit", "storage_gb_limit")
        users = plan.databases.join(limits, on="cluster", how="left")
        weight = pl.max_horizontal(
            *(
                pl.col(used) / pl.when(pl.col(limit) > 0).then(pl.col(limit)).otherwise(1)
                for used, limit in (("connections", "connections_limit"), ("storage_gb", "storage_gb_limit"))
            )
        )
    else:
        users, weight = plan.caches, pl.col("memory_mb").cast(pl.Float64)
    users = users.select("cluster", "service", weight.fill_null(0.0).alias("weight"))
    whole, number = pl.col("weight").sum().over("cluster"), pl.len().over("cluster")
    return users.select(
        "cluster",
        "service",
        pl.when(whole > 0).then(pl.col("weight") / whole).otherwise(1 / number).alias("share"),
    )


def cluster_cost(context: Context, cluster: str) -> CostParts | None:
    """Return the cost of a cluster's or platform service's nodes; None where it has none."""
    nodes = context.plan.nodes.filter(pl.col("workload") == cluster)
    found = []
    for (pool, region), part in nodes.group_by(["pool", "region"]):
        prices = context.prices.get((str(pool), str(region)))
        if prices is not None:
            row_of = {name: row for row, name in enumerate(prices.items.names)}
            found.append(prices.parts(np.array([row_of[name] for name in part["node"]], np.int64)))
    return added(found) if found else None


def service_bill(context: Context, service: str) -> dict[str, CostParts]:
    """Return the cost of one service by pool."""
    row = context.services.row(context.service_row[service], named=True)
    bill: dict[str, CostParts] = {}
    prices = context.prices.get(("services", row["region"]))
    if prices is not None and service in prices.items.names:
        bill["services"] = prices.parts(np.array([prices.items.names.index(service)], np.int64))
    for pool, column in _COLUMN_OF.items():
        cluster = row[column]
        cost = cluster_cost(context, cluster) if cluster else None
        if cost is not None:
            share = cluster_shares(context, pool).filter(
                (pl.col("cluster") == cluster) & (pl.col("service") == service)
            )["share"]
            bill[pool] = _times(cost, float(share.sum()))
    platform = context.prices.get(("platform", row["region"]))
    if platform is not None:
        bill["platform"] = platform.parts(slice(None), float(_platform_share(context)[context.service_row[service]]))
    return bill


def all_bills(context: Context) -> Bills:
    """Return the cost of every service by pool; the pool `services` is among them where the fleet is given."""
    number = len(context.services)
    by_pool: dict[str, FloatArray] = {}
    for (pool, region), prices in context.prices.items():
        bill = by_pool.setdefault(pool, np.zeros(number))
        if pool == "services":
            rows = np.array([context.service_row[name] for name in prices.items.names], np.int64)
            bill[rows] += _totals(prices)
        elif pool == "platform":
            here = (context.services["region"] == region).to_numpy()
            bill[here] += prices.total * _platform_share(context)[here]
        else:
            owner = context.plan.nodes.filter((pl.col("pool") == pool) & (pl.col("region") == region)).sort("node")
            costs = pl.DataFrame({"cluster": owner["workload"], "cost": _totals(prices)}).group_by("cluster").sum()
            paid = cluster_shares(context, pool).join(costs, on="cluster", how="inner")
            rows = paid["service"].replace_strict(context.service_row, return_dtype=pl.Int64).to_numpy()
            np.add.at(bill, rows, (paid["share"] * paid["cost"]).to_numpy())
    return Bills(by_pool)


def _totals(prices: PoolPrices) -> FloatArray:
    """Return the cost of all instances of each item: float64[num_items]."""
    rest = prices.slack + prices.gap + prices.spares
    totals: FloatArray = prices.value.sum(axis=1) * prices.items.count + rest * prices.share
    return totals


def _platform_share(context: Context) -> FloatArray:
    """Return each service's share of its region's instances: float64[num_services]."""
    counts = context.services.select("service", "region").join(
        context.plan.assignments.group_by("service").len(), on="service", how="left", maintain_order="left"
    )
    number = pl.col("len").fill_null(0)
    whole = number.sum().over("region")
    share: FloatArray = counts.select(pl.when(whole > 0).then(number / whole).otherwise(0.0).alias("share"))[
        "share"
    ].to_numpy()
    return share


def _times(cost: CostParts, share: float) -> CostParts:
    return CostParts(
        resources={name: value * share for name, value in cost.resources.items()},
        slack=cost.slack * share,
        gap=cost.gap * share,
        spares=cost.spares * share,
        total=cost.total * share,
    )
