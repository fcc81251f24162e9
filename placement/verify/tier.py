"""The check of the data tier, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from placement.plan.types import Plan
from placement.verify.choices import postgres_choices, valkey_choices
from placement.verify.collector import Collector
from placement.verify.databases import check_databases
from placement.verify.platform import platform_facts
from placement.verify.postgres_clusters import check_postgres_clusters, postgres_clusters
from placement.verify.postgres_facts import postgres_facts
from placement.verify.problems import Key, Problem
from placement.verify.rows import Rows
from placement.verify.tier_facts import PLATFORM_POOL, POSTGRES_POOL, VALKEY_POOL, TierFacts
from placement.verify.tier_summary import check_platform_summary, check_postgres_summary, check_valkey_summary
from placement.verify.tier_workloads import tier_workloads
from placement.verify.valkey_clusters import check_caches, check_valkey_clusters, valkey_clusters
from placement.verify.valkey_facts import valkey_facts

_TWICE = {
    "databases": "database-twice",
    "postgres_clusters": "cluster-twice",
    "caches": "cache-twice",
    "valkey_clusters": "cluster-twice",
}
_TABLES = {POSTGRES_POOL: ("databases", "postgres_clusters"), VALKEY_POOL: ("caches", "valkey_clusters")}


@dataclass(frozen=True)
class TierCheck:
    """What the check of clusters leaves to check.

    Parameters
    ----------
    workloads
        What must run beside the services.
    choices
        Problems of choosing clusters, for certificates.
    """

    workloads: pl.DataFrame
    choices: dict[Key, Problem]


def check_tier(plan: Plan, tier: TierFacts, found: Collector) -> TierCheck:
    """Check databases, caches, clusters and the summary of the data tier; nodes and certificates are left."""
    pools = tier.facts.pools
    plan = each_row_once(plan, found)
    for pool, tables in _TABLES.items():
        for name in tables if pool not in pools else ():
            if getattr(plan, name).height:
                message = f"there are rows, but the policy does not plan pool {pool}"
                found.add("pool-not-planned", message, file=f"{name}.csv")
    choices: dict[Key, Problem] = {}
    servers = valkeys = None
    if POSTGRES_POOL in pools:
        databases = postgres_facts(tier)
        servers = postgres_clusters(plan.postgres_clusters, plan.databases, databases, tier)
        check_databases(plan.databases, plan.postgres_clusters, databases, tier, found)
        check_postgres_clusters(servers, plan.databases, databases, tier, found)
        choices |= postgres_choices(databases, tier)
        check_postgres_summary(plan, servers, databases, found)
    if VALKEY_POOL in pools:
        caches = valkey_facts(tier)
        valkeys = valkey_clusters(plan.valkey_clusters, plan.caches, caches, tier)
        check_caches(plan.caches, plan.valkey_clusters, caches, tier, found)
        check_valkey_clusters(valkeys, plan.caches, caches, tier, found)
        of_valkey = valkey_choices(caches, tier)
        check_valkey_summary(plan, valkeys, caches, found)
        choices |= of_valkey
    platform = platform_facts(tier) if PLATFORM_POOL in pools else []
    if PLATFORM_POOL in pools:
        check_platform_summary(plan, platform, found)
    return TierCheck(tier_workloads(servers, valkeys, platform, tier), choices)


def each_row_once(plan: Plan, found: Collector) -> Plan:
    """Report rows of services and clusters that have one already, and return the plan without them."""
    kept: dict[str, Any] = {}
    for name, kind in _TWICE.items():
        table: pl.DataFrame = getattr(plan, name)
        key = table.columns[0]
        is_first = table[key].is_first_distinct()
        if not is_first.all():
            Rows(table, f"{name}.csv", key, found).report(kind, ~is_first, "is listed more than once")
            kept[name] = table.filter(is_first)
    return replace(plan, **kept) if kept else plan
