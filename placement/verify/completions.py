"""What a pattern can still gain: upper bounds from relaxations that dynamic programming solves exactly.

A relaxation keeps one or two resources, coarsened if need be (demand and capacity divided by a unit, rounded down),
and puts prices u ≥ 0 on the others. For items j, j + 1, … and capacity x left of the resources it keeps,

    T_j(x) = max Σ_{i ≥ j} (v_i - u·D_i)·a_i   subject to   Σ_{i ≥ j} a_i·w_i ≤ x,   0 ≤ a_i ≤ m_i, integer

and a pattern of the items before j, worth V and leaving capacity l, can come to at most V + u·l + T_j(x). Where few
items fill a host this is far below what the linear relaxation says, which has no prices only (no resource kept).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numba import njit

from placement.units import IntArray
from placement.verify.exact import Work

_MAX_CELLS = 24_000_000
"""Cells of all tables that are kept: 200 MB."""
_AXIS_CELLS = 1_024
"""Most cells of a single resource; a pair has as many as memory allows."""
_NUM_PAIRED = 4
_NUM_KEPT = 6


@dataclass(frozen=True)
class Relaxation:
    """One relaxation: its table and how an item moves in it.

    Parameters
    ----------
    table
        T: int64[num_items + 1, num_cells], no entry above k + 1.
    step
        int64[num_items]: cells that a copy of the item takes.
    penalty
        u·D: int64[num_items].
    constant
        u·L.
    """

    table: IntArray
    step: IntArray
    penalty: IntArray
    constant: int

    @property
    def bound(self) -> int:
        """Upper bound on the value of every pattern, where it is at most k."""
        return self.constant + int(self.table[0, -1])


@dataclass(frozen=True)
class _Problem:
    v: IntArray
    D: IntArray
    m: IntArray
    L: IntArray
    u: IntArray
    cap: int
    work: Work


def relaxations(
    v: IntArray, D: IntArray, m: IntArray, L: IntArray, *, threshold: int, prices: IntArray, pairs: bool, work: Work
) -> list[Relaxation]:
    """Return some relaxations, the one with the least bound first; fewer or none where work does not suffice.

    Parameters
    ----------
    v, D, m, L
        As in `multipliers.search_multipliers`; v below 2**55; every item asks for something.
    threshold
        k, below 2**55.
    prices
        u, as `multipliers.search_multipliers` returns them.
    pairs
        Whether to keep two resources, too: much better bounds for much more work.
    work
        What it may cost; used up on the way.
    """
    problem = _Problem(v, D, m, L, prices, threshold + 1, work)
    room = _MAX_CELLS // (_NUM_KEPT + 1) // (len(v) + 1)
    singles: list[tuple[Relaxation, int]] = []
    for r in range(len(L)):
        made = _relaxation(problem, (r,), min(room, _AXIS_CELLS))
        if made is None:
            break
        singles.append((made, r))
        if made.bound <= threshold:
            return [made]
    singles.sort(key=lambda pair: pair[0].bound)
    kept = [made for made, _ in singles]
    for axes in combinations(sorted(r for _, r in singles[: _NUM_PAIRED if pairs else 0]), 2):
        made = _relaxation(problem, axes, room)
        if made is None:
            break
        kept = sorted([*kept, made], key=lambda one: one.bound)[:_NUM_KEPT]
        if made.bound <= threshold:
            break
    return kept[:_NUM_KEPT]


def _relaxation(problem: _Problem, axes: tuple[int, ...], room: int) -> Relaxation | None:
    units = [1] * len(axes)
    limits = [int(problem.L[r]) for r in axes]
    for at, number in _coarser(limits, room):
        units[at] = number
    sizes = [limit // unit for limit, unit in zip(limits, units, strict=True)]
    weights = [problem.D[:, r] // unit for r, unit in zip(axes, units, strict=True)]
    if len(axes) == 1:
        sizes, weights = [0, *sizes], [np.zeros(len(problem.v), np.int64), *weights]
    num_cells = math.prod(size + 1 for size in sizes)
    u = problem.u.copy()
    u[list(axes)] = 0
    penalty = problem.D @ u
    gain = problem.v - penalty
    copies = int(np.minimum(problem.m, 1 + max(sizes))[gain > 0].sum())
    if not problem.work.take(num_cells * (len(gain) + copies) // 2):
        return None
    table = _solved(gain, weights[0], weights[1], problem.m, sizes[0], sizes[1], problem.cap)
    return Relaxation(table, weights[0] * (sizes[1] + 1) + weights[1], penalty, int(u @ problem.L))


def _coarser(limits: list[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield (axis, unit) until the cells of all axes fit the room: the longest axis is shortened first."""
    most = max(1, int(room ** (1 / len(limits))) - 1)
    short = [limit for limit in limits if limit <= most]
    long = [at for at, limit in enumerate(limits) if limit > most]
    if len(long) == 1:
        most = max(1, room // math.prod(limit + 1 for limit in short) - 1)
    for at in long:
        yield at, -(-limits[at] // most)


@njit(cache=True)
def _solved(gain: Any, w1: Any, w2: Any, m: Any, size1: Any, size2: Any, cap: Any) -> Any:
    """Return T for all j and x: int64[num_items + 1, (size1 + 1)·(size2 + 1)], entries cut off at `cap`."""
    num, width = len(gain), size2 + 1
    T = np.zeros((num + 1, (size1 + 1) * width), np.int64)
    for j in range(num - 1, -1, -1):
        g, a, b = gain[j], w1[j], w2[j]
        if g <= 0:
            T[j] = T[j + 1]
        elif a == 0 and b == 0:
            # coarsened to nothing: all copies fit
            all_copies = cap if m[j] > cap // g else g * m[j]
            for x in range(T.shape[1]):
                T[j, x] = min(cap, T[j + 1, x] + all_copies)
        else:
            for x in range(size1 + 1):
                for y in range(width):
                    best = T[j + 1, x * width + y]
                    left1, left2, copies, worth = x - a, y - b, 0, g
                    while copies < m[j] and left1 >= 0 and left2 >= 0:
                        best = max(best, T[j + 1, left1 * width + left2] + worth)
                        left1 -= a
                        left2 -= b
                        copies += 1
                        worth = min(cap, worth + g)
                    T[j, x * width + y] = min(cap, best)
    return T
