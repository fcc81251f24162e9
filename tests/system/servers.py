"""Servers on loopback: unprivileged, with a folder of their own, gone when the test is."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
UNPRIVILEGED = "nobody"


def free_port() -> int:
    """Return a port that nothing listened on just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30, pause: float = 0.05) -> None:
    """Wait until a condition holds.

    Raises
    ------
    AssertionError
        If it does not in this time.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(pause)


@dataclass
class Server:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Servers:
    """Starts servers and ends them all.

    Neither PostgreSQL nor PgBouncer runs as root; where tests do, servers run as the user nobody. The kernel ends
    them if the test's process dies, however it dies.

    Parameters
    ----------
    setpriv
        Program of util-linux that drops privileges and asks the kernel for that.
    """

    def __init__(self, setpriv: Path) -> None:
        self._setpriv = setpriv
        self._user = pwd.getpwnam(UNPRIVILEGED) if os.getuid() == 0 else None
        # not in pytest's own folder, which only its user may enter
        self.folder = Path(tempfile.mkdtemp(prefix="placement-servers-"))
        self._own(self.folder)
        self._running: list[Server] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in reversed(self._running):
            server.stop()
        shutil.rmtree(self.folder)

    def make_folder(self, name: str) -> Path:
        """Return a new folder that the servers may write to."""
        folder = self.folder / name
        folder.mkdir()
        self._own(folder)
        return folder

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a command to its end as the servers' user."""
        done = subprocess.run(
            self._unprivileged(command, signal.SIGKILL),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        answers: Callable[[], object],
        stop_signal: signal.Signals = signal.SIGKILL,
    ) -> Server:
        """Start a server and wait until it answers."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._unprivileged(command, stop_signal),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = Server(name, process, log, stop_signal)
        self._running.append(server)

        def ready() -> object:
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{log.read_text()}"
            return answers()

        try:
            wait_until(ready, f"{name} answers")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}") from None
        return server

    def _own(self, folder: Path) -> None:
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _unprivileged(self, command: Sequence[str | Path], ended_by: signal.Signals) -> list[str | Path]:
        options = ["--pdeathsig", ended_by.name.removeprefix("SIG")]
        if self._user:
            options += ["--reuid", str(self._user.pw_uid), "--regid", str(self._user.pw_gid), "--clear-groups"]
        return [self._setpriv, *options, "--", *command]
