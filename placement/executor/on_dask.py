"""Tasks on a Dask cluster: one that runs already, or one started on this machine for this run.

Reports are events of the cluster's log, the wish to stop is one of its `Event` s; Dask itself tries a task again
elsewhere when a worker dies.
"""

from __future__ import annotations

import pickle
import uuid
import warnings
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from distributed import Client, Event, KilledWorker, LocalCluster, get_worker

from placement.errors import InputError, Problem
from placement.executor.task import Function, Task, Throttled, interrupts_held, run_elsewhere, versions

_CONNECT_S = 10


class Dask:
    """An engine on Dask.

    Parameters
    ----------
    address
        Of the scheduler; empty: a cluster of processes is started here.
    """

    def __init__(self, address: str, num_tasks: int, workers: int | None, num_cores: int) -> None:
        self._topic = f"placement-{uuid.uuid4().hex}"
        self._received: deque[tuple[int, Any]] = deque()
        self._resources = ExitStack()
        self._futures: list[Future[Any]] = []
        with self._resources as starting, interrupts_held():
            if address:
                self._cores = 1
                try:
                    self._client = starting.enter_context(Client(address, timeout=_CONNECT_S, set_as_default=False))
                except (OSError, ValueError) as error:
                    raise _not_reached(address, error) from error
            else:
                num_workers = min(num_tasks, workers or num_cores)
                self._cores = max(1, num_cores // num_workers)
                cluster = LocalCluster(
                    n_workers=num_workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    host="127.0.0.1",
                    memory_limit=0,
                )
                starting.enter_context(cluster)
                self._client = starting.enter_context(Client(cluster, set_as_default=False))
            places = sum(self._client.nthreads().values()) if address else num_workers
            self.num_slots = max(1, min(num_tasks, workers or places))
            self._stop = Event(self._topic, client=self._client)
            self._client.subscribe_topic(self._topic, self._take)
            self._executor = self._client.get_executor(pure=False, retries=0)
            self._resources = starting.pop_all()

    def submit(self, number: int, task: Task, payload: Any) -> Future[Any]:
        """Begin a task."""
        with warnings.catch_warnings():
            # Dask would rather have large data scattered, but then they die with the worker that holds them
            warnings.filterwarnings("ignore", message="Sending large graph")
            future: Future[Any] = self._executor.submit(
                _run, self._topic, number, task.function, payload, versions(), self._cores
            )
        self._futures.append(future)
        return future

    def reports(self) -> Sequence[tuple[int, Any]]:
        """Return the events that have come."""
        return [self._received.popleft() for _ in range(len(self._received))]

    def request_stop(self) -> None:
        """Set the event that tasks look at."""
        self._stop.set()

    def fault(self, error: Exception) -> str:
        """Say what an exception means."""
        if isinstance(error, KilledWorker):
            return "the workers that planned it died, one after another (killed, or out of memory?)"
        return f"{type(error).__name__}: {error}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            if kind is not None:
                self._stop.set()
                for future in self._futures:
                    future.cancel()
            self._client.unsubscribe_topic(self._topic)

    def _take(self, event: tuple[float, bytes]) -> None:
        self._received.append(pickle.loads(event[1]))


def _not_reached(address: str, error: Exception) -> InputError:
    return InputError(
        Problem(
            file="command line",
            column="--executor",
            message=f"no Dask scheduler answers there ({error})",
            value=address,
            allowed="the address of a running scheduler, such as tcp://host:8786",
        )
    )


def _run(topic: str, number: int, function: Function, payload: Any, wanted: dict[str, str], cores: int) -> Any:
    """Run a task; this is what a worker calls."""
    worker = get_worker()
    return run_elsewhere(
        function,
        payload,
        wanted,
        cores,
        lambda progress: worker.log_event(topic, pickle.dumps((number, progress))),
        Throttled(Event(topic).is_set),
    )
