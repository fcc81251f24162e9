r"""Column generation (Gilmore–Gomory): the pattern bound, and the patterns that good packings consist of.

Sets: shapes i (services of equal demand D_i; d_i instances in all, at most m_i on one host), host classes s, patterns p
of s (counts a_ip with Σ_i a_ip·D_i ≤ L_s, a_ip ≤ m_i).

    master   min Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,  Σ_{p of s} x_p ≤ b_s,  x ≥ 0
    pricing  M_s(v) = max Σ_i v_i·a_i  over the patterns of s (`knapsack`, exact)

For any v ≥ 0, Farley's scaling [1]_ by θ = min(1, min_s c_s / M_s(v)) over the classes without a stock gives the valid
bound θ·Σ_i d_i·v_i − Σ_s b_s·max(0, θ·M_s(v) − c_s). Where pricing stops early, the linear relaxation's value takes the
place of M_s(v): weaker, still valid.

Few rounds are needed, because the duals start from the weights bound and are smoothed towards the best so far [2]_,
and because each round adds patterns that cover all that there is to place: the best pattern, the best one of what is
then left, and so on.

References
----------
.. [1] Farley (1990), A note on bounding a class of linear programming problems, doi:10.1287/opre.38.5.922
.. [2] Wentges (1997), Weighted Dantzig–Wolfe decomposition, doi:10.1111/j.1475-3995.1997.tb00108.x
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from placement import knapsack
from placement.instance import HostClasses, PoolProblem, distinct_rows
from placement.master import Master, MasterSolution
from placement.units import FloatArray, IntArray

SCALE = 1000
"""Values are integers in 1/SCALE micros."""
_SMOOTHING = 0.8
_TOLERANCE = 1e-6
_MAX_ROUNDS = 400
_MAX_NODES = 3_000_000
_MAX_NODES_QUICK = 60_000
_MAX_NODES_LATER = 300
_NODES_PER_WORK = 3
"""Nodes of pricing that take a microsecond."""
_CELLS_PER_WORK = 40
"""Rows × patterns of the master that take a microsecond, as measured with 144 to 500 rows."""


@dataclass(frozen=True)
class Shapes:
    """Services of equal demand, taken together.

    Parameters
    ----------
    demand
        int64[num_shapes, num_resources]: D, distinct.
    of_service
        int64[num_services]: shape of each service.
    num_instances
        int64[num_shapes]: d.
    most
        int64[num_shapes, num_classes]: most instances on one host, by the services' rules and by the class's limits.
    """

    demand: IntArray
    of_service: IntArray
    num_instances: IntArray
    most: IntArray

    def __len__(self) -> int:
        return len(self.demand)


def shapes_of(problem: PoolProblem) -> Shapes:
    """Group the services of a problem by demand."""
    demand, of_service = distinct_rows(problem.demand)
    num_instances = np.bincount(of_service, weights=problem.instances, minlength=len(demand)).astype(np.int64)
    most_of_service = np.minimum(problem.max_per_host, problem.instances)
    by_rule = np.bincount(of_service, weights=most_of_service, minlength=len(demand)).astype(np.int64)
    most = np.empty((len(demand), len(problem.classes)), np.int64)
    for s, limit in enumerate(problem.classes.limit):
        alone = np.where(demand > 0, limit // np.maximum(demand, 1), np.iinfo(np.int64).max).min(axis=1)
        most[:, s] = np.minimum(alone, by_rule)
    return Shapes(demand, of_service, num_instances, most)


@dataclass(frozen=True)
class PatternBound:
    """A bound and the duals that prove it.

    Parameters
    ----------
    scaled
        The bound in 1/`SCALE` micros.
    value
        int64[num_shapes]: v in 1/`SCALE` micros.
    stock_dual
        int64[num_classes]: β in 1/`SCALE` micros.
    """

    scaled: int
    value: IntArray
    stock_dual: IntArray

    @property
    def micros(self) -> int:
        """The bound in whole micros, rounded up: costs are whole."""
        return max(0, -(-self.scaled // SCALE))


@dataclass(frozen=True)
class Priced:
    """Patterns that pricing found.

    Parameters
    ----------
    worth
        M_s(v), or an upper bound on it where pricing stopped early; at least the threshold.
    is_exact
        Whether it did not stop early.
    patterns, times
        int64[num_patterns, num_shapes] and int64[num_patterns]: the best pattern, the best one of what it leaves, and
        so on, and how often each is to be used.
    is_cover
        Whether together they cover everything.
    """

    worth: int
    is_exact: bool
    patterns: IntArray
    times: IntArray
    is_cover: bool


@dataclass(frozen=True)
class Slots:
    """Hosts by the patterns they follow.

    Parameters
    ----------
    patterns
        int64[num_hosts, num_shapes]: how many instances of each shape a host has a place for.
    class_of
        int64[num_hosts].
    """

    patterns: IntArray
    class_of: IntArray

    def price(self, classes: HostClasses) -> int:
        """Price of all hosts, micros per hour."""
        return int(classes.price[self.class_of].sum())


class ColumnGeneration:
    """A run of column generation; the bound grows and the patterns become more until it has converged.

    Parameters
    ----------
    shapes, classes
        What there is to place, and on what.
    start_value
        float64[num_shapes]: values in micros to start from (the weights bound's).
    """

    def __init__(self, shapes: Shapes, classes: HostClasses, start_value: FloatArray) -> None:
        self.shapes = shapes
        self.classes = classes
        self.master = Master(shapes.num_instances, classes)
        self.bound: PatternBound | None = None
        self.work = 0
        """Roughly microseconds: the same on every machine."""
        self.has_converged = False
        self.cover: Slots | None = None
        """The cheapest packing met on the way, of hosts of one class."""
        self._center = np.maximum(start_value, 0.0) * SCALE
        self._price = classes.price.astype(np.int64) * SCALE

    def run(self, max_work: int, is_enough: Callable[[int, float], bool]) -> MasterSolution | None:
        """Generate columns until the bound cannot rise any further, the work is done, or it is enough.

        Parameters
        ----------
        max_work
            Stop once `work` exceeds this.
        is_enough
            Asked every round with the bound in micros and the value of the linear master in micros.

        Returns
        -------
        The last solution of the master, None where the linear program could not be solved.
        """
        solution: MasterSolution | None = None
        for _ in range(_MAX_ROUNDS):
            solved = self.solve_master()
            if solved is None:
                return solution
            solution = solved
            micros = 0 if self.bound is None else self.bound.micros
            is_closed = self.bound is not None and solution.objective * SCALE - self.bound.scaled <= (
                _TOLERANCE * max(solution.objective * SCALE, 1.0)
            )
            if is_closed:
                self.has_converged = True
                break
            if self.work > max_work or is_enough(micros, solution.objective):
                break
            if not self._round(solution):
                self.has_converged = True
                break
        return solution

    def solve_master(self) -> MasterSolution | None:
        """Solve the linear master over the patterns so far."""
        self.work += 1_000 + len(self.shapes) * len(self.master.patterns) // _CELLS_PER_WORK
        return self.master.solve()

    def _round(self, solution: MasterSolution) -> bool:
        """Price smoothed duals, then less smoothed ones, until a pattern improves the master.

        A quick search for patterns comes first; only where that finds none does one that is to be exact.
        """
        dual = solution.dual * SCALE
        for max_nodes in (_MAX_NODES_QUICK, _MAX_NODES):
            smoothing = _SMOOTHING
            while True:
                value = np.floor(smoothing * self._center + (1 - smoothing) * dual)
                priced = [
                    self.price(s, np.maximum(value, 0).astype(np.int64), self.shapes.num_instances, price, max_nodes)
                    for s, price in enumerate(self._price.tolist())
                ]
                self._evaluate(np.maximum(value, 0).astype(np.int64), np.array([p.worth for p in priced], np.int64))
                is_added = False
                for s, found in enumerate(priced):
                    self._keep_cover(s, found)
                    is_added |= self.add_improving(s, found, solution)
                if is_added:
                    return True
                if not smoothing:
                    break
                smoothing = smoothing / 2 if smoothing > 0.1 else 0.0
            if all(found.is_exact for found in priced):
                break
        return False

    def _keep_cover(self, s: int, priced: Priced) -> None:
        """Keep what covers everything by hosts of one class, if it is the cheapest so far."""
        num_hosts = int(priced.times.sum())
        if not priced.is_cover or 0 <= self.classes.stock[s] < num_hosts:
            return
        if self.cover is None or num_hosts * int(self.classes.price[s]) < self.cover.price(self.classes):
            self.cover = Slots(np.repeat(priced.patterns, priced.times, axis=0), np.full(num_hosts, s, np.int64))

    def price(self, s: int, value: IntArray, left: IntArray, threshold: int, max_nodes: int) -> Priced:
        """Look for patterns of class s worth more than `threshold`, the best one first.

        Parameters
        ----------
        value
            int64[num_shapes]: v.
        left
            int64[num_shapes]: instances to cover.
        """
        num = len(self.shapes)
        patterns = np.zeros((int(np.clip(2 * num // len(self.classes), 2, num + 1)), num), np.int64)
        times = np.zeros(len(patterns), np.int64)
        most = np.minimum(self.shapes.most[:, s], left)
        uncovered = left.copy()
        best, is_exact, relaxed, nodes, found = knapsack.best_patterns(
            value, self.shapes.demand, most, self.classes.limit[s], uncovered, threshold, max_nodes, _MAX_NODES_LATER,
            patterns, times,
        )  # fmt: skip
        self.work += int(nodes) // _NODES_PER_WORK + num * int(found) // _NODES_PER_WORK
        worth = int(best) if is_exact else max(int(np.ceil(relaxed)) + 1, int(best))  # floats may fall short
        return Priced(worth, bool(is_exact), patterns[:found], times[:found], not uncovered.any())

    def add_improving(self, s: int, priced: Priced, solution: MasterSolution) -> bool:
        """Add those patterns whose reduced cost is negative; return whether there are any new ones."""
        needed = (self.classes.price[s] + solution.stock_dual[s]) * (1 + _TOLERANCE / 10)
        is_added = False
        for pattern in priced.patterns[priced.patterns @ solution.dual > needed]:
            is_added |= self.master.add(s, pattern)
        return is_added

    def _evaluate(self, value: IntArray, worth: IntArray) -> None:
        """Keep the bound that these values prove, if it is the best so far. Exact integers throughout."""
        classes, price = self.classes, self._price
        has_stock = classes.stock >= 0
        # Farley: v' = ⌊v·c/M⌋ for the class that exceeds its price most
        numerator, denominator = 1, 1
        for s in np.flatnonzero(~has_stock):
            if int(worth[s]) > 0 and int(price[s]) * denominator < numerator * int(worth[s]):
                numerator, denominator = int(price[s]), int(worth[s])
        scaled = np.array([int(v) * numerator // denominator for v in value], np.int64)
        beta = np.array(
            [
                max(0, -(-int(worth[s]) * numerator // denominator) - int(price[s])) if has_stock[s] else 0
                for s in range(len(classes))
            ],
            np.int64,
        )
        total = sum(int(v) * int(d) for v, d in zip(scaled, self.shapes.num_instances, strict=True))
        total -= sum(int(b) * int(n) for b, n in zip(beta, np.maximum(classes.stock, 0), strict=True))
        if self.bound is None or total > self.bound.scaled:
            self.bound = PatternBound(total, scaled, beta)
            self._center = scaled.astype(np.float64)
