"""Running CP-SAT: one place that sets its parameters, so that the same model gives the same answer everywhere.

Reproducible means: a fixed seed, a fixed number of workers whatever the machine has, interleaved search, and a limit
in deterministic time instead of seconds. CP-SAT then explores the same tree on one core or on sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_NUM_WORKERS = 8


@dataclass(frozen=True)
class Solved:
    """Outcome of a run.

    Parameters
    ----------
    status
        ``OPTIMAL``, ``FEASIBLE``, ``INFEASIBLE`` or ``UNKNOWN``.
    objective, bound
        Objective of the solution and CP-SAT's own bound; meaningless without a solution.
    """

    status: str
    objective: float
    bound: float
    _solver: Any

    @property
    def has_solution(self) -> bool:
        """Whether there is a solution to read."""
        return self.status in {"OPTIMAL", "FEASIBLE"}

    def value(self, variable: cp_model.IntVar) -> int:
        """Value of a variable in the solution."""
        return int(self._solver.value(variable))


def solve_model(model: cp_model.CpModel, *, seed: int, deterministic_time: float) -> Solved:
    """Solve a model reproducibly within so much deterministic time (roughly seconds of one core)."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.random_seed = seed % (2**31)
    parameters.num_workers = _NUM_WORKERS
    parameters.interleave_search = True
    parameters.interleave_batch_size = _NUM_WORKERS
    parameters.max_deterministic_time = deterministic_time
    # its own handler would stay behind as the default one: Ctrl-C would then kill the process, plan and all
    parameters.catch_sigint_signal = False
    status = solver.status_name(solver.solve(model))
    has_solution = status in {"OPTIMAL", "FEASIBLE"}
    return Solved(
        status,
        solver.objective_value if has_solution else float("nan"),
        solver.best_objective_bound if has_solution else float("nan"),
        solver,
    )
