"""VPSolver (PyPI ``pyvpsolver``): arc-flow with graph compression, its model solved by GLPK (``glpsol``).

Instances with equal demand are one item; host classes are its bin types. It does not know that replicas must keep
apart, nor rules: its packing is handed out to services so that few stand together, and checked like any other.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.problem import Answer, IntArray, Problem


def solve(problem: Problem) -> Answer:
    """Pack. The limit is enforced from outside: its script takes none that leaves a packing behind."""
    if len(problem.rule_other):
        raise SystemExit("cannot state rules")
    start = time.monotonic()
    demanded = problem.demand.any(axis=0)
    shapes, shape_of = np.unique(problem.demand[:, demanded], axis=0, return_inverse=True)
    shape_of = shape_of.ravel()
    count = np.bincount(shape_of, weights=problem.instances).astype(np.int64)
    bins = _bins(problem.limit[:, demanded], problem.price, problem.stock, shapes, count)
    host_class: list[int] = []
    slots: list[list[int]] = [[] for _ in shapes]
    for s, patterns in enumerate(bins):
        for times, pattern in patterns:
            for _ in range(times):
                for item, _ in pattern:
                    slots[item].append(len(host_class))
                host_class.append(s)
    return Answer(np.array(host_class, np.int64), _hand_out(problem, shape_of, slots), time.monotonic() - start)


def _bins(limit: IntArray, price: IntArray, stock: IntArray, shapes: IntArray, count: IntArray) -> list[Any]:
    """Return per bin type its patterns: (how often, [(item, option), ...])."""
    lines = [str(limit.shape[1]), str(len(limit))]
    lines += [" ".join(map(str, row)) for row in np.column_stack((limit, price, stock)).tolist()]
    lines.append(str(len(shapes)))
    for row, num in zip(shapes.tolist(), count.tolist(), strict=True):
        lines += [f"1 {num}", " ".join(map(str, row))]
    # its scripts and programs stand beside the interpreter they were installed with
    beside = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "problem.mvp")
        file.write_text("\n".join([*lines, "BINARY{0};", "VTYPE{I};"]) + "\n", encoding="utf-8")
        environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}", "TMPDIR": scratch}
        command = ["bash", str(beside / "vpsolver_glpk.sh"), "--mvp", str(file), "--pyout"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    solution = re.search(r"^PYSOL=(.*)$", done.stdout, re.MULTILINE)
    if solution is None:
        raise SystemExit((done.stderr or done.stdout).strip().splitlines()[-1])
    return list(ast.literal_eval(solution[1])[1])


def _hand_out(problem: Problem, shape_of: IntArray, slots: list[list[int]]) -> IntArray:
    """Return int64[num_instances]: slots go to services with the most instances first, a host at a time in turn."""
    first = np.concatenate(([0], np.cumsum(problem.instances)))
    host_of = np.full(first[-1], -1, np.int64)
    for shape, hosts in enumerate(slots):
        services = np.flatnonzero(shape_of == shape)
        services = services[np.argsort(-problem.instances[services], kind="stable")]
        # column by column through a table with a row per host: neighbours in the list stand on different hosts
        by_rank: dict[int, list[int]] = {}
        seen: dict[int, int] = {}
        for h in hosts:
            rank = seen.get(h, 0)
            seen[h] = rank + 1
            by_rank.setdefault(rank, []).append(h)
        free = [h for rank in sorted(by_rank) for h in by_rank[rank]]
        at = 0
        for i in services:
            num = int(problem.instances[i])
            host_of[first[i] : first[i + 1]] = free[at : at + num]
            at += num
    return host_of
