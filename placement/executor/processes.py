"""Tasks in processes of this machine: the standard library's process pools, one process to each.

A pool of its own for every process makes it known whose process died. A pipe to each carries reports one way and the
wish to stop the other; a process whose pipe closes ends at once, so none outlives the program that started it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from placement.executor.task import Function, Task, interrupts_held


class _Slot:
    """A process, made when its first task begins."""

    def __init__(self, cores: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, self._far_end = context.Pipe()
        self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._far_end,))
        self.cores = cores
        self.future: Future[Any] | None = None

    @property
    def is_free(self) -> bool:
        return self.future is None or self.future.done()

    def submit(self, number: int, function: Function, payload: Any) -> Future[Any]:
        with interrupts_held():
            self.future = self.pool.submit(_run, number, function, payload, self.cores)
        # the process has its end of the pipe; only if ours is closed does its death end the pipe
        self._far_end.close()
        return self.future

    def received(self) -> Iterator[tuple[int, Any]]:
        try:
            while self.pipe.poll():
                yield self.pipe.recv()
        except (EOFError, OSError):
            return  # the process has died: its future says so

    def close(self, *, at_once: bool) -> None:
        self._far_end.close()
        if at_once:
            self.pipe.close()  # ends the process whatever it does
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.pipe.close()


class Processes:
    """An engine of so many processes."""

    def __init__(self, num_slots: int, num_cores: int) -> None:
        self.num_slots = num_slots
        self._slots = [_Slot(max(1, num_cores // num_slots)) for _ in range(num_slots)]

    def submit(self, number: int, task: Task, payload: Any) -> Future[Any]:
        """Begin a task in a process that has none."""
        slot = next(slot for slot in self._slots if slot.is_free)
        return slot.submit(number, task.function, payload)

    def reports(self) -> Sequence[tuple[int, Any]]:
        """Return what has come through the pipes."""
        return [report for slot in self._slots for report in slot.received()]

    def request_stop(self) -> None:
        """Tell every process."""
        for slot in self._slots:
            try:
                slot.pipe.send("stop")
            except OSError:  # it has died: its future says so
                continue

    def fault(self, error: Exception) -> str:
        """Say what an exception means."""
        if isinstance(error, BrokenProcessPool):
            return "the process that planned it died (killed, or out of memory?)"
        return f"{type(error).__name__}: {error}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self._slots:
            slot.close(at_once=kind is not None)


# --- in the process ---------------------------------------------------------------------------------------------


_stop = threading.Event()
_pipe: Connection | None = None


def _begin(pipe: Connection) -> None:
    global _pipe  # noqa: PLW0603 - a process has one pipe, and an initializer no other way to leave it
    _pipe = pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_listen, args=(pipe,), name="listen", daemon=True).start()


def _listen(pipe: Connection) -> None:
    try:
        while pipe.recv() == "stop":
            _stop.set()
    except (EOFError, OSError):
        pass
    os._exit(1)  # nobody waits for the result any more


def _run(number: int, function: Function, payload: Any, cores: int) -> Any:
    pipe = _pipe
    assert pipe is not None
    return function(payload, cores=cores, report=lambda progress: pipe.send((number, progress)), stop=_stop.is_set)
