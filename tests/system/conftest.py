"""Programs and servers for the tests that need them.

A missing program skips the tests that need it and is named at the end; in continuous integration (CI=true) it fails
them, since .ci/run installs all of them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from planned import Planned, small_plan
from servers import Servers
from system_tools import TOOLS, how_to_install, missing

ASKED = pytest.StashKey[dict[str, Path | None]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ASKED] = {}


def may_skip() -> bool:
    """Whether a missing program may skip a test."""
    return os.environ.get("CI", "").lower() not in {"true", "1"}


@pytest.fixture(scope="session")
def tool(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Return a function from the name of a tool in `TOOLS` to its program."""

    def find(name: str) -> Path:
        path = pytestconfig.stash[ASKED][name] = TOOLS[name].find()
        if path is None:
            (pytest.skip if may_skip() else pytest.fail)(how_to_install([TOOLS[name]]))
        return path

    return find


@pytest.fixture(scope="module")
def servers(tool: Callable[[str], Path]) -> Iterator[Servers]:
    """Start servers that end with the module's last test."""
    with Servers(tool("setpriv")) as running:
        yield running


@pytest.fixture(scope="session")
def planned() -> Planned:
    """Return the plan that servers are started from."""
    return small_plan()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which programs the tests ran, and what to install for the tests that did not run."""
    asked = config.stash[ASKED]
    for path in sorted({path for path in asked.values() if path}):
        version = next(TOOLS[name].version for name, found in asked.items() if found == path)
        printed = subprocess.run([path, *version], capture_output=True, text=True, check=False).stdout.strip()
        terminalreporter.write_line(f"{path}: {printed.splitlines()[0] if printed else 'version unknown'}")
    if None in asked.values():
        terminalreporter.write_line(f"Not all system tests ran; {how_to_install(missing(TOOLS).values())}", red=True)
