"""No pattern of a host class is worth more than its price: bounded knapsacks in several resources.

    max Σ_i v_i·a_i   subject to   Σ_i a_i·D_ir ≤ L_r for every resource r,   0 ≤ a_i ≤ m_i, integer

is compared with a threshold k. In this order, each step exact:

1. what cannot matter goes: items worth nothing, items and resources that never bind, common divisors;
2. the linear relaxation's dual: whatever u ≥ 0, no pattern is worth more than u·L + Σ_i m_i·max(0, v_i - u·D_i);
3. that bound fixes items: those whose presence or absence would cost more than the bound exceeds k by;
4. what is left is solved by the first that can within a number of steps: dynamic programming over the grid of loads
   where that is small (here), a short search (`search`), a larger grid, a thorough search, dynamic programming over
   the loads that occur and could still lead beyond k (`labels`).

Multipliers u are searched for in floating point and then rounded: any u proves a bound, good ones a low bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from placement.units import IntArray
from placement.verify.exact import Work, dot
from placement.verify.labels import exceeds_by_labels
from placement.verify.multipliers import search_multipliers

_BITS = 54
"""Values are scaled by a power of two so that the threshold has as many bits: sums of a few then fit int64."""
_MAX_GRID_CELLS = 20_000_000
_FEW_GRID_STEPS = 4_000_000
_MAX_GRID_STEPS = 400_000_000
"""Cells times passes of one dynamic program over a grid: about a second."""
_MAX_COMPARED = 3000
"""Items that are compared with each other for dominance: the square of it is the work."""

Outcome = Literal["within", "exceeded", "unsettled"]


@dataclass(frozen=True)
class Verdict:
    """Whether a pattern is worth more than the threshold.

    Parameters
    ----------
    outcome
        ``within``: none is. ``exceeded``: one is. ``unsettled``: the limits on work were reached.
    bound
        A proven upper bound on the value of every pattern, in the units of the values; without meaning where the
        outcome is ``exceeded``.
    """

    outcome: Outcome
    bound: int


@dataclass(frozen=True)
class _Knapsack:
    """v int64[n], D int64[n, R], m int64[n], L int64[R], and k, which no pattern may be worth more than."""

    v: IntArray
    D: IntArray
    m: IntArray
    L: IntArray
    k: int

    def keep(self, rows: IntArray) -> _Knapsack:
        return replace(self, v=self.v[rows], D=self.D[rows], m=self.m[rows])


def judge_patterns(
    values: Sequence[int], demands: IntArray, most: IntArray, limit: IntArray, threshold: int, *, work: Work
) -> Verdict:
    """Judge whether any pattern that fits a host is worth more than the threshold.

    Parameters
    ----------
    values
        v: integers ≥ 0, any size.
    demands
        D: int64[num_items, num_resources] ≥ 0.
    most
        m: int64[num_items] ≥ 0, how many of each item one host may hold.
    limit
        L: int64[num_resources] ≥ 0.
    threshold
        k: any integer; below 0 even the empty pattern exceeds it.
    work
        What the dynamic programs may still cost; used up as they run.
    """
    if threshold < 0:
        return Verdict("exceeded", 0)
    fits = (demands <= limit).all(axis=1) & (most > 0)
    rows = [row for row in np.flatnonzero(fits).tolist() if values[row] > 0]
    if any(values[row] > threshold for row in rows):
        return Verdict("exceeded", 0)
    if not rows:
        return Verdict("within", 0)
    divisor = math.gcd(*(values[row] for row in rows))
    most_units = threshold // divisor
    shift = _BITS - most_units.bit_length()
    scaled, k = _scale([values[row] // divisor for row in rows], most_units, shift)
    outcome, bound = _judge(_Knapsack(scaled, demands[rows], most[rows], limit, k), work)
    if outcome == "exceeded" and shift < 0:
        outcome = "unsettled"  # it may be the rounding of the values that exceeded it
    whole = (bound >> shift if shift >= 0 else bound << -shift) * divisor
    return Verdict(outcome, min(whole, threshold) if outcome == "within" else whole)


def _scale(values: list[int], threshold: int, shift: int) -> tuple[IntArray, int]:
    """Scale values and threshold by 2**shift; where that loses digits, values go up and the threshold down.

    Scaled up, values are multiples of 2**shift: they exceed the threshold only if they reach the next multiple.
    """
    if shift >= 0:
        return np.array([value << shift for value in values], dtype=np.int64), ((threshold + 1) << shift) - 1
    return np.array([-(-value >> -shift) for value in values], dtype=np.int64), threshold >> -shift


def _judge(problem: _Knapsack, work: Work) -> tuple[Outcome, int]:
    """Return the outcome for the scaled problem, and the bound that the linear relaxation proves."""
    k = problem.k
    problem = _drop_resources(_bound_counts(problem))
    if not len(problem.L):
        total = dot(problem.v, problem.m)
        return ("exceeded" if total > k else "within"), total
    multipliers = search_multipliers(problem.v, problem.D, problem.m, problem.L, k)
    bound, u = min(((_dual_bound(problem, u), u) for u in multipliers), key=lambda pair: pair[0])
    if bound <= k:
        return "within", bound
    fixed = _fix(problem, u, bound - k)
    if fixed is None:
        return "within", bound
    fixed = _drop_resources(_bound_counts(fixed))
    if fixed.k < 0:
        return "exceeded", bound  # the copies that were fixed fit, and are worth more than k already
    if not len(fixed.L):
        return ("exceeded" if dot(fixed.v, fixed.m) > fixed.k else "within"), bound
    return _solve(_without_free(_without_dominated(fixed)), work), bound


def _bound_counts(problem: _Knapsack) -> _Knapsack:
    """Lower m to what a host holds of each item alone, and drop items of which it holds none."""
    D, m = problem.D, problem.m
    with np.errstate(divide="ignore"):
        alone = np.where(D > 0, problem.L // np.maximum(D, 1), np.iinfo(np.int64).max)
    m = np.minimum(m, alone.min(axis=1, initial=np.iinfo(np.int64).max))
    return replace(problem, m=m).keep(np.flatnonzero(m > 0))


def _drop_resources(problem: _Knapsack) -> _Knapsack:
    """Drop resources that cannot bind, or not without a tighter one; divide by common divisors."""
    D, L = problem.D, problem.L.copy()
    kept: list[int] = []
    columns: dict[int, IntArray] = {}
    for r in range(D.shape[1]):
        divisor = int(np.gcd.reduce(D[:, r])) if len(D) else 0
        if divisor == 0:
            continue
        column, capacity = D[:, r] // divisor, int(L[r]) // divisor
        if dot(column, problem.m) > capacity:
            L[r], columns[r] = capacity, column
            kept.append(r)
    for r in list(kept):
        others = [other for other in kept if other != r]
        if any(_is_tighter(columns[other], int(L[other]), columns[r], int(L[r])) for other in others):
            kept.remove(r)
    matrix = np.stack([columns[r] for r in kept], axis=1) if kept else np.zeros((len(D), 0), dtype=np.int64)
    return replace(problem, D=matrix, L=L[kept])


def _is_tighter(one: IntArray, one_limit: int, other: IntArray, other_limit: int) -> bool:
    """Whether whatever keeps the first resource within its limit keeps the second within its own."""
    # one_i / one_limit ≥ other_i / other_limit for every item
    big = max(int(one.max(initial=0)), int(other.max(initial=0))) * max(one_limit, other_limit, 1)
    if big >= 2**62:
        one, other = one.astype(object), other.astype(object)
    return bool((one * other_limit >= other * one_limit).all())


def _dual_bound(problem: _Knapsack, u: IntArray) -> int:
    """Return u·L + Σ m·max(0, v - u·D), exactly."""
    gain = np.maximum(problem.v - problem.D @ u, 0)
    return dot(gain, problem.m) + dot(u, problem.L)


def _fix(problem: _Knapsack, u: IntArray, gap: int) -> _Knapsack | None:
    """Fix copies of items that every pattern worth more than k has, or lacks; None if there is no such pattern.

    A pattern falls short of the dual bound by at least |v_i - u·D_i| per copy that it has too many (where
    v_i < u·D_i) or too few (where v_i > u·D_i). One worth k + 1 or more may fall short by gap - 1 at most.
    """
    if gap >= 2**62:
        return problem
    reduced = problem.v - problem.D @ u
    off = np.where(reduced == 0, problem.m, (gap - 1) // np.maximum(np.abs(reduced), 1))
    low = np.where(reduced > 0, np.maximum(problem.m - off, 0), 0)
    high = np.where(reduced < 0, np.minimum(problem.m, off), problem.m)
    taken = [dot(low, column) for column in problem.D.T]
    rest = [int(limit) - load for limit, load in zip(problem.L, taken, strict=True)]
    if min(rest) < 0:
        return None
    return replace(problem, m=high - low, L=np.array(rest, dtype=np.int64), k=problem.k - dot(low, problem.v))


def _without_dominated(problem: _Knapsack) -> _Knapsack:
    """Drop items that another one replaces at no loss, as often as a host holds it.

    Item j goes if some item i asks for no more of anything, is worth no less, and is limited by the host only: in
    any pattern every j can then be exchanged for an i.
    """
    D, v, m, L = problem.D, problem.v, problem.m, problem.L
    if len(v) > _MAX_COMPARED:
        return problem
    alone = np.where(D > 0, L // np.maximum(D, 1), np.iinfo(np.int64).max).min(axis=1)
    is_free = m >= alone
    gone: npt.NDArray[np.bool_] = np.zeros(len(v), dtype=np.bool_)
    # of two equal items only the later one goes
    for i in np.flatnonzero(is_free).tolist():
        if not gone[i]:
            beaten = (D[i] <= D).all(axis=1) & (v <= v[i])
            equal = (D[i] == D).all(axis=1) & (v == v[i])
            beaten &= ~equal | (np.arange(len(v)) > i)
            gone |= beaten
    return problem.keep(np.flatnonzero(~gone))


def _without_free(problem: _Knapsack) -> _Knapsack:
    """Take all copies of items that ask for nothing of what binds."""
    is_free = (problem.D == 0).all(axis=1)
    if not is_free.any():
        return problem
    taken = dot(problem.v[is_free], problem.m[is_free])
    return replace(problem.keep(np.flatnonzero(~is_free)), k=problem.k - taken)


def _solve(problem: _Knapsack, work: Work) -> Outcome:
    if problem.k < 0:
        return "exceeded"
    if not len(problem.v):
        return "within"
    exceeds = _by_grid(problem, _FEW_GRID_STEPS, work)
    if exceeds is None:
        multipliers = search_multipliers(problem.v, problem.D, problem.m, problem.L, problem.k)
        best = min(multipliers, key=lambda u: _dual_bound(problem, u))
        if _dual_bound(problem, best) <= problem.k:
            return "within"
        exceeds = _by_search(problem, best, False, work)
    if exceeds is None:
        exceeds = _by_grid(problem, _MAX_GRID_STEPS, work)
    if exceeds is None:
        exceeds = _by_search(problem, best, True, work)
    if exceeds is None:
        exceeds = _by_labels(problem, multipliers, work)
    return "unsettled" if exceeds is None else "exceeded" if exceeds else "within"


def _by_grid(problem: _Knapsack, max_steps: int, work: Work) -> bool | None:
    passes = sum(int(m).bit_length() for m in problem.m)
    cells = math.prod(int(limit) + 1 for limit in problem.L)
    if cells > _MAX_GRID_CELLS or cells * passes > max_steps or not work.take(cells * passes):
        return None
    return _best_on_grid(problem) > problem.k


def _by_search(problem: _Knapsack, prices: IntArray, is_thorough: bool, work: Work) -> bool | None:
    # here, because few certificates need a compiled search and a compiler takes a second to load
    from placement.verify.search import exceeds_by_search

    half = work.steps // 2
    share = Work(half)
    exceeds = exceeds_by_search(
        problem.v,
        problem.D,
        problem.m,
        problem.L,
        threshold=problem.k,
        prices=prices,
        is_thorough=is_thorough,
        work=share,
    )
    work.take(half - share.steps)
    return exceeds


def _by_labels(problem: _Knapsack, multipliers: list[IntArray], work: Work) -> bool | None:
    return exceeds_by_labels(
        problem.v, problem.D, problem.m, problem.L, threshold=problem.k, multipliers=multipliers, work=work
    )


def _best_on_grid(problem: _Knapsack) -> int:
    """Return the greatest value of a pattern, or k + 1 if it is more than k.

    best[x] is the greatest value of a pattern with load ≤ x. m copies of an item are offered as bundles of 1, 2,
    4 … and the rest, which add up to every number from 0 to m.
    """
    cap = problem.k + 1
    best = np.zeros(tuple(int(limit) + 1 for limit in problem.L), dtype=np.int64)
    for v, D, m in zip(problem.v.tolist(), problem.D.tolist(), problem.m.tolist(), strict=True):
        bundle, left = 1, m
        while left > 0:
            size = min(bundle, left)
            left -= size
            bundle *= 2
            to = tuple(slice(size * d, None) for d in D)
            source = tuple(slice(None, length - size * d) for d, length in zip(D, best.shape, strict=True))
            np.maximum(best[to], best[source] + min(size * v, cap), out=best[to])
        np.minimum(best, cap, out=best)
        if int(best.flat[-1]) >= cap:
            return cap
    return int(best.flat[-1])
