"""Repacking a handful of hosts exactly: what stands on them goes, by CP-SAT, on hosts that cost less.

Which hosts: those with the most room that nobody uses, as few as could do with cheaper ones by the integer program of
the mix (`mix`), which is a matter of hundredths of a second. Of the cheaper mixes the one that leaves most room is
tried. After the first try the choice is random in part, and where nothing comes of it more hosts are taken together.

Everything is counted in deterministic time, so the same packing comes out on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placement.instance import PoolProblem
from placement.packing.exact import seat_exactly
from placement.packing.mix import choose_mix
from placement.packing.sites import add_hosts, bought_left, stock_left
from placement.packing.state import Packing, Workspace
from placement.units import FloatArray, IntArray

_MAX_VARIABLES = 8_000
"""Services × hosts of one neighbourhood."""
_MAX_HOSTS = 24
_GROWTH = 1.5
_TRIES = 5
_DETERMINISTIC_TIME = 0.1
_SLACKS = (0.005, 0.02, 0.05)
"""Room that a cheaper mix leaves, as a share of the demand: the most that is to be had is the easiest to fill."""
_NUM_GROUPS = 12
_NOISE = 0.5


def repack(
    problem: PoolProblem,
    packing: Packing,
    workspace: Workspace,
    floor: int,
    *,
    random: np.random.Generator,
    is_enough: Callable[[Packing], bool],
) -> Packing:
    """Return a packing that costs less, or the same one where none was found.

    Parameters
    ----------
    packing
        Everything stands somewhere.
    floor
        Proven lower bound on the cost of everything, in micros.
    is_enough
        Asked before every try with the best packing so far; True ends the search.
    """
    best = packing
    failures = 0
    size = 2.0
    while failures < _TRIES and not is_enough(best):
        chosen, size = _choose(problem, best, workspace, floor, size, random if failures else None)
        if chosen is None:
            break
        hosts, counts = chosen
        trial = best.without(hosts)
        added = add_hosts(problem, trial, counts)
        new_hosts = np.arange(len(trial.host_class) - int(counts.sum()), len(trial.host_class))
        if added is not None and seat_exactly(
            problem, trial, new_hosts, seed=int(random.integers(1 << 31)), deterministic_time=_DETERMINISTIC_TIME
        ):
            best = trial.without_empty()
            failures = 0
            size = 2.0
        else:
            failures += 1
            size *= _GROWTH
    return best


def _choose(
    problem: PoolProblem,
    packing: Packing,
    workspace: Workspace,
    floor: int,
    size: float,
    random: np.random.Generator | None,
) -> tuple[tuple[IntArray, IntArray] | None, float]:
    """Return (hosts, cheaper hosts by class) and how many hosts it took; None where no such hosts are small enough.

    Parameters
    ----------
    size
        How many hosts to begin with; more are taken until a cheaper mix could do.
    random
        Varies the choice; None: take those with the most room.
    """
    room = _room(problem, packing, workspace)
    if random is not None:
        room *= 1.0 + _NOISE * random.random(len(room))
    order = np.argsort(-room, kind="stable")
    most = min(len(order), _MAX_HOSTS)
    size = min(size, float(most))
    while True:
        hosts = np.sort(order[: int(size)])
        counts, is_small = _cheaper(problem, packing, workspace, floor, hosts)
        if not is_small:
            return None, size
        if counts is not None:
            return (hosts, counts), size
        if size >= most:
            return None, size
        size = min(size * _GROWTH, float(most))


def _cheaper(
    problem: PoolProblem, packing: Packing, workspace: Workspace, floor: int, hosts: IntArray
) -> tuple[IntArray | None, bool]:
    """Return the roomiest mix that is cheaper than these hosts (None: there is none), and whether CP-SAT can try it."""
    price = problem.classes.price
    standing = np.flatnonzero(np.isin(packing.host_of, hosts))
    left = np.bincount(workspace.service_of[standing], minlength=len(problem.names)).astype(np.int64)
    if int((left > 0).sum()) * len(hosts) > _MAX_VARIABLES:
        return None, False
    paid = int(price[packing.host_class[hosts]].sum())
    without = packing.without(hosts)
    least = max(0, floor - (workspace.cost(packing) - paid))

    def cheaper(slack: float) -> IntArray | None:
        mix = choose_mix(
            problem, left, stock_left(problem, without),
            slack=slack, min_hosts=int((-(-left // problem.max_per_host)).max()),
            max_bought=bought_left(problem, without), floor=least, seed=0,
            grouped=len(problem.classes) > 1, num_groups=_NUM_GROUPS,
        )  # fmt: skip
        return None if mix is None or int(mix.hosts @ price) >= paid else mix.hosts

    best = cheaper(0.0)
    low, high = 0, len(_SLACKS)
    while best is not None and low < high:
        middle = (low + high) // 2
        roomier = cheaper(_SLACKS[middle])
        if roomier is None:
            high = middle
        else:
            best, low = roomier, middle + 1
    return best, True


def _room(problem: PoolProblem, packing: Packing, workspace: Workspace) -> FloatArray:
    """Return what the unused room of each host is worth, in hosts: float64[num_hosts]."""
    hosts = np.bincount(packing.host_class, minlength=len(problem.classes))
    pressure, _ = workspace.pressures(problem.instances, hosts)
    room: FloatArray = workspace.residual(packing) @ pressure
    return room
