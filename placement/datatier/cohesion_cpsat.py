r"""CP-SAT on a few clusters: one (domain, cluster) pair fewer, or a lower largest share.

Sets: groups g of items of equal domain d(g) and demand D_g, n_g of them; clusters c with limits L_c.
Variables: x_gc items of g in c; y_dc whether domain d has any there; z the largest share, in parts per 10⁵.

    Σ_c x_gc = n_g,   Σ_g D_gr·x_gc ≤ L_cr,   x_gc ≤ n_g·y_dc,   Σ_dc y_dc ≤ pairs
    and, for an even fill,   10⁵·Σ_g D_gr·x_gc ≤ z·L_cr,   min z
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placement.datatier.cohesion_state import Seating
from placement.packing.cpsat import solve_model
from placement.units import BoolArray, IntArray

_DETERMINISTIC_TIME = 0.01
_MAX_VARIABLES = 1_500
_NUM_CLUSTERS = 3
_MAX_TRIES = 12
_MAX_FAILURES = 4
_MAX_LEVEL_TRIES = 4
_PARTS = 100_000


def fewer_pairs(seating: Seating, *, seed: int, over: Callable[[], bool]) -> None:
    """Look for one pair fewer among a few clusters at a time, where a domain has the fewest items; in place."""
    tried: set[tuple[int, ...]] = set()
    failures = 0
    for _ in range(_MAX_TRIES):
        if failures >= _MAX_FAILURES or over():
            return
        clusters = _around_smallest(seating, tried)
        if clusters is None:
            return
        tried.add(tuple(clusters))
        pairs = int((seating.count[:, clusters] > 0).sum())
        found = _solve(seating, clusters, pairs - 1, None, 0, seed)
        if found is None:
            failures += 1
        else:
            failures = 0
            _take(seating, *found)


def lower_share(seating: Seating, even: BoolArray, *, seed: int, over: Callable[[], bool]) -> None:
    """Look for a lower largest share by clearing the fullest cluster with the emptiest ones; in place.

    Parameters
    ----------
    even
        bool[num_resources]: the resources whose shares count.
    """
    for _ in range(_MAX_LEVEL_TRIES):
        share = seating.shares(even)
        order = np.argsort(-share, kind="stable")
        fullest = int(order[0])
        # with the emptiest clusters that have a domain of the fullest one: what goes there makes no pair more
        common = ((seating.count[:, [fullest]] > 0) & (seating.count > 0)).sum(axis=0)
        near = [int(c) for c in order[::-1] if c != fullest and common[c]] or [int(c) for c in order[:0:-1]]
        clusters = sorted([fullest, *near[: _NUM_CLUSTERS - 1]])
        if over() or len(clusters) < 2:
            return
        pairs = int((seating.count[:, clusters] > 0).sum())
        most = int(np.ceil(share[fullest] * _PARTS)) - 1
        found = _solve(seating, clusters, pairs, even, most, seed)
        if found is None:
            return
        _take(seating, *found)


def _around_smallest(seating: Seating, tried: set[tuple[int, ...]]) -> list[int] | None:
    """Return clusters around the smallest part of a domain that has more elsewhere; None: all have been tried."""
    count = seating.count
    spread = (count > 0).sum(axis=1)
    domain, cluster = np.nonzero((count > 0) & (spread > 1)[:, None])
    for p in np.argsort(count[domain, cluster], kind="stable")[: 4 * _MAX_TRIES].tolist():
        d, c = int(domain[p]), int(cluster[p])
        others = np.flatnonzero(count[d] > 0)
        # those that have the most domains in common with it: their items can change places without a pair more
        common = ((count[:, [c]] > 0) & (count[:, others] > 0)).sum(axis=0)
        order = [int(other) for other in others[np.argsort(-common, kind="stable")] if other != c]
        clusters = sorted([c, *order[: _NUM_CLUSTERS - 1]])
        if tuple(clusters) not in tried:
            return clusters
    return None


def _solve(
    seating: Seating, clusters: list[int], pairs: int, even: BoolArray | None, most_share: int, seed: int
) -> tuple[IntArray, IntArray] | None:
    """Return (items, new clusters), or None where CP-SAT found nothing better in its time."""
    from ortools.sat.python import cp_model

    items = np.concatenate([seating.members[c, : seating.num_members[c]] for c in clusters]).astype(np.int64)
    items.sort()
    key = np.concatenate((seating.domain[items, None], seating.demand[items]), axis=1)
    groups, group_of = np.unique(key, axis=0, return_inverse=True)
    group_of = group_of.ravel()
    if len(groups) * len(clusters) > _MAX_VARIABLES:
        return None
    number = np.bincount(group_of, minlength=len(groups)).tolist()
    model = cp_model.CpModel()
    limit = seating.limit[clusters]
    x = [
        [model.new_int_var(0, n if (groups[g, 1:] <= limit[k]).all() else 0, f"x{g},{k}") for k in range(len(clusters))]
        for g, n in enumerate(number)
    ]
    domains = sorted({int(d) for d in groups[:, 0] if d >= 0})
    y = {d: [model.new_bool_var(f"y{d},{k}") for k in range(len(clusters))] for d in domains}
    for g, n in enumerate(number):
        model.add(sum(x[g]) == n)
        d = int(groups[g, 0])
        if d >= 0:
            for k in range(len(clusters)):
                model.add(x[g][k] <= n * y[d][k])
    z = model.new_int_var(0, max(most_share, 0), "z")
    for k in range(len(clusters)):
        for r in range(limit.shape[1]):
            asked = [(g, int(groups[g, 1 + r])) for g in range(len(groups)) if groups[g, 1 + r]]
            if not asked:
                continue
            used = sum(amount * x[g][k] for g, amount in asked)
            model.add(used <= int(limit[k, r]))
            if even is not None and even[r] and limit[k, r]:
                model.add(_PARTS * used <= z * int(limit[k, r]))
    all_pairs = sum(used for row in y.values() for used in row)
    if domains:
        model.add(all_pairs <= pairs)
        model.add(all_pairs >= len(domains))
    if even is not None:
        model.minimize(z)
    elif domains:
        model.minimize(all_pairs)
    solved = solve_model(model, seed=seed, deterministic_time=_DETERMINISTIC_TIME, optional=True)
    if not solved.has_solution:
        return None
    place = np.empty(len(items), np.int64)
    for g in range(len(groups)):
        counts = [solved.value(variable) for variable in x[g]]
        place[group_of == g] = np.repeat(np.array(clusters, np.int64), counts)
    return items, place


def _take(seating: Seating, items: IntArray, place: IntArray) -> None:
    """Put items into their new clusters."""
    cluster_of = seating.cluster_of.copy()
    cluster_of[items] = place
    seating.put(cluster_of)
