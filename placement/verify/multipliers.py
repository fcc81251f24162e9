"""Good multipliers for the dual of a bounded knapsack's linear relaxation.

    f(u) = u·L + Σ_i m_i·max(0, v_i - u·D_i),   u ≥ 0

bounds the value of every pattern, whatever u is, so nothing here needs to be exact: f is convex and piecewise
linear, subgradient steps come near its least point, and the corners of f nearby are then tried one by one.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from placement.units import FloatArray, IntArray

_STEPS = 150
_MAX_EVALUATED = 3_000_000
"""Items times steps of one search: it shortens where there are very many items."""
_CLEARLY = 1 - 1e-9
"""Times the target: lower than that, rounding the multipliers cannot lift f over the target."""
_NEAR = 8
"""Items nearest to break-even whose corners are tried."""
_PRICED = 5
"""Resources that may have a price in such a corner: those that cost most near it. All of ten would make 40,000."""
_HOPELESS = 1.25
"""Times the target: no corner near a bound above it comes down to the target."""
_KEPT = 6


def search_multipliers(v: IntArray, D: IntArray, m: IntArray, L: IntArray, target: int) -> list[IntArray]:
    """Return multipliers with low f, the lowest first, a few others after it.

    Parameters
    ----------
    v
        int64[num_items]: values.
    D
        int64[num_items, num_resources]: demands, not all zero in any column.
    m
        int64[num_items]: copies there are.
    L
        int64[num_resources]: capacities ≥ 0.
    target
        The value that f is hoped to fall to.

    Returns
    -------
    list of int64[num_resources]
        Never empty; every u has u·L ≤ 4·target and no overflow in u·D.
    """
    num_resources = D.shape[1]
    # a resource without capacity holds no item that asks for it: such items are gone, any unit will do
    units = np.maximum(L, 1).astype(np.float64)
    goal = float(max(target, 1))
    values, demands, copies = v / goal, D / units, m.astype(np.float64)
    capacity = L / units

    def f(u: FloatArray) -> tuple[float, FloatArray]:
        gain = values - demands @ u
        wins = gain > 0
        # at break-even any number of copies is a subgradient; none is as good as another
        load = copies[wins] @ demands[wins]
        return float(u @ capacity + copies[wins] @ gain[wins]), capacity - load

    tried: list[tuple[float, FloatArray]] = []
    starts = _starts(values, demands)
    steps = max(10, min(_STEPS, _MAX_EVALUATED // (len(v) * len(starts))))
    for start in starts:
        u = start
        for _ in range(steps):
            value, slope = f(u)
            tried.append((value, u))
            norm = float(slope @ slope)
            if norm == 0 or value <= _CLEARLY:
                break
            u = np.maximum(u - slope * ((value - min(1.0, value * 0.999)) / norm), 0.0)
        if tried[-1][0] <= _CLEARLY:
            break
    tried.sort(key=lambda pair: pair[0])
    best = tried[0][1]
    for _ in range(3 if _CLEARLY < tried[0][0] < _HOPELESS else 0):
        around = [(f(u)[0], u) for u in _corners(best, values, demands, capacity)]
        value, u = min(around, key=lambda pair: pair[0], default=tried[0])
        if value >= tried[0][0]:
            break
        tried.insert(0, (value, u))
        best = u
    chosen = [u for _, u in tried[: 40 * _KEPT : 40]]
    rounded = [np.rint(u * goal / units) for u in [best, *chosen]]
    largest = D.max(axis=0, initial=0).astype(np.float64)
    sound = [u for u in rounded if float(u @ L) <= 4 * goal and float(u @ largest) < 2.0**61]
    # u = 0 is always sound
    return [u.astype(np.int64) for u in [*sound, np.zeros(num_resources)]]


def _starts(values: FloatArray, demands: FloatArray) -> list[FloatArray]:
    """Return starting points: the prices that come nearest to the values, and each resource alone.

    Alone, a resource is priced so that a full host is worth the target.
    """
    num_resources = demands.shape[1]
    nearest = np.maximum(np.linalg.lstsq(demands, values, rcond=None)[0], 0.0)
    return [nearest, *np.eye(num_resources)]


def _corners(u: FloatArray, values: FloatArray, demands: FloatArray, capacity: FloatArray) -> list[FloatArray]:
    """Return points where as many items break even as there are resources with a price, near u."""
    num_resources = len(u)
    dearest = np.sort(np.argsort(-u * capacity, kind="stable")[:_PRICED]).tolist()
    near = np.argsort(np.abs(values - demands @ u), kind="stable")[:_NEAR]
    corners = []
    for size in range(1, len(dearest) + 1):
        for priced in combinations(dearest, size):
            for rows in combinations(near.tolist(), size):
                matrix = demands[np.ix_(rows, priced)]
                if abs(np.linalg.det(matrix)) < 1e-14:
                    continue
                prices = np.linalg.solve(matrix, values[list(rows)])
                if (prices >= 0).all() and np.isfinite(prices).all():
                    corner = np.zeros(num_resources)
                    corner[list(priced)] = prices
                    corners.append(corner)
    return corners
