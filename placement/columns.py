r"""Column generation (Gilmore–Gomory): the pattern bound and good patterns, for fleets of few distinct shapes.

Sets: shapes i (services of equal demand D_i; d_i instances in all, at most m_i on one host), host classes s, patterns p
of s (counts a_ip with Σ_i a_ip·D_i ≤ L_s, a_ip ≤ m_i).

    master   min Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,  Σ_{p of s} x_p ≤ b_s,  x ≥ 0
    pricing  M_s(v) = max Σ_i v_i·a_i  over the patterns of s (CP-SAT, exact)

For any v ≥ 0, Farley's scaling [1]_ by θ = min(1, min_s c_s / M_s(v)) over the classes without a stock gives the valid
bound θ·Σ_i d_i·v_i − Σ_s b_s·max(0, θ·M_s(v) − c_s). Duals are smoothed towards the best so far [2]_, and start from
the weights bound, which is already near: few rounds are needed.

References
----------
.. [1] Farley (1990), A note on bounding a class of linear programming problems, doi:10.1287/opre.38.5.922
.. [2] Wentges (1997), Weighted Dantzig–Wolfe decomposition, doi:10.1111/j.1475-3995.1997.tb00108.x
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.instance import PoolProblem
from placement.units import NUM_RESOURCES, BoolArray, FloatArray, IntArray

MAX_SHAPES = 24
"""Beyond so many shapes hosts fill well without patterns, and exact pricing takes longer than it gives."""
SCALE = 1000
_MAX_ROUNDS = 60
_MAX_EXTRA_ROUNDS = 25
_HOST_EXTRA = 200
_SMOOTHING = 0.5
_TOLERANCE = 1e-6
_PRICING_DETERMINISTIC_TIME = 2.0


@dataclass(frozen=True)
class Columns:
    """Outcome of column generation.

    Parameters
    ----------
    demand
        int64[num_shapes, num_resources].
    shape_of
        int64[num_services].
    num_instances
        int64[num_shapes]: d.
    patterns
        int64[num_patterns, num_shapes]: a.
    class_of
        int64[num_patterns].
    value
        int64[num_shapes]: v in 1/`SCALE` micros, of the best bound.
    stock_dual
        int64[num_classes]: β in 1/`SCALE` micros.
    times
        float64[num_patterns]: how often the linear master uses each pattern when few hosts are favoured.
    bound_micros
        The bound these duals prove, rounded up to whole micros.
    """

    demand: IntArray
    shape_of: IntArray
    num_instances: IntArray
    patterns: IntArray
    class_of: IntArray
    value: IntArray
    stock_dual: IntArray
    times: FloatArray
    bound_micros: int


@dataclass(frozen=True)
class _Priced:
    value: int
    pattern: IntArray
    is_exact: bool


def generate_columns(problem: PoolProblem, start_value: FloatArray) -> Columns | None:
    """Run column generation, or return None where there are too many shapes or pricing could not be proved.

    Parameters
    ----------
    start_value
        float64[num_services]: dual values in micros to start from (the weights bound's).
    """
    demand, first, shape_of = np.unique(problem.demand, axis=0, return_index=True, return_inverse=True)
    shape_of = shape_of.ravel().astype(np.int64)
    if len(demand) > MAX_SHAPES:
        return None
    num_instances = np.bincount(shape_of, weights=problem.instances).astype(np.int64)
    most = np.bincount(shape_of, weights=np.minimum(problem.max_per_host, problem.instances)).astype(np.int64)
    run = _Run(problem, demand, num_instances, most)
    return run.solve(start_value[first], shape_of)


class _Run:
    def __init__(self, problem: PoolProblem, demand: IntArray, num_instances: IntArray, most: IntArray) -> None:
        self.classes = problem.classes
        self.demand = demand
        self.num_instances = num_instances
        limit = self.classes.limit
        with np.errstate(divide="ignore"):
            fit = np.where(demand[:, None, :] > 0, limit[None, :, :] // np.maximum(demand[:, None, :], 1), 1 << 40).min(
                axis=2
            )
        self.most = np.minimum(fit, most[:, None])  # int64[num_shapes, num_classes]
        self.patterns: list[IntArray] = []
        self.class_of: list[int] = []
        self.known: set[tuple[int, bytes]] = set()

    def add(self, s: int, pattern: IntArray) -> bool:
        key = (s, pattern.tobytes())
        if key in self.known or not pattern.any():
            return False
        self.known.add(key)
        self.patterns.append(pattern)
        self.class_of.append(s)
        return True

    def solve(self, start: FloatArray, shape_of: IntArray) -> Columns | None:
        num_shapes, num_classes = self.most.shape
        for s in range(num_classes):
            for i in range(num_shapes):
                if self.most[i, s]:
                    single = np.zeros(num_shapes, np.int64)
                    single[i] = self.most[i, s]
                    self.add(s, single)
        stock = np.maximum(self.classes.stock, 0)
        has_stock = self.classes.stock >= 0
        price = self.classes.price.astype(np.int64) * SCALE
        best_value: IntArray | None = None
        best_beta = np.zeros(num_classes, np.int64)
        best = -1
        center = start * SCALE
        dual = center.copy()
        objective = np.inf
        for round_ in range(_MAX_ROUNDS):
            smooth = dual if round_ == 0 else _SMOOTHING * center + (1 - _SMOOTHING) * dual
            added = False
            for candidate in (smooth, dual) if round_ else (smooth,):
                value = np.floor(np.maximum(candidate, 0)).astype(np.int64)
                priced = [self.price(s, value) for s in range(num_classes)]
                if not all(p.is_exact for p in priced):
                    return None
                worth = np.array([p.value for p in priced], np.int64)
                # Farley in integers: v' = ⌊v·c/M⌋ for the class that exceeds its price most
                numerator, denominator = 1, 1
                for s in range(num_classes):
                    exceeds = worth[s] > 0 and int(price[s]) * denominator < numerator * int(worth[s])
                    if exceeds and not has_stock[s]:
                        numerator, denominator = int(price[s]), int(worth[s])
                scaled = np.array([int(v) * numerator // denominator for v in value], np.int64)
                beta = np.array(
                    [
                        max(0, -(-int(worth[s]) * numerator // denominator) - int(price[s])) if has_stock[s] else 0
                        for s in range(num_classes)
                    ],
                    np.int64,
                )
                total = sum(int(v) * int(d) for v, d in zip(scaled, self.num_instances, strict=True))
                total -= sum(int(b) * int(n) for b, n in zip(beta, stock, strict=True))
                if total > best:
                    best, best_value, best_beta, center = total, scaled, beta, scaled.astype(np.float64)
                for s, p in enumerate(priced):
                    added |= self.add(s, p.pattern)
                if added:
                    break
            closed = np.isfinite(objective) and objective - best <= _TOLERANCE * max(objective, 1.0)
            if closed or not added:
                break
            solved = self.master(stock, has_stock)
            if solved is None:
                return None
            objective, dual, _ = solved
        if best_value is None:
            return None
        times = self.favour_few_hosts(stock, has_stock)
        return Columns(
            demand=self.demand,
            shape_of=shape_of,
            num_instances=self.num_instances,
            patterns=np.array(self.patterns),
            class_of=np.array(self.class_of, np.int64),
            value=best_value,
            stock_dual=best_beta,
            times=np.concatenate((times, np.zeros(len(self.patterns) - len(times)))),
            bound_micros=-(-best // SCALE),
        )

    def favour_few_hosts(self, stock: IntArray, has_stock: BoolArray) -> FloatArray:
        """Add columns of a master in which every host costs a little extra; return its solution.

        Among equally cheap plans those with few hosts are better: spares are counted in hosts. The bound is not
        touched: it was proved with the true prices.
        """
        extra = max(1, int(self.classes.price.max()) // _HOST_EXTRA)
        price = (self.classes.price.astype(np.int64) + extra) * SCALE
        times = np.zeros(0)
        for _ in range(_MAX_EXTRA_ROUNDS):
            solved = self.master(stock, has_stock, extra)
            if solved is None:
                break
            times = solved[2]
            value = np.floor(np.maximum(solved[1], 0)).astype(np.int64)
            added = False
            for s in range(len(self.classes)):
                priced = self.price(s, value)
                if priced.value > int(price[s]) * (1 + _TOLERANCE):
                    added |= self.add(s, priced.pattern)
            if not added:
                break
        return times

    def price(self, s: int, value: IntArray) -> _Priced:
        """Solve the pricing problem of class s exactly (CP-SAT, one worker: the same answer everywhere)."""
        from ortools.sat.python import cp_model

        wanted = np.flatnonzero((self.most[:, s] > 0) & (value > 0))
        pattern = np.zeros(len(value), np.int64)
        if not len(wanted):
            return _Priced(0, pattern, True)
        model = cp_model.CpModel()
        a = {int(i): model.new_int_var(0, int(self.most[i, s]), f"a{i}") for i in wanted}
        for r in range(NUM_RESOURCES):
            limit = int(self.classes.limit[s, r])
            if sum(int(self.demand[i, r]) * int(self.most[i, s]) for i in wanted) > limit:
                model.add(sum(int(self.demand[i, r]) * a[int(i)] for i in wanted) <= limit)
        model.maximize(sum(int(value[i]) * a[int(i)] for i in wanted))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_deterministic_time = _PRICING_DETERMINISTIC_TIME
        solver.parameters.catch_sigint_signal = False  # see packing.cpsat
        status = solver.solve(model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return _Priced(0, pattern, False)
        for i in wanted:
            pattern[i] = int(solver.value(a[int(i)]))
        exact = status == cp_model.OPTIMAL
        # the bound is a valid M_s even where CP-SAT ran out of time, but then the certificate would be hard to check
        return _Priced(int(value @ pattern), pattern, exact)

    def master(
        self,
        stock: IntArray,
        has_stock: BoolArray,
        extra: int = 0,
    ) -> tuple[float, FloatArray, FloatArray] | None:
        """Solve the linear master; return objective and duals of the shapes (1/SCALE micros), and its solution."""
        from ortools.math_opt.python import mathopt

        model = mathopt.Model()
        x = [model.add_variable(lb=0) for _ in self.patterns]
        # a slack at a price beyond all patterns keeps the master feasible under short stocks
        dear = 10.0 * float(self.classes.price.max() + 1)
        rows = []
        for i in range(len(self.num_instances)):
            terms = mathopt.LinearSum(x[p] * float(a[i]) for p, a in enumerate(self.patterns) if a[i])
            slack = model.add_variable(lb=0)
            rows.append(model.add_linear_constraint(terms + slack >= float(self.num_instances[i])))
            model.objective.set_linear_coefficient(slack, dear)
        for limited in np.flatnonzero(has_stock):
            of_class = mathopt.LinearSum(x[p] for p, s in enumerate(self.class_of) if s == limited)
            model.add_linear_constraint(of_class <= float(stock[limited]))
        for p, s in enumerate(self.class_of):
            model.objective.set_linear_coefficient(x[p], float(self.classes.price[s] + extra))
        result = mathopt.solve(model, mathopt.SolverType.GLOP)
        if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
            return None
        duals = result.dual_values()
        values = result.variable_values()
        duals_of_shapes = np.array([duals[row] for row in rows]) * SCALE
        return result.objective_value() * SCALE, duals_of_shapes, np.array([values[v] for v in x])
