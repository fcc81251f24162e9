"""What goes to a worker: a task, and the versions it was made with."""

from __future__ import annotations

import importlib.metadata
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

Report = Callable[[int, Any], None]
Stop = Callable[[], bool]

_PACKAGES = ("placement", "ortools", "numba", "numpy")
"""Other versions of these may give other results."""


class Function(Protocol):
    """What a task runs: a function of a module, so that a worker can import it."""

    def __call__(self, payload: Any, /, *, cores: int, report: Callable[[Any], None], stop: Stop) -> Any:
        """Run the task on so many cores; the result goes back through pickle, as the payload came."""


@dataclass(frozen=True)
class Task:
    """A task.

    Parameters
    ----------
    name
        What it is about, for messages.
    prepare
        Makes the function's payload when the task begins, from how many tasks run at a time.
    """

    name: str
    function: Function
    prepare: Callable[[int], Any]


@dataclass(frozen=True)
class WrongVersions:
    """A worker's answer where its packages are not those of the machine that asks: (package, there, here)."""

    packages: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name} {there} instead of {here}" for name, there, here in self.packages)


def versions() -> dict[str, str]:
    """Return the versions that results depend on."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # run from a source tree that is not installed
            found[package] = "unknown"
    return found


def run_elsewhere(
    function: Function, payload: Any, wanted: dict[str, str], cores: int, report: Callable[[Any], None], stop: Stop
) -> Any:
    """Run a task on another machine's worker, provided that it has the same packages."""
    there = versions()
    wrong = tuple((name, there[name], here) for name, here in sorted(wanted.items()) if there[name] != here)
    return WrongVersions(wrong) if wrong else function(payload, cores=cores, report=report, stop=stop)


class Throttled:
    """Asks over a network whether to stop, but not more often than every so many seconds; a yes is remembered."""

    def __init__(self, ask: Stop, every_s: float = 0.25) -> None:
        self._ask = ask
        self._every_s = every_s
        self._next_s = 0.0
        self._answer = False
        self._lock = threading.Lock()

    def __call__(self) -> bool:
        """Return the last answer, or a new one when it is time."""
        with self._lock:
            if not self._answer and time.monotonic() >= self._next_s:
                self._answer = self._ask()
                self._next_s = time.monotonic() + self._every_s
            return self._answer


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: they inherit that the signal is held back; here it only waits."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
