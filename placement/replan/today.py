"""Where things run today, as a pool's problem sees it: hosts as numbers, a price for each move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.fleet.types import Fleet
from placement.instance import HostClasses, PoolProblem
from placement.packing.state import Packing
from placement.units import MICROS, RESOURCES, BoolArray, FloatArray, IntArray, exact

_DISK = next(r for r, resource in enumerate(RESOURCES) if resource.name == "disk")


@dataclass(frozen=True)
class Today:
    """Where a pool's instances stand today, and how many of them may move.

    Parameters
    ----------
    host
        int64[num_instances]: number of the host each instance stands on, −1: it runs nowhere yet. Standing hosts of
        the problem's classes are numbered class by class; from `num_usable` on come hosts that must not be used any
        more (draining, failed, of another pool).
    num_usable
        How many standing hosts may be used.
    move_price
        float64[num_services]: micros per hour that a move must save.
    max_moves
        Most moves; None: any number. What must leave its host moves all the same.
    curve
        Further limits for which the cost is wanted: the whole fleet's, and this pool's part of it; None: no limit.
    """

    host: IntArray
    num_usable: int
    move_price: FloatArray
    max_moves: int | None
    curve: tuple[tuple[int | None, int | None], ...] = ()

    @property
    def num_running(self) -> int:
        """Instances that run somewhere today."""
        return int((self.host >= 0).sum())

    @property
    def must_leave(self) -> BoolArray:
        """bool[num_instances]: what stands on a host that must not be used any more."""
        return self.host >= self.num_usable


def today_of(fleet: Fleet, problem: PoolProblem) -> Today | None:
    """Return where a problem's instances run today, without a limit on moves; None where none of them runs."""
    rows = fleet.current.filter(pl.col("pool") == problem.pool)
    if rows.is_empty():
        return None
    names = pl.DataFrame({"service": problem.names, "row": np.arange(len(problem.names))})
    rows = rows.join(names, on="service", how="inner")
    service, instance = rows["row"].to_numpy(), rows["instance"].to_numpy()
    is_here = instance <= problem.instances[service]
    if not is_here.any():
        return None
    number = host_numbers(problem.classes)
    num_usable = len(number)
    for host in sorted(set(rows["host"]) - set(number)):
        number[host] = len(number)
    first = np.concatenate(([0], np.cumsum(problem.instances)))
    host = np.full(problem.num_instances, -1, np.int64)
    stands = rows["host"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    host[(first[service] + instance - 1)[is_here]] = stands[is_here]
    return Today(host, num_usable, _move_prices(fleet, problem), None)


def host_numbers(classes: HostClasses) -> dict[str, int]:
    """Return the number of every standing host by its name: class by class, in the order of each class."""
    return {host: n for n, host in enumerate(host for hosts in classes.hosts for host in hosts)}


def host_ids(problem: PoolProblem, packing: Packing) -> IntArray:
    """Return the numbers of a packing's hosts among the standing ones, −1 for bought ones: int64[num_hosts]."""
    counts = np.array([len(hosts) for hosts in problem.classes.hosts], np.int64)
    before = np.concatenate(([0], np.cumsum(counts)))[:-1]
    is_standing = counts[packing.host_class] > 0
    ids: IntArray = np.where(is_standing, before[packing.host_class] + packing.site, -1)
    return ids


def num_staying(today: Today, service_of: IntArray, ids: IntArray, host_of: IntArray) -> IntArray:
    """Return int64[num_services]: how many instances of each service stand on a host on which one stands today.

    Instances of a service are interchangeable: counted is, host by host, the smaller of both numbers.
    """
    num_services = int(service_of[-1]) + 1 if len(service_of) else 0
    now = np.where(host_of >= 0, ids[host_of], -1) if len(ids) else np.full(len(host_of), -1, np.int64)
    width = np.int64(max(num_services, 1))

    def counted(host: IntArray) -> tuple[IntArray, IntArray]:
        known = host >= 0
        keys, counts = np.unique(host[known] * width + service_of[known], return_counts=True)
        return keys, counts.astype(np.int64)

    one, many = counted(today.host), counted(now)
    _, a, b = np.intersect1d(one[0], many[0], assume_unique=True, return_indices=True)
    stays = np.zeros(num_services, np.int64)
    np.add.at(stays, one[0][a] % width, np.minimum(one[1][a], many[1][b]))
    return stays


def _move_prices(fleet: Fleet, problem: PoolProblem) -> FloatArray:
    moves = fleet.policy.moves
    own = moves.services if problem.pool == "services" else {}
    price = np.array([own.get(name, moves.price) for name in problem.names], np.float64)
    state_gb = problem.demand[:, _DISK] / RESOURCES[_DISK].factor
    prices: FloatArray = (price + moves.price_per_gb * state_gb) * MICROS / float(exact(moves.payback_hours))
    return prices
