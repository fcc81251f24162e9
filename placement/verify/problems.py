"""What the certificates are about: for each pool and region what must be placed, and the classes of hosts there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from placement.plan.types import Certificate, HostClass
from placement.units import NUM_RESOURCES, RESOURCES
from placement.verify.facts import FleetFacts
from placement.verify.proofs import ClassFacts, ItemFacts, ProofError, item_facts

Key = tuple[str, str, str]
"""Pool, region and group, as certificates name them."""


@dataclass(frozen=True)
class Problem:
    """A problem that a certificate may be about.

    Parameters
    ----------
    items
        Makes what must be placed.
    classes
        Looks the certificate's classes up, and makes sure that they cover all there are; raises `ProofError`.
    is_required
        Whether a plan must have a certificate for it.
    """

    items: Callable[[], ItemFacts]
    classes: Callable[[Certificate], ClassFacts]
    is_required: bool = True


def pool_problems(facts: FleetFacts, workloads: pl.DataFrame | None) -> dict[Key, Problem]:
    """Return the problems of all pools and regions in which something runs.

    Parameters
    ----------
    facts
        The fleet.
    workloads
        What runs beside the services (`workloads.WORKLOADS`); None: nothing.
    """
    problems: dict[Key, Problem] = {}
    if "services" in facts.pools:
        for code in np.unique(facts.region_idx).tolist():
            region = facts.regions[code]
            problems["services", region, ""] = Problem(
                partial(_services, facts, code), partial(_host_classes, facts, "services", region)
            )
    if workloads is not None:
        for (pool, region), rows in workloads.group_by("pool", "region", maintain_order=True):
            problems[str(pool), str(region), ""] = Problem(
                partial(_workloads, rows), partial(_host_classes, facts, str(pool), str(region))
            )
    return problems


def _services(facts: FleetFacts, region_idx: int) -> ItemFacts:
    rows = np.flatnonzero(facts.region_idx == region_idx)
    names = facts.fleet.services["service"][rows]
    return item_facts(names, facts.demand[rows], facts.instances[rows], facts.most_per_host[rows])


def _workloads(rows: pl.DataFrame) -> ItemFacts:
    demand = np.stack([rows[resource.internal_column].fill_null(0).to_numpy() for resource in RESOURCES], axis=1)
    return item_facts(rows["workload"], demand, rows["instances"].to_numpy(), rows["max_per_host"].to_numpy())


def _host_classes(facts: FleetFacts, pool: str, region: str, certificate: Certificate) -> ClassFacts:
    """Look up the classes' limits, prices and stocks in the fleet, and that they cover every host there is."""
    fleet = facts.fleet
    active = {fleet.hosts["host"][row]: row for row in facts.standing(pool, region).tolist()}
    left_hosts = dict(active)
    left_sizes = set(facts.buyable(pool))
    limits, prices, stocks = [], [], []
    for number, host_class in enumerate(certificate.classes, start=1):
        if bool(host_class.buyable) == bool(host_class.hosts):
            raise ProofError(f"class {number} must be either a size or a list of hosts")
        if host_class.buyable:
            if host_class.buyable not in left_sizes:
                raise ProofError(f"class {number}: size {host_class.buyable} cannot be bought, or has a class already")
            left_sizes.remove(host_class.buyable)
            size = fleet.sizes[host_class.buyable]
            limits.append(list(facts.bought[pool, size.name].limit))
            prices.append(facts.bought[pool, size.name].price)
            stocks.append(size.stock)
        else:
            rows = _take_hosts(host_class, number, active, left_hosts)
            first = rows[0]
            if (facts.host_limits[rows] != facts.host_limits[first]).any():
                raise ProofError(f"class {number}: its hosts have different limits")
            if (facts.host_prices[rows] != facts.host_prices[first]).any():
                raise ProofError(f"class {number}: its hosts have different prices")
            limits.append(facts.host_limits[first].tolist())
            prices.append(int(facts.host_prices[first]))
            stocks.append(len(rows))
    can_buy = any(location.region == region and location.max_hosts != 0 for location in fleet.topology.locations)
    missing = sorted(size for size in left_sizes if can_buy and fleet.sizes[size].stock != 0)
    if missing:
        raise ProofError(f"no class covers size {missing[0]}, which can be bought")
    if left_hosts:
        raise ProofError(f"no class covers host {min(left_hosts)}, which stands there ({len(left_hosts):,} such hosts)")
    return ClassFacts(
        limit=np.array(limits, dtype=np.int64).reshape(-1, NUM_RESOURCES),
        price=tuple(prices),
        stock=tuple(stocks),
    )


def _take_hosts(host_class: HostClass, number: int, active: dict[str, int], left: dict[str, int]) -> list[int]:
    rows = []
    for host in host_class.hosts:
        if host not in active:
            raise ProofError(f"class {number}: {host} is no active host of the region")
        if host not in left:
            raise ProofError(f"class {number}: {host} is in a class already")
        rows.append(left.pop(host))
    return rows
