"""A start with domains together: clusters are dealt to domains, which are packed there one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placement.instance import PoolProblem
from placement.packing.largest_first import best_fit, fill_largest_first
from placement.packing.state import Exchange, Packing, Workspace
from placement.units import FloatArray, IntArray

_TRIES = ((0.015, 0.4), (0.02, 0.5), (0.05, 0.5), (0.03, 0.5), (0.02, 0.3))
"""(up to which share of a cluster an item is small, how much of a cluster a domain must want to get it whole)."""
_ENOUGH = 2
"""So many of these starts that hold everything are compared."""
_ROUNDS = 4
_STEPS = 10_000
_POWERS = (6, 2, 1)
"""What an item is worth in exchanges: by turns, so that one that is in the way of one measure is not of the next."""


def domain_by_domain(
    problem: PoolProblem,
    kind_of: IntArray,
    cluster_of: IntArray,
    domain_of: IntArray,
    *,
    seed: int,
    over: Callable[[], bool],
) -> IntArray | None:
    """Return clusters of the items, int64[num_items], or None where not all found room; parameters as for `cohere`.

    An item stays with clusters that lack the same resources as the one it is in.
    """
    limit = problem.classes.limit[kind_of]
    workspace = Workspace(problem)
    capacity = np.maximum(limit.sum(axis=0), 1)
    share = np.clip(problem.demand.sum(axis=0) / capacity, 1e-3, 1.0)
    best, fewest, num_found = None, 0, 0
    for small, whole in _TRIES:
        if over() or num_found == _ENOUGH:
            break
        packing = Packing(
            kind_of.copy(),
            np.zeros((2, len(kind_of)), np.int64),
            np.zeros(len(kind_of), np.int64),
            _dealt(problem.demand, limit, cluster_of, domain_of, share**6 / capacity, small, whole),
        )
        exchange = Exchange(workspace, packing, problem.demand @ (share / capacity))
        for turn in range(_ROUNDS):
            if not len(exchange.pool) or over():
                break
            exchange.value = problem.demand @ (share ** _POWERS[turn % len(_POWERS)] / capacity)
            exchange.run(_STEPS, (seed + turn) % (1 << 31))
        if not len(exchange.pool):
            has_one = domain_of >= 0
            pairs = len(np.unique(domain_of[has_one] * len(kind_of) + packing.host_of[has_one]))
            num_found += 1
            if best is None or pairs < fewest:
                best, fewest = packing.host_of.copy(), pairs
    return best


def _dealt(
    demand: IntArray,
    limit: IntArray,
    cluster_of: IntArray,
    domain_of: IntArray,
    pressure: FloatArray,
    small: float,
    whole: float,
) -> IntArray:
    """Return clusters of the items, −1 for those that found no room."""
    worth, room = demand @ pressure, limit @ pressure
    sides, side_of = np.unique(limit > 0, axis=0, return_inverse=True)
    side_of = side_of.ravel()
    residual = limit.copy()
    found = np.full(len(demand), -1, np.int64)
    num_domains = int(domain_of.max(initial=-1)) + 2
    domain = np.where(domain_of < 0, num_domains - 1, domain_of)
    for side in range(len(sides)):
        here = np.flatnonzero(side_of == side)
        here = here[np.argsort(-room[here], kind="stable")]
        items = np.flatnonzero(side_of[cluster_of] == side)
        if not len(items):
            continue
        items = items[np.lexsort((-worth[items], domain[items]))]
        start = np.searchsorted(domain[items], np.arange(num_domains + 1))
        wanted = np.bincount(domain[items], weights=worth[items], minlength=num_domains)
        wanted *= room[here].sum() / max(float(wanted.sum()), 1e-300)
        own: list[list[int]] = [[] for _ in range(num_domains)]
        for cluster in here.tolist():
            d = int(wanted.argmax())
            if wanted[d] >= whole * room[cluster]:
                own[d].append(cluster)
                wanted[d] -= room[cluster]
        for d in np.argsort(start[:-1] - start[1:], kind="stable").tolist():
            if own[d]:
                mine = np.array(own[d], np.int64)
                fill_largest_first(
                    demand, items[start[d] : start[d + 1]], worth, pressure, limit, residual, mine, small, found
                )
        # the rest: large items wherever they leave the least room, small ones domain by domain
        is_small = worth[items] < small * room[here].mean()
        without = found[items] < 0
        large = items[without & ~is_small]
        order = np.concatenate((large[np.argsort(-worth[large], kind="stable")], items[without & is_small]))
        best_fit(demand, order, pressure, residual, here, found)
    return found
