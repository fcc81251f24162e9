"""Tasks on a Ray cluster: one that runs already, or one started on this machine for this run.

An actor takes reports and knows whether to stop; both sides ask it.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import OutOfMemoryError, WorkerCrashedError

from placement.errors import InputError, Problem
from placement.executor.task import Function, Task, Throttled, interrupts_held, run_elsewhere, versions

_CONNECT_S = 10


class Board:
    """What passes between the tasks and who waits for them; lives in a process of its own on the cluster."""

    def __init__(self) -> None:
        self._reports: list[tuple[int, Any]] = []
        self._stop = False

    def report(self, number: int, progress: Any) -> None:
        """Take a report."""
        self._reports.append((number, progress))

    def take(self) -> list[tuple[int, Any]]:
        """Return the reports since the last time."""
        taken, self._reports = self._reports, []
        return taken

    def request_stop(self) -> None:
        """Note that tasks are to stop."""
        self._stop = True

    def is_stopping(self) -> bool:
        """Whether they are."""
        return self._stop


class Ray:
    """An engine on Ray.

    Parameters
    ----------
    address
        Of the cluster (``host:6379``, ``ray://host:10001`` or ``auto``); empty: one is started here.
    """

    def __init__(self, address: str, num_tasks: int, workers: int | None, num_cores: int) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of ours tells nobody about itself
        if ray.is_initialized():
            raise InputError(
                Problem(file="executor", message="Ray is in use in this process already", value=address or "ray")
            )
        num_workers = min(num_tasks, workers or num_cores)
        self._cores = 1 if address else max(1, num_cores // num_workers)
        with interrupts_held():
            try:
                if address:
                    _answers(address)
                    ray.init(address, log_to_driver=False, configure_logging=False)
                else:
                    _start(num_workers)
            except (OSError, ValueError, RuntimeError) as error:
                raise InputError(
                    Problem(
                        file="command line",
                        column="--executor",
                        message=f"no Ray cluster answers there ({error})",
                        value=address,
                        allowed="the address of a running cluster, such as host:6379",
                    )
                ) from error
        places = int(ray.cluster_resources().get("CPU", 1)) if address else num_workers
        self.num_slots = max(1, min(num_tasks, workers or places))
        self._board = ray.remote(Board).options(num_cpus=0).remote()
        self._refs: list[Any] = []

    def submit(self, number: int, task: Task, payload: Any) -> Future[Any]:
        """Begin a task."""
        remote = ray.remote(_run).options(num_cpus=1, max_retries=1)
        ref = remote.remote(self._board, number, task.function, payload, versions(), self._cores)
        self._refs.append(ref)
        future: Future[Any] = ref.future()
        return future

    def reports(self) -> Sequence[tuple[int, Any]]:
        """Return what the board has."""
        taken: list[tuple[int, Any]] = ray.get(self._board.take.remote())
        return taken

    def request_stop(self) -> None:
        """Tell the board."""
        ray.get(self._board.request_stop.remote())

    def fault(self, error: Exception) -> str:
        """Say what an exception means."""
        if isinstance(error, (WorkerCrashedError, OutOfMemoryError)):
            return "the workers that planned it died, one after another (killed, or out of memory?)"
        return f"{type(error).__name__}: {error}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                for ref in self._refs:
                    ray.cancel(ref, force=True)
        finally:
            ray.shutdown()


def _start(num_cpus: int) -> None:
    """Start a cluster on this machine, without Ray's notes about itself: warnings of its start are no news here."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        ray.init(num_cpus=num_cpus, include_dashboard=False, log_to_driver=False, configure_logging=False)
    finally:
        logger.setLevel(before)


def _answers(address: str) -> None:
    """Raise an OSError unless something listens there: Ray itself goes on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()


def _run(board: Any, number: int, function: Function, payload: Any, wanted: dict[str, str], cores: int) -> Any:
    """Run a task; this is what a worker calls."""
    last: list[Any] = []

    def report(progress: Any) -> None:
        last[:] = [board.report.remote(number, progress)]

    result = run_elsewhere(
        function, payload, wanted, cores, report, Throttled(lambda: bool(ray.get(board.is_stopping.remote())))
    )
    ray.get(last)  # the result must not overtake the reports; an actor takes one caller's in order
    return result
