"""Meta's Rebalancer (PyPI ``rebalancer``, Python 3.12 or newer): its local search, from the first-fit plan.

Objects are instances, containers hosts. The plan of first-fit decreasing is its start, with a twentieth of further
empty hosts of every class, so that it may change sizes. Capacity is a constraint per resource, replicas a limit per
group, the goal the cost of the containers in use. It cannot state "at most n of one service beside another" for n > 0.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.peers.problem import Answer, IntArray, Problem

_ABSOLUTE = 0
"""Kind of a limit: 1.0.4 refuses the name "ABSOLUTE" that its own types state, and takes the number."""


def solve(problem: Problem, seconds: float, start_plan: Answer) -> Answer:
    """Improve a plan for `seconds`."""
    from rebalancer import ProblemSolver
    from rebalancer.specs import (
        CapacitySpec,
        ConstraintSpec,
        GoalSpec,
        GroupCountSpec,
        Limit,
        LocalSearchSolverSpec,
        MinimizeContainersSpec,
        MoveTypeSpec,
        SingleMoveTypeSpec,
        SolverSpec,
        SwapMoveTypeSpec,
    )

    if len(problem.rule_other):
        raise SystemExit("cannot state rules of this kind")
    start = time.monotonic()
    host_class = np.concatenate((start_plan.host_class, _empty_hosts(problem, start_plan)))
    on_host: list[list[str]] = [[] for _ in host_class]
    for instance, h in enumerate(start_plan.host_of.tolist()):
        on_host[h].append(f"i{instance}")
    service_of = problem.service_of
    solver = ProblemSolver(service_name="rebalancer", service_scope="benchmark")
    solver.set_object_name("instance").set_container_name("host").disable_solution_summary()
    solver.set_assignment({f"h{h}": objects for h, objects in enumerate(on_host)})
    for r in range(problem.demand.shape[1]):
        name = f"resource{r}"
        demand = problem.demand[service_of, r]
        if not demand.any():
            continue
        solver.add_object_dimension(name, {f"i{k}": float(d) for k, d in enumerate(demand.tolist())})
        limit = problem.limit[host_class, r].tolist()
        solver.add_container_dimension(name, {f"h{h}": float(most) for h, most in enumerate(limit)})
        solver.add_constraint(ConstraintSpec(capacitySpec=CapacitySpec(name=name, scope="host", dimension=name)))
        binding = name
    first = np.concatenate(([0], np.cumsum(problem.instances)))
    kept_apart = np.flatnonzero(problem.max_per_host < problem.instances).tolist()
    if kept_apart:
        groups = {f"s{i}": [f"i{k}" for k in range(first[i], first[i + 1])] for i in kept_apart}
        most_of = {f"s{i}": float(problem.max_per_host[i]) for i in kept_apart}
        solver.add_partition("service", groups)
        limit_spec = Limit(type=_ABSOLUTE, globalLimit=1.0, groupLimits=most_of)
        count = GroupCountSpec(name="replicas", scope="host", partitionName="service", limit=limit_spec)
        solver.add_constraint(ConstraintSpec(groupCountSpec=count))
    costs = {f"h{h}": price / 1e6 for h, price in enumerate(problem.price[host_class].tolist())}
    goal = MinimizeContainersSpec(name="cost", scope="host", dimension=binding, containerCosts=costs)
    solver.add_goal(GoalSpec(minimizeContainersSpec=goal))
    moves = [
        MoveTypeSpec(singleMoveTypeSpec=SingleMoveTypeSpec()),
        MoveTypeSpec(swapMoveTypeSpec=SwapMoveTypeSpec()),
    ]
    search = LocalSearchSolverSpec(solveTime=int(seconds), moveTypeList=moves)
    solver.add_solver(SolverSpec(localSearchSolverSpec=search))
    found = solver.solve()["assignment"]
    host_of = np.array([int(found[f"i{k}"][1:]) for k in range(len(service_of))], np.int64)
    moved = int((host_of != start_plan.host_of).sum())
    return Answer(host_class, host_of, time.monotonic() - start, f"{moved:,} instances moved")


def _empty_hosts(problem: Problem, plan: Answer) -> IntArray:
    used = np.bincount(plan.host_class, minlength=len(problem.price))
    further = np.full(len(problem.price), len(plan.host_class) // 20 + 1)
    further = np.where(problem.stock >= 0, np.minimum(further, problem.stock - used), further)
    return np.repeat(np.arange(len(problem.price)), further)
