"""Writes the packing problem of a fleet folder as a file for the peers. ``python -m benchmarks.peers.export``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.peers.problem import Problem
from placement.fleet import read_fleet
from placement.instance import NO_LIMIT, PoolProblem, build_problems


def from_pool(pool: PoolProblem) -> Problem:
    """Return the problem for peers; what only some of them could know (zones, places) must not be in it."""
    if (pool.spread != 0).any() or len(pool.locations) > 1:
        raise ValueError("peers know hosts and rules, not zones and places")
    rules = pool.rules
    service = np.repeat(np.arange(len(pool.names)), np.diff(rules.start))
    kept = rules.most_other < NO_LIMIT
    return Problem(
        demand=pool.demand,
        instances=pool.instances,
        max_per_host=pool.max_per_host,
        limit=pool.classes.limit,
        price=pool.classes.price,
        stock=pool.classes.stock,
        rule_start=np.searchsorted(service[kept], np.arange(len(pool.names) + 1)).astype(np.int64),
        rule_other=rules.other[kept].astype(np.int64),
        rule_most=rules.most_other[kept].astype(np.int64),
    )


def main() -> None:
    """Read the fleet of the first argument, write its problem to the second."""
    folder, out = map(Path, sys.argv[1:])
    (pool,) = build_problems(read_fleet(folder))
    from_pool(pool).write(out)


if __name__ == "__main__":
    main()
