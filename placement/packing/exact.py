r"""The whole assignment as one CP-SAT model: for small fleets, and for a few hosts of a large one.

Sets: services i of demand D_i with d_i instances to place; slots h (a host of class s(h) that may be used or not).
Variables: u_h slot h is used; a_ih instances of i on h.

    min  Σ_h c_{s(h)}·u_h
    s.t. Σ_h a_ih = d_i;   Σ_i D_ir·a_ih ≤ L_{s(h),r}·u_h;   0 ≤ a_ih ≤ m_i
         Σ_{h in a zone or segment} a_ih ≤ spread limit;   interference between pairs of services

Slots of one class are used in order (u_h ≥ u_{h+1}); any further ordering by hand makes CP-SAT slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placement.instance import PoolProblem
from placement.interference import NO_LIMIT
from placement.packing.cpsat import solve_model
from placement.packing.sites import add_hosts
from placement.packing.state import Packing, no_hosts
from placement.units import IntArray

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_MAX_VARIABLES = 20_000
_MAX_RULE_TERMS = 100_000


def slots_for(problem: PoolProblem, cost: int, bound: int) -> IntArray | None:
    """Return int64[num_classes], how many hosts of each class a plan cheaper than `cost` can use; None: too many."""
    classes = problem.classes
    price = np.maximum(classes.price, 1)
    most = np.minimum(cost // price, problem.num_instances)
    # no more hosts than carry the demand need be of one class
    demand = problem.instances @ problem.demand
    enough = np.ceil(demand / np.maximum(classes.limit, 1)).max(axis=1).astype(np.int64)
    apart = int((-(-problem.instances // problem.max_per_host)).max())
    most = np.minimum(most, np.maximum(enough + enough // 4 + 1, apart))
    slots = np.where(classes.stock < 0, most, np.minimum(most, classes.stock))
    if int(slots.sum()) * len(problem.names) > _MAX_VARIABLES or cost <= bound:
        return None
    whole: IntArray = slots.astype(np.int64)
    return whole


def solve_exactly(
    problem: PoolProblem, cost: int, bound: int, *, seed: int, deterministic_time: float
) -> Packing | None:
    """Return a packing cheaper than `cost`, or None where CP-SAT found none in the time given."""
    from ortools.sat.python import cp_model

    slots = slots_for(problem, cost, bound)
    if slots is None:
        return None
    packing = no_hosts(problem)
    if add_hosts(problem, packing, slots) is None:
        return None
    classes = problem.classes
    num_hosts = len(packing.host_class)
    num_services = len(problem.names)
    rules = problem.rules
    if len(rules.other) * num_hosts > _MAX_RULE_TERMS:
        return None
    divisor = max(1, int(np.gcd.reduce(classes.price)))
    model = cp_model.CpModel()
    u = [model.new_bool_var(f"u{h}") for h in range(num_hosts)]
    a = [
        [
            model.new_int_var(0, int(problem.max_per_host[i]) if problem.holds[i, s] else 0, f"a{i},{h}")
            for h, s in enumerate(packing.host_class)
        ]
        for i in range(num_services)
    ]
    for i in range(num_services):
        model.add(sum(a[i]) == int(problem.instances[i]))
        if problem.spread[i]:
            domain = packing.domain[problem.spread[i] - 1]
            for d in np.unique(domain):
                model.add(sum(a[i][h] for h in np.flatnonzero(domain == d)) <= int(problem.spread_limit[i]))
    for h, s in enumerate(packing.host_class):
        for r in range(problem.num_resources):
            if problem.demand[:, r].any():
                used = sum(int(problem.demand[i, r]) * a[i][h] for i in range(num_services))
                model.add(used <= int(classes.limit[s, r]) * u[h])
        if h and packing.host_class[h - 1] == s and not classes.hosts[s] and not problem.spread.any():
            model.add_implication(u[h], u[h - 1])
    _add_rules(model, problem, a, num_hosts)
    price = [int(classes.price[s]) // divisor for s in packing.host_class]
    total = sum(p * used for p, used in zip(price, u, strict=True))
    model.add(total <= (cost - 1) // divisor)
    model.add(total >= -(-bound // divisor))
    model.minimize(total)
    solved = solve_model(model, seed=seed, deterministic_time=deterministic_time, optional=True)
    if not solved.has_solution:
        return None
    first = np.concatenate(([0], np.cumsum(problem.instances)))
    for i in range(num_services):
        counts = [solved.value(v) for v in a[i]]
        packing.host_of[first[i] : first[i + 1]] = np.repeat(np.arange(num_hosts), counts)
    return packing.without_empty()


def _add_rules(model: cp_model.CpModel, problem: PoolProblem, a: list[list[cp_model.IntVar]], num_hosts: int) -> None:
    """Interference: a_th ≤ most where any of s stands on h."""
    rules = problem.rules
    for s in range(len(problem.names)):
        rows = range(int(rules.start[s]), int(rules.start[s + 1]))
        limited = [p for p in rows if rules.most_other[p] < NO_LIMIT]
        if not limited:
            continue
        for h in range(num_hosts):
            present = model.new_bool_var(f"p{s},{h}")
            model.add(a[s][h] == 0).only_enforce_if(~present)
            for p in limited:
                model.add(a[rules.other[p]][h] <= int(rules.most_other[p])).only_enforce_if(present)
