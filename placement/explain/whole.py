"""The plan: what makes its cost, and what to relax to save most.

At the dual prices, a pool pays for a resource V_r. If one point more of the resource may be used (headroom h to
h + 0.01), every limit grows by 0.01/h, the resource's price falls accordingly, and V_r·0.01/(h + 0.01) is saved, as
long as the same resources bind. What an overcommit or the network's share saves follows in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from placement.explain.context import Context, rounded
from placement.explain.prices import added
from placement.explain.types import CostParts, PlanExplanation, Relaxation
from placement.fleet.types import Policy
from placement.instance import headroom_shares
from placement.units import RESOURCES

_STEP = 0.01
_LEAST = 1e-6
_MOST = 25


def explain_whole(context: Context) -> tuple[PlanExplanation, list[str]]:
    """Return the explanation of the plan, and notes on what could not be said."""
    by_pool: dict[str, list[CostParts]] = {}
    for (pool, _), prices in context.prices.items():
        by_pool.setdefault(pool, []).append(prices.parts(slice(None)))
    cost = {pool: rounded(added(parts)) for pool, parts in by_pool.items()}
    found = sorted(_relaxations(context, cost), key=lambda item: (-item.saves_per_hour, item.what))
    notes = []
    if context.fleet is None and "services" in context.plan.summary.pools:
        notes.append("with --fleet: what the pool services pays for each resource")
    return (
        PlanExplanation(
            name=context.plan.summary.fleet.name,
            total_per_hour=context.plan.summary.cost.total_per_hour,
            cost=cost,
            relaxations=tuple(item for item in found if item.saves_per_hour > _LEAST)[:_MOST],
        ),
        notes,
    )


def _relaxations(context: Context, cost: Mapping[str, CostParts]) -> Iterator[Relaxation]:
    summary = context.plan.summary
    tier = summary.data_tier
    other = tier.postgres.alternative if tier is not None and tier.postgres is not None else None
    if other is not None:
        yield _relaxation(
            f"{other.clusters:,} shared PostgreSQL clusters instead of dedicated servers",
            other.saves_per_hour,
            "planned",
        )
    gap = summary.cost.per_hour - summary.cost.bound_per_hour
    yield _relaxation("a longer search for the same servers and rules (no more than the gap)", gap, "bound")
    policy = _policy(summary.settings)
    if policy is not None:
        yield from _by_policy(policy, cost, summary.cost.spare_per_hour)
    for prices in context.prices.values():
        for name, value in prices.stock_value.items():
            yield _relaxation(f"one more host {name} for {prices.pool} in {prices.region}", value, "dual")
    for pool, parts in cost.items():
        for resource in RESOURCES:
            title = resource.name.replace("_", " ")
            yield _relaxation(f"{pool}: 10 % less {title} asked", 0.1 * parts.resources[resource.name], "dual")


def _by_policy(policy: Policy, cost: Mapping[str, CostParts], spare: float) -> Iterator[Relaxation]:
    shares = headroom_shares(policy)
    paid = {resource.name: sum(parts.resources[resource.name] for parts in cost.values()) for resource in RESOURCES}
    for resource in RESOURCES:
        share = float(shares[resource.name])
        name = (
            "policy.network_limit"
            if resource.name == "network"
            else f"policy.headroom of {resource.name.replace('_', ' ')}"
        )
        if share + _STEP <= 1:
            yield _relaxation(
                f"{name} {share:g} → {share + _STEP:g}", paid[resource.name] * _STEP / (share + _STEP), "dual"
            )
    overcommit = policy.cpu_overcommit
    yield _relaxation(
        f"policy.cpu_overcommit {overcommit:g} → {overcommit * 1.05:g}", paid["cpu"] * (1 - 1 / 1.05), "dual"
    )
    if policy.spare > _STEP:
        yield _relaxation(
            f"policy.spare {policy.spare:g} → {policy.spare - _STEP:g}", spare * _STEP / policy.spare, "dual"
        )


def _policy(settings: Mapping[str, Any]) -> Policy | None:
    """Return the policy that the plan was made under, None where the settings do not say."""
    try:
        return Policy.model_validate(settings["policy"])
    except (KeyError, ValueError):
        return None


def _relaxation(what: str, saves: float, basis: Any) -> Relaxation:
    return Relaxation(what=what, saves_per_hour=round(saves, 6), basis=basis)
