"""The plain CP-SAT model: how many instances of each service on each host, and which hosts are used.

Sets: services i, hosts h (as many of each class as first fit needs of it alone).
Variables: x_ih ∈ {0 … max_per_host_i}, y_h ∈ {0, 1}; with rules u_ih ∈ {0, 1}: whether i stands on h.

::

    min  Σ_h c_h·y_h
    s.t. Σ_h x_ih = n_i;   Σ_i D_ir·x_ih ≤ L_hr·y_h;   y_h ≥ y_(h+1) within a class
         x_ih ≤ max_per_host_i·u_ih,   x_jh ≤ most + (n_j − most)·(1 − u_ih)   for every rule (i, j, most)
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from benchmarks.peers import greedy
from benchmarks.peers.problem import Answer, IntArray, Problem


def solve(problem: Problem, seconds: float) -> Answer:
    """Build the model and let CP-SAT solve it, both within `seconds`."""
    from ortools.sat.python import cp_model

    hosts = _hosts(problem)
    start = time.monotonic()
    model = cp_model.CpModel()
    num_services = len(problem.instances)
    used = [model.new_bool_var("") for _ in hosts]
    x = [[model.new_int_var(0, int(most), "") for _ in hosts] for most in problem.max_per_host]
    for i in range(num_services):
        model.add(sum(x[i]) == int(problem.instances[i]))
    for h, s in enumerate(hosts):
        for r in range(problem.demand.shape[1]):
            column = [x[i][h] for i in range(num_services)]
            load = cp_model.LinearExpr.weighted_sum(column, problem.demand[:, r].tolist())
            model.add(load <= int(problem.limit[s, r]) * used[h])
        if h and hosts[h - 1] == s:
            model.add(used[h - 1] >= used[h])
    for i in np.flatnonzero(np.diff(problem.rule_start)):
        for h in range(len(hosts)):
            stands = model.new_bool_var("")
            model.add(x[i][h] <= int(problem.max_per_host[i]) * stands)
            for k in range(problem.rule_start[i], problem.rule_start[i + 1]):
                j, most = int(problem.rule_other[k]), int(problem.rule_most[k])
                model.add(x[j][h] <= most).only_enforce_if(stands)
    model.minimize(cp_model.LinearExpr.weighted_sum(used, [int(problem.price[s]) for s in hosts]))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(1.0, seconds - (time.monotonic() - start))
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise SystemExit(f"no solution: {solver.status_name(status).lower()}")
    host_of = np.concatenate([np.repeat(np.arange(len(hosts)), [solver.value(count) for count in row]) for row in x])
    note = "proved optimal" if status == cp_model.OPTIMAL else "time limit"
    bound = int(np.ceil(solver.best_objective_bound - 1e-6))
    return Answer(hosts, host_of, time.monotonic() - start, note, bound)


def _hosts(problem: Problem) -> IntArray:
    """Return the class of each host that the model may use: all in stock, or as many as first fit needs."""
    counts = problem.stock.copy()
    for s in np.flatnonzero(problem.stock < 0):
        alone = problem
        if (problem.demand <= problem.limit[s]).all():
            alone = dataclasses.replace(
                problem, limit=problem.limit[[s]], price=problem.price[[s]], stock=problem.stock[[s]]
            )
        counts[s] = len(greedy.first_fit(alone).host_class)
    return np.repeat(np.arange(len(counts)), counts)
