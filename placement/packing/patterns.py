r"""Packing by patterns: which pattern each host follows, by diving or by CP-SAT, and who takes its slots.

    min  Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,   Σ_{p of s} x_p ≤ b_s,   x integer

Slots of a shape are handed out in rounds (McNaughton's rule [1]_): the first slots of all hosts, then their second
ones, services with many instances first, one instance after the other. Two instances of a service then meet on a host
only where a round is shorter than the service has instances. Services with rules are seated before, by a kernel that
looks at the rules (`seating`), and so are those that met.

References
----------
.. [1] McNaughton (1959), Scheduling with deadlines and loss functions, doi:10.1287/mnsc.6.1.1
"""

from __future__ import annotations

import numpy as np

from placement.columns import ColumnGeneration, Shapes, Slots
from placement.instance import PoolProblem
from placement.master import MasterSolution
from placement.packing.cpsat import solve_model
from placement.packing.seating import seat
from placement.packing.sites import add_hosts, bought_left
from placement.packing.state import Packing, Workspace, no_hosts
from placement.units import BoolArray, IntArray

_DETERMINISTIC_TIME = 4.0
_QUICK_DETERMINISTIC_TIME = 0.5
_FEWEST_DETERMINISTIC_TIME = 1.0
_REST = 3
"""How often beyond its whole part a pattern may be used when only the rest is decided."""
_MAX_PATTERNS = 6_000


def choose_patterns(
    problem: PoolProblem,
    columns: ColumnGeneration,
    linear: MasterSolution,
    bound: int,
    cost: int,
    *,
    seed: int,
    is_quick: bool,
) -> Slots | None:
    """Return slots cheaper than `cost` that CP-SAT's integer master finds, or None; less work where `is_quick`."""
    time = _QUICK_DETERMINISTIC_TIME if is_quick else _DETERMINISTIC_TIME
    # the whole part of the linear solution stands; CP-SAT decides on the rest, or on everything if that is not enough
    times = _integer_master(problem, columns, linear, bound, cost, seed, time, rest_only=True)
    if times is None:
        times = _integer_master(problem, columns, linear, bound, cost, seed, time, rest_only=False)
    if times is None:
        return None
    master = columns.master
    used = np.flatnonzero(times)
    return Slots(
        patterns=np.repeat(np.array([master.patterns[p] for p in used]), times[used], axis=0),
        class_of=np.repeat(np.array([master.class_of[p] for p in used], np.int64), times[used]),
    )


