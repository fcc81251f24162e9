"""What a comparison says of one plan: use of resources, what binds, what a host's failure takes."""

from __future__ import annotations

from collections import Counter

import polars as pl

from placement.compare.shadow import shadow_prices
from placement.compare.types import HOURS_PER_YEAR, BlastRadius, MixPlan, Use
from placement.compare.variation import Variation
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.network.links import NIC_METRIC
from placement.plan.types import Plan
from placement.units import RESOURCES


def mix_of(variation: Variation) -> MixPlan:
    """Return a mix of which nothing but the choice is known yet."""
    return MixPlan(
        name=variation.name,
        sizes=variation.mix,
        prices=variation.prices,
        headroom=variation.policy.headroom,
        databases=variation.databases or variation.policy.postgres.default,
        model=variation.model.name,
        status="infeasible",
    )


def without_plan(variation: Variation, reasons: tuple[Reason, ...]) -> MixPlan:
    """Return a mix that cannot hold the fleet."""
    return mix_of(variation).model_copy(update={"reasons": tuple(reason.to_dict() for reason in reasons)})


def measured(variation: Variation, fleet: Fleet, plan: Plan) -> MixPlan:
    """Return a mix with what its plan comes to.

    Parameters
    ----------
    fleet
        The fleet as the variation has changed it.
    """
    summary = plan.summary
    use = uses(plan)
    alerts = Counter(alert.level for alert in summary.alerts)
    postgres = None if summary.data_tier is None else summary.data_tier.postgres
    return mix_of(variation).model_copy(
        update={
            "status": summary.status,
            "cost": summary.cost,
            "total_per_year": summary.cost.total_per_hour * HOURS_PER_YEAR,
            "hosts": summary.hosts,
            "num_sizes": len(summary.hosts.by_size),
            "pools": summary.pools,
            "use": use,
            "binds": max(use, key=lambda name: use[name].share) if use else "",
            "blast_radius": blast_radius(plan, fleet),
            "alerts": dict(sorted(alerts.items())),
            "network_findings": network_findings(plan),
            "violations": len(summary.violations),
            "databases_by_arrangement": {} if postgres is None else postgres.services,
            "saved_by_sharing_per_hour": (
                None if postgres is None or postgres.alternative is None else postgres.alternative.saves_per_hour
            ),
            "shadow_prices": shadow_prices(fleet, plan),
        }
    )


def network_findings(plan: Plan) -> int:
    """Return the number of links above the warning level, by direction, and of alerts about NICs.

    Links are counted in links.csv: alerts name the busiest ones and sum up the rest in one.
    """
    busy = int((plan.links["level"] != "ok").sum())
    return busy + sum(alert.metric == NIC_METRIC for alert in plan.summary.alerts)


def uses(plan: Plan) -> dict[str, Use]:
    """Return the use of every resource over all used hosts, by its name."""
    busy = plan.hosts.filter(~pl.col("spare"))
    found = {}
    for resource in RESOURCES:
        used, limit = busy[f"{resource.column}_used"], busy[f"{resource.column}_limit"]
        usable = float(limit.sum())
        fullest = (used / limit).fill_nan(0).max()
        found[resource.name] = Use(
            unit=resource.unit,
            used=float(used.sum()),
            usable=usable,
            share=float(used.sum()) / usable if usable else 0.0,
            fullest=float(fullest) if isinstance(fullest, float) else 0.0,
        )
    return found


def blast_radius(plan: Plan, fleet: Fleet) -> BlastRadius | None:
    """Return what one host of the pool `services` takes with it; None where none is planned."""
    if plan.assignments.is_empty():
        return None
    placed = plan.assignments.join(fleet.services.select("service", "domain"), on="service", how="left")
    services = placed.group_by("host").agg(pl.col("service").n_unique())["service"]
    of_domain = placed.group_by("domain").agg(pl.len().alias("in_domain"))
    lost = (
        placed.group_by("host", "domain")
        .agg(pl.len().alias("on_host"))
        .join(of_domain, on="domain")
        .with_columns((pl.col("on_host") / pl.col("in_domain")).alias("share"))
        # the largest share of each host; of equals the first by name
        .sort(["share", "host", "domain"], descending=[True, False, False])
    )
    worst = lost.row(0, named=True)
    largest = lost.group_by("host").agg(pl.col("share").max()).sort("host")["share"]
    most = services.max()
    return BlastRadius(
        services_per_host=float(services.sum()) / len(services),
        most_services=most if isinstance(most, int) else 0,
        domain_share_mean=float(largest.sum()) / len(largest),
        domain_share_worst=float(worst["share"]),
        worst_host=worst["host"],
        worst_domain=worst["domain"],
    )
