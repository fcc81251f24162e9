"""What a run was measured on: processor, memory and versions; no names and no paths of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("numba", "numpy", "ortools", "polars")


def describe() -> dict[str, object]:
    """Return processor, cores, memory, system and versions, as they stand in a run's first record."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def commit() -> str | None:
    """Return the short commit that is measured, with a ``+`` where files differ from it; None outside a clone."""
    root = Path(__file__).parent.parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        short = git("rev-parse", "--short=9", "HEAD")
        # results, tables and pictures are what a run writes: they do not change what is measured
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", ":!benchmarks/results", ":!docs/img", ":!*.md"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{short}+" if changed else short


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
