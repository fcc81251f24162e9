"""Spare hosts: enough of them, empty, and each able to replace any used host of its region."""

from __future__ import annotations

import math

import numpy as np

from placement.units import RESOURCES, exact
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import PlanView
from placement.verify.words import amount, count, outer

_FILE = "hosts.csv"


def check_spares(plan: PlanView, facts: FleetFacts | None, found: Collector) -> None:
    """Report spares that run something or are too small, and regions with too few of them.

    Without a fleet the share asked for is not known, and only the first two are checked.
    """
    is_busy = plan.is_spare & ((plan.num_instances > 0) | (plan.used > 0).any(axis=1))
    for row in np.flatnonzero(is_busy).tolist():
        running = count(int(plan.num_instances[row]), "instance")
        message = f"{plan.hosts[row]} is a spare but carries a load ({running})"
        found.add("spare-used", message, host=plan.hosts[row], file=_FILE, row=row + 1)
    regions = plan.plan.hosts["region"].to_numpy()
    for region in sorted(set(regions[plan.is_used].tolist())):
        here = regions == region
        used, spares = np.flatnonzero(here & plan.is_used), np.flatnonzero(here & plan.is_spare)
        if facts is not None and facts.fleet.policy.spare > 0:
            needed = max(1, math.ceil(exact(facts.fleet.policy.spare) * len(used)))
            if len(spares) < needed:
                message = (
                    f"region {region} has {count(len(spares), 'spare host')} for "
                    f"{count(len(used), 'used host')}, the policy asks for {needed:,}"
                )
                found.add("spare-short", message, value=float(len(spares)), limit=float(needed), file=_FILE)
        _check_sizes(plan, used, spares, found)


def _check_sizes(plan: PlanView, used: np.ndarray, spares: np.ndarray, found: Collector) -> None:
    """Report each spare whose limits are below the load of some used host, resource by resource."""
    fullest = plan.used[used].argmax(axis=0)
    for index, resource in enumerate(RESOURCES):
        host = int(used[fullest[index]])
        load = int(plan.used[host, index])
        for row in spares[plan.limit[spares, index] < load].tolist():
            limit = int(plan.limit[row, index])
            message = (
                f"{plan.hosts[row]} cannot replace {plan.hosts[host]}, which carries {amount(load, index)}: "
                f"its limit is {amount(limit, index)}"
            )
            found.add(
                "spare-too-small",
                message,
                host=plan.hosts[row],
                resource=resource.name,
                value=outer(limit, index),
                limit=outer(load, index),
                file=_FILE,
                row=row + 1,
            )
