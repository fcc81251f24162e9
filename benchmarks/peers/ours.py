"""Our own packing, for problems that are no fleet (Vectorpack's)."""

from __future__ import annotations

import time

import numpy as np

from benchmarks import vectorpack
from benchmarks.peers.problem import Answer, Problem
from placement.units import MICROS


def solve(problem: Problem, seconds: float) -> Answer:
    """Pack hosts that are alike and cost 1."""
    # a service of the problem is an item line of the instance, and already sorted as `problem_of` sorts
    instance = vectorpack.Instance("", "", problem.limit[0], problem.demand, problem.instances)
    start = time.monotonic()
    host_of, bound = vectorpack.solve(vectorpack.problem_of(instance), seconds)
    return Answer(np.zeros(int(host_of.max()) + 1, np.int64), host_of, time.monotonic() - start, "", bound * MICROS)
