"""A command measured in a process of its own: wall seconds, user CPU seconds, peak memory.

The peak that Linux reports for a process includes what its parent held when it was started. The drivers therefore stay
small: whatever needs room (fleets, problems, peers) runs in processes of its own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Parameters
    ----------
    wall_s, user_s
        Seconds on the clock; CPU seconds of all its threads and children outside the kernel.
    peak_mb
        Largest resident memory, MB of 1,000,000 bytes.
    exit_code
        Its exit code; the negative number of a signal.
    timed_out
        Whether it was ended because it took too long.
    """

    wall_s: float
    user_s: float
    peak_mb: int
    exit_code: int
    timed_out: bool


def _env() -> dict[str, str]:
    """Return the environment of a measured command: it finds its imports compiled, as it does where people use it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(command: Sequence[str], *, timeout_s: float | None = None, log: Path | None = None) -> Usage:
    """Run a command in a process group of its own and measure it.

    Parameters
    ----------
    timeout_s
        The command and what it started are killed after so many seconds.
    log
        File that gets what it prints; None: nobody does.
    """
    start = time.monotonic()
    timed_out = threading.Event()
    with Path(log or os.devnull).open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True, env=_env())

        def give_up() -> None:
            timed_out.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout_s, give_up) if timeout_s is not None else None
        if timer is not None:
            timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(
        wall_s=round(time.monotonic() - start, 2),
        user_s=round(usage.ru_utime, 2),
        peak_mb=round(usage.ru_maxrss * unit / 1e6),
        exit_code=process.returncode,
        timed_out=timed_out.is_set(),
    )


def apart(module: str, *arguments: str | Path, log: Path | None = None) -> None:
    """Run one of this package's modules in a process of its own, unmeasured; it must succeed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with Path(log or os.devnull).open("wb") as sink:
        subprocess.run(command, check=True, stdout=sink)


def last_line(log: Path) -> str:
    """Return the last line of what a command printed, without the names of files."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return re.sub(r"(/[\w.+-]+){2,}", "…", lines[-1])[:120] if lines else ""
