"""Hosts of a packing matched to hosts that stand, so that as much as possible stays where it is.

Hosts of equal limits, price and place are interchangeable: which of them is which is an assignment problem, whose
profit is how many instances of a service stand on both. A bought host may become a standing one.

References
----------
D. P. Bertsekas, "A new algorithm for the assignment problem", Math. Programming 21 (1981),
doi:10.1007/BF01584237; OR-Tools has a cost-scaling variant of it.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from placement.instance import PoolProblem
from placement.packing.state import Packing, Workspace
from placement.replan.today import Today
from placement.units import IntArray

_MOST_ARCS = 24
"""Of a host, so many standing ones with which it has most in common come into question."""
_MOST_HOSTS_OF_SERVICE = 200
"""A service on more hosts than that tells nothing of them."""

_Slot = tuple[int, int, int, int]
"""Class, site, zone and segment number."""


def matched(problem: PoolProblem, today: Today, workspace: Workspace, packing: Packing) -> Packing:
    """Return the same packing on hosts that stand as far as may be, with as many instances as may be where they are."""
    classes = problem.classes
    has_spread = bool((problem.spread > 0).any())

    def kind(s: int, zone: int, segment: int) -> tuple[object, ...]:
        place = (zone, segment) if has_spread else ()
        return (tuple(classes.limit[s].tolist()), int(classes.price[s]), place)

    standing: dict[tuple[object, ...], list[tuple[int, _Slot]]] = defaultdict(list)
    number = 0
    for s, hosts in enumerate(classes.hosts):
        for site, host in enumerate(hosts):
            zone, segment = problem.host_location[host]
            standing[kind(s, zone, segment)].append((number, (s, site, zone, segment)))
            number += 1
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for h, (s, zone, segment) in enumerate(zip(packing.host_class, *packing.domain, strict=True)):
        groups[kind(int(s), int(zone), int(segment))].append(h)
    common = _in_common(today, workspace, packing)
    slot_of: dict[int, _Slot] = {}
    for key, members in groups.items():
        there = standing.get(key, [])
        pairs = _assign(members, [n for n, _ in there], common)
        slots = dict(there)
        for h, n in pairs.items():
            slot_of[h] = slots.pop(n)
        # the others keep to what stands, then to the places of bought hosts that are now not needed
        rest = sorted(slots.values())
        bought = [
            (int(packing.host_class[h]), int(packing.site[h]), int(packing.domain[0, h]), int(packing.domain[1, h]))
            for h in members
            if not classes.hosts[int(packing.host_class[h])]
        ]
        for h in members:
            if h not in slot_of:
                slot_of[h] = rest.pop(0) if rest else bought.pop()
    slots_in_order = np.array([slot_of[h] for h in range(len(packing.host_class))], np.int64).reshape(-1, 4)
    return Packing(
        slots_in_order[:, 0].copy(),
        np.ascontiguousarray(slots_in_order[:, 2:].T),
        slots_in_order[:, 1].copy(),
        packing.host_of.copy(),
    )


def _in_common(today: Today, workspace: Workspace, packing: Packing) -> dict[int, list[tuple[int, int]]]:
    """Return, for each host of the packing, (number of standing host, instances in common), most in common first."""
    import polars as pl

    def pairs(host: IntArray, title: str) -> pl.DataFrame:
        known = (host >= 0) & (host < most_host)
        frame = pl.DataFrame({"service": workspace.service_of[known], title: host[known]})
        return frame.group_by("service", title).agg(pl.len().alias(f"num_{title}"))

    most_host = today.num_usable
    before = pairs(today.host, "old")
    few = before.group_by("service").len().filter(pl.col("len") <= _MOST_HOSTS_OF_SERVICE)["service"]
    most_host = len(packing.host_class)
    after = pairs(packing.host_of, "new")
    both = (
        before.filter(pl.col("service").is_in(few.implode()))
        .join(after, on="service")
        .group_by("new", "old")
        .agg(pl.min_horizontal("num_old", "num_new").sum().alias("common"))
        .sort("new", "common", "old", descending=[False, True, False])
        .group_by("new", maintain_order=True)
        .head(_MOST_ARCS)
    )
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for new, old, common in both.select("new", "old", "common").iter_rows():
        found[new].append((old, common))
    return found


def _assign(members: list[int], standing: list[int], common: dict[int, list[tuple[int, int]]]) -> dict[int, int]:
    """Return which member becomes which standing host: the pairs that have most in common in all."""
    from ortools.graph.python import linear_sum_assignment

    column = {n: j for j, n in enumerate(standing)}
    arcs = [(i, column[n], amount) for i, h in enumerate(members) for n, amount in common.get(h, ()) if n in column]
    if not arcs:
        return {}
    num, size = len(members), len(standing)
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    # a square problem: each side has stand-ins for whoever stays without a partner
    for i, j, amount in arcs:
        solver.add_arc_with_cost(i, j, -amount)
        solver.add_arc_with_cost(num + j, size + i, 0)
    for i in range(num):
        solver.add_arc_with_cost(i, size + i, 0)
    for j in range(size):
        solver.add_arc_with_cost(num + j, j, 0)
    if solver.solve() != solver.OPTIMAL:
        return {}
    pairs = ((i, solver.right_mate(i)) for i in range(num))
    return {members[i]: standing[j] for i, j in pairs if j < size}
