"""What would make a plan possible: the cheapest hosts to add, found by planning as if they could be bought."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from placement.bounds import prove
from placement.errors import InfeasibleError, Reason
from placement.fleet.types import Fleet
from placement.instance import HostClasses, PoolProblem, bought_nic, bought_price, size_limits
from placement.packing.options import Options, Stop
from placement.packing.solve import solve_pool
from placement.packing.spares import spare_counts
from placement.packing.state import Workspace
from placement.units import NUM_RESOURCES, IntArray

_REPAIRABLE = {"stock-short", "too-few-hosts", "spare-short", "not-found"}


@dataclass(frozen=True)
class Offer:
    """Sizes that could be had in any number if someone decided so.

    Parameters
    ----------
    size
        Names, sorted.
    limit
        int64[num_sizes, num_resources]: what may be used of a host.
    price
        int64[num_sizes]: micros per hour, at least 1.
    """

    size: tuple[str, ...]
    limit: IntArray
    price: IntArray


def offer_for(fleet: Fleet, problem: PoolProblem) -> Offer:
    """Return the sizes that are in the problem's stock or for sale in the fleet for its pool."""
    sizes_of = {str(pool): sizes for pool, sizes in fleet.policy.pool_sizes.items()}
    for_pool = sizes_of.get(problem.pool, list(fleet.buyable))
    names = sorted({*problem.classes.size, *for_pool})
    nics = [bought_nic(fleet, problem.pool, name).capacity_kbps for name in names]
    limits = [size_limits(fleet.sizes[name], fleet.policy, nic) for name, nic in zip(names, nics, strict=True)]
    prices = [max(1, bought_price(fleet, problem.pool, name)) for name in names]
    return Offer(
        size=tuple(names),
        limit=np.array(limits, np.int64).reshape(-1, NUM_RESOURCES),
        price=np.array(prices, np.int64),
    )


def with_repair(
    problem: PoolProblem, offer: Offer, spare_share: Fraction, reasons: list[Reason], options: Options, stop: Stop
) -> list[Reason]:
    """Return the reasons with the hosts named whose addition makes a plan possible, where that is what is wanting."""
    if not offer.size or not {reason.kind for reason in reasons} <= _REPAIRABLE or stop():
        return reasons
    more = _with_any_number_of_each_size(problem, offer)
    num_own = len(problem.classes)
    try:
        packing, _ = solve_pool(more, prove(more), options, lambda _: None, stop, with_patterns=False)
        spares = spare_counts(more, packing, Workspace(more).residual(packing), spare_share)
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


def _with_any_number_of_each_size(problem: PoolProblem, offer: Offer) -> PoolProblem:
    """Return the problem with every size for sale in any number; what is there already counts for nothing."""
    classes = problem.classes
    offered = HostClasses(
        limit=np.concatenate((classes.limit, offer.limit)),
        price=np.concatenate((np.zeros(len(classes), np.int64), offer.price)),
        stock=np.concatenate((classes.stock, np.full(len(offer.size), -1, np.int64))),
        size=(*classes.size, *offer.size),
        hosts=(*classes.hosts, *((),) * len(offer.size)),
    )
    places = tuple(dataclasses.replace(place, max_hosts=None) for place in problem.locations)
    return dataclasses.replace(problem, classes=offered, locations=places)
