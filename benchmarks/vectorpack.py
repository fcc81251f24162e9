"""Vectorpack's instances of vector bin packing, 3, 5 and 10 resources: hosts alike, as few as possible.

The data is public (MIT; repository ``Vectorpack/experiments_vector_paper``) and not part of this repository; half of
the instances are used, with `known.csv` beside them: a lower bound, the optimum where it is known, and the best of 351
published heuristics. An instance has more resources than a fleet's files name, so it becomes a packing
problem directly.

``python -m benchmarks.vectorpack DATA OUT`` solves them all and writes what became of each, a JSON line an instance.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from placement.fleet.types import Location
from placement.instance import HOST, NO_LIMIT, HostClasses, PoolProblem, Rules
from placement.packing.options import Options
from placement.units import MICROS, IntArray

SETS = ("new", "panigrahy", "triplet")
LIMIT_S = 20.0
_MARGIN_S = 1.0
"""Kept back of the limit for what the planner does after it has noticed that its time is up."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Instance:
    """An instance; two sets may name theirs alike.

    Parameters
    ----------
    capacity
        int64[num_resources]: of every host.
    size
        int64[num_items, num_resources]: of each item; equal items may stand in one line.
    count
        int64[num_items]: how many there are of each.
    """

    set_name: str
    name: str
    capacity: IntArray
    size: IntArray
    count: IntArray


@dataclass(frozen=True)
class Known:
    """What is known of an instance, in hosts; `optimum` is None where it is not."""

    lower_bound: int
    optimum: int | None
    best_published: int


def parse(set_name: str, name: str, text: str) -> Instance:
    """Read an instance: number of resources, capacities, number of lines, then a line an item: sizes, how many."""
    numbers = np.array(text.split(), np.int64)
    num_resources = int(numbers[0])
    num_lines = int(numbers[1 + num_resources])
    lines = numbers[2 + num_resources :].reshape(num_lines, num_resources + 1)
    return Instance(set_name, name, numbers[1 : 1 + num_resources], lines[:, :-1], lines[:, -1])


def read_instances(data: Path) -> Iterator[Instance]:
    """Read all instances from the archives in `data` or its folder ``vectorpack``."""
    for set_name in SETS:
        with tarfile.open(_folder(data) / f"{set_name}.tar.gz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None and member.name.endswith(".vbp"):
                    yield parse(set_name, Path(member.name).stem, file.read().decode())


def read_known(data: Path) -> dict[Key, Known]:
    """Read what is known of each instance, by set and name."""
    with (_folder(data) / "known.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["set"], row["instance"]): Known(
                int(row["lower_bound"]),
                int(row["optimum"]) if row["optimum"] else None,
                int(row["best_published"]),
            )
            for row in csv.DictReader(file)
        }


def problem_of(instance: Instance) -> PoolProblem:
    """Return the packing problem: equal items are the instances of one service, a host costs 1."""
    size, inverse = np.unique(instance.size, axis=0, return_inverse=True)
    count = np.bincount(inverse.ravel(), weights=instance.count).astype(np.int64)
    num = len(size)
    none = np.zeros(0, np.int32)
    return PoolProblem(
        pool="services",
        region="main",
        names=tuple(f"item-{i:04}" for i in range(num)),
        demand=size,
        instances=count,
        max_per_host=count.copy(),
        spread=np.full(num, HOST, np.int64),
        spread_limit=np.full(num, NO_LIMIT, np.int64),
        rules=Rules(np.zeros(num + 1, np.int64), none, none, none),
        classes=HostClasses(
            limit=instance.capacity[None, :],
            price=np.array([MICROS]),
            stock=np.array([-1]),
            size=("host",),
            hosts=((),),
        ),
        zones=(),
        segments=(("", ""),),
        locations=(Location("main"),),
        host_location={},
        occupied=(0,),
    )


def is_valid(instance: Instance, host_of: IntArray) -> bool:
    """Whether every item stands on one host and no host is over its capacity; written apart from the planner.

    Parameters
    ----------
    host_of
        int64[number of items]: host of each item, items of equal size beside each other, sizes sorted.
    """
    items = np.repeat(instance.size, instance.count, axis=0)
    items = items[np.lexsort(items.T[::-1])]
    if len(host_of) != len(items) or (len(host_of) and host_of.min() < 0):
        return False
    used = np.zeros((int(host_of.max(initial=-1)) + 1, len(instance.capacity)), np.int64)
    np.add.at(used, host_of, items)
    return bool((used <= instance.capacity).all())


