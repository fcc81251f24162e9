r"""Second stage of choosing clusters: at these clusters, domains together, then an even fill.

Sets: items i with a demand D_i and a domain, clusters c with limits L_c. The clusters stay as they are, and so does
the cost.

    min  |{(domain, c) : some item of the domain is in c}|,   then   min  max_{c, r} Σ_{i in c} D_ir / L_cr

1. Start: domains get clusters of their own in proportion to what they ask for, and are packed there largest first;
   what finds no room goes wherever there is some, and the engine's exchanges place the rest. If that fails, the start
   is what the packing has.
2. Moves and exchanges of items, annealed, that lower a concave cost of the number of items a domain has in a cluster.
3. CP-SAT on neighbourhoods of few clusters: one pair fewer, wherever it finds that.
4. Moves and exchanges that lower the fullest clusters without a pair more, then CP-SAT on the fullest with others.

No step breaks a limit; a later one does not undo an earlier one. All is the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placement.datatier.cohesion_cpsat import fewer_pairs, lower_share
from placement.datatier.cohesion_kernels import gather, level
from placement.datatier.cohesion_start import domain_by_domain
from placement.datatier.cohesion_state import Seating
from placement.instance import PoolProblem
from placement.units import BoolArray, IntArray

_STEPS_PER_ITEM = 1_500
_MOST_STEPS = 4_000_000
_MORE_PER_ITEM = 30
_LEVEL_PER_ITEM = 100
_MOST_LEVEL = 1_500_000
_STEPS_AT_ONCE = 250_000
_POWER = 0.05
"""Of the concave cost: nearly the number of pairs, with a lean towards many of a domain in one cluster."""
_HEAT = (0.3, 0.01)
_HEAT_AFTER_START = (0.1, 0.01)
"""Annealing begins cooler where the start is good."""
_MOST_COUNTS = 100_000_000
"""Domains × clusters that are kept count of; the smallest domains beyond are not looked at."""


def cohere(
    problem: PoolProblem,
    kind_of: IntArray,
    cluster_of: IntArray,
    domain_of: IntArray,
    even: BoolArray,
    *,
    seed: int,
    over: Callable[[], bool] = lambda: False,
) -> IntArray:
    """Return clusters of the items, int64[num_items], with domains together and an even fill.

    Parameters
    ----------
    problem
        What clusters were chosen by (`placement.datatier.choice`).
    kind_of
        int64[num_clusters]: kind of each cluster.
    cluster_of
        int64[num_items]: a valid assignment.
    domain_of
        int64[num_items]: a number per domain, −1: none, which is not counted.
    even
        bool[num_resources]: the resources whose shares are to be even.
    over
        Whether to stop, with the best so far.
    """
    num_clusters = len(kind_of)
    if num_clusters < 2:
        return cluster_of
    limit = problem.classes.limit[kind_of]
    domain = _looked_at(domain_of, num_clusters)
    best = Seating.of(problem.demand, domain, limit, cluster_of)
    start = domain_by_domain(problem, kind_of, cluster_of, domain_of, seed=seed, over=over)
    heat = _HEAT
    if start is not None:
        by_domain = Seating.of(problem.demand, domain, limit, start)
        if by_domain.num_pairs < best.num_pairs:
            best, heat = by_domain, _HEAT_AFTER_START
    _gather(best, heat, seed, over)
    fewer_pairs(best, seed=seed, over=over)
    num_steps = min(_LEVEL_PER_ITEM * len(domain), _MOST_LEVEL)
    for done in range(0, num_steps, _STEPS_AT_ONCE):
        if over():
            break
        level(*best.arrays, best.limit, even, min(_STEPS_AT_ONCE, num_steps - done), (seed + done) % (1 << 31))
    lower_share(best, even, seed=seed, over=over)
    return best.cluster_of


def domain_pairs(cluster_of: IntArray, domain_of: IntArray) -> int:
    """Return how many pairs of a domain and a cluster there are."""
    has_one = domain_of >= 0
    return len(np.unique(np.stack((domain_of[has_one], cluster_of[has_one])), axis=1).T) if has_one.any() else 0


def _looked_at(domain_of: IntArray, num_clusters: int) -> IntArray:
    """Number domains from the one with most items; −1 for those of one item, which is one pair wherever it is."""
    counts = np.bincount(domain_of[domain_of >= 0], minlength=int(domain_of.max(initial=-1)) + 1)
    most = max(1, _MOST_COUNTS // num_clusters)
    chosen = [d for d in np.argsort(-counts, kind="stable")[:most].tolist() if counts[d] > 1]
    number = np.full(len(counts) + 1, -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    looked_at: IntArray = number[domain_of]  # −1 is the last
    return looked_at


def _gather(seating: Seating, heat: tuple[float, float], seed: int, over: Callable[[], bool]) -> None:
    domain = seating.domain
    counted = np.flatnonzero(domain >= 0)
    if not len(counted):
        return
    by_domain = counted[np.argsort(domain[counted], kind="stable")]
    first = np.concatenate(([0], np.cumsum(np.bincount(domain[counted])))).astype(np.int64)
    cost = np.arange(len(domain) + 2, dtype=np.float64) ** _POWER
    cost[0] = 0.0
    num_steps = min(_STEPS_PER_ITEM * len(domain), _MOST_STEPS + _MORE_PER_ITEM * len(domain))
    num_runs = -(-num_steps // _STEPS_AT_ONCE)
    temperature = np.geomspace(*heat, num_runs + 1)
    for run in range(num_runs):
        if over():
            return
        steps = min(_STEPS_AT_ONCE, num_steps - run * _STEPS_AT_ONCE)
        gather(
            *seating.arrays,
            counted,
            first,
            by_domain,
            cost,
            temperature[run : run + 2],
            steps,
            (seed + run) % (1 << 31),
        )
    gather(*seating.arrays, counted, first, by_domain, cost, np.zeros(2), _STEPS_AT_ONCE, seed % (1 << 31))
