r"""How many hosts of each class: the integer program that the packing starts from (CP-SAT), or its linear relaxation.

Sets: groups g of items of like proportions (total demand T_gr), classes s.
Variables: x_s hosts of class s (integer), y_gs share of group g that goes to class s (millionths).

    min  Σ c_s·x_s   (then fewest hosts)
    s.t. Σ_s y_gs = 10⁶,   Σ_g T_gr·y_gs ≤ 10⁶·L_sr·x_s,   x_s ≤ b_s,   Σ_s x_s ≥ most replicas apart

With thousands of hosts and many groups CP-SAT spends a minute on a part of one host. There the linear relaxation (GLOP)
does: its x rounded down, and what then finds no room gets further hosts by the integer program, which is small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.instance import PoolProblem
from placement.packing.cpsat import solve_model
from placement.units import BoolArray, FloatArray, IntArray

_SHARE = 10**6
_NUM_GROUPS = 48
_LARGEST_COEFFICIENT = 10**6
MANY_CLASSES = 16
"""Of more classes the linear program's mix, rounded up, has to do: CP-SAT takes too long to find any."""


@dataclass(frozen=True)
class Mix:
    """A mix of hosts.

    Parameters
    ----------
    hosts
        int64[num_classes]: how many of each class.
    share
        float64[num_services, num_classes]: part of each service's demand meant for each class.
    """

    hosts: IntArray
    share: FloatArray


@dataclass(frozen=True)
class RelaxedMix:
    """The mix of the linear relaxation.

    Parameters
    ----------
    hosts
        float64[num_classes]: how many of each class.
    share
        As in `Mix`.
    price
        Micros per hour.
    """

    hosts: FloatArray
    share: FloatArray
    price: float

    def rounded_down(self) -> Mix:
        """Return the whole part."""
        return Mix(np.floor(self.hosts + 1e-6).astype(np.int64), self.share)

    def rounded_up(self) -> Mix:
        """Return as many hosts as carry everything."""
        return Mix(np.ceil(self.hosts - 1e-6).astype(np.int64), self.share)


