"""Programs of the operating system that tests start, and the Debian packages they come in.

A test gets a program by the fixture ``tool``: ``tool("pgbouncer")``. A new one is a row of `TOOLS`, nothing else.
Run as a program, this prints the packages of what is missing, those to choose from in one line; .ci/run installs them.
It is run before there is an environment, with whatever Python the machine has.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tool:
    """A program, or one of several that do the same.

    Parameters
    ----------
    programs
        Names of the program's file, the preferred one first.
    packages
        Debian packages that have them, in the same order.
    folders
        Where to look beside PATH, as patterns: Debian keeps some programs off it.
    version
        Arguments that make the program print its version.
    """

    programs: tuple[str, ...]
    packages: tuple[str, ...]
    folders: tuple[str, ...] = ()
    version: tuple[str, ...] = ("--version",)

    def find(self) -> Path | None:
        """Return the program's path, None if it is missing; of several versions the highest."""
        for program in self.programs:
            if found := shutil.which(program):
                return Path(found)
            for folder in self.folders:
                paths = [path for path in Path("/").glob(f"{folder.lstrip('/')}/{program}") if shutil.which(path)]
                if paths:
                    return max(paths, key=lambda path: ([int(part) for part in path.parts if part.isdigit()], path))
        return None


POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin",)

TOOLS: dict[str, Tool] = {
    "setpriv": Tool(("setpriv",), ("util-linux",)),
    "initdb": Tool(("initdb",), ("postgresql",), POSTGRES_FOLDERS),
    "postgres": Tool(("postgres",), ("postgresql",), POSTGRES_FOLDERS),
    "pgbouncer": Tool(("pgbouncer",), ("pgbouncer",), ("/usr/sbin",)),
    "chromium": Tool(("chromium", "chromium-browser", "google-chrome"), ("chromium",)),
    "valkey": Tool(("valkey-server", "redis-server"), ("valkey-server", "redis-server")),
    "ansible": Tool(("ansible",), ("ansible-core", "ansible")),
    "ansible-inventory": Tool(("ansible-inventory",), ("ansible-core", "ansible")),
    "ansible-playbook": Tool(("ansible-playbook",), ("ansible-core", "ansible")),
    "systemd-analyze": Tool(("systemd-analyze",), ("systemd",)),
    "environment-generator": Tool(
        ("30-systemd-environment-d-generator",),
        ("systemd",),
        ("/usr/lib/systemd/user-environment-generators", "/lib/systemd/user-environment-generators"),
    ),
    "promtool": Tool(("promtool",), ("prometheus",)),
}


def missing(names: Iterable[str]) -> dict[str, Tool]:
    """Return those of the tools in `TOOLS` that this machine does not have."""
    return {name: TOOLS[name] for name in names if TOOLS[name].find() is None}


def how_to_install(tools: Iterable[Tool]) -> str:
    """Return what is missing and the packages to install, one sentence for all."""
    tools = list(tools)
    programs = ", ".join(dict.fromkeys(" or ".join(tool.programs) for tool in tools))
    packages = ", ".join(dict.fromkeys(" or ".join(tool.packages) for tool in tools))
    return f"missing: {programs} (Debian packages: {packages})"


if __name__ == "__main__":
    for choice in dict.fromkeys(tool.packages for tool in missing(TOOLS).values()):
        print(*choice)
