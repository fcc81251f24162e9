r"""Branching on how many hosts there are of a class: a bound that sees that hosts are whole.

The weights bound (`placement.bounds`) is the value of

    min  Σ_s c_s·x_s   s.t.  Σ_s y_is = 1,   Σ_i d_i·D_ir·y_is ≤ L_sr·x_s,   0 ≤ x_s ≤ b_s

with x_s, the hosts of class s, of any size. A fleet of a few hosts pays for whole ones, which may be a tenth more. So
plans are split in two at a class s of which the program uses a fraction of a host, x_s ≤ ⌊x_s⌋ or x_s ≥ ⌊x_s⌋ + 1, the
half with the lower bound first, until the program with the lowest bound uses whole hosts, or there are many leaves.
Each leaf has weights of its own and, for the conditions above it, the duals λ (`docs/mathematics.md`, section 4.4):
what a full host of class s is worth beyond its price, or short of it, is exactly what its condition must make up for,
so weights rounded to integers give an exact proof.

Services of like proportions, held by the same classes, are one row of the program where there are many: its weights are
then a little worse, and proven none the less.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from placement.bounds import PoolBound, attainable_at_least
from placement.instance import PoolProblem
from placement.plan.types import Branch, Leaf, Node, WeightsProof
from placement.units import BoolArray, FloatArray, IntArray

_SCALE = 10**6
_MAX_HOSTS = 400
"""Of more hosts a fraction of one is little, and the bound is near the cost without."""
_MAX_CLASSES = 16
_MAX_ROWS = 100
_MAX_LEAVES = 120
_MAX_DEPTH = 60
"""Well below what the checker reads."""
_INTEGRAL = 1e-6
_MISSING = 50.0
"""Price of leaving a row out, in dearest hosts: keeps the program of conditions that no plan meets finite."""


@dataclass(frozen=True)
class _Condition:
    """x_s ≥ value, or x_s ≤ value."""

    s: int
    is_at_least: bool
    value: int


@dataclass
class _Part:
    """Plans that meet the conditions of a path; `low` and `high` once it is split."""

    conditions: tuple[_Condition, ...]
    leaf: Leaf
    micros: int
    hosts: FloatArray
    split: tuple[int, int] | None = None
    halves: list[_Part] = field(default_factory=list)


def raised_by_branching(bound: PoolBound, problem: PoolProblem) -> PoolBound:
    """Return the bound with a tree of weights in its place, where that proves more.

    Fleets of very many hosts or classes, to whom it would mean little or take long, keep the bound they have.
    """
    classes = problem.classes
    num_hosts = bound.micros_per_hour / max(int(classes.price.max(initial=1)), 1)
    if not 1 < len(classes) <= _MAX_CLASSES or num_hosts > _MAX_HOSTS:
        return bound
    program = _Program(problem)
    root = program.part(())
    if root is None:
        return bound
    order = 0
    waiting = [(root.micros, order, root)]
    num_leaves = 1
    while num_leaves < _MAX_LEAVES:
        micros, _, part = waiting[0]
        fraction = np.abs(part.hosts - np.rint(part.hosts))
        if fraction.max() <= _INTEGRAL or len(part.conditions) >= _MAX_DEPTH:
            break
        s = int(np.argmax(fraction * classes.price))
        at = math.floor(part.hosts[s])
        halves = [
            program.part((*part.conditions, _Condition(s, False, at))),
            program.part((*part.conditions, _Condition(s, True, at + 1))),
        ]
        if any(half is None for half in halves):
            break
        heapq.heappop(waiting)
        part.split = (s, at)
        part.halves = [half for half in halves if half is not None]
        for half in part.halves:
            order += 1
            # a leaf of a path proves at least what the path proved before
            heapq.heappush(waiting, (max(half.micros, micros), order, half))
        num_leaves += 1
    proven = min(part.micros for _, _, part in waiting)
    if proven <= bound.micros_per_hour:
        return bound
    certificate = bound.certificate.model_copy(
        update={"bound_micros_per_hour": proven, "tree": _tree(root, len(classes))}
    )
    return PoolBound(proven, certificate, bound.value)


def _tree(part: _Part, num_classes: int) -> Node:
    if part.split is None:
        return part.leaf
    s, at = part.split
    coefficients = tuple(int(t == s) for t in range(num_classes))
    low, high = (_tree(half, num_classes) for half in part.halves)
    return Branch(coefficients=coefficients, at=at, low=low, high=high)


class _Program:
    """The linear program, solved anew for the conditions of each part."""

    def __init__(self, problem: PoolProblem) -> None:
        from ortools.math_opt.python import mathopt

        self.problem = problem
        classes = problem.classes
        total, holds = _rows(problem)
        num_rows, num_classes = holds.shape
        self.largest = np.maximum(classes.limit.max(axis=0), 1)
        self.unit = float(max(int(classes.price.max()), 1))
        demand, limit = total / self.largest, classes.limit / self.largest
        model = mathopt.Model()
        self.x = [model.add_variable(lb=0.0) for _ in range(num_classes)]
        self.stock = [float(b) if b >= 0 else math.inf for b in classes.stock]
        y = [[model.add_variable(lb=0.0) if holds[i, s] else None for s in range(num_classes)] for i in range(num_rows)]
        missing = [model.add_variable(lb=0.0) for _ in range(num_rows)]
        for i in range(num_rows):
            model.add_linear_constraint(mathopt.LinearSum([missing[i], *(v for v in y[i] if v is not None)]) == 1.0)
        self.capacity: list[list[Any]] = []
        for s in range(num_classes):
            of_class = []
            for r in range(problem.num_resources):
                load = mathopt.LinearSum(
                    v * float(demand[i, r]) for i, row in enumerate(y) if (v := row[s]) is not None and demand[i, r] > 0
                )
                of_class.append(model.add_linear_constraint(load - self.x[s] * float(limit[s, r]) <= 0.0))
            self.capacity.append(of_class)
        price = classes.price / self.unit
        model.minimize(
            mathopt.LinearSum(self.x[s] * float(price[s]) for s in range(num_classes))
            + mathopt.LinearSum(missing) * _MISSING
        )
        self.model = model
        self.solver = mathopt.IncrementalSolver(model, mathopt.SolverType.GLOP)
        # reading thousands of values that nobody asks for takes longer than the solving
        self.wanted = mathopt.ModelSolveParameters(
            variable_values_filter=mathopt.SparseVectorFilter(filtered_items=self.x),
            dual_values_filter=mathopt.SparseVectorFilter(
                filtered_items=[row for of_class in self.capacity for row in of_class]
            ),
            reduced_costs_filter=mathopt.SparseVectorFilter(skip_zero_values=True, filtered_items=[]),
        )

    def part(self, conditions: tuple[_Condition, ...]) -> _Part | None:
        """Return the plans of these conditions with what is proven of them, None where the solver failed."""
        from ortools.math_opt.python import mathopt

        for s, variable in enumerate(self.x):
            at_least = [c.value for c in conditions if c.s == s and c.is_at_least]
            at_most = [c.value for c in conditions if c.s == s and not c.is_at_least]
            variable.lower_bound = float(max(at_least, default=0))
            variable.upper_bound = max(min([self.stock[s], *map(float, at_most)]), variable.lower_bound)
        # conditions leave the last solution's duals feasible
        parameters = mathopt.SolveParameters(
            presolve=mathopt.Emphasis.OFF, lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX
        )
        result = None
        for _ in range(2):
            try:
                result = self.solver.solve(params=parameters, model_params=self.wanted)
                break
            except AttributeError:  # what mathopt makes of numerical trouble: once more, from nothing
                self.solver = mathopt.IncrementalSolver(self.model, mathopt.SolverType.GLOP)
        if result is None or result.termination.reason != mathopt.TerminationReason.OPTIMAL:
            return None
        dual = np.array([result.dual_values(row) for row in self.capacity])
        weights = np.floor(np.maximum(-dual, 0.0) * self.unit / self.largest * _SCALE).astype(np.int64)
        leaf, micros = self._proof(weights, conditions)
        return _Part(conditions, leaf, micros, np.array(result.variable_values(self.x)))

    def _proof(self, weights: IntArray, conditions: tuple[_Condition, ...]) -> tuple[Leaf, int]:
        """Return the leaf of these weights, and what it proves in micros; integers throughout."""
        problem = self.problem
        classes = problem.classes
        duals = [0] * len(conditions)
        stock_duals = [0] * len(classes)
        rows = [[int(w) for w in row] for row in weights]
        total = 0
        for s in range(len(classes)):
            price = int(classes.price[s]) * _SCALE
            full = sum(w * int(limit) for w, limit in zip(rows[s], classes.limit[s], strict=True))
            # the tightest condition of each kind is the last of its kind on the path
            of_class = [j for j, c in enumerate(conditions) if c.s == s and c.is_at_least == (full < price)]
            if full < price and of_class:
                duals[of_class[-1]] = price - full
                total += (price - full) * conditions[of_class[-1]].value
            elif full > price:
                stock = int(classes.stock[s])
                if of_class and (stock < 0 or conditions[of_class[-1]].value <= stock):
                    duals[of_class[-1]] = full - price
                    total -= (full - price) * conditions[of_class[-1]].value
                elif stock >= 0:
                    stock_duals[s] = full - price
                    total -= (full - price) * stock
                else:  # rounding
                    rows[s] = [w * price // full for w in rows[s]]
        whole = np.array(rows, np.int64)
        worth = np.where(problem.holds, problem.demand @ whole.T, np.iinfo(np.int64).max).min(axis=1)
        total += sum(v * d for v, d in zip(worth.tolist(), problem.instances.tolist(), strict=True))
        leaf = Leaf(
            scale=_SCALE,
            proof=WeightsProof(weights=tuple(map(tuple, rows))),
            conditions=tuple(duals) if any(duals) else (),
            stock=tuple(stock_duals) if any(stock_duals) else (),
        )
        return leaf, attainable_at_least(max(0, -(-total // _SCALE)), problem)


def _rows(problem: PoolProblem) -> tuple[FloatArray, BoolArray]:
    """Return the demand of each row [row, resource] and which classes hold all of it [row, class]."""
    demand, of_service = np.unique(problem.demand, axis=0, return_inverse=True)
    count = np.bincount(of_service.ravel(), weights=problem.instances).astype(np.float64)
    limit = problem.classes.limit
    holds = np.asarray((demand[:, None, :] <= limit[None, :, :]).all(axis=2))
    row = np.arange(len(demand))
    if len(demand) > _MAX_ROWS:
        relative = demand / np.maximum(limit.max(axis=0), 1)
        first, second = np.argsort(-(count @ relative), kind="stable")[:2]
        ratio = relative[:, first] / np.maximum(relative[:, first] + relative[:, second], 1e-12)
        code = holds @ (1 << np.arange(len(limit), dtype=np.int64))
        order = np.lexsort((ratio, code))
        part = np.arange(len(order)) * _MAX_ROWS // len(order)
        # rows of equal length by falling order, cut where another set of classes begins
        begins = np.concatenate(([True], (np.diff(part) > 0) | (np.diff(code[order]) != 0)))
        row[order] = np.cumsum(begins) - 1
    num_rows = int(row.max(initial=-1)) + 1
    total = np.stack([np.bincount(row, count * demand[:, r], num_rows) for r in range(demand.shape[1])], axis=1).astype(
        np.float64
    )
    held = np.ones((num_rows, len(limit)), bool)
    for s in range(len(limit)):
        held[:, s] = np.bincount(row, ~holds[:, s], num_rows) == 0
    return total, held
