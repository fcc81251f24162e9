"""Spare hosts: enough of them, empty, and able to replace whatever used host of their pool and region fails."""

from __future__ import annotations

import math

import numpy as np

from placement.units import RESOURCES, exact
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import UNREADABLE, PlanView
from placement.verify.words import amount, count, outer

_FILE = "hosts.csv"


def check_spares(plan: PlanView, facts: FleetFacts | None, found: Collector) -> None:
    """Report spares that run something or are too small, and pools with too few of them in a region.

    Without a fleet the share asked for is not known, and only the first two are checked.
    """
    is_busy = plan.is_spare & ((plan.num_instances > 0) | (plan.used > 0).any(axis=1))
    for row in np.flatnonzero(is_busy).tolist():
        running = count(int(plan.num_instances[row]), "instance")
        message = f"{plan.hosts[row]} is a spare but carries a load ({running})"
        found.add("spare-used", message, host=plan.hosts[row], file=_FILE, row=row + 1)
    table = plan.plan.hosts.select("pool", "region")
    for pool, region in sorted(set(table.filter(plan.is_used & (plan.host_pool >= 0)).iter_rows())):
        here = ((table["pool"] == pool) & (table["region"] == region)).to_numpy()
        used, spares = np.flatnonzero(here & plan.is_used), np.flatnonzero(here & plan.is_spare)
        if facts is not None and facts.fleet.policy.spare > 0:
            needed = max(1, math.ceil(exact(facts.fleet.policy.spare) * len(used)))
            if len(spares) < needed:
                message = (
                    f"pool {pool} in region {region} has {count(len(spares), 'spare host')} for "
                    f"{count(len(used), 'used host')}, the policy asks for {needed:,}"
                )
                found.add("spare-short", message, value=float(len(spares)), limit=float(needed), file=_FILE)
        if _one_size_can(plan, (used, spares), pool, region, facts):
            _check_sizes(plan, used, spares, found)
        elif len(spares):
            _check_families(plan, used, spares, found)


def _one_size_can(
    plan: PlanView, hosts: tuple[np.ndarray, np.ndarray], pool: str, region: str, facts: FleetFacts | None
) -> bool:
    """Whether there is a host that could replace every used host of the pool in the region; `hosts`: used, spares.

    Families of sizes (lean in one resource, rich in another) may have none; then each used host needs some spare
    that can replace it.
    """
    used, spares = hosts
    load = plan.used[used].max(axis=0)
    if (plan.limit[spares] >= load).all(axis=1).any():
        return True
    if facts is None:
        return False
    limits = [facts.bought[pool, name].limit for name in facts.buyable(pool)]
    limits += [tuple(row) for row in facts.host_limits[facts.standing(pool, region)].tolist()]
    return any((np.array(limit) >= load).all() for limit in limits)


def _check_families(plan: PlanView, used: np.ndarray, spares: np.ndarray, found: Collector) -> None:
    """Report each used host that no spare can replace."""
    replaceable = np.zeros(len(used), bool)
    for limit in np.unique(plan.limit[spares], axis=0):
        replaceable |= (plan.used[used] <= limit).all(axis=1)
    for row in used[~replaceable].tolist():
        message = f"no spare of its pool and region can replace {plan.hosts[row]}: each is too small in some resource"
        found.add("spare-too-small", message, host=plan.hosts[row], file=_FILE, row=row + 1)


def _check_sizes(plan: PlanView, used: np.ndarray, spares: np.ndarray, found: Collector) -> None:
    """Report each spare whose limits are below the load of some used host, resource by resource."""
    fullest = plan.used[used].argmax(axis=0)
    for index, resource in enumerate(RESOURCES):
        host = int(used[fullest[index]])
        load = int(plan.used[host, index])
        limits = plan.limit[spares, index]
        for row in spares[(limits < load) & (limits != UNREADABLE)].tolist():
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