def solve(problem: PoolProblem, seconds: float) -> tuple[IntArray, int]:
    """Return the host of each item and the proven bound in hosts."""
    from placement.pool import place_pool

    plan = place_pool(problem, Fraction(0), Options(time_limit_s=seconds, mode="fast"))
    return plan.packing.host_of, -(-plan.bound.micros_per_hour // MICROS)


def measure(instance: Instance) -> dict[str, Any]:
    """Solve an instance and return what came out."""
    start = time.monotonic()
    which = {"set": instance.set_name, "instance": instance.name}
    try:
        host_of, bound = solve(problem_of(instance), LIMIT_S - _MARGIN_S)
    except Exception as error:
        return which | {"status": f"failed: {type(error).__name__}: {error}"}
    if (instance.size < 0).any():
        bound = 0  # some instances have sizes of -1, which no service has: what proves a bound does not hold for them
    return which | {
        "status": "ok" if is_valid(instance, host_of) else "invalid",
        "hosts": len(np.unique(host_of)),
        "bound": bound,
        "seconds": round(time.monotonic() - start, 3),
    }


def key_of(row: dict[str, Any]) -> Key:
    """Return set and name of an instance."""
    return row["set"], row["instance"]


def summarise(known: dict[Key, Known], found: list[dict[str, Any]], set_name: str) -> dict[str, Any]:
    """Return the figures of a set: counts of instances, seconds, and the names of those that fell short."""
    rows = [(known[key_of(row)], row) for row in found if row["set"] == set_name]
    done = [(of, row) for of, row in rows if row["status"] == "ok"]
    solved = [row["seconds"] for _, row in done]
    with_optimum = [(of, row) for of, row in rows if of.optimum is not None]
    reached = [row for of, row in with_optimum if row["status"] == "ok" and row["hosts"] <= of.optimum]
    return {
        "instances": len(rows),
        "failed": len(rows) - len(done),
        "worse": sum(row["hosts"] > of.best_published for of, row in done),
        "better": sum(row["hosts"] < of.best_published for of, row in done),
        "with_optimum": len(with_optimum),
        "reached": len(reached),
        "proved": sum(row["bound"] == row["hosts"] for _, row in done),
        "proved_with_optimum": sum(row["bound"] == row["hosts"] for row in reached),
        "hosts": sum(row["hosts"] for _, row in done),
        "best_published_hosts": sum(of.best_published for of, _ in done),
        "seconds_mean": round(sum(solved) / max(len(solved), 1), 2),
        "seconds_most": round(max(solved, default=0.0), 1),
        "late": sum(seconds > LIMIT_S for seconds in solved),
        "contradictions": sorted(
            row["instance"]
            for of, row in done
            if row["hosts"] < of.lower_bound or (of.optimum is not None and row["bound"] > of.optimum)
        ),
    }


def shortcomings(known: dict[Key, Known], found: list[dict[str, Any]]) -> list[str]:
    """Return a line for each instance that failed, or is worse than published, or misses the known optimum."""
    lines = []
    for row in sorted(found, key=key_of):
        of = known[key_of(row)]
        name = "/".join(key_of(row))
        best = of.best_published if of.optimum is None else of.optimum
        if row["status"] != "ok":
            lines.append(f"{name}: {row['status']}")
        elif row["hosts"] > best:
            worse = ", worse than published" if row["hosts"] > of.best_published else ""
            lines.append(f"{name}: {row['hosts']} hosts, best known {best}, bound {row['bound']}{worse}")
    return lines


def _folder(data: Path) -> Path:
    return data / "vectorpack" if (data / "vectorpack").exists() else data


def _warm_up() -> None:
    """Load compiled kernels before anything is measured."""
    measure(parse("", "warm", "2\n10 10\n2\n6 5 9\n3 4 9\n"))


def main() -> None:
    """Solve instances on all cores."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.vectorpack", description="Solve Vectorpack's instances."
    )
    parser.add_argument("data", type=Path, help="folder with the archives and known.csv")
    parser.add_argument(
        "out", type=Path, help="file that gets a JSON line an instance; what it has is not solved again"
    )
    parser.add_argument("--every", type=int, default=1, help="only every so many-th instance")
    parser.add_argument("--optimum", choices=("known", "unknown"), help="only those whose optimum is (not) known")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    known = read_known(given.data)
    lines = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    found = [json.loads(line) for line in lines]
    have = {key_of(row) for row in found}
    wanted = [
        x
        for x in read_instances(given.data)
        if given.optimum is None or (given.optimum == "known") == (known[x.set_name, x.name].optimum is not None)
    ]
    waiting = [x for x in wanted[:: given.every] if (x.set_name, x.name) not in have]
    context = multiprocessing.get_context("spawn")
    with context.Pool(given.processes, _warm_up) as pool, given.out.open("a", encoding="utf-8") as file:
        for row in pool.imap_unordered(measure, waiting):
            file.write(json.dumps(row) + "\n")
            file.flush()
            found.append(row)
    print("\n".join(shortcomings(known, found)))


if __name__ == "__main__":
    main()
