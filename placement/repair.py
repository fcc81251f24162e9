"""What would make a plan possible: the cheapest hosts to add, found by planning as if they could be bought."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from placement.bounds import prove
from placement.errors import InfeasibleError, Reason
from placement.fleet.types import Fleet
from placement.instance import HostClasses, PoolProblem, size_limits
from placement.packing.solve import Options, solve_pool
from placement.packing.spares import spare_counts
from placement.packing.state import Workspace
from placement.units import exact

_REPAIRABLE = {"stock-short", "too-few-hosts", "spare-short", "not-found"}


def with_repair(
    fleet: Fleet, problem: PoolProblem, reasons: list[Reason], options: Options, stop: Callable[[], bool]
) -> list[Reason]:
    """Return the reasons with the hosts named whose addition makes a plan possible, where that is what is wanting."""
    sizes = {*problem.classes.size, *fleet.buyable}
    if not sizes or not {reason.kind for reason in reasons} <= _REPAIRABLE or stop():
        return reasons
    more = _with_any_number_of_each_size(fleet, problem)
    num_own = len(problem.classes)
    try:
        packing = solve_pool(
            more, prove(more, with_patterns=False).micros_per_hour, None, options, lambda _: None, stop
        )
        spares = spare_counts(more, packing, Workspace(more).residual(packing), exact(fleet.policy.spare))
    except InfeasibleError:
        return reasons  # it is not hosts that are wanting
    counts = np.bincount(packing.host_class, minlength=len(more.classes)) + spares
    added = {more.classes.size[s]: int(counts[s]) for s in range(num_own, len(more.classes)) if counts[s]}
    if not added:
        return reasons
    words = ", ".join(f"{number} × {size}" for size, number in added.items())
    hosts = f"add {words} and a plan exists, spares included"
    repaired = []
    for reason in reasons:
        alternative = reason.repair.partition(", or ")[2]
        repair = f"{hosts}, or {alternative}" if alternative else hosts
        repaired.append(dataclasses.replace(reason, repair=repair, details={**reason.details, "add_hosts": added}))
    return repaired


def _with_any_number_of_each_size(fleet: Fleet, problem: PoolProblem) -> PoolProblem:
    """Return the problem with every size for sale in any number; what is there already counts for nothing."""
    classes = problem.classes
    names = sorted({*classes.size, *fleet.buyable})
    limits = np.array([size_limits(fleet.sizes[name], fleet.policy) for name in names], np.int64)
    prices = np.array([max(1, fleet.sizes[name].price_micros_per_hour) for name in names], np.int64)
    offered = HostClasses(
        limit=np.concatenate((classes.limit, limits)),
        price=np.concatenate((np.zeros(len(classes), np.int64), prices)),
        stock=np.concatenate((classes.stock, np.full(len(names), -1, np.int64))),
        size=(*classes.size, *names),
        hosts=(*classes.hosts, *((),) * len(names)),
    )
    places = tuple(dataclasses.replace(place, max_hosts=None) for place in problem.locations)
    return dataclasses.replace(problem, classes=offered, locations=places)
