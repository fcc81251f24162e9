"""Diving: from the linear master to whole hosts, with new patterns generated for what is left on the way.

The whole part of the linear solution is fixed, the linear program of the rest is solved again, patterns that suit the
rest are added, and where nothing is whole the patterns that are nearest to it are fixed. Each step also looks at the
patterns that pricing covers the rest with, which is often as good as anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from placement.columns import SCALE, ColumnGeneration, Slots
from placement.master import MasterSolution
from placement.units import IntArray

_ROUNDS = 1
_MAX_NODES = 3_000
_NEARLY = 0.6
"""Beyond the first, a pattern is fixed in the same step if it is used at least so often."""
_STEPS = 20
"""A dive fixes at least one part in so many of what is left in each step."""
_EPSILON = 1e-6


def dive(
    columns: ColumnGeneration,
    target: int,
    incumbent: int,
    *,
    jitter: float,
    random: np.random.Generator,
    is_stopped: Callable[[], bool],
) -> Slots | None:
    """Return slots for all instances that cost less than `incumbent`, or None where the dive found none.

    Parameters
    ----------
    columns
        Column generation, as far as it went; patterns are added to it.
    target
        Cost in micros at which to stop: a proven bound.
    incumbent
        Cost in micros to undercut.
    jitter
        Randomness in the choice of what to fix: 0 for the first dive.
    is_stopped
        Asked at every step; True gives the dive up.
    """
    run = _Dive(columns, target, incumbent, jitter, random)
    try:
        return run.go(is_stopped)
    finally:
        columns.master.set_left(columns.shapes.num_instances, columns.classes.stock)


class _Dive:
    def __init__(
        self, columns: ColumnGeneration, target: int, incumbent: int, jitter: float, random: np.random.Generator
    ) -> None:
        self.columns = columns
        self.price = columns.classes.price
        self.divisor = max(1, math.gcd(*(int(price) for price in self.price)))
        self.target = target
        self.best = incumbent
        self.jitter = jitter
        self.random = random
        self.left = columns.shapes.num_instances.copy()
        self.stock = columns.classes.stock.copy()
        self.fixed: list[tuple[int, IntArray, int]] = []
        self.cost = 0
        self.found: Slots | None = None

    def go(self, is_stopped: Callable[[], bool]) -> Slots | None:
        solution = self.solve()
        while solution is not None and not is_stopped():
            solution = self.generate(solution)
            if self.best <= self.target or not self.can_improve(solution):
                break
            self.fix(solution)
            if not self.left.any():
                self.keep([])
                break
            solution = self.solve()
        return self.found

    def solve(self) -> MasterSolution | None:
        self.columns.master.set_left(self.left, self.stock)
        return self.columns.solve_master()

    def can_improve(self, solution: MasterSolution) -> bool:
        least = self.cost + solution.objective * (1 - _EPSILON)
        return math.ceil(least / self.divisor) * self.divisor < self.best

    def generate(self, solution: MasterSolution) -> MasterSolution:
        """Add patterns that suit what is left; keep what covers all of it, where that is good."""
        for _ in range(_ROUNDS):
            value = np.floor(solution.dual * SCALE).astype(np.int64)
            is_added = False
            for s in range(len(self.price)):
                if self.stock[s] == 0:
                    continue
                priced = self.columns.price(s, value, self.left, 0, _MAX_NODES)
                cost = int(priced.times.sum()) * int(self.price[s])
                is_enough = self.stock[s] < 0 or int(priced.times.sum()) <= self.stock[s]
                if priced.is_cover and is_enough and self.cost + cost < self.best:
                    self.keep([(s, p, int(t)) for p, t in zip(priced.patterns, priced.times, strict=True)])
                    if self.best <= self.target:
                        return solution
                is_added |= self.columns.add_improving(s, priced, solution)
            if not is_added:
                break
            better = self.columns.solve_master()
            if better is None:
                break
            solution = better
        return solution

    def fix(self, solution: MasterSolution) -> None:
        """Fix the whole part of the solution, or where there is none the patterns nearest to it."""
        whole = np.floor(solution.times + _EPSILON).astype(np.int64)
        if whole.any():
            for p in np.flatnonzero(whole):
                self.use(int(p), int(whole[p]))
            return
        nearly = solution.times + self.jitter * self.random.random(len(solution.times)) * (solution.times > _EPSILON)
        order = np.argsort(-nearly, kind="stable")
        most = max(1, int(solution.times.sum() / _STEPS))
        self.use(int(order[0]), 1)
        for p in order[1:most].tolist():
            pattern = self.columns.master.patterns[p]
            if solution.times[p] >= _NEARLY and (pattern <= self.left).all():
                self.use(p, 1)

    def use(self, p: int, times: int) -> None:
        """Fix a pattern as often as it still covers something and the stock has it."""
        master = self.columns.master
        pattern, s = master.patterns[p], master.class_of[p]
        for_anything = pattern > 0
        needed = int((-(-self.left[for_anything] // pattern[for_anything])).max())
        times = min(times, needed)
        if self.stock[s] >= 0:
            times = min(times, int(self.stock[s]))
            self.stock[s] -= times
        if times:
            self.left = np.maximum(0, self.left - times * pattern)
            self.fixed.append((s, pattern, times))
            self.cost += times * int(self.price[s])

    def keep(self, more: list[tuple[int, IntArray, int]]) -> None:
        """Keep what is fixed and `more` as the best found, if it is."""
        chosen = self.fixed + more
        cost = sum(times * int(self.price[s]) for s, _, times in chosen)
        if cost >= self.best:
            return
        self.best = cost
        self.found = Slots(
            patterns=np.repeat(np.array([p for _, p, _ in chosen]), [t for _, _, t in chosen], axis=0),
            class_of=np.repeat(np.array([s for s, _, _ in chosen], np.int64), [t for _, _, t in chosen]),
        )
