"""Why there is no plan, as data: found without a solver where possible, so that the reasons are certain."""

from __future__ import annotations

import numpy as np

from placement.errors import Reason
from placement.instance import PoolProblem
from placement.packing.sites import bought_left
from placement.packing.state import Packing, no_hosts
from placement.units import RESOURCES, BoolArray, IntArray


def _outer(r: int, amount: int | float) -> float:
    """Return an internal amount of resource r in the unit that people read."""
    quotient = amount / RESOURCES[r].factor
    return int(quotient) if quotient == int(quotient) else float(quotient)


def certain_reasons(problem: PoolProblem) -> list[Reason]:
    """Return every reason that excludes a plan whatever the solver does: items too large, replicas without room."""
    classes = problem.classes
    if not len(classes):
        return [
            Reason(
                kind="stock-short",
                message=f"{problem.where}: no size may be bought and no active host stands there",
                repair="allow sizes in `sizes`, or add active hosts",
            )
        ]
    reasons = []
    holds = problem.holds
    largest = classes.limit.max(axis=0)
    for i in np.flatnonzero(~holds.any(axis=1)):
        over = np.flatnonzero(problem.demand[i] > largest)
        if len(over):
            reasons += [_too_large(problem, int(i), int(r), int(largest[r])) for r in over]
        else:
            needs = ", ".join(
                f"{_outer(r, problem.demand[i, r]):,} {resource.unit} {resource.name}"
                for r, resource in enumerate(RESOURCES)
                if problem.demand[i, r]
            )
            reasons.append(
                Reason(
                    kind="too-large",
                    service=problem.names[i],
                    message=f"{problem.noun} {problem.names[i]}: no host size has all at once that one instance needs "
                    f"({needs})",
                    repair="add a size that has, or lower one of the demands",
                )
            )
    reasons += _replica_reasons(problem, holds)
    if not reasons:
        short = _pooled_shortage(problem, problem.instances)
        if short is not None:
            reasons.append(short)
    return reasons


def _too_large(problem: PoolProblem, i: int, r: int, limit: int) -> Reason:
    resource = RESOURCES[r]
    value, most = _outer(r, int(problem.demand[i, r])), _outer(r, limit)
    size = problem.classes.size[int(problem.classes.limit[:, r].argmax())]
    return Reason(
        kind="too-large",
        service=problem.names[i],
        resource=resource.name,
        value=value,
        limit=most,
        message=f"{problem.noun} {problem.names[i]}: one instance needs {value:,} {resource.unit} ({resource.column}), "
        f"the largest limit of any host is {most:,} ({size})",
        repair=f"lower {resource.column} to {most:,}, or allow a size with more",
    )


def _replica_reasons(problem: PoolProblem, holds: BoolArray) -> list[Reason]:
    classes = problem.classes
    stock = np.where(classes.stock < 0, 1 << 40, classes.stock)
    hosts_for = np.where(holds, stock[None, :], 0).sum(axis=1)
    needed = -(-problem.instances // problem.max_per_host)
    without_room = np.flatnonzero((needed > hosts_for) & holds.any(axis=1))
    return [_too_few_hosts(problem, int(i), int(needed[i]), int(hosts_for[i])) for i in without_room]


def _too_few_hosts(problem: PoolProblem, i: int, needed: int, there_are: int) -> Reason:
    name, instances, apart = problem.names[i], int(problem.instances[i]), int(problem.max_per_host[i])
    return Reason(
        kind="too-few-hosts",
        service=name,
        value=needed,
        limit=there_are,
        message=f"{problem.noun} {name}: {instances} instances, at most {apart} on one host, need {needed} hosts; "
        f"{there_are} there are",
        repair=f"add {needed - there_are} hosts, or raise max_per_host to {-(-instances // max(there_are, 1))}",
    )


def _pooled_shortage(problem: PoolProblem, left: IntArray) -> Reason | None:
    """Return the resource of which all hosts together have too little, if there is one."""
    classes = problem.classes
    if (classes.stock < 0).any():
        return None
    capacity = classes.stock @ classes.limit
    demand = left @ problem.demand
    short = demand - capacity
    over = np.flatnonzero(short > 0)
    if not len(over):
        return None
    r = int(over[np.argmax(short[over] / np.maximum(demand[over], 1))])
    resource = RESOURCES[r]
    value, limit = _outer(r, int(demand[r])), _outer(r, int(capacity[r]))
    most = int(classes.limit[:, r].argmax())
    needed = -(-int(short[r]) // max(int(classes.limit[most, r]), 1))
    return Reason(
        kind="stock-short",
        resource=resource.name,
        value=value,
        limit=limit,
        details={
            "short": _outer(r, int(short[r])),
            "all_short": {RESOURCES[k].name: _outer(int(k), int(short[k])) for k in over},
        },
        message=f"{problem.where}: the fleet needs {value:,} {resource.unit} of {resource.name}, all hosts "
        f"there are may give {limit:,}: {_outer(r, int(short[r])):,} {resource.unit} short",
        repair=f"add at least {needed} host(s) of size {classes.size[most]}",
    )


def stock_reason(problem: PoolProblem, left: IntArray) -> Reason:
    """Return why no mix of hosts can carry `left`."""
    shortage = _pooled_shortage(problem, left)
    if shortage is not None:
        return shortage
    room = bought_left(problem, no_hosts(problem))
    if room < problem.num_instances:
        needed = (left @ problem.demand) / np.maximum(problem.classes.limit.max(axis=0), 1)
        return Reason(
            kind="stock-short",
            resource=RESOURCES[int(needed.argmax())].name,
            value=int(np.ceil(needed.max())),
            limit=room,
            message=f"{problem.where}: the segments take {room} more hosts, the fleet needs at least "
            f"{int(np.ceil(needed.max()))} of the largest size",
            repair="raise max_hosts of the segments in the topology, or allow a larger size",
        )
    return Reason(
        kind="stock-short",
        message=f"{problem.where}: no mix of the hosts in stock carries the fleet's demand",
        repair="raise the stock of a size, or allow another size",
    )


def not_placed_reason(problem: PoolProblem, packing: Packing, service_of: IntArray) -> Reason:
    """Return what could not be placed although there is capacity in sum."""
    missing = service_of[np.flatnonzero(packing.host_of < 0)]
    counts = np.bincount(missing, minlength=len(problem.names))
    worst = np.argsort(-counts, kind="stable")[:5]
    named = ", ".join(f"{problem.names[i]} ({int(counts[i])})" for i in worst if counts[i])
    certain = _pooled_shortage(problem, problem.instances)
    if certain is not None:
        return certain
    demand = {resource.name: _outer(r, int((counts @ problem.demand)[r])) for r, resource in enumerate(RESOURCES)}
    return Reason(
        kind="not-found",
        service=problem.names[int(worst[0])],
        value=len(missing),
        limit=0,
        details={"unplaced_demand": demand, "unplaced_instances": len(missing)},
        message=f"{problem.where}: {len(missing)} instances found no host within the stock, zones, segments "
        f"and rules there are: {named}",
        repair="raise the stock of a size or a segment's max_hosts, or relax the rules of these services",
    )
