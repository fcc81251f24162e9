"""plan.json: that it names the right fleet, and that its figures follow from hosts and certificates."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from placement.units import MICROS, exact
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import PlanView
from placement.verify.words import money

_FILE = "plan.json"
_GAP_TOLERANCE = 1e-9


def check_fleet(plan: PlanView, facts: FleetFacts | None, found: Collector) -> None:
    """Report a plan of another fleet. Without a fleet, its counts are held against its own assignments."""
    said = plan.plan.summary.fleet
    if facts is None:
        services, instances = len(plan.services), len(plan.instance)
        if not instances and "services" not in plan.plan.summary.pools:
            return  # the services are not planned
    else:
        fleet = facts.fleet
        services, instances = len(facts.instances), int(facts.instances.sum())
        if said.digest != fleet.digest:
            message = f"the plan was made for a fleet with digest {said.digest}, this one has {fleet.digest}"
            found.add("fleet-differs", message, file=_FILE)
        if said.name != fleet.name:
            message = f"the plan names fleet {said.name!r}, this one is {fleet.name!r}"
            found.add("fleet-differs", message, file=_FILE)
        if plan.plan.summary.cost.currency != fleet.currency:
            message = f"the plan counts in {plan.plan.summary.cost.currency}, the fleet in {fleet.currency}"
            found.add("currency-wrong", message, file=_FILE)
    for noun, value, right in (
        ("services", said.services, services),
        ("instances", said.instances, instances),
    ):
        if value != right:
            message = f"the plan says {value:,} {noun}, there are {right:,}"
            found.add("fleet-differs", message, value=float(value), limit=float(right), file=_FILE)


def check_figures(plan: PlanView, bounds: Mapping[str, int], found: Collector) -> None:
    """Report costs, counts, bounds, gaps and a status that do not follow from the tables.

    Parameters
    ----------
    plan
        The plan.
    bounds
        Sum of the certificates' claimed bounds by pool, micros per hour (proven or not: another check).
    found
        Takes the findings.
    """
    summary = plan.plan.summary
    cost = int(plan.price[plan.is_used].sum())
    spare = int(plan.price[plan.is_spare].sum())
    bound = sum(bounds.values())
    figures = _Figures(found)
    figures.price("cost-wrong", "cost.per_hour", summary.cost.per_hour, cost)
    figures.price("cost-wrong", "cost.spare_per_hour", summary.cost.spare_per_hour, spare)
    figures.price("cost-wrong", "cost.total_per_hour", summary.cost.total_per_hour, cost + spare)
    figures.price("bound-wrong", "cost.bound_per_hour", summary.cost.bound_per_hour, bound)
    figures.gap("cost.gap", summary.cost.gap, cost, bound)
    if bound > cost:
        figures.add("bound-above-cost", f"the bound is {money(bound)}, the cost {money(cost)}", bound, cost)
    figures.count("hosts.total", summary.hosts.total, plan.num_hosts)
    figures.count("hosts.spare", summary.hosts.spare, int(plan.is_spare.sum()))
    sizes = Counter(plan.plan.hosts["size"].to_list())
    for size in sorted(sizes.keys() | summary.hosts.by_size.keys()):
        figures.count(f"hosts.by_size.{size}", summary.hosts.by_size.get(size, 0), sizes[size])
    _check_pools(plan, bounds, figures)
    if summary.status == "infeasible":
        figures.add("status-wrong", "the status is infeasible, but here is a plan")
    elif summary.status == "optimal" and cost != bound:
        message = f"the status is optimal, but the cost is {money(cost)} and the bound {money(bound)}"
        figures.add("status-wrong", message, cost, bound)


def _check_pools(plan: PlanView, bounds: Mapping[str, int], figures: _Figures) -> None:
    pools = np.array(plan.plan.hosts["pool"].to_list(), dtype=object)
    prices: dict[str, int] = defaultdict(int)
    hosts: Counter[str] = Counter()
    for pool in sorted(set(pools[plan.is_used].tolist())):
        rows = (pools == pool) & plan.is_used
        prices[pool] = int(plan.price[rows].sum())
        hosts[pool] = int(rows.sum())
    stated = plan.plan.summary.pools
    for pool in sorted(prices.keys() | bounds.keys() | stated.keys()):
        if pool not in stated:
            figures.add("pool-wrong", f"the summary lacks pool {pool}")
            continue
        said, bound = stated[pool], bounds.get(pool, 0)
        figures.price("pool-wrong", f"pools.{pool}.per_hour", said.per_hour, prices[pool])
        figures.price("pool-wrong", f"pools.{pool}.bound_per_hour", said.bound_per_hour, bound)
        figures.gap(f"pools.{pool}.gap", said.gap, prices[pool], bound)
        if said.hosts != hosts[pool]:
            message = f"pools.{pool}.hosts is {said.hosts:,}, {hosts[pool]:,} hosts of it are used"
            figures.add("pool-wrong", message)


class _Figures:
    """Compares stated figures with recomputed ones."""

    def __init__(self, found: Collector) -> None:
        self._found = found

    def add(self, kind: str, message: str, value: int | None = None, limit: int | None = None) -> None:
        self._found.add(
            kind,
            message,
            value=None if value is None else value / MICROS,
            limit=None if limit is None else limit / MICROS,
            file=_FILE,
        )

    def price(self, kind: str, name: str, stated: float, micros: int) -> None:
        """Report a price that is not this number of micros, to the nearest."""
        if not math.isfinite(stated) or round(exact(stated) * MICROS) != micros:
            message = f"{name} is {stated!r}, the tables give {money(micros)}"
            self._found.add(
                kind,
                message,
                value=stated if math.isfinite(stated) else None,
                limit=micros / MICROS,
                file=_FILE,
            )

    def count(self, name: str, stated: int, right: int) -> None:
        if stated != right:
            message = f"{name} is {stated:,}, the table has {right:,}"
            self._found.add("count-wrong", message, value=float(stated), limit=float(right), file=_FILE)

    def gap(self, name: str, stated: float, cost: int, bound: int) -> None:
        """Report a gap that is not (cost - bound) / bound.

        Both 0 make a gap of 0. Over a bound of 0 a cost has no gap: any positive number may then stand there.
        """
        if bound == 0:
            is_right = stated == 0 if cost == 0 else stated > 0
        else:
            right = (cost - bound) / bound
            is_right = math.isclose(stated, right, rel_tol=_GAP_TOLERANCE, abs_tol=1e-12)
        if not is_right:
            message = f"{name} is {stated!r}, but the cost is {money(cost)} and the bound {money(bound)}"
            self._found.add("gap-wrong", message, file=_FILE)
