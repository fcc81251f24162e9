"""Where tasks run: in this process, in processes of this machine, on a Dask or a Ray cluster.

A task is a function of one value that goes there and comes back as data. It reports progress on its way and asks
whether to stop; each engine has a way of its own to carry that. Nothing is scheduled here: a task is handed to the
engine as soon as the engine has a place for it.

This package knows nothing of what its tasks do.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Any, Protocol, Self

from placement.errors import InputError, InternalError, PlacementError, Problem, nearest_name
from placement.executor.task import Function, Report, Stop, Task, WrongVersions

__all__ = ["Function", "Report", "Stop", "Task", "num_cores", "run_tasks"]

_LOOK_S = 0.1
"""How often reports are taken in and the caller is asked whether to stop."""

_ENGINES = ("local", "dask", "ray")


class Engine(Protocol):
    """Something that runs tasks elsewhere.

    Parameters
    ----------
    num_slots
        How many tasks run at a time.
    """

    num_slots: int

    def submit(self, number: int, task: Task, payload: Any) -> Future[Any]:
        """Begin a task."""

    def reports(self) -> Sequence[tuple[int, Any]]:
        """Return what tasks have reported since it was last asked, with their numbers."""

    def request_stop(self) -> None:
        """Ask the tasks to end with what they have."""

    def fault(self, error: Exception) -> str:
        """Say what an exception means that a task did not raise on purpose."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything; after an exception, end the tasks that still run."""


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(tasks: Sequence[Task], *, executor: str, workers: int | None, report: Report, stop: Stop) -> list[Any]:
    """Run tasks, the first ones first, and return their results in order.

    Parameters
    ----------
    executor
        ``local``, ``dask``, ``ray``, or the latter two with the address of a cluster: ``dask:tcp://host:8786``.
    workers
        How many tasks run at a time; None: as many as there are cores (a cluster: as it has places for).
    report
        Called in this thread with a task's number and what it reports.
    stop
        Asked often in this thread; True is passed on to the tasks.

    Raises
    ------
    InputError
        The executor is unknown, is not installed, or its workers have other versions of the package.
    InternalError
        A task failed, or the process it ran in died.
    """
    name, _, address = executor.partition(":")
    check_executor(executor)
    if not tasks:
        return []
    if name == "local":
        num_slots = min(len(tasks), workers or num_cores())
        if num_slots == 1:
            return _run_here(tasks, report, stop)
        from placement.executor.processes import Processes

        return _run_on(Processes(num_slots, num_cores()), tasks, report, stop)
    engine: Engine
    if name == "dask":
        from placement.executor.on_dask import Dask

        engine = Dask(address, len(tasks), workers, num_cores())
    else:
        from placement.executor.on_ray import Ray

        engine = Ray(address, len(tasks), workers, num_cores())
    return _run_on(engine, tasks, report, stop)


def check_executor(executor: str) -> None:
    """Raise an InputError unless there is such an executor and what it needs is installed."""
    import importlib.util

    name, _, address = executor.partition(":")
    if name not in _ENGINES or (name == "local" and address):
        raise InputError(
            Problem(
                file="command line",
                column="--executor",
                message="unknown executor",
                value=executor,
                allowed="local, dask, ray, dask:ADDRESS, ray:ADDRESS",
                suggestion=nearest_name(name, _ENGINES) if name not in _ENGINES else "",
            )
        )
    package = {"dask": "distributed", "ray": "ray"}.get(name)
    if package and importlib.util.find_spec(package) is None:
        raise InputError(
            Problem(
                file="command line",
                column="--executor",
                message=f"{name} is not installed here; install it with: pip install 'placement[{name}]'",
                value=executor,
            )
        )


def _run_here(tasks: Sequence[Task], report: Report, stop: Stop) -> list[Any]:
    results = []
    for number, task in enumerate(tasks):

        def told(progress: Any, number: int = number) -> None:
            report(number, progress)

        results.append(task.function(task.prepare(1), cores=num_cores(), report=told, stop=stop))
    return results


def _run_on(engine: Engine, tasks: Sequence[Task], report: Report, stop: Stop) -> list[Any]:
    results: list[Any] = [None] * len(tasks)
    waiting = deque(range(len(tasks)))
    running: dict[Future[Any], int] = {}
    asked = False
    with engine:
        while waiting or running:
            while waiting and len(running) < engine.num_slots:
                number = waiting.popleft()
                task = tasks[number]
                running[engine.submit(number, task, task.prepare(engine.num_slots))] = number
                if asked:
                    engine.request_stop()
            done, _ = wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for number, progress in engine.reports():
                report(number, progress)
            if not asked and stop():
                engine.request_stop()
                asked = True
            for future in done:
                number = running.pop(future)
                results[number] = _result_of(future, tasks[number], engine)
    return results


def _result_of(future: Future[Any], task: Task, engine: Engine) -> Any:
    try:
        result = future.result()
    except PlacementError:
        raise
    except Exception as error:
        if "No module named 'placement'" in str(error):
            raise InputError(
                Problem(file="cluster", message="a worker does not have this package: install it on every worker")
            ) from error
        raise InternalError(f"{task.name}: {engine.fault(error)}") from error
    if isinstance(result, WrongVersions):
        raise InputError(
            Problem(
                file="cluster",
                message=f"a worker has other versions than this machine, so its plans would be others: {result}",
                allowed="the same versions everywhere",
            )
        )
    return result
