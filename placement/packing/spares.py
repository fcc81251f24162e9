"""Spare hosts: enough of them, standing by empty, able to take over whatever host fails."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from placement.errors import InfeasibleError, Reason
from placement.instance import PoolProblem
from placement.packing.sites import add_hosts, stock_left
from placement.packing.state import Packing
from placement.units import IntArray


def num_spares(num_hosts: int, share: Fraction) -> int:
    """Return how many spare hosts a region with so many used hosts keeps: its share rounded up, at least one."""
    return max(1, math.ceil(share * num_hosts)) if share > 0 and num_hosts else 0


def spare_counts(problem: PoolProblem, packing: Packing, residual: IntArray, share: Fraction) -> IntArray:
    """Return int64[num_classes]: the cheapest spares so that some spare can take the load of any one used host.

    Where one class can replace every host, all spares are of it as far as its stock goes.

    Raises
    ------
    InfeasibleError
        Where the stock does not give them.
    """
    classes = problem.classes
    counts = np.zeros(len(classes), np.int64)
    wanted = num_spares(len(packing.host_class), share)
    if not wanted:
        return counts
    used = classes.limit[packing.host_class] - residual
    stock = stock_left(problem, packing)
    available = np.where(stock < 0, 1 << 40, stock)
    # falling prices last: a class is a candidate for a group of hosts if it holds the largest load of each resource
    order = np.argsort(classes.price, kind="stable")

    def covering(load: IntArray) -> list[int]:
        return [int(s) for s in order if (classes.limit[s] >= load).all()]

    groups = [used.max(axis=0)]
    if not covering(groups[0]):  # families of sizes: no host replaces them all, so each family has its own
        groups = [used[packing.host_class == s].max(axis=0) for s in np.unique(packing.host_class)]
    candidates = [covering(load) for load in groups]
    for choices in candidates:
        if any(counts[s] for s in choices):
            continue  # a spare chosen for another group can replace these hosts, too
        free = [s for s in choices if available[s] > counts[s]]
        if not free:
            raise InfeasibleError([_short(problem, wanted, int(counts.sum()))])
        counts[free[0]] += 1
    anywhere = sorted({s for choices in candidates for s in choices}, key=lambda s: (int(classes.price[s]), s))
    for s in anywhere:
        more = min(wanted - int(counts.sum()), int(available[s] - counts[s]))
        counts[s] += max(0, more)
    if counts.sum() < wanted:
        raise InfeasibleError([_short(problem, wanted, int(counts.sum()))])
    return counts


def add_spares(problem: PoolProblem, packing: Packing, counts: IntArray) -> Packing:
    """Return a packing of the spare hosts alone, standing where `packing` leaves room for them.

    Raises
    ------
    InfeasibleError
        Where the segments are full.
    """
    with_spares = packing.copy()
    if add_hosts(problem, with_spares, counts) is None:
        raise InfeasibleError([_short(problem, int(counts.sum()), 0)])
    num_used = len(packing.host_class)
    return Packing(
        with_spares.host_class[num_used:],
        with_spares.domain[:, num_used:],
        with_spares.site[num_used:],
        np.zeros(0, np.int64),
    )


def _short(problem: PoolProblem, wanted: int, found: int) -> Reason:
    return Reason(
        kind="spare-short",
        value=wanted,
        limit=found,
        message=f"{problem.where}: the policy asks for {wanted} spare hosts that can replace any used host, "
        f"stock and segments give {found}",
        repair=f"add {wanted - found} hosts of a size that can, or lower policy.spare",
    )
