"""Running CP-SAT: one place that sets its parameters, so that the same model gives the same answer everywhere.

Reproducible means: a fixed seed, a fixed number of workers whatever the machine has, interleaved search, and a limit
in deterministic time instead of seconds. CP-SAT then explores the same tree on one core or on sixteen. Fast means: as
many workers as the task has cores, each searching on its own, and a limit in seconds.

How hard to work is a property of the task and not of a model, so the task says it once, by `effort`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Mode = Literal["reproducible", "fast"]

_NUM_WORKERS = 8
_LOOK_S = 0.05
"""How often to ask whether the search is over."""


@dataclass(frozen=True)
class Effort:
    """How CP-SAT may work.

    Parameters
    ----------
    mode
        ``reproducible`` or ``fast``, see above.
    cores
        How many the task may use; only ``fast`` asks.
    over
        Whether time is up or someone wants to stop: a run that has a solution then ends with it.
    """

    mode: Mode = "reproducible"
    cores: int = 1
    over: Callable[[], bool] = lambda: False


_DEFAULT = Effort()
_effort: ContextVar[Effort] = ContextVar("effort", default=_DEFAULT)


@contextmanager
def effort(wanted: Effort) -> Iterator[None]:
    """Solve models so while the context lasts."""
    token = _effort.set(wanted)
    try:
        yield
    finally:
        _effort.reset(token)


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


def solve_model(model: cp_model.CpModel, *, seed: int, deterministic_time: float, optional: bool = False) -> Solved:
    """Solve a model within so much deterministic time (roughly seconds of one core), or so many seconds.

    Parameters
    ----------
    optional
        Whether the caller can do without a solution: the run then ends at once when the effort is over, and
        otherwise only when it has one.
    """
    from ortools.sat.python import cp_model

    wanted = _effort.get()
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.random_seed = seed % (2**31)
    if wanted.mode == "reproducible":
        parameters.num_workers = _NUM_WORKERS
        parameters.interleave_search = True
        parameters.interleave_batch_size = _NUM_WORKERS
        parameters.max_deterministic_time = deterministic_time
    else:
        parameters.num_workers = wanted.cores
        parameters.max_time_in_seconds = deterministic_time
    # its own handler would stay behind as the default one: Ctrl-C would then kill the process, plan and all
    parameters.catch_sigint_signal = False
    status = solver.status_name(_solve(solver, model, wanted.over, optional))
    has_solution = status in {"OPTIMAL", "FEASIBLE"}
    return Solved(
        status,
        solver.objective_value if has_solution else float("nan"),
        solver.best_objective_bound if has_solution else float("nan"),
        solver,
    )


def _solve(
    solver: cp_model.CpSolver, model: cp_model.CpModel, over: Callable[[], bool], optional: bool
) -> cp_model.CpSolverStatus:
    """Solve in a thread of its own, so that this one hears signals, and ends the run when the effort is over."""
    from ortools.sat.python import cp_model

    class Found(cp_model.CpSolverSolutionCallback):
        happened = optional

        def on_solution_callback(self) -> None:
            self.happened = True

    found = Found()
    with ThreadPoolExecutor(1, thread_name_prefix="cp-sat") as pool:
        run = pool.submit(solver.solve, model, found)
        try:
            while not wait([run], _LOOK_S).done:
                if found.happened and over():
                    solver.stop_search()
            return run.result()
        finally:
            while not wait([run], _LOOK_S).done:  # only after an exception, Ctrl-C say
                solver.stop_search()