def _integer_master(
    problem: PoolProblem,
    columns: ColumnGeneration,
    linear: MasterSolution,
    bound: int,
    cost: int,
    seed: int,
    deterministic_time: float,
    *,
    rest_only: bool,
) -> IntArray | None:
    from ortools.sat.python import cp_model

    classes, d = problem.classes, columns.shapes.num_instances
    patterns, class_of = np.array(columns.master.patterns), np.array(columns.master.class_of)
    if len(patterns) > _MAX_PATTERNS:
        return None
    most = np.where(patterns > 0, -(-d[None, :] // np.maximum(patterns, 1)), 0).max(axis=1)
    least = np.zeros(len(patterns), np.int64)
    if rest_only:
        least[: len(linear.times)] = np.floor(linear.times + 1e-6)
        most = np.minimum(most, least + _REST)
        least = np.minimum(least, most)
    model = cp_model.CpModel()
    x = [model.new_int_var(int(low), int(high), f"x{p}") for p, (low, high) in enumerate(zip(least, most, strict=True))]
    for i in range(len(d)):
        model.add(sum(int(patterns[p, i]) * x[p] for p in np.flatnonzero(patterns[:, i])) >= int(d[i]))
    for s in np.flatnonzero(classes.stock >= 0):
        model.add(sum(x[p] for p in np.flatnonzero(class_of == s)) <= int(classes.stock[s]))
    room = bought_left(problem, no_hosts(problem))
    if room < int(most.sum()):
        model.add(sum(x[p] for p, s in enumerate(class_of) if not classes.hosts[s]) <= room)
    divisor = max(1, int(np.gcd.reduce(classes.price)))
    total = sum(int(classes.price[s]) // divisor * x[p] for p, s in enumerate(class_of))
    model.add(total >= -(-bound // divisor))
    model.add(total <= (cost - 1) // divisor)
    model.minimize(total)
    solved = solve_model(model, seed=seed, deterministic_time=deterministic_time, optional=True)
    if not solved.has_solution:
        return None
    # equally cheap, but fewer hosts: fewer spares
    model.add(total <= round(solved.objective))
    model.minimize(sum(x))
    fewest = solve_model(model, seed=seed, deterministic_time=_FEWEST_DETERMINISTIC_TIME, optional=True)
    solved = fewest if fewest.has_solution else solved
    return np.array([solved.value(v) for v in x], np.int64)


def pack_slots(
    problem: PoolProblem, shapes: Shapes, slots: Slots, workspace: Workspace, *, seed: int
) -> Packing | None:
    """Return a packing of hosts with these slots, or None where the segments have no room for so many hosts.

    Instances that the rules let nowhere stand nowhere yet.
    """
    packing = no_hosts(problem)
    counts = np.bincount(slots.class_of, minlength=len(problem.classes)).astype(np.int64)
    new_hosts = add_hosts(problem, packing, counts)
    if new_hosts is None:
        return None
    of_host = np.empty((len(packing.host_class), len(shapes)), np.int64)
    for s, base, number in new_hosts:
        of_host[base : base + number] = slots.patterns[slots.class_of == s]
    seating = _Seating(problem, shapes, of_host, packing, workspace, seed)
    num_rules = np.diff(problem.rules.start)
    has_rules = (num_rules > 0) | (problem.spread > 0)
    # most constrained first: those with many rules, and of these the ones with many instances
    weight = (num_rules + (problem.spread > 0)) * problem.instances
    seating.seat(np.flatnonzero(has_rules)[np.argsort(-weight[has_rules], kind="stable")])
    seating.deal(~has_rules)
    everyone = np.arange(len(problem.names))
    waiting = packing.num_waiting + 1
    while 0 < packing.num_waiting < waiting:
        waiting = packing.num_waiting
        seating.seat(everyone)
    return packing


class _Seating:
    """Open slots, and who sits where."""

    def __init__(
        self,
        problem: PoolProblem,
        shapes: Shapes,
        of_host: IntArray,
        packing: Packing,
        workspace: Workspace,
        seed: int,
    ) -> None:
        self.problem = problem
        self.shapes = shapes
        self.packing = packing
        self.workspace = workspace
        self.seed = seed
        self.of_host = of_host
        self.slack = problem.classes.limit[packing.host_class] - of_host @ shapes.demand

    def _list_slots(self) -> None:
        """List slots shape by shape, host by host."""
        shape, host = np.nonzero(self.of_host.T)
        number = self.of_host[host, shape]
        self.slot_shape = np.repeat(shape, number)
        self.slot_host = np.repeat(host, number)
        # place of a slot among those of its shape on its host: the round in which it is dealt
        ends = np.cumsum(number)
        self.slot_round = np.arange(len(self.slot_shape)) - np.repeat(ends - number, number)
        self.slot_size = np.repeat(number, number)
        self.start = np.searchsorted(self.slot_shape, np.arange(len(self.shapes) + 1)).astype(np.int64)

    def seat(self, services: IntArray) -> None:
        """Seat those instances of these services that stand nowhere, by the kernel that looks at the rules."""
        problem, workspace, host_of = self.problem, self.workspace, self.packing.host_of
        first = workspace.first
        order = np.concatenate([np.arange(first[s], first[s + 1]) for s in services]) if len(services) else services
        order = order[host_of[order] < 0]
        if not len(order):
            return
        shape_of_instance = self.shapes.of_service[workspace.service_of]
        placed = np.flatnonzero(host_of >= 0)
        self._mark_taken(placed, shape_of_instance)
        free = np.flatnonzero(~self.is_taken)
        num_open = np.bincount(self.slot_shape[free], minlength=len(self.shapes)).astype(np.int64)
        open_host = np.zeros(len(self.slot_host), np.int64)
        open_host[self._packed(self.slot_shape[free], self.start)] = self.slot_host[free]
        seated_start = np.concatenate(([0], np.cumsum(self.shapes.num_instances))).astype(np.int64)
        seated = np.zeros(problem.num_instances, np.int64)
        placed = placed[np.argsort(shape_of_instance[placed], kind="stable")]
        seated[self._packed(shape_of_instance[placed], seated_start)] = placed
        num_seated = np.bincount(shape_of_instance[placed], minlength=len(self.shapes)).astype(np.int64)
        by_host = placed[np.argsort(host_of[placed], kind="stable")]
        num_hosts = len(self.packing.host_class)
        num_members = np.bincount(host_of[by_host], minlength=num_hosts).astype(np.int64)
        members = np.full((num_hosts, int(self.of_host.sum(axis=1).max(initial=0)) + 1), -1, np.int64)
        starts = np.cumsum(num_members) - num_members
        members[host_of[by_host], np.arange(len(by_host)) - starts[host_of[by_host]]] = by_host
        seat(
            order, self.shapes.of_service, workspace.service_of, first, host_of, members, num_members,
            problem.max_per_host, problem.spread, problem.spread_limit, self.packing.domain, *workspace.rules,
            open_host, self.start[:-1], num_open, seated, seated_start, num_seated,
            self.shapes.demand, self.of_host, self.slack, self.seed,
        )  # fmt: skip
        self.seed += 1

    def deal(self, is_free: BoolArray) -> None:
        """Deal the open slots to services without rules, round by round."""
        problem, workspace, host_of = self.problem, self.workspace, self.packing.host_of
        shape_of_instance = self.shapes.of_service[workspace.service_of]
        self._mark_taken(np.flatnonzero(host_of >= 0), shape_of_instance)
        free = np.flatnonzero(~self.is_taken)
        in_rounds = free[
            np.lexsort((self.slot_host[free], -self.slot_size[free], self.slot_round[free], self.slot_shape[free]))
        ]
        waiting = np.flatnonzero(is_free[workspace.service_of] & (host_of < 0))
        service = workspace.service_of[waiting]
        waiting = waiting[np.lexsort((waiting, service, -problem.instances[service], shape_of_instance[waiting]))]
        rank = self._ranks(shape_of_instance[waiting])
        num_slots = np.bincount(self.slot_shape[in_rounds], minlength=len(self.shapes))
        begin = np.cumsum(num_slots) - num_slots
        fits = rank < num_slots[shape_of_instance[waiting]]
        waiting, rank = waiting[fits], rank[fits]
        host = self.slot_host[in_rounds[begin[shape_of_instance[waiting]] + rank]]
        # those that would meet too many of their own stay without a slot, for the kernel to seat
        service = workspace.service_of[waiting]
        order = np.lexsort((waiting, host, service))
        pair = service[order] * len(self.packing.host_class) + host[order]
        is_within = self._ranks(pair) < problem.max_per_host[service[order]]
        host_of[waiting[order[is_within]]] = host[order[is_within]]

    def _mark_taken(self, placed: IntArray, shape_of_instance: IntArray) -> None:
        """Mark as many slots of a shape on a host as taken as instances of the shape sit there."""
        self._list_slots()
        num_hosts = len(self.packing.host_class)
        sitting = np.bincount(
            shape_of_instance[placed] * num_hosts + self.packing.host_of[placed],
            minlength=num_hosts * len(self.shapes),
        )
        self.is_taken = self.slot_round < sitting[self.slot_shape * num_hosts + self.slot_host]

    @staticmethod
    def _ranks(sorted_keys: IntArray) -> IntArray:
        """Return the place of each entry among those with the same key; the keys come sorted."""
        starts = np.flatnonzero(np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1])))[: len(sorted_keys)]
        lengths = np.diff(np.append(starts, len(sorted_keys)))
        ranks: IntArray = np.arange(len(sorted_keys)) - np.repeat(starts, lengths)
        return ranks

    def _packed(self, sorted_shapes: IntArray, start: IntArray) -> IntArray:
        """Return where entries go that are kept shape by shape from `start`."""
        places: IntArray = start[sorted_shapes] + self._ranks(sorted_shapes)
        return places
