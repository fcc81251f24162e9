"""What the cache of every service must be: memory, function, arrangement, from fleet and model alone."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from placement.verify.postgres_facts import asked_for
from placement.verify.tier_facts import VALKEY_POOL, CacheTier, TierFacts

KEYS = ["region", "group", "function"]
"""What services of one Valkey have in common."""


def valkey_facts(tier: TierFacts) -> pl.DataFrame:
    """Return a row per service that has a cache, sorted by service.

    Returns
    -------
    Frame
        `service`, `region`, `domain`, `sensitivity`, `group`, `function`, `memory_mb` and `arrangement` (single,
        replicated, cluster or federated).
    """
    model = tier.model
    services = tier.facts.fleet.services.filter("needs_valkey")
    memory = model.valkey.memory_per_service
    usual_mb = math.ceil(
        sum(tier.at(term.memory_mb) for term in memory.terms.values()) * tier.at(memory.overhead_factor)
    )
    asked = asked_for(services, tier.facts.fleet.policy.valkey)
    phase = next((row for row in model.valkey.tiers.values() if row.covers(tier.num_services)), None)
    usual = phase.arrangement if phase is not None else "federated"
    function = pl.when(pl.col("valkey_function") == "").then(pl.lit(model.valkey.clusters.default_function))
    rows = services.select(
        "service",
        "region",
        "domain",
        "sensitivity",
        group=pl.col("sensitivity").replace_strict(dict(tier.groups), return_dtype=pl.String),
        function=function.otherwise("valkey_function"),
        memory_mb=pl.col("valkey_mb").fill_null(usual_mb),
        arrangement=pl.Series(np.where(asked == "auto", usual, asked), dtype=pl.String),
        is_auto=asked == "auto",
    )
    one_node = {region: max((t.memory_mb for t in tiers_there(tier, region)), default=0) for region in _regions(tier)}
    for arrangement in ("single", "replicated"):
        rows = _moved(rows, arrangement, "cluster", one_node, pl.col("is_auto"))
    most = math.floor(tier.at(model.valkey.clusters.max_primaries))
    one_cluster = {region: most * memory_mb for region, memory_mb in one_node.items()}
    return _moved(rows, "cluster", "federated", one_cluster, pl.lit(True)).drop("is_auto")


def num_replicas(tier: TierFacts) -> int:
    """Return the replicas of each primary."""
    return math.ceil(tier.at(tier.model.valkey.clusters.replicas_per_primary))


def num_primaries(tier: TierFacts) -> range:
    """Return the numbers of primaries that a sharded cluster may have."""
    clusters = tier.model.valkey.clusters
    return range(math.ceil(tier.at(clusters.min_primaries)), math.floor(tier.at(clusters.max_primaries)) + 1)


def tiers_there(tier: TierFacts, region: str) -> list[CacheTier]:
    """Return the tiers that some host for caches in the region holds."""
    return [row for row in tier.cache_tiers if tier.price(VALKEY_POOL, region, row.name) is not None]


def _regions(tier: TierFacts) -> tuple[str, ...]:
    return tier.facts.regions


def _moved(rows: pl.DataFrame, one: str, other: str, room_mb: dict[str, int], which: pl.Expr) -> pl.DataFrame:
    """Give services another arrangement where those of their group are too much for the first."""
    sums = rows.filter(arrangement=one).group_by(KEYS).agg(total_mb=pl.col("memory_mb").sum())
    full = sums.filter(pl.col("total_mb") > pl.col("region").replace_strict(room_mb, return_dtype=pl.Int64))
    marked = rows.join(full.select(*KEYS, is_full=True), on=KEYS, how="left", maintain_order="left")
    goes = (pl.col("arrangement") == one) & pl.col("is_full").fill_null(False) & which
    return marked.with_columns(arrangement=pl.when(goes).then(pl.lit(other)).otherwise("arrangement")).drop("is_full")
