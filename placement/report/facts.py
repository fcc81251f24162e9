"""What a plan's tables say about hosts, in the form that sections and payload need it.

*Utilisation* is use over the limit that may be planned (headroom is off already), so 100 % is as full as the policy
allows. A host is *full* from 95 % of its fullest resource on; what is left of its other resources is *stranded*: no
instance that needs the full one can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.fleet.types import POOLS
from placement.plan.types import Plan
from placement.units import RESOURCES, BoolArray, FloatArray

FULL = 0.95
"""Share of its fullest resource from which on a host counts as full."""

LEAST_TOLD = 0.1
"""Share of a pool's limit below which a resource's use says nothing about how hosts are chosen."""

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
        fill: FloatArray = self.utilisation.max(axis=1, initial=0.0)
        return fill

    @property
    def is_full(self) -> BoolArray:
        """bool[num_hosts]: whether a host has no room for what needs its fullest resource."""
        return self.fill >= FULL

    @property
    def binding(self) -> ResourceUse:
        """The resource of which most is used."""
        return max(self.resources, key=lambda resource: resource.used_share)

    @property
    def told(self) -> tuple[ResourceUse, ...]:
        """The resources of which enough is used to be worth a word."""
        return tuple(resource for resource in self.resources if resource.used_share >= LEAST_TOLD) or self.resources

    @property
    def most_stranded(self) -> ResourceUse:
        """The resource of which the largest share is stranded, among those that are `told`."""
        return max(self.told, key=lambda resource: resource.stranded_share)


def resource_word(name: str) -> str:
    """Return a resource's name inside a sentence."""
    return RESOURCE_TITLES[name] if name == "cpu" else RESOURCE_TITLES[name].lower()


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
            ResourceUse(
                resource.name, resource.unit, float(used[:, r].sum()), float(stranded[r]), float(limit[:, r].sum())
            )
            for r, resource in enumerate(RESOURCES)
        )
        uses.append(PoolUse(pool, utilisation, resources))
    return tuple(uses)


def cluster_table(plan: Plan) -> pl.DataFrame:
    """Return a row per workload of the pools beside `services`, sorted by name, with what it is and for whom."""
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
