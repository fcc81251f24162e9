"""plan.json, `data_tier`: that its figures follow from tables, fleet and certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from placement.plan.types import Bounds, Choice, Plan, PostgresSummary, ValkeySummary
from placement.units import MICROS, exact
from placement.verify.clusters import members_of
from placement.verify.collector import Collector
from placement.verify.platform import PlatformFacts
from placement.verify.words import money

_FILE = "plan.json"
_TOLERANCE = 1e-9


class TierFigures:
    """Compares stated figures of the data tier with recomputed ones."""

    def __init__(self, plan: Plan, found: Collector) -> None:
        self._found = found
        self._is_optimal = plan.summary.status == "optimal"

    def add(self, message: str, **figures: float) -> None:
        """Report something wrong in the summary of the data tier."""
        self._found.add("data-tier-wrong", message, file=_FILE, **figures)

    def equal(self, name: str, stated: object, right: object) -> None:
        """Report a count or a table of counts that is another."""
        if stated != right:
            self.add(f"data_tier.{name} is {stated}, it must be {right}")

    def near(self, name: str, stated: float, right: Any) -> None:
        """Report a number that is off by more than rounding."""
        value = float(right)
        if not math.isclose(stated, value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            self.add(f"data_tier.{name} is {stated!r}, it must be {value:,.12g}", value=stated, limit=value)

    def choice(self, name: str, stated: Choice, cost: int, bound: int) -> None:
        """Report a cost, a bound or a gap of a choice of clusters that is another."""
        for column, said, right in (
            ("per_hour", stated.per_hour, cost),
            ("bound_per_hour", stated.bound_per_hour, bound),
        ):
            if not math.isfinite(said) or round(exact(said) * MICROS) != right:
                self.add(f"data_tier.{name}.{column} is {said!r}, it must be {money(right)}")
        right_gap = (cost - bound) / bound if bound else float(cost > 0)
        is_right = math.isclose(stated.gap, right_gap, rel_tol=_TOLERANCE, abs_tol=1e-12)
        if not is_right and not (bound == 0 and cost > 0 and stated.gap > 0):
            self.add(f"data_tier.{name}.gap is {stated.gap!r}; the cost is {money(cost)}, the bound {money(bound)}")
        if self._is_optimal and cost != bound:
            message = f"the status is optimal, but data_tier.{name} costs {money(cost)} and its bound is {money(bound)}"
            self._found.add("status-wrong", message, file=_FILE)
        if bound > cost:
            message = f"data_tier.{name}: the bound is {money(bound)}, the cost {money(cost)}"
            self._found.add("bound-above-cost", message, value=bound / MICROS, limit=cost / MICROS, file=_FILE)


def check_postgres_summary(plan: Plan, clusters: pl.DataFrame, facts: pl.DataFrame, found: Collector) -> None:
    """Report figures of PostgreSQL in the summary that are not those of the tables.

    Parameters
    ----------
    clusters
        As `postgres_clusters.postgres_clusters` returns it.
    facts
        What is right of the services (`postgres_facts.postgres_facts`).
    """
    figures, stated = TierFigures(plan, found), _part(plan, "postgres")
    members = members_of(plan.databases, facts).select("service", "cluster", "domain")
    members = members.join(plan.databases.select("service", "arrangement"), on="service")
    used = clusters.filter(pl.col("right_nodes").is_not_null())
    if not isinstance(stated, PostgresSummary):
        if used.height:
            figures.add("data_tier.postgres is missing")
        return
    figures.equal("postgres.services", _counts(stated.services), _by(members["arrangement"]))
    figures.equal("postgres.clusters", stated.clusters, clusters.height)
    figures.equal("postgres.nodes", stated.nodes, int(used["right_nodes"].sum()))
    figures.equal("postgres.pgbouncers", stated.pgbouncers, int(used["right_pgbouncers"].sum()))
    figures.near("postgres.storage_gb", stated.storage_gb, (used["sum_storage_mb"] * used["right_nodes"]).sum() / 1000)
    shared = members.filter(pl.col("arrangement") != "dedicated")
    figures.equal("postgres.domain_spread", stated.domain_spread, domain_spread(shared))
    chosen = used.filter(arrangement="clusters")
    cost = int((chosen["right_nodes"] * chosen["node_price"]).sum())
    bound = _bound(plan.bounds, "postgres")
    if stated.choice is not None and not chosen["node_price"].null_count():
        figures.choice("postgres.choice", stated.choice, cost, bound)
    elif stated.choice is None and chosen.height:
        figures.add("data_tier.postgres.choice is missing")


def check_valkey_summary(plan: Plan, clusters: pl.DataFrame, facts: pl.DataFrame, found: Collector) -> None:
    """Report figures of Valkey in the summary that are not those of the tables; as `check_postgres_summary`."""
    figures, stated = TierFigures(plan, found), _part(plan, "valkey")
    members = members_of(plan.caches, facts).join(clusters.select("cluster", "mode"), on="cluster", how="left")
    # the table says cluster where there is one and where there are several
    is_sharded = (pl.col("mode") == "cluster") & pl.col("arrangement").is_in(["cluster", "federated"])
    members = members.with_columns(arrangement=pl.when(is_sharded).then("arrangement").otherwise("mode"))
    used = clusters.filter(pl.col("right_services").is_not_null())
    if not isinstance(stated, ValkeySummary):
        if used.height:
            figures.add("data_tier.valkey is missing")
        return
    figures.equal("valkey.services", _counts(stated.services), _by(members["arrangement"]))
    figures.equal("valkey.clusters", stated.clusters, clusters.height)
    figures.equal("valkey.primaries", stated.primaries, int(used["right_primaries"].sum()))
    figures.equal("valkey.replicas", stated.replicas, int(used["right_replicas"].sum()))
    figures.equal("valkey.memory_mb_used", stated.memory_mb_used, int(used["sum_memory"].sum()))
    figures.equal("valkey.memory_mb_limit", stated.memory_mb_limit, int(used["right_limit"].sum()))
    figures.equal("valkey.domain_spread", stated.domain_spread, domain_spread(members))
    nodes = used["right_primaries"] + used["right_replicas"]
    cost = int((nodes * used["node_price"]).sum())
    if not used["node_price"].null_count():  # a tier that is not to be had has no price, and is told already
        figures.choice("valkey.choice", stated.choice, cost, _bound(plan.bounds, "valkey"))


def check_platform_summary(plan: Plan, platform: Sequence[PlatformFacts], found: Collector) -> None:
    """Report platform services that the summary lacks, has too many of, or describes otherwise."""
    figures = TierFigures(plan, found)
    tier = plan.summary.data_tier
    # PgBouncers are counted with the clusters they serve; a summary may list them here, too
    stated = {row.service: row for row in (tier.platform if tier is not None else ()) if row.kind != "pgbouncer"}
    right = {row.name: row for row in platform}
    for name in sorted(stated.keys() ^ right.keys()):
        figures.add(f"data_tier.platform {'lacks' if name in right else 'has an unknown'} {name}")
    for name in sorted(stated.keys() & right.keys()):
        said, must = stated[name], right[name]
        for column, value, wanted in (
            ("kind", said.kind, must.kind),
            ("region", said.region, must.region),
            ("nodes", said.nodes, must.num_nodes),
            ("measures", sorted(said.measures), sorted(must.measures)),
        ):
            figures.equal(f"platform.{name}.{column}", value, wanted)
        for measure in sorted(said.measures.keys() & must.measures.keys()):
            figures.near(f"platform.{name}.{measure}", said.measures[measure], must.measures[measure])


def domain_spread(members: pl.DataFrame) -> int:
    """Return the sum over domains of the clusters that each is spread over."""
    return members.filter(pl.col("domain") != "").select("domain", "cluster").unique().height


def _part(plan: Plan, name: str) -> object:
    return getattr(plan.summary.data_tier, name, None)


def _counts(stated: dict[str, int]) -> dict[str, int]:
    return dict(sorted((name, number) for name, number in stated.items() if number))


def _by(column: pl.Series) -> dict[str, int]:
    return dict(sorted(column.value_counts().iter_rows()))


def _bound(bounds: Bounds, pool: str) -> int:
    return sum(certificate.bound_micros_per_hour for certificate in bounds.certificates if certificate.pool == pool)
