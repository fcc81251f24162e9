"""What each rule costs: the cheapest mix planned once more, the services alone, without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from placement.compare.runs import Packed
from placement.compare.types import MixPlan, RulePrice
from placement.compare.variation import Variation
from placement.engine import place
from placement.errors import InfeasibleError
from placement.fleet.types import Fleet
from placement.instance import HOST, build_problems
from placement.packing.options import Options

RULES = {
    "interference": "no interference rules between services",
    "spread": "replicas need not stand in different zones or segments",
    "replicas-apart": "replicas of a service may share a host",
    "stock": "any number of every size may be bought",
}
"""Rules and what a plan without each of them means."""


@dataclass(frozen=True)
class RuleTask:
    """A rule to plan without."""

    fleet: Packed
    variation: Variation
    rule: str
    options: Options


def rules_in_force(fleet: Fleet) -> tuple[str, ...]:
    """Return the rules that say anything to the services of a fleet."""
    if "services" not in fleet.policy.pools:
        return ()
    alone = _services_alone(fleet)
    found = []
    if fleet.interference.height:
        found.append("interference")
    problems = build_problems(alone)
    if any((problem.spread != HOST).any() for problem in problems):
        found.append("spread")
    if any((problem.max_per_host < problem.instances).any() for problem in problems):
        found.append("replicas-apart")
    if any(fleet.sizes[size].stock is not None for size in fleet.buyable):
        found.append("stock")
    return tuple(found)


def plan_without(
    task: RuleTask, *, cores: int, report: Callable[[Any], None], stop: Callable[[], bool]
) -> float | None:
    """Return what the used hosts of the services cost per hour without a rule; None: there is no plan."""
    del cores
    report("began")
    fleet = without_rule(_services_alone(task.variation.of(task.fleet.open())), task.rule)
    try:
        return place(fleet, task.options, stop=stop).summary.cost.per_hour
    except InfeasibleError:
        return None


def without_rule(fleet: Fleet, rule: str) -> Fleet:
    """Return the fleet without one of `RULES`."""
    if rule == "interference":
        return dataclasses.replace(fleet, interference=fleet.interference.clear())
    if rule == "spread":
        return dataclasses.replace(fleet, services=fleet.services.with_columns(pl.lit("host").alias("spread")))
    if rule == "replicas-apart":
        free = fleet.services.with_columns(pl.col("instances").alias("max_per_host"))
        return dataclasses.replace(fleet, services=free)
    sizes = {name: dataclasses.replace(size, stock=None) for name, size in fleet.sizes.items()}
    return dataclasses.replace(fleet, sizes=sizes)


def rule_prices(best: MixPlan, costs: dict[str, float | None], saved_by_sharing: float | None) -> Iterator[RulePrice]:
    """Yield what each rule costs the cheapest mix.

    Parameters
    ----------
    costs
        Cost per hour of the services' hosts without each rule.
    saved_by_sharing
        What shared clusters would save of dedicated databases, where the plan says so.
    """
    with_all = best.pools["services"].per_hour if "services" in best.pools else 0.0
    for rule, cost in costs.items():
        if cost is not None:
            yield RulePrice(rule=rule, text=RULES[rule], costs_per_hour=with_all - cost, how="planned")
    if saved_by_sharing is not None:
        text = "databases in shared clusters instead of dedicated ones"
        yield RulePrice(rule="dedicated-databases", text=text, costs_per_hour=saved_by_sharing, how="plan")


def _services_alone(fleet: Fleet) -> Fleet:
    return dataclasses.replace(fleet, policy=fleet.policy.model_copy(update={"pools": ["services"]}))
