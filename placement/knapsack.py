r"""Compiled pricing: the bounded knapsack with several resources, solved exactly by branch and bound.

    max  Σ_i v_i·a_i   s.t.  Σ_i a_i·D_ir ≤ L_r  (every resource r),   0 ≤ a_i ≤ m_i,   a integer

The linear relaxation (`_prices`, a primal simplex with bounded variables on as many rows as there are resources) gives
a price u_r ≥ 0 per resource. With w_i = Σ_r u_r·D_ir, items are taken in the order of v_i / w_i [1]_, as many as fit
first, and a branch is cut where one of these cannot exceed the best pattern so far:

- the surrogate relaxation: what is left of Σ_r u_r·L_r, filled fractionally with the items that remain,
- every single resource, filled with the item that makes most of it.

Values are integers and bounds are floats with a margin of a half, so that the answer is exact (see `_MARGIN`).

References
----------
.. [1] Kellerer, Pferschy, Pisinger (2004), Knapsack Problems, chapter 9, doi:10.1007/978-3-540-24777-7
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_MARGIN = 0.5
"""A pattern that exceeds the best has at least 1 more; floats of values below 2**45 are off by far less than this."""
_PIVOTS = 400
_EPSILON = 1e-9
_NO_BOUND = 1e17


@njit(cache=True)
def _prices(v, D, m, L):
    """Return the dual prices float64[R] of the linear relaxation: a primal simplex with bounded variables."""
    n, R = D.shape
    at_upper = np.zeros(n + R, np.bool_)
    is_basic = np.zeros(n + R, np.bool_)
    basis = np.arange(n, n + R)  # the slacks
    is_basic[n:] = True
    inverse = np.eye(R)
    basic = L.astype(np.float64)
    u = np.zeros(R)
    column = np.zeros(R)
    for _ in range(_PIVOTS):
        for r in range(R):
            u[r] = 0.0
            for k in range(R):
                if basis[k] < n:
                    u[r] += v[basis[k]] * inverse[k, r]
        best = _EPSILON
        enter = -1
        direction = 1.0
        for j in range(n):
            if is_basic[j] or m[j] == 0:
                continue
            gain = v[j]
            for r in range(R):
                gain -= u[r] * D[j, r]
            if at_upper[j]:
                if -gain > best:
                    best = -gain
                    enter = j
                    direction = -1.0
            elif gain > best:
                best = gain
                enter = j
                direction = 1.0
        for r in range(R):
            if not is_basic[n + r] and -u[r] > best:
                best = -u[r]
                enter = n + r
                direction = 1.0
        if enter < 0:
            break
        for k in range(R):
            column[k] = 0.0
            if enter < n:
                for r in range(R):
                    column[k] += inverse[k, r] * D[enter, r]
            else:
                column[k] = inverse[k, enter - n]
        step = float(m[enter]) if enter < n else 1e300
        leave = -1
        to_upper = False
        for k in range(R):
            change = column[k] * direction
            if change > 1e-10:
                if basic[k] / change < step:
                    step = basic[k] / change
                    leave = k
                    to_upper = False
            elif change < -1e-10 and basis[k] < n and (m[basis[k]] - basic[k]) / -change < step:
                step = (m[basis[k]] - basic[k]) / -change
                leave = k
                to_upper = True
        step = max(step, 0.0)
        for k in range(R):
            basic[k] -= step * direction * column[k]
        if leave < 0:
            at_upper[enter] = not at_upper[enter]
            continue
        is_basic[basis[leave]] = False
        at_upper[basis[leave]] = to_upper
        basis[leave] = enter
        is_basic[enter] = True
        basic[leave] = step if direction > 0 else m[enter] - step
        at_upper[enter] = False
        pivot = column[leave]
        for r in range(R):
            inverse[leave, r] /= pivot
        for k in range(R):
            if k != leave:
                for r in range(R):
                    inverse[k, r] -= column[k] * inverse[leave, r]
    return np.maximum(u, 0.0)


@njit(cache=True)
def _branch_and_bound(num, v, V, W, m, D, L, capacity, best, max_nodes, a, best_a, PV, PW, E, taken, rest):
    """Solve for the first `num` items, sorted by falling V / W; return (value, nodes, whether it is exact).

    `best` is the value to exceed; `best_a` is written where something does. The other arrays are scratch.
    """
    R = D.shape[1]
    PV[0] = 0.0
    PW[0] = 0.0
    for k in range(num):
        PV[k + 1] = PV[k] + V[k] * m[k]
        PW[k + 1] = PW[k] + W[k] * m[k]
        a[k] = 0
    for r in range(R):
        E[num, r] = 0.0
        rest[r] = L[r]
    for k in range(num - 1, -1, -1):
        for r in range(R):
            most_of = V[k] / D[k, r] if D[k, r] > 0 else 2.0 * _NO_BOUND
            E[k, r] = max(most_of, E[k + 1, r])
    nodes = 0
    left = capacity
    value = 0
    k = 0
    depth = 0
    is_descending = True
    while True:
        if is_descending:
            nodes += 1
            if nodes > max_nodes:
                return best, nodes, False
            while k < num:
                wanted = best + _MARGIN - value
                if left * V[k] < wanted * W[k]:
                    break
                count = m[k]
                for r in range(R):
                    if D[k, r] > 0:
                        if count <= 1:
                            if D[k, r] > rest[r]:
                                count = 0
                                break
                        else:
                            count = min(count, rest[r] // D[k, r])
                if count > 0:
                    is_cut = False
                    for r in range(R):
                        if E[k, r] < _NO_BOUND and rest[r] * E[k, r] < wanted:
                            is_cut = True
                            break
                    if is_cut:
                        break
                    target = PW[k] + left
                    if PW[num] > target:
                        low = k
                        high = num
                        while low < high:
                            middle = (low + high + 1) >> 1
                            if PW[middle] <= target:
                                low = middle
                            else:
                                high = middle - 1
                        bound = PV[low] - PV[k] + (target - PW[low]) / W[low] * V[low]
                    else:
                        bound = PV[num] - PV[k]
                    if bound < wanted:
                        break
                    a[k] = count
                    for r in range(R):
                        rest[r] -= count * D[k, r]
                    left -= count * W[k]
                    value += count * v[k]
                    taken[depth] = k
                    depth += 1
                    if value > best:
                        best = value
                        best_a[:num] = 0
                        for t in range(depth):
                            best_a[taken[t]] = a[taken[t]]
                k += 1
            is_descending = False
        else:
            if depth == 0:
                break
            k = taken[depth - 1]
            a[k] -= 1
            for r in range(R):
                rest[r] += D[k, r]
            left += W[k]
            value -= v[k]
            if a[k] == 0:
                depth -= 1
                if depth == 0:
                    left = capacity  # floats drift
            k += 1
            is_descending = True
    return best, nodes, True


@njit(cache=True)
def best_patterns(v, D, m, L, left, threshold, max_nodes, max_nodes_later, patterns, times) -> Any:
    """Find the best pattern, and then further ones of what is left once it has been used.

    The further ones are found within few nodes each. Together they cover `left` with patterns that share no items:
    columns that the master needs together, and a packing on the way.

    Parameters
    ----------
    v
        int64[n]: values.
    D, m, L
        int64[n, R], int64[n], int64[R]: demands, most on a host, limits.
    left
        int64[n]: instances to cover; changed in place.
    threshold
        Value that the first pattern must exceed.
    max_nodes, max_nodes_later
        Most nodes for the first pattern, and for each further one.
    patterns, times
        int64[most patterns, n] (zeros) and int64[most patterns]: the patterns found, and how often each is used.

    Returns
    -------
    (int, bool, float, int, int)
        Value of the first pattern (`threshold` where none exceeds it), whether that is exact, an upper bound on any
        pattern's value from the linear relaxation, nodes, number of patterns.
    """
    n, R = D.shape
    worth = v.astype(np.float64)
    u = _prices(worth, D, m, L)
    capacity = 0.0
    for r in range(R):
        capacity += u[r] * L[r]
    relaxed = capacity
    weight = np.empty(n)
    efficiency = np.empty(n)
    tiny = 1e-9 * max(capacity, 1.0)
    for i in range(n):
        weight[i] = 0.0
        for r in range(R):
            weight[i] += u[r] * D[i, r]
        relaxed += max(0.0, worth[i] - weight[i]) * m[i]
        efficiency[i] = worth[i] / max(weight[i], tiny)
    order = np.argsort(-efficiency, kind="mergesort")
    item = np.empty(n, np.int64)
    sorted_v = np.empty(n, np.int64)
    V = np.empty(n)
    W = np.empty(n)
    sorted_m = np.empty(n, np.int64)
    sorted_D = np.empty((n, R), np.int64)
    a = np.zeros(n, np.int64)
    best_a = np.zeros(n, np.int64)
    PV = np.empty(n + 1)
    PW = np.empty(n + 1)
    E = np.empty((n + 1, R))
    taken = np.empty(n, np.int64)
    rest = np.empty(R, np.int64)
    first_value = threshold
    is_exact = False
    all_nodes = 0
    found = 0
    while found < len(times):
        num = 0
        for i in order:
            most = m[i] if found == 0 else min(m[i], left[i])
            if most <= 0 or (found == 0 and v[i] <= 0):
                continue
            item[num] = i
            # later patterns take what is worth nothing, too: it must be covered
            sorted_v[num] = max(v[i], 1)
            V[num] = max(worth[i], 1.0)
            W[num] = weight[i]
            sorted_m[num] = most
            sorted_D[num] = D[i]
            num += 1
        if num == 0:
            is_exact = is_exact or found == 0
            break
        best_a[:num] = 0
        value, nodes, exact = _branch_and_bound(
            num, sorted_v, V, W, sorted_m, sorted_D, L, capacity, threshold if found == 0 else 0,
            max_nodes if found == 0 else max_nodes_later, a, best_a, PV, PW, E, taken, rest,
        )  # fmt: skip
        all_nodes += nodes
        if found == 0:
            first_value = value
            is_exact = exact
            if value <= threshold:
                break
        elif value == 0:
            break  # nothing that is left fits
        repeat = 1 << 40
        for k in range(num):
            if best_a[k] > 0:
                patterns[found, item[k]] = best_a[k]
                repeat = min(repeat, left[item[k]] // best_a[k])
        repeat = max(repeat, 1)
        for k in range(num):
            if best_a[k] > 0:
                left[item[k]] = max(0, left[item[k]] - repeat * best_a[k])
        times[found] = repeat
        found += 1
    return first_value, is_exact, relaxed, all_nodes, found
