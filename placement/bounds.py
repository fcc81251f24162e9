r"""Lower bounds on cost, with certificates that the checker verifies without a solver.

Sets: services i with d_i instances of demand D_i; host classes s with limits L_s, price c_s and perhaps a stock b_s.

Weights bound (the dual of assigning demand to classes fractionally, class by class)::

    max  Σ_i d_i · min_{s holds i} Σ_r w_sr·D_ir  −  Σ_s β_s·b_s
    s.t. Σ_r w_sr·L_sr ≤ c_s + β_s,   w ≥ 0,   β ≥ 0 (0 without a stock)

It is concave in (w, β) and has only classes × resources variables, so Kelley's cutting planes [1]_, stabilised by
stepping between the best and the newest point [2]_, close it in a few rounds at any fleet size. The optimum is
rounded to integers and evaluated again exactly: the certificate proves what it says whatever floating point did.

Pattern bound (`columns`): where hosts hold few instances, or shapes are few, so that hosts cannot be filled to
the brim. It grows while patterns are generated, so `raised_by_patterns` takes it up whenever it has.

Counting bound: a service with n instances, at most m on one host, needs ⌈n/m⌉ hosts.

References
----------
.. [1] Kelley (1960), The cutting-plane method for solving convex programs, doi:10.1137/0108053
.. [2] Ben-Ameur, Neto (2007), Acceleration of cutting-plane and column generation algorithms,
   doi:10.1002/net.20137
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from placement.columns import SCALE as COLUMNS_SCALE
from placement.columns import PatternBound, Shapes
from placement.instance import PoolProblem, distinct_rows
from placement.plan.types import Certificate, CountingProof, HostClass, Leaf, PatternsProof, WeightsProof
from placement.units import BoolArray, FloatArray, IntArray

_SCALE = 10**6
_MAX_ROUNDS = 60
_MAX_TERMS = 20_000
"""Rounds times weights: where classes are many, patterns do better than more rounds."""
_NUM_PARTS = 32
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class PoolBound:
    """A proven lower bound on the cost of a pool in a region.

    Parameters
    ----------
    micros_per_hour
        The bound.
    certificate
        Its proof.
    value
        float64[num_services]: what an instance is worth in micros under the weights.
    """

    micros_per_hour: int
    certificate: Certificate
    value: FloatArray


def attainable_at_least(micros: int, problem: PoolProblem) -> int:
    """Round a bound up to a multiple of the greatest common divisor of the prices: every cost is one."""
    divisor = math.gcd(*(int(price) for price in problem.classes.price)) if len(problem.classes) else 0
    return -(-micros // divisor) * divisor if divisor else micros


def prove(problem: PoolProblem) -> PoolBound:
    """Return the better of the weights bound and the counting bound. Every service must fit some class."""
    weights, stock_dual = _best_weights(problem)
    integer = np.floor(weights * _SCALE).astype(np.int64)
    stock_integer = np.ceil(stock_dual * _SCALE).astype(np.int64)
    integer = _make_feasible(integer, stock_integer, problem)
    micros, value = _evaluate(integer, stock_integer, problem)
    leaf = Leaf(
        scale=_SCALE,
        proof=WeightsProof(weights=tuple(tuple(int(w) for w in row) for row in integer)),
        stock=tuple(int(b) for b in stock_integer) if stock_integer.any() else (),
    )
    best = attainable_at_least(max(0, micros), problem)
    counted, counting = _counting(problem)
    if counted > best:
        best, leaf = counted, Leaf(proof=counting)
    return PoolBound(best, _certificate(problem, best, leaf), value)


def raised_by_patterns(bound: PoolBound, problem: PoolProblem, shapes: Shapes, proof: PatternBound) -> PoolBound:
    """Return the bound with the pattern proof in its place, where that proves more."""
    micros = attainable_at_least(proof.micros, problem)
    if micros <= bound.micros_per_hour:
        return bound
    leaf = Leaf(
        scale=COLUMNS_SCALE,
        proof=PatternsProof(
            demands=tuple(tuple(int(amount) for amount in row) for row in shapes.demand),
            values=tuple(int(v) for v in proof.value),
        ),
        stock=tuple(int(b) for b in proof.stock_dual) if proof.stock_dual.any() else (),
    )
    return PoolBound(micros, _certificate(problem, micros, leaf), bound.value)


def _certificate(problem: PoolProblem, micros: int, leaf: Leaf) -> Certificate:
    classes = tuple(
        HostClass(hosts=hosts) if hosts else HostClass(buyable=size)
        for size, hosts in zip(problem.classes.size, problem.classes.hosts, strict=True)
    )
    return Certificate(
        pool=problem.pool, region=problem.region, bound_micros_per_hour=micros, classes=classes, tree=leaf
    )


def _counting(problem: PoolProblem) -> tuple[int, CountingProof]:
    needed = -(-problem.instances // problem.max_per_host)
    i = int(needed.argmax())
    order = np.argsort(problem.classes.price, kind="stable")
    left = num_hosts = int(needed[i])
    micros = 0
    for s in order:
        stock = int(problem.classes.stock[s])
        take = left if stock < 0 else min(left, stock)
        micros += take * int(problem.classes.price[s])
        left -= take
        if not left:
            break
    return attainable_at_least(micros, problem), CountingProof(service=problem.names[i], num_hosts=num_hosts)


def _make_feasible(weights: IntArray, stock_dual: IntArray, problem: PoolProblem) -> IntArray:
    """Shave weights until Σ_r w_sr·L_sr ≤ c_s·scale + β_s holds exactly (floating point may miss it by a hair)."""
    shaved = weights.copy()
    for s in range(len(problem.classes)):
        room = int(problem.classes.price[s]) * _SCALE + int(stock_dual[s])
        limits = [int(limit) for limit in problem.classes.limit[s]]
        total = sum(int(w) * limit for w, limit in zip(shaved[s], limits, strict=True))
        if total > room:
            shaved[s] = [int(w) * room // total for w in shaved[s]]
    return shaved


def _evaluate(weights: IntArray, stock_dual: IntArray, problem: PoolProblem) -> tuple[int, FloatArray]:
    """Return the exact bound in micros (rounded up: costs are whole micros) and each instance's value."""
    worth = np.where(problem.holds, problem.demand @ weights.T, np.iinfo(np.int64).max).min(axis=1)
    # Python integers: the sum over a million instances may pass 2^63
    total = sum(w * d for w, d in zip(worth.tolist(), problem.instances.tolist(), strict=True))
    stock = np.maximum(problem.classes.stock, 0)
    total -= sum(int(b) * int(n) for b, n in zip(stock_dual, stock, strict=True))
    return -(-total // _SCALE), worth / _SCALE


def _parts(demand: FloatArray, count: FloatArray) -> IntArray:
    """Number items by their proportion of the two resources they ask for most: int64[num_items].

    A cut for each part tells the linear program where it pays to price families of sizes differently; one cut for all
    items would need many rounds for the same (the multi-cut form of Kelley's method).
    """
    first, second = np.argsort(-(count @ demand), kind="stable")[[0, min(1, demand.shape[1] - 1)]]
    ratio = demand[:, first] / np.maximum(demand[:, first] + demand[:, second], 1e-12)
    order = np.argsort(ratio, kind="stable")
    part = np.empty(len(order), np.int64)
    part[order] = np.arange(len(order)) * min(_NUM_PARTS, len(order)) // max(len(order), 1)
    return part


def _best_weights(problem: PoolProblem) -> tuple[FloatArray, FloatArray]:
    """Maximise the weights bound; return w float64[num_classes, num_resources] and β float64[num_classes]."""
    from ortools.math_opt.python import mathopt  # heavy: only when a bound is wanted

    classes = problem.classes
    num_classes, num_resources = classes.limit.shape
    largest = np.maximum(classes.limit.max(axis=0), 1)
    unit_price = float(max(int(classes.price.max()), 1))
    # items with equal demand are one
    demand, inverse = distinct_rows(problem.demand)
    count = np.bincount(inverse, weights=problem.instances).astype(np.float64)
    fits: BoolArray = np.asarray((demand[:, None, :] <= classes.limit[None, :, :]).all(axis=2))
    D: FloatArray = demand / largest
    L = classes.limit / largest
    c = classes.price / unit_price
    stock = np.where(classes.stock < 0, 0, classes.stock)
    has_stock = classes.stock >= 0

    part = _parts(D, count)
    num_parts = int(part.max()) + 1

    def cut(w: FloatArray) -> tuple[float, FloatArray]:
        """Return the worth of everything and, per part of the items, what each class takes: [part, class, r]."""
        cheapest = np.zeros(len(D), np.int64)
        least = np.full(len(D), np.inf)
        for s in range(num_classes):  # class by class: a table of items and classes would be large
            worth = np.where(fits[:, s], D @ w[s], np.inf)
            cheapest = np.where(worth < least, s, cheapest)
            least = np.minimum(worth, least)
        place = part * num_classes + cheapest
        used: FloatArray = np.stack(
            [
                np.bincount(place, count * D[:, r], num_parts * num_classes).astype(np.float64)
                for r in range(D.shape[1])
            ],
            axis=1,
        )
        return float(count @ least), used.reshape(num_parts, num_classes, num_resources)

    scale = max(float((count @ D).max()), 1.0)
    model = mathopt.Model()
    w_var = [[model.add_variable(lb=0) for _ in range(num_resources)] for _ in range(num_classes)]
    beta = [model.add_variable(lb=0, ub=math.inf if has_stock[s] else 0.0) for s in range(num_classes)]
    # worth in largest hosts at the dearest price, as a share of the demand: far below this bound, which keeps the first
    # rounds finite where a stock has a dual
    theta = [model.add_variable(ub=1e4) for _ in range(num_parts)]
    for s in range(num_classes):
        terms = mathopt.LinearSum(w_var[s][r] * float(L[s, r]) for r in range(num_resources) if L[s, r] > 0)
        model.add_linear_constraint(terms - beta[s] <= float(c[s]))
        for r in range(num_resources):
            if L[s, r] == 0:
                model.add_linear_constraint(w_var[s][r] <= 0.0)
    model.maximize(
        mathopt.LinearSum(theta) - mathopt.LinearSum(beta[s] * float(stock[s] / scale) for s in range(num_classes))
    )

    def add_cut(used: FloatArray) -> None:
        for part_theta, of_part in zip(theta, used / scale, strict=True):
            terms = mathopt.LinearSum(
                w_var[s][r] * float(of_part[s, r]) for s, r in zip(*of_part.nonzero(), strict=True)
            )
            model.add_linear_constraint(part_theta - terms <= 0.0)

    best_w, best_beta = _alike_in_all_classes(count @ D, L, c, classes.stock)
    best, used = cut(best_w)
    best -= float(best_beta @ stock)
    add_cut(used)
    solver = mathopt.IncrementalSolver(model, mathopt.SolverType.GLOP)
    for _ in range(min(_MAX_ROUNDS, _MAX_TERMS // (num_classes * num_resources))):
        try:
            result = solver.solve()
        except AttributeError:  # what mathopt makes of numerical trouble: the best weights so far will do
            break
        if not result.has_primal_feasible_solution():
            break
        upper = result.objective_value() * scale
        values = result.variable_values()
        new_w = np.array([[values[x] for x in row] for row in w_var])
        new_beta = np.array([values[x] for x in beta])
        for step in (0.6, 1.0):
            w = step * new_w + (1 - step) * best_w
            b = step * new_beta + (1 - step) * best_beta
            found, used = cut(w)
            add_cut(used)
            found -= float(b @ stock)
            if found > best:
                best, best_w, best_beta = found, w, b
        if upper - best <= _TOLERANCE * max(1.0, abs(upper)):
            break
    return best_w * unit_price / largest, best_beta * unit_price


def _alike_in_all_classes(
    D: FloatArray, L: FloatArray, c: FloatArray, stock: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the best weights that are the same in every class, with their β: a start that is good already.

    The bound is then linear: max w·D − Σ_s β_s·b_s, D being the demand of all instances together.
    """
    from ortools.math_opt.python import mathopt

    num_classes, num_resources = L.shape
    model = mathopt.Model()
    w = [model.add_variable(lb=0, ub=math.inf if (L[:, r] > 0).all() else 0.0) for r in range(num_resources)]
    beta = [model.add_variable(lb=0, ub=math.inf if stock[s] >= 0 else 0.0) for s in range(num_classes)]
    for s in range(num_classes):
        terms = mathopt.LinearSum(w[r] * float(L[s, r]) for r in range(num_resources) if L[s, r] > 0)
        model.add_linear_constraint(terms - beta[s] <= float(c[s]))
    scale = max(float(D.max()), 1.0)
    model.maximize(
        mathopt.LinearSum(w[r] * float(D[r] / scale) for r in range(num_resources))
        - mathopt.LinearSum(beta[s] * float(max(stock[s], 0) / scale) for s in range(num_classes))
    )
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:  # more is asked for than there is, say
        return np.where(L > 0, c[:, None] / np.maximum(L, 1e-12) / num_resources, 0.0), np.zeros(num_classes)
    values = np.array(result.variable_values(w))
    return np.tile(values, (num_classes, 1)), np.array(result.variable_values(beta))
