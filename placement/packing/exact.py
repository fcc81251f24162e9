r"""Assignment by CP-SAT: a small fleet whole, or what stands on a few hosts of a large one.

Sets: services i of demand D_i with d_i instances to place; hosts h of class s(h) that may be used or must do.
Variables: u_h host h is used; a_ih instances of i on h.

    min  Σ_h c_{s(h)}·u_h
    s.t. Σ_h a_ih = d_i;   Σ_i D_ir·a_ih ≤ L_{s(h),r}·u_h;   0 ≤ a_ih ≤ m_i
         Σ_{h in a zone or segment} a_ih ≤ spread limit;   interference between pairs of services

Hosts of one class are used in order (u_h ≥ u_{h+1}); any further ordering by hand makes CP-SAT slower. Where the hosts
are given there is nothing to minimise: any assignment will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placement.instance import PoolProblem
from placement.interference import NO_LIMIT
from placement.packing.cpsat import Solved, solve_model
from placement.packing.sites import add_hosts
from placement.packing.state import Packing, no_hosts
from placement.units import IntArray

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_MAX_VARIABLES = 4_000
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
    slots = slots_for(problem, cost, bound)
    if slots is None:
        return None
    packing = no_hosts(problem)
    if add_hosts(problem, packing, slots) is None:
        return None
    classes = problem.classes
    everything = np.arange(len(packing.host_class))
    assignment = Assignment.make(problem, problem.instances, packing, everything, is_optional=True)
    if assignment is None:
        return None
    model, u = assignment.model, assignment.u
    divisor = max(1, int(np.gcd.reduce(classes.price)))
    for h, s in enumerate(packing.host_class):
        if h and packing.host_class[h - 1] == s and not classes.hosts[s] and not problem.spread.any():
            model.add_implication(u[h], u[h - 1])
    price = [int(classes.price[s]) // divisor for s in packing.host_class]
    total = sum(p * used for p, used in zip(price, u, strict=True))
    model.add(total <= (cost - 1) // divisor)
    model.add(total >= -(-bound // divisor))
    model.minimize(total)
    solved = solve_model(model, seed=seed, deterministic_time=deterministic_time, optional=True)
    if not solved.has_solution:
        return None
    assignment.seat(solved, packing)
    return packing.without_empty()


def seat_exactly(
    problem: PoolProblem, packing: Packing, hosts: IntArray, *, seed: int, deterministic_time: float
) -> bool:
    """Seat everything that stands nowhere on these empty hosts, in place; False where CP-SAT found no way.

    Parameters
    ----------
    hosts
        Hosts of `packing` on which nothing stands.
    """
    service_of = np.repeat(np.arange(len(problem.names)), problem.instances)
    left = np.bincount(service_of[packing.host_of < 0], minlength=len(problem.names)).astype(np.int64)
    assignment = Assignment.make(problem, left, packing, hosts, is_optional=False)
    if assignment is None:
        return False
    solved = solve_model(assignment.model, seed=seed, deterministic_time=deterministic_time, optional=True)
    if solved.has_solution:
        assignment.seat(solved, packing)
    return solved.has_solution


class Assignment:
    """The model: its variables, and the constraints that hold whatever is asked of it.

    Parameters
    ----------
    services
        int64[num]: those with something to place.
    hosts
        int64[num_hosts]: hosts of the packing that take it.
    """

    def __init__(self, problem: PoolProblem, services: IntArray, hosts: IntArray) -> None:
        from ortools.sat.python import cp_model

        self.problem = problem
        self.services = services
        self.hosts = hosts
        self.model = cp_model.CpModel()
        self.u: list[cp_model.IntVar] = []
        self.a: list[list[cp_model.IntVar]] = []

    @classmethod
    def make(
        cls, problem: PoolProblem, left: IntArray, packing: Packing, hosts: IntArray, *, is_optional: bool
    ) -> Assignment | None:
        """Return the model of placing so many instances (`left`) on these empty hosts; None: it would be too large."""
        services = np.flatnonzero(left)
        rules = problem.rules
        num_rules = int((rules.start[services + 1] - rules.start[services]).sum())
        if len(services) * len(hosts) > _MAX_VARIABLES or num_rules * len(hosts) > _MAX_RULE_TERMS:
            return None
        made = cls(problem, services, hosts)
        made._add_variables(left, packing.host_class[hosts], is_optional=is_optional)
        made._add_spread(packing)
        made._add_rules()
        return made

    def _add_variables(self, left: IntArray, host_class: IntArray, *, is_optional: bool) -> None:
        problem, model = self.problem, self.model
        if is_optional:
            self.u = [model.new_bool_var(f"u{h}") for h in range(len(host_class))]
        most = np.minimum(problem.max_per_host, left)
        holds = problem.holds
        self.a = [
            [model.new_int_var(0, int(most[i]) if holds[i, s] else 0, f"a{i},{h}") for h, s in enumerate(host_class)]
            for i in self.services
        ]
        for i, row in zip(self.services, self.a, strict=True):
            model.add(sum(row) == int(left[i]))
        demand = problem.demand[self.services]
        for h, s in enumerate(host_class):
            for r in np.flatnonzero(demand.any(axis=0)):
                used = sum(int(amount) * row[h] for amount, row in zip(demand[:, r], self.a, strict=True))
                room = int(problem.classes.limit[s, r])
                model.add(used <= (room * self.u[h] if is_optional else room))

    def _add_spread(self, packing: Packing) -> None:
        """Most instances in a zone or segment, those counted that stand there already."""
        problem = self.problem
        first = np.concatenate(([0], np.cumsum(problem.instances)))
        for i, row in zip(self.services, self.a, strict=True):
            if not problem.spread[i]:
                continue
            domain = packing.domain[problem.spread[i] - 1]
            standing = packing.host_of[first[i] : first[i + 1]]
            in_domain = domain[standing[standing >= 0]]
            for d in np.unique(domain[self.hosts]):
                room = int(problem.spread_limit[i]) - int((in_domain == d).sum())
                self.model.add(sum(row[h] for h in np.flatnonzero(domain[self.hosts] == d)) <= room)

    def _add_rules(self) -> None:
        """Interference: a_th ≤ most where any of s stands on h."""
        rules, model = self.problem.rules, self.model
        row_of = {int(i): row for i, row in zip(self.services, self.a, strict=True)}
        for s, row in row_of.items():
            limited = [
                (row_of[int(rules.other[p])], int(rules.most_other[p]))
                for p in range(int(rules.start[s]), int(rules.start[s + 1]))
                if rules.most_other[p] < NO_LIMIT and int(rules.other[p]) in row_of
            ]
            if not limited:
                continue
            for h in range(len(self.hosts)):
                present = model.new_bool_var(f"p{s},{h}")
                model.add(row[h] == 0).only_enforce_if(~present)
                for other, most in limited:
                    model.add(other[h] <= most).only_enforce_if(present)

    def seat(self, solved: Solved, packing: Packing) -> None:
        """Seat the instances that stand nowhere as the solution says, in place."""
        first = np.concatenate(([0], np.cumsum(self.problem.instances)))
        for i, row in zip(self.services, self.a, strict=True):
            counts = [solved.value(variable) for variable in row]
            of_service = packing.host_of[first[i] : first[i + 1]]
            of_service[of_service < 0] = np.repeat(self.hosts, counts)
