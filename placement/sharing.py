"""Pools that draw on the same limited stock or room take turns: each gets what those before it have left.

Most fleets buy any number of hosts anywhere, and then no pool waits for another.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from placement.instance import PoolProblem
from placement.packing.state import Packing
from placement.pool import PoolPlan

Limited = tuple[str, ...]
"""A size of limited stock, or a location of limited room."""


def in_turns(problems: Sequence[PoolProblem], chosen: Iterable[int]) -> list[list[int]]:
    """Return which problems run together, turn by turn, the largest first, so that the end is short.

    Two problems that may use the same limited thing run in different turns, services before databases, caches and
    platform services.
    """
    turns: list[list[int]] = []
    takes: list[set[Limited]] = []
    # problems come pool by pool: the order of their pools is that of the turns
    for n in chosen:
        wants = _limited(problems[n])
        first = max((t + 1 for t, taken in enumerate(takes) if taken & wants), default=0)
        if first == len(turns):
            turns.append([])
            takes.append(set())
        turns[first].append(n)
        takes[first] |= wants
    return [sorted(turn, key=lambda n: -problems[n].num_instances) for turn in turns]


def without_taken(problem: PoolProblem, placed: Iterable[PoolPlan]) -> PoolProblem:
    """Return the problem with the stock and room that the hosts of other plans leave; itself where they leave all."""
    wants = _limited(problem)
    sizes: Counter[str] = Counter()
    places: Counter[Limited] = Counter()
    for plan in placed:
        if not wants & _limited(plan.problem):
            continue
        for packing in (plan.packing, plan.spares):
            _count_bought(plan.problem, packing, sizes, places)
    classes = problem.classes
    taken = np.array([0 if hosts else sizes[size] for size, hosts in zip(classes.size, classes.hosts, strict=True)])
    stock = np.where(classes.stock < 0, -1, np.maximum(classes.stock - taken, 0))
    occupied = tuple(
        number + (places[_place(problem, at)] if location.max_hosts is not None else 0)
        for at, (number, location) in enumerate(zip(problem.occupied, problem.locations, strict=True))
    )
    if (stock == classes.stock).all() and occupied == problem.occupied:
        return problem
    return dataclasses.replace(problem, classes=dataclasses.replace(classes, stock=stock), occupied=occupied)


def _limited(problem: PoolProblem) -> set[Limited]:
    classes = problem.classes
    sizes = {
        ("size", size)
        for size, stock, hosts in zip(classes.size, classes.stock.tolist(), classes.hosts, strict=True)
        if stock >= 0 and not hosts
    }
    places = {_place(problem, at) for at, place in enumerate(problem.locations) if place.max_hosts is not None}
    can_buy = any(not hosts for hosts in classes.hosts)
    return {*sizes, *places} if can_buy else set()


def _place(problem: PoolProblem, at: int) -> Limited:
    location = problem.locations[at]
    return ("place", location.region, location.zone, location.segment)


def _count_bought(problem: PoolProblem, packing: Packing, sizes: Counter[str], places: Counter[Limited]) -> None:
    bought = np.array([not hosts for hosts in problem.classes.hosts], bool)[packing.host_class]
    for s, number in enumerate(np.bincount(packing.host_class[bought], minlength=len(problem.classes)).tolist()):
        sizes[problem.classes.size[s]] += number
    for at, number in enumerate(np.bincount(packing.site[bought], minlength=len(problem.locations)).tolist()):
        places[_place(problem, at)] += number
