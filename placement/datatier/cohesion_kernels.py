"""Compiled moves and exchanges between clusters that stay as they are: domains together, then an even fill.

What the kernels share, all int64 unless said otherwise; they change the second block in place:

=============  ===========================  ==========================================================
demand         [num_items, R]               what an item asks for
domain         [num_items]                  its domain, −1: none, not counted
limit          [num_clusters, R]            what a cluster gives
=============  ===========================  ==========================================================
cluster_of     [num_items]                  where an item is
slot           [num_items]                  its position among the members of its cluster
members        int32[num_clusters, most]    items of each cluster
num_members    [num_clusters]
residual       [num_clusters, R]            limit minus use, never negative
count          int32[num_domains, num_clusters]  items of a domain in a cluster
=============  ===========================  ==========================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from placement.units import BoolArray, FloatArray, IntArray

Int32Array = npt.NDArray[np.int32]

_TRIES = 12
"""Members of the other cluster that are looked at for an exchange."""


@njit(cache=True, nogil=True)
def _fits(demand: IntArray, residual: IntArray, c: int, comes: int, goes: int) -> bool:
    """Whether an item can come into cluster c while another one (−1: none) goes."""
    for r in range(demand.shape[1]):
        back = 0 if goes < 0 else demand[goes, r]
        if demand[comes, r] - back > residual[c, r]:
            return False
    return True


@njit(cache=True, nogil=True)
def _leave(
    i: int, demand: IntArray, domain: IntArray, cluster_of: IntArray, slot: IntArray, members: Int32Array,
    num_members: IntArray, residual: IntArray, count: Int32Array,
) -> None:  # fmt: skip
    c = cluster_of[i]
    num_members[c] -= 1
    last = members[c, num_members[c]]
    members[c, slot[i]] = last
    slot[last] = slot[i]
    for r in range(demand.shape[1]):
        residual[c, r] += demand[i, r]
    if domain[i] >= 0:
        count[domain[i], c] -= 1


@njit(cache=True, nogil=True)
def _enter(
    i: int, c: int, demand: IntArray, domain: IntArray, cluster_of: IntArray, slot: IntArray, members: Int32Array,
    num_members: IntArray, residual: IntArray, count: Int32Array,
) -> None:  # fmt: skip
    cluster_of[i] = c
    slot[i] = num_members[c]
    members[c, num_members[c]] = i
    num_members[c] += 1
    for r in range(demand.shape[1]):
        residual[c, r] -= demand[i, r]
    if domain[i] >= 0:
        count[domain[i], c] += 1


@njit(cache=True, nogil=True)
def gather(
    demand: IntArray, domain: IntArray, cluster_of: IntArray, slot: IntArray, members: Int32Array,
    num_members: IntArray, residual: IntArray, count: Int32Array,
    counted: IntArray, first: IntArray, by_domain: IntArray, cost: FloatArray, heat: FloatArray, num_steps: int,
    seed: int,
) -> None:  # fmt: skip
    """Bring domains together by moves and exchanges that lower Σ cost[items of a domain in a cluster], or may by heat.

    Parameters
    ----------
    counted
        Items with a domain.
    first, by_domain
        Items of domain d are by_domain[first[d]:first[d + 1]].
    cost
        float64: of so many items of a domain in one cluster; concave, so that few clusters with many are cheapest.
    heat
        (first, last): most that a step may raise the sum, on average; falls geometrically in between.
    """
    np.random.seed(seed)
    most = members.shape[1]
    ratio = (heat[1] / heat[0]) ** (1.0 / max(num_steps, 1)) if heat[0] > 0 else 1.0
    now = heat[0]
    for _ in range(num_steps):
        now *= ratio
        i = counted[np.random.randint(len(counted))]
        d = domain[i]
        a = cluster_of[i]
        b = cluster_of[by_domain[first[d] + np.random.randint(first[d + 1] - first[d])]]
        if a == b:
            continue
        allowed = -now * np.log(np.random.random() + 1e-300) if now > 0 else 0.0
        own = cost[count[d, a] - 1] - cost[count[d, a]] + cost[count[d, b] + 1] - cost[count[d, b]]
        if own < allowed and num_members[b] < most and _fits(demand, residual, b, i, -1):
            _leave(i, demand, domain, cluster_of, slot, members, num_members, residual, count)
            _enter(i, b, demand, domain, cluster_of, slot, members, num_members, residual, count)
            continue
        for _ in range(_TRIES):
            j = members[b, np.random.randint(num_members[b])]
            e = domain[j]
            if e == d:
                continue
            change = own
            if e >= 0:
                change += cost[count[e, b] - 1] - cost[count[e, b]] + cost[count[e, a] + 1] - cost[count[e, a]]
            if change < allowed and _fits(demand, residual, b, i, j) and _fits(demand, residual, a, j, i):
                _leave(i, demand, domain, cluster_of, slot, members, num_members, residual, count)
                _leave(j, demand, domain, cluster_of, slot, members, num_members, residual, count)
                _enter(i, b, demand, domain, cluster_of, slot, members, num_members, residual, count)
                _enter(j, a, demand, domain, cluster_of, slot, members, num_members, residual, count)
                break


@njit(cache=True, nogil=True)
def _share(
    residual: IntArray, limit: IntArray, even: BoolArray, c: int, demand: IntArray, comes: int, goes: int
) -> float:
    """Return the largest share used in cluster c if an item came (−1: none) and another one went (−1: none)."""
    largest = 0.0
    for r in range(residual.shape[1]):
        if even[r] and limit[c, r] > 0:
            used = limit[c, r] - residual[c, r]
            if comes >= 0:
                used += demand[comes, r]
            if goes >= 0:
                used -= demand[goes, r]
            largest = max(largest, used / limit[c, r])
    return largest


@njit(cache=True, nogil=True)
def _pairs(domain: IntArray, count: Int32Array, i: int, a: int, b: int) -> int:
    """Return by how many (domain, cluster) pairs there are more if item i goes from a to b."""
    d = domain[i]
    return 0 if d < 0 else int(count[d, b] == 0) - int(count[d, a] == 1)


@njit(cache=True, nogil=True)
def level(
    demand: IntArray, domain: IntArray, cluster_of: IntArray, slot: IntArray, members: Int32Array,
    num_members: IntArray, residual: IntArray, count: Int32Array, limit: IntArray, even: BoolArray,
    num_steps: int, seed: int,
) -> None:  # fmt: skip
    """Lower the fullest clusters, by steps that make no more (domain, cluster) pairs: the sorted shares fall.

    Parameters
    ----------
    even
        bool[R]: the resources whose shares count.
    num_steps
        Steps in all; a cluster that withstands many in a row is passed over.
    """
    np.random.seed(seed)
    num_clusters, most = members.shape
    if num_clusters < 2:
        return
    share = np.zeros(num_clusters)
    for c in range(num_clusters):
        share[c] = _share(residual, limit, even, c, demand, -1, -1)
    patience = 40 + 10 * num_clusters if num_clusters < 40 else 440
    is_open = np.ones(num_clusters, np.bool_)
    a = -1
    failures = 0
    for _ in range(num_steps):
        if a < 0:
            for c in range(num_clusters):
                if is_open[c] and num_members[c] and (a < 0 or share[c] > share[a]):
                    a = c
            if a < 0:
                return
            failures = 0
        i = members[a, np.random.randint(num_members[a])]
        b = np.random.randint(num_clusters)
        done = False
        if a != b and share[b] < share[a]:
            more = _pairs(domain, count, i, a, b)
            if more <= 0 and num_members[b] < most and num_members[a] > 1 and _fits(demand, residual, b, i, -1):
                new_a = _share(residual, limit, even, a, demand, -1, i)
                new_b = _share(residual, limit, even, b, demand, i, -1)
                if max(new_a, new_b) < share[a]:
                    _leave(i, demand, domain, cluster_of, slot, members, num_members, residual, count)
                    _enter(i, b, demand, domain, cluster_of, slot, members, num_members, residual, count)
                    done = True
            if not done and num_members[b]:
                j = members[b, np.random.randint(num_members[b])]
                same = domain[i] == domain[j]
                if (
                    (same or more + _pairs(domain, count, j, b, a) <= 0)
                    and _fits(demand, residual, b, i, j)
                    and _fits(demand, residual, a, j, i)
                ):
                    new_a = _share(residual, limit, even, a, demand, j, i)
                    new_b = _share(residual, limit, even, b, demand, i, j)
                    if max(new_a, new_b) < share[a]:
                        _leave(i, demand, domain, cluster_of, slot, members, num_members, residual, count)
                        _leave(j, demand, domain, cluster_of, slot, members, num_members, residual, count)
                        _enter(i, b, demand, domain, cluster_of, slot, members, num_members, residual, count)
                        _enter(j, a, demand, domain, cluster_of, slot, members, num_members, residual, count)
                        done = True
        if done:
            share[a] = _share(residual, limit, even, a, demand, -1, -1)
            share[b] = _share(residual, limit, even, b, demand, -1, -1)
            a = -1
        else:
            failures += 1
            if failures >= patience:
                is_open[a] = False
                a = -1


def seated(cluster_of: IntArray, num_clusters: int) -> tuple[Int32Array, IntArray, IntArray]:
    """Return (members, num_members, slot) with room for a cluster to grow by half."""
    num_members: IntArray = np.bincount(cluster_of, minlength=num_clusters).astype(np.int64)
    order = np.argsort(cluster_of, kind="stable")
    start = np.concatenate(([0], np.cumsum(num_members)))[:-1]
    slot = np.empty(len(cluster_of), np.int64)
    slot[order] = np.arange(len(cluster_of)) - start[cluster_of[order]]
    members: Any = np.full((num_clusters, int(num_members.max(initial=0) * 3 // 2 + 16)), -1, np.int32)
    members[cluster_of, slot] = np.arange(len(cluster_of))
    return members, num_members, slot
