"""Services into sharded clusters that are given: domain after domain, each cluster to the brim.

Clusters at one price are as good as each other, so what counts is that everything fits and domains stay together. Laid
out one after the other, with every cluster filled to the last MB by a subset of the domain at its edge, d domains in k
clusters make at most d + k − 1 pairs of domain and cluster. Where that leaves something over, large caches come first:
subsets of all services, and then each cache where least room is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placement.units import IntArray

_FEW = 64
"""So many small caches are kept back to fill a cluster to the last MB."""


def fill_clusters(memory_mb: IntArray, domain: IntArray, limits_mb: Sequence[int]) -> IntArray | None:
    """Return the cluster of each service, or None where they were not fitted in.

    Parameters
    ----------
    memory_mb
        int64[num_services].
    domain
        int64[num_services]: number of each service's domain; services without one are a domain, too.
    limits_mb
        What each cluster holds, largest first.
    """
    by_domain = _laid_out(memory_mb, domain, limits_mb)
    if by_domain is not None:
        return by_domain
    together = _laid_out(memory_mb, np.zeros_like(domain), limits_mb)
    return together if together is not None else _best_fit(memory_mb, limits_mb)


def _laid_out(memory_mb: IntArray, domain: IntArray, limits_mb: Sequence[int]) -> IntArray | None:
    """Fill one cluster after the other, with the domains that ask for most first."""
    largest_first = np.argsort(-np.bincount(domain, weights=memory_mb), kind="stable")
    position = np.empty(len(largest_first), np.int64)
    position[largest_first] = np.arange(len(largest_first))
    cluster_of = np.full(len(memory_mb), -1, np.int64)
    waiting = np.lexsort((-memory_mb, position[domain]))
    for cluster, limit in enumerate(limits_mb):
        ends = np.cumsum(memory_mb[waiting])
        number = int(np.searchsorted(ends, limit, side="right"))
        taken = waiting[:number]
        if number < len(waiting):
            # whole domains, and of the one at the edge what fills the cluster
            is_at_edge = domain[waiting] == domain[waiting[number]]
            whole = np.flatnonzero(~is_at_edge[:number])
            edge = np.flatnonzero(is_at_edge)
            room = limit - int(memory_mb[waiting[whole]].sum())
            part = edge[subset_near(memory_mb[waiting[edge]], room)]
            taken = waiting[np.concatenate([whole, part])]
        cluster_of[taken] = cluster
        waiting = waiting[cluster_of[waiting] < 0]
    return None if len(waiting) else cluster_of


def _best_fit(memory_mb: IntArray, limits_mb: Sequence[int]) -> IntArray | None:
    """Put each cache where least room is left, large ones first (best fit decreasing)."""
    cluster_of = np.full(len(memory_mb), -1, np.int64)
    room = np.array(limits_mb, np.int64)
    for row in np.argsort(-memory_mb, kind="stable").tolist():
        left = np.where(room >= memory_mb[row], room, np.iinfo(np.int64).max)
        cluster = int(left.argmin())
        if room[cluster] < memory_mb[row]:
            return None
        cluster_of[row] = cluster
        room[cluster] -= memory_mb[row]
    return cluster_of


def subset_near(sizes: IntArray, limit: int) -> IntArray:
    """Return positions of sizes with a sum of at most `limit`, and as near to it as a simple search finds.

    Parameters
    ----------
    sizes
        int64[n], descending.
    """
    # large ones first, until the small ones that are kept back could fill the rest
    kept = max(0, len(sizes) - _FEW)
    target = limit - int(sizes[kept:].sum()) // 2
    chosen, total = [], 0
    for position, size in enumerate(sizes[:kept].tolist()):
        if total + size <= target:
            chosen.append(position)
            total += size
    # sums that some of the others have, as bits, one more of them at a time
    reachable = [1]
    mask = (1 << (limit - total + 1)) - 1
    for size in sizes[kept:].tolist():
        reachable.append((reachable[-1] | reachable[-1] << size) & mask)
    rest = reachable[-1].bit_length() - 1
    for position in range(len(sizes) - 1, kept - 1, -1):
        if not reachable[position - kept] >> rest & 1:
            chosen.append(position)
            rest -= int(sizes[position])
    return np.array(sorted(chosen), np.int64)
