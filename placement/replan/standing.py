"""Hosts that stand: what they hold at the start, and that they come before hosts that would have to be bought."""

from __future__ import annotations

import numpy as np

from placement.instance import PoolProblem
from placement.packing.mix import Mix
from placement.packing.state import Packing, Workspace
from placement.replan.board import Board
from placement.replan.today import Today
from placement.units import IntArray


def num_forced(problem: PoolProblem, today: Today) -> int:
    """Return how many instances must leave the host that they stand on."""
    workspace = Workspace(problem)
    packing = standing(problem, today)
    Board(workspace, packing).evict()
    return int(((today.host >= 0) & (packing.host_of < 0)).sum())


def standing(problem: PoolProblem, today: Today) -> Packing:
    """Return the hosts that stand and hold something, with what stands on them.

    Where fewer may be used than are (some must stand by), those go that hold least.
    """
    classes = problem.classes
    used, num_there = np.unique(today.host[(today.host >= 0) & ~today.must_leave], return_counts=True)
    counts = np.array([len(hosts) for hosts in classes.hosts], np.int64)
    ends = np.cumsum(counts)
    host_class = np.searchsorted(ends, used, side="right").astype(np.int64)
    by_load = np.lexsort((used, -num_there, host_class))
    of_class = np.bincount(host_class, minlength=len(classes))
    rank = np.arange(len(used)) - (np.cumsum(of_class) - of_class)[host_class[by_load]]
    may_stay = np.zeros(len(used), bool)
    may_stay[by_load] = rank < classes.stock[host_class[by_load]]
    used, host_class = used[may_stay], host_class[may_stay]
    site = used - (ends - counts)[host_class]
    places = [problem.host_location[classes.hosts[s][j]] for s, j in zip(host_class, site, strict=True)]
    domain = np.ascontiguousarray(np.array(places, np.int64).reshape(-1, 2).T)
    number = np.full(max(today.num_usable, int(today.host.max(initial=-1)) + 1) + 1, -1, np.int64)
    number[used] = np.arange(len(used))
    return Packing(host_class, domain, site, number[today.host])


def standing_first(problem: PoolProblem, stock: IntArray, mix: Mix) -> Mix:
    """Return the mix with hosts that stand in the place of bought ones of equal limits and price."""
    classes = problem.classes
    hosts, share = mix.hosts.copy(), mix.share.copy()
    for b in np.flatnonzero([not standing for standing in classes.hosts]).tolist():
        for s in range(len(classes)):
            is_alike = classes.price[s] == classes.price[b] and (classes.limit[s] == classes.limit[b]).all()
            number = int(min(hosts[b], stock[s] - hosts[s])) if classes.hosts[s] and is_alike else 0
            if number > 0:
                part = share[:, b] * (number / hosts[b])
                share[:, s] += part
                share[:, b] -= part
                hosts[s] += number
                hosts[b] -= number
    return Mix(hosts, share)
