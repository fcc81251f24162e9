"""What a plan's tables say about hosts, in the form that sections and payload need it.

*Utilisation* is use over the limit that may be planned (headroom is off already), so 100 % is as full as the policy
allows. A host is *full* from 95 % of its fullest resource on; what is left of its other resources is *stranded*: no
instance that needs the full one can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.fleet.types import POOLS, Fleet
from placement.plan.types import Plan
from placement.units import RESOURCES, BoolArray, FloatArray

FULL = 0.95
"""Share of its fullest resource from which on a host counts as full."""

POOL_TITLES = {"services": "Services", "databases": "Databases", "caches": "Caches", "platform": "Platform"}
RESOURCE_TITLES = {
    "cpu": "CPU",
    "memory": "Memory",
    "open_files": "Open files",
    "threads": "Threads",
    "disk": "Disk",
    "network": "Network",
}


@dataclass(frozen=True)
class ResourceUse:
    """One resource on the used hosts of a pool, in outer units: used + stranded + free = limit."""

    name: str
    unit: str
    used: float
    stranded: float
    limit: float

    @property
    def used_share(self) -> float:
        """Used share of the limit."""
        return self.used / self.limit if self.limit else 0.0

    @property
    def stranded_share(self) -> float:
        """Stranded share of the limit."""
        return self.stranded / self.limit if self.limit else 0.0


@dataclass(frozen=True)
class PoolUse:
    """Used hosts of a pool.

    Parameters
    ----------
    utilisation
        float64[num_hosts, num_resources]: use over limit.
    resources
        Sums over the hosts.
    """

    pool: str
    utilisation: FloatArray
    resources: tuple[ResourceUse, ...]

    @property
    def fill(self) -> FloatArray:
        """float64[num_hosts]: utilisation of each host's fullest resource."""
        return self.utilisation.max(axis=1, initial=0.0)

    @property
    def is_full(self) -> BoolArray:
        """bool[num_hosts]: whether a host has no room for what needs its fullest resource."""
        return self.fill >= FULL

    @property
    def binding(self) -> ResourceUse:
        """The resource of which most is used."""
        return max(self.resources, key=lambda resource: resource.used_share)

    @property
    def most_stranded(self) -> ResourceUse:
        """The resource of which the largest share is stranded, among those of which a tenth or more is used."""
        told = [resource for resource in self.resources if resource.used_share >= 0.1] or list(self.resources)
        return max(told, key=lambda resource: resource.stranded_share)


def pool_uses(plan: Plan) -> tuple[PoolUse, ...]:
    """Return the use of each pool's hosts, spares left out, in the order of the pools."""
    busy = plan.hosts.filter(~pl.col("spare"))
    uses = []
    for pool in (name for name in POOLS if name in set(busy["pool"])):
        hosts = busy.filter(pl.col("pool") == pool)
        used = np.stack([hosts[f"{r.column}_used"].to_numpy().astype(float) for r in RESOURCES], axis=1)
        limit = np.stack([hosts[f"{r.column}_limit"].to_numpy().astype(float) for r in RESOURCES], axis=1)
        utilisation = np.divide(used, limit, out=np.zeros_like(used), where=limit > 0)
        is_full = utilisation.max(axis=1, initial=0.0) >= FULL
        left = np.maximum(limit - used, 0.0)
        stranded = np.where(is_full[:, None] & (utilisation < FULL), left, 0.0).sum(axis=0)
        resources = tuple(
            ResourceUse(resource.name, resource.unit, float(used[:, r].sum()), float(stranded[r]), float(limit[:, r].sum()))
            for r, resource in enumerate(RESOURCES)
        )
        uses.append(PoolUse(pool, utilisation, resources))
    return tuple(uses)


def service_table(plan: Plan, fleet: Fleet | None) -> pl.DataFrame:
    """Return a row per service, sorted: service, domain, sensitivity, region, database, cache.

    What only the fleet knows (domain, sensitivity) is taken from the service's cluster where the fleet is not given
    and all of the cluster agrees; else it is blank.
    """
    placed = plan.assignments.select("service", "host").join(plan.hosts.select("host", "region"), on="host", how="left")
    services = placed.group_by("service").agg(pl.col("region").first()).sort("service")
    if services.is_empty():  # a plan of databases or caches alone
        names = pl.concat([plan.databases["service"], plan.caches["service"]]).unique().sort()
        services = pl.DataFrame({"service": names, "region": [""] * len(names)}, schema={"service": pl.String, "region": pl.String})
    for column, links in (("database", plan.databases), ("cache", plan.caches)):
        chosen = links.select("service", pl.col("cluster").alias(column))
        services = services.join(chosen, on="service", how="left", maintain_order="left")
    if fleet is not None:
        known = fleet.services.select("service", "domain", "sensitivity")
    else:
        one = plan.postgres_clusters.select(
            pl.col("cluster").alias("database"),
            pl.when(~pl.col("domains").str.contains(";")).then(pl.col("domains")).alias("domain"),
            pl.when(~pl.col("sensitivity").str.contains(";")).then(pl.col("sensitivity")).alias("sensitivity"),
        )
        known = services.select("service", "database").join(one, on="database", how="left").drop("database")
    services = services.join(known, on="service", how="left", maintain_order="left")
    blank = [pl.col(name).fill_null("") for name in ("domain", "sensitivity", "region", "database", "cache")]
    return services.select("service", *blank)


def cluster_table(plan: Plan) -> pl.DataFrame:
    """Return a row per workload of the pools beside `services`, sorted by name: kind, domains, sensitivity, tier, services."""
    columns = ("cluster", "kind", "domains", "sensitivity", "tier", "services", "region")
    postgres = plan.postgres_clusters.with_columns(kind=pl.lit("PostgreSQL")).select(columns)
    valkey = plan.valkey_clusters.with_columns(kind=pl.lit("Valkey")).select(columns)
    known = pl.concat([postgres, valkey])
    others = (
        plan.nodes.filter(~pl.col("workload").is_in(known["cluster"].implode()))
        .group_by("workload")
        .agg(pl.col("kind").first(), pl.col("tier").first(), pl.col("region").first())
        .select(
            pl.col("workload").alias("cluster"),
            "kind",
            pl.lit("").alias("domains"),
            pl.lit("").alias("sensitivity"),
            "tier",
            pl.lit(0, dtype=pl.Int64).alias("services"),
            "region",
        )
    )
    return pl.concat([known, others]).sort("cluster")
