"""The whole data tier of a fleet, as one value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from placement.datatier.platform import plan_platform
from placement.datatier.postgres import plan_postgres
from placement.datatier.valkey import plan_valkey
from placement.errors import Reason
from placement.fleet.types import Fleet, PostgresChoice
from placement.packing.options import Options
from placement.plan.types import (
    CACHES_SCHEMA,
    DATABASES_SCHEMA,
    POSTGRES_CLUSTERS_SCHEMA,
    VALKEY_CLUSTERS_SCHEMA,
    Alert,
    Certificate,
    DataTierSummary,
)
from placement.workloads import no_workloads


@dataclass(frozen=True)
class DataTier:
    """Databases, caches and platform services of a fleet.

    Parameters
    ----------
    databases, postgres_clusters, caches, valkey_clusters
        The plan's tables.
    workloads
        What must be placed, of all pools.
    certificates
        Proofs of what the choice of clusters costs at least.
    summary
        None where the policy plans the services alone.
    reasons
        Why there is no plan; empty: there may be one.
    """

    databases: pl.DataFrame = dataclasses.field(default_factory=lambda: pl.DataFrame(schema=DATABASES_SCHEMA))
    postgres_clusters: pl.DataFrame = dataclasses.field(
        default_factory=lambda: pl.DataFrame(schema=POSTGRES_CLUSTERS_SCHEMA)
    )
    caches: pl.DataFrame = dataclasses.field(default_factory=lambda: pl.DataFrame(schema=CACHES_SCHEMA))
    valkey_clusters: pl.DataFrame = dataclasses.field(
        default_factory=lambda: pl.DataFrame(schema=VALKEY_CLUSTERS_SCHEMA)
    )
    workloads: pl.DataFrame = dataclasses.field(default_factory=no_workloads)
    certificates: tuple[Certificate, ...] = ()
    summary: DataTierSummary | None = None
    alerts: tuple[Alert, ...] = ()
    reasons: tuple[Reason, ...] = ()


def plan_data_tier(
    fleet: Fleet,
    options: Options,
    report: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> DataTier:
    """Decide which databases, caches and platform services a fleet has.

    Parameters
    ----------
    report
        Told what is being done.
    stop
        True ends the search for better clusters with the best so far.
    """
    tier = DataTier()
    pools = fleet.policy.pools
    summary = DataTierSummary()
    workloads = []
    if "databases" in pools:
        report("postgres")
        postgres = plan_postgres(fleet, options, lambda _: report("postgres"), stop)
        workloads.append(postgres.workloads)
        summary = summary.model_copy(update={"postgres": postgres.summary})
        tier = dataclasses.replace(
            tier,
            databases=postgres.databases,
            postgres_clusters=postgres.clusters,
            certificates=postgres.certificates,
            alerts=postgres.alerts,
            reasons=postgres.reasons,
        )
    if "caches" in pools:
        report("valkey")
        valkey = plan_valkey(fleet, options, lambda _: report("valkey"), stop)
        workloads.append(valkey.workloads)
        summary = summary.model_copy(update={"valkey": valkey.summary})
        tier = dataclasses.replace(
            tier,
            caches=valkey.caches,
            valkey_clusters=valkey.clusters,
            certificates=(*tier.certificates, *valkey.certificates),
            alerts=(*tier.alerts, *valkey.alerts),
            reasons=(*tier.reasons, *valkey.reasons),
        )
    if "platform" in pools:
        platform = plan_platform(fleet, tier.postgres_clusters)
        workloads.append(platform.workloads)
        summary = summary.model_copy(update={"platform": platform.services})
    if not workloads:
        return tier
    return dataclasses.replace(tier, workloads=pl.concat(workloads).sort("workload"), summary=summary)


def with_shared_databases(fleet: Fleet) -> Fleet:
    """Return the fleet with all databases in shared clusters, and nothing else planned than databases."""
    choice = PostgresChoice(default="clusters")
    policy = fleet.policy.model_copy(update={"postgres": choice, "pools": ["databases"]})
    return dataclasses.replace(fleet, policy=policy)