def choose_mix(
    problem: PoolProblem,
    left: IntArray,
    stock: IntArray,
    *,
    slack: float,
    min_hosts: int,
    max_bought: int,
    floor: int,
    seed: int,
    grouped: bool,
    most_time: float = 1.0,
) -> Mix | None:
    """Return the cheapest mix that could hold `left`, or None where no mix can.

    Parameters
    ----------
    left
        int64[num_services]: instances to hold.
    stock
        int64[num_classes]: hosts that may still be used, −1: any number.
    slack
        Extra capacity asked for, as a share of demand.
    max_bought
        Most hosts that can be bought (the segments take no more).
    floor
        Proven lower bound on the mix's price (micros), 0: none; CP-SAT stops where it reaches it.
    grouped
        Send items of different proportions to different classes (families of sizes), or every class a like share.
    most_time
        Most deterministic time of a run of CP-SAT.
    """
    from ortools.sat.python import cp_model

    classes = problem.classes
    num_classes = len(classes)
    group, total, holds = _grouped(problem, left, grouped)
    num_groups = len(total)
    total *= 1.0 + slack
    if num_classes > MANY_CLASSES:
        relaxed = relaxed_mix(problem, left, stock, grouped=grouped, slack=slack, min_hosts=min_hosts)
        mix = None if relaxed is None else relaxed.rounded_up()
        is_bought = np.array([not standing for standing in classes.hosts], bool)
        if mix is not None and int(mix.hosts[is_bought].sum()) <= max_bought:
            return mix
    model = cp_model.CpModel()
    ceiling = _host_ceiling(problem, total, min_hosts, stock)
    x = [model.new_int_var(0, int(ceiling[s]), f"x{s}") for s in range(num_classes)]
    y = [
        [model.new_int_var(0, _SHARE if holds[g, s] else 0, f"y{g},{s}") for s in range(num_classes)]
        for g in range(num_groups)
    ]
    for g in range(num_groups):
        if total[g].any():
            model.add(sum(y[g]) == _SHARE)
    for r in range(problem.num_resources):
        peak = max(float(total[:, r].max()), float(classes.limit[:, r].max()), 1.0)
        unit = max(1.0, peak / _LARGEST_COEFFICIENT)
        for s in range(num_classes):
            load = [(y[g][s], int(np.ceil(total[g, r] / unit))) for g in range(num_groups) if total[g, r] > 0]
            if load:
                room = int(classes.limit[s, r] / unit * _SHARE)
                model.add(sum(coefficient * share for share, coefficient in load) <= room * x[s])
    if min_hosts:
        model.add(sum(x) >= min_hosts)
    bought = [x[s] for s in range(num_classes) if not classes.hosts[s]]
    if bought and max_bought < int(ceiling.sum()):
        model.add(sum(bought) <= max_bought)
    divisor = max(1, int(np.gcd.reduce(classes.price)))
    cost = sum(int(classes.price[s]) // divisor * x[s] for s in range(num_classes))
    model.add(cost >= -(-floor // divisor))
    model.minimize(cost)
    effort = min(most_time, 1.0 if num_groups * num_classes < 200 else 0.1)
    solved = solve_model(model, seed=seed, deterministic_time=effort)
    if not solved.has_solution:
        return None
    # among mixes of this price the one with the fewest hosts: large hosts waste least at their edges
    model.add(cost <= round(solved.objective))
    model.minimize(sum(x))
    fewest = solve_model(model, seed=seed, deterministic_time=effort, optional=True)
    solved = fewest if fewest.has_solution else solved
    hosts = np.array([solved.value(v) for v in x], np.int64)
    share_of_group = np.array([[solved.value(v) for v in row] for row in y], np.float64) / _SHARE
    return Mix(hosts, share_of_group[group])


def relaxed_mix(
    problem: PoolProblem, left: IntArray, stock: IntArray, *, grouped: bool, slack: float = 0.0, min_hosts: int = 0
) -> RelaxedMix | None:
    """Return the mix of the linear relaxation, or None where there is none; parameters as for `choose_mix`."""
    from ortools.math_opt.python import mathopt

    classes = problem.classes
    group, total, holds = _grouped(problem, left, grouped)
    num_groups, num_classes = holds.shape
    largest = np.maximum(classes.limit.max(axis=0), 1)
    demand, limit = total * (1.0 + slack) / largest, classes.limit / largest
    model = mathopt.Model()
    x = [model.add_variable(lb=0, ub=float(b) if b >= 0 else np.inf) for b in stock]
    y = [[model.add_variable(lb=0, ub=float(holds[g, s])) for s in range(num_classes)] for g in range(num_groups)]
    for g in np.flatnonzero(total.any(axis=1)):
        model.add_linear_constraint(mathopt.LinearSum(y[g]) == 1.0)
    for r in range(problem.num_resources):
        for s in range(num_classes):
            load = mathopt.LinearSum(y[g][s] * float(demand[g, r]) for g in np.flatnonzero(demand[:, r]))
            model.add_linear_constraint(load - x[s] * float(limit[s, r]) <= 0.0)
    model.add_linear_constraint(mathopt.LinearSum(x) >= float(min_hosts))
    # of mixes of one price the one with the fewest hosts
    price = classes.price / max(int(classes.price.max()), 1) + 1e-6
    model.minimize(mathopt.LinearSum(x[s] * float(price[s]) for s in range(num_classes)))
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return None
    used = np.array(result.variable_values(x))
    share = np.clip(np.array([result.variable_values(row) for row in y]), 0.0, 1.0)
    return RelaxedMix(used, share[group], float(used @ classes.price))


def _grouped(problem: PoolProblem, left: IntArray, grouped: bool) -> tuple[IntArray, FloatArray, BoolArray]:
    """Return each service's group, the groups' demand [group, resource] and which class holds all of a group."""
    group = _groups(problem, left, grouped)
    num_groups = int(group.max()) + 1
    total = np.zeros((num_groups, problem.num_resources))
    for r in range(problem.num_resources):
        total[:, r] = np.bincount(group, weights=problem.demand[:, r] * left, minlength=num_groups)
    fits = problem.holds
    holds = np.ones((num_groups, len(problem.classes)), bool)
    for s in range(len(problem.classes)):
        holds[:, s] = np.bincount(group, weights=(~fits[:, s]) & (left > 0), minlength=num_groups) == 0
    return group, total, holds


def _groups(problem: PoolProblem, left: IntArray, grouped: bool) -> IntArray:
    """Number items by which classes hold them and, if asked, by their proportion of CPU to memory and so on."""
    fits = problem.holds
    code: IntArray = fits @ (1 << np.minimum(np.arange(fits.shape[1], dtype=np.int64), 40))
    if grouped:
        largest = np.maximum(problem.classes.limit.max(axis=0), 1)
        relative = problem.demand / largest
        use = (relative * left[:, None]).sum(axis=0)
        first, second = np.argsort(-use)[[0, min(1, len(use) - 1)]]
        ratio = relative[:, first] / np.maximum(relative[:, first] + relative[:, second], 1e-12)
        order = np.argsort(ratio, kind="stable")
        weight = np.cumsum((relative.sum(axis=1) * left)[order])
        bucket = np.empty(len(order), np.int64)
        bucket[order] = np.minimum(weight / max(weight[-1], 1e-12) * _NUM_GROUPS, _NUM_GROUPS - 1)
        code = code * _NUM_GROUPS + bucket
    numbers: IntArray = np.unique(code, return_inverse=True)[1].ravel().astype(np.int64)
    return numbers


def _host_ceiling(problem: PoolProblem, total: FloatArray, min_hosts: int, stock: IntArray) -> IntArray:
    """Return for each class a number of hosts that no cheapest mix exceeds."""
    limit = np.maximum(problem.classes.limit, 1)
    alone = np.ceil((total.sum(axis=0) / limit).max(axis=1)).astype(np.int64) + 1 + min_hosts
    ceiling: IntArray = np.where(stock < 0, alone, np.minimum(alone, stock))
    return ceiling
