r"""Packing by patterns: CP-SAT decides how often each generated pattern is used, then its slots are handed out.

    min  Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,   Σ_{p of s} x_p ≤ b_s,   x integer

Slots of a shape go to the services with most instances left, fullest hosts first, so that replicas keep apart whenever
they can. Services with rules of their own (spread, interference) are left to the exchanges, which know the rules.
"""

from __future__ import annotations

import heapq

import numpy as np

from placement.columns import Columns
from placement.instance import PoolProblem
from placement.packing.cpsat import solve_model
from placement.packing.sites import add_hosts, bought_left
from placement.packing.state import Packing, no_hosts
from placement.units import IntArray

_DETERMINISTIC_TIME = 4.0
_FEWEST_DETERMINISTIC_TIME = 1.0
_REST = 3
"""How often beyond its whole part a pattern may be used when only the rest is decided."""


def pack_patterns(problem: PoolProblem, columns: Columns, bound: int, *, seed: int) -> Packing | None:
    """Return a packing made of patterns (instances with rules may stand nowhere yet), or None where there is none."""
    # the whole part of the linear solution stands; CP-SAT decides on the rest, or on everything if that is not enough
    times = _integer_master(problem, columns, bound, seed, rest_only=True)
    if times is None:
        times = _integer_master(problem, columns, bound, seed, rest_only=False)
    if times is None:
        return None
    packing = no_hosts(problem)
    counts = np.bincount(columns.class_of, weights=times, minlength=len(problem.classes)).astype(np.int64)
    new_hosts = add_hosts(problem, packing, counts)
    if new_hosts is None:
        return None
    pattern_of = np.empty(len(packing.host_class), np.int64)
    for s, base, number in new_hosts:
        of_class = np.flatnonzero(columns.class_of == s)
        pattern_of[base : base + number] = np.repeat(of_class, times[of_class])
    slots = columns.patterns[pattern_of]
    _hand_out(problem, columns, slots, packing)
    return packing


def _integer_master(
    problem: PoolProblem, columns: Columns, bound: int, seed: int, *, rest_only: bool
) -> IntArray | None:
    from ortools.sat.python import cp_model

    classes = problem.classes
    d = columns.num_instances
    model = cp_model.CpModel()
    with np.errstate(divide="ignore"):
        most = np.where(columns.patterns > 0, -(-d[None, :] // np.maximum(columns.patterns, 1)), 0).max(axis=1)
    least = np.floor(columns.times + 1e-6).astype(np.int64) if rest_only else np.zeros(len(most), np.int64)
    if rest_only:
        most = np.minimum(most, least + _REST)
    least = np.minimum(least, most)
    x = [model.new_int_var(int(low), int(high), f"x{p}") for p, (low, high) in enumerate(zip(least, most, strict=True))]
    for i in range(len(d)):
        column = columns.patterns[:, i]
        model.add(sum(int(a) * x[p] for p, a in enumerate(column) if a) >= int(d[i]))
    for s in range(len(classes)):
        if classes.stock[s] >= 0:
            model.add(sum(x[p] for p in np.flatnonzero(columns.class_of == s)) <= int(classes.stock[s]))
    bought = [x[p] for p, s in enumerate(columns.class_of) if not classes.hosts[s]]
    room = bought_left(problem, no_hosts(problem))
    if room < int(most.sum()):
        model.add(sum(bought) <= room)
    model.add(sum(x) >= int((-(-problem.instances // problem.max_per_host)).max()))
    divisor = max(1, int(np.gcd.reduce(classes.price)))
    cost = sum(int(classes.price[s]) // divisor * x[p] for p, s in enumerate(columns.class_of))
    model.add(cost >= -(-bound // divisor))
    model.minimize(cost)
    solved = solve_model(model, seed=seed, deterministic_time=_DETERMINISTIC_TIME)
    if not solved.has_solution:
        return None
    # equally cheap, but fewer hosts: fewer spares
    model.add(cost <= round(solved.objective))
    model.minimize(sum(x))
    fewest = solve_model(model, seed=seed, deterministic_time=_FEWEST_DETERMINISTIC_TIME)
    solved = fewest if fewest.has_solution else solved
    return np.array([solved.value(v) for v in x], np.int64)


def _hand_out(problem: PoolProblem, columns: Columns, slots: IntArray, packing: Packing) -> None:
    first = np.concatenate(([0], np.cumsum(problem.instances)))
    free = (problem.spread == 0) & (np.diff(problem.rules.start) == 0)
    for i in range(slots.shape[1]):
        services = np.flatnonzero((columns.shape_of == i) & free)
        # most instances left first; the service's number breaks ties, so that the result is one and the same
        waiting = [(-int(problem.instances[s]), int(s)) for s in services]
        heapq.heapify(waiting)
        for h in np.argsort(-slots[:, i], kind="stable"):
            open_slots = int(slots[h, i])
            if not open_slots or not waiting:
                break
            back = []
            while open_slots and waiting:
                left, s = heapq.heappop(waiting)
                take = min(-left, int(problem.max_per_host[s]), open_slots)
                begin = int(first[s + 1]) + left
                packing.host_of[begin : begin + take] = h
                open_slots -= take
                if -left > take:
                    back.append((left + take, s))
            for entry in back:
                heapq.heappush(waiting, entry)
