"""Runs one peer on one problem: ``python -m benchmarks.peers.worker NAME PROBLEM ANSWER SECONDS [START]``."""

from __future__ import annotations

import importlib
import resource
import sys
from pathlib import Path

from benchmarks.peers.problem import Answer, Problem

MOST_MEMORY_GB = 8
FUNCTIONS = {
    "first-fit": ("greedy", "first_fit"),
    "best-fit": ("greedy", "best_fit"),
    "alignment": ("greedy", "alignment"),
    "cp-sat": ("assignment_model", "solve"),
    "rebalancer": ("rebalancer_local_search", "solve"),
    "vpsolver": ("arc_flow", "solve"),
    "placement": ("ours", "solve"),
}
"""Where each peer lives in this package, imported only by its own process."""

LIMITED = frozenset({"cp-sat", "placement", "rebalancer"})
"""Peers that take a time limit; the others are ended from outside."""


def main() -> None:
    """Run the peer; START is an answer to begin with, for the peer that needs one."""
    name, problem, answer, seconds, *start_plan = sys.argv[1:]
    most = MOST_MEMORY_GB * 10**9
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    module, function = FUNCTIONS[name]
    solve = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
    arguments = [float(seconds)] if name in LIMITED else []
    arguments += [Answer.read(Path(start_plan[0]))] if name == "rebalancer" else []
    try:
        solve(Problem.read(Path(problem)), *arguments).write(Path(answer))
    except MemoryError:
        raise SystemExit(f"out of memory ({MOST_MEMORY_GB} GB)") from None


if __name__ == "__main__":
    main()
