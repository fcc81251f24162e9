r"""From a price to clusters: of the mixes of sharded clusters at that price the one of fewest nodes, and its clusters.

Variables as in `cache_mix`: n_t primaries and X_t clusters of tier t, of a to b primaries each::

    min  Σ n_t   (then fewest clusters)
    s.t. Σ p_t·n_t ≤ C,   Σ u_t·n_t ≥ U,   a·X_t ≤ n_t ≤ b·X_t
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from placement.datatier.cache_kinds import CacheKind
from placement.packing.cpsat import solve_model

_DETERMINISTIC_TIME = 0.5


def cut_up(total_mb: int, price: int, primaries: dict[str, int], kinds: Sequence[CacheKind], seed: int) -> list[int]:
    """Return the clusters of a mix as positions in the kinds, largest limit first.

    Parameters
    ----------
    total_mb
        What the clusters must hold together.
    price
        What they may cost together, micros per hour.
    primaries
        A mix that keeps to both, by tier.
    kinds
        All kinds of sharded clusters.
    """
    from ortools.sat.python import cp_model

    position = {(kind.tier, kind.primaries): number for number, kind in enumerate(kinds)}
    least, most = min(kind.primaries for kind in kinds), max(kind.primaries for kind in kinds)
    unit = math.gcd(*(kind.limit_mb for kind in kinds))
    one = {tier: kinds[position[tier, least]] for tier, _ in position}
    ceiling = max(-(-total_mb // (kind.limit_mb // least)) for kind in one.values()) + least
    model = cp_model.CpModel()
    n = {tier: model.new_int_var(0, ceiling, f"n{tier}") for tier in one}
    X = {tier: model.new_int_var(0, -(-ceiling // least), f"X{tier}") for tier in one}
    for tier in one:
        model.add(n[tier] >= least * X[tier])
        model.add(n[tier] <= most * X[tier])
    model.add(sum(one[tier].price // least * n[tier] for tier in one) <= price)
    model.add(sum(one[tier].limit_mb // unit * n[tier] for tier in one) >= -(-total_mb * least // unit))
    model.minimize(sum(n.values()) * (sum(primaries.values()) + 1) + sum(X.values()))
    solved = solve_model(model, seed=seed, deterministic_time=_DETERMINISTIC_TIME, optional=True)
    if solved.has_solution:
        found = {tier: (solved.value(n[tier]), solved.value(X[tier])) for tier in one}
    else:
        found = {tier: (number, -(-number // most)) for tier, number in primaries.items()}
    clusters = []
    for tier, (number, num_clusters) in found.items():
        for cluster in range(num_clusters):
            size = number // num_clusters + (cluster < number % num_clusters)
            clusters.append(position[tier, size])
    return sorted(clusters, key=lambda kind: (-kinds[kind].limit_mb, kind))
