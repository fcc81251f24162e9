"""Filling a given set of hosts, large items first, small ones spread: for single instances of very different sizes.

Fill and exchange (`filling`, `kernels`) suit instances that are small against a host. Where a few items are most of the
demand and many are next to nothing (databases), they leave a few percent. Here

1. items that only some hosts may take stay there, and the others are dealt, largest first, to where most is left;
2. large items go, largest first, to the host that they leave the least room on, with room kept back for the small ones;
3. small ones go, largest first, each to the host that then has the most room in its scarcest resource.

What finds no room stays without a host.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from placement.packing.sites import add_hosts
from placement.packing.state import Packing, Workspace, no_hosts
from placement.units import BoolArray, FloatArray, IntArray

_MOST_KEPT_BACK = 0.9


def pack_largest_first(workspace: Workspace, hosts: IntArray, small: float) -> Packing | None:
    """Return a packing of a problem of single instances without rules, or None where the segments have no room.

    Parameters
    ----------
    hosts
        int64[num_classes]: how many of each class to fill.
    small
        Items worth less than this share of an average host are small.
    """
    problem = workspace.problem
    packing = no_hosts(problem)
    if add_hosts(problem, packing, hosts) is None:
        return None
    demand, limit = problem.demand, problem.classes.limit[packing.host_class]
    pressure, _ = workspace.pressures(problem.instances, hosts)
    worth, room = demand @ pressure, limit @ pressure
    # hosts without any of a resource take no item that asks for it: those with the same gaps are a side
    sides, side_of_host = np.unique(limit > 0, axis=0, return_inverse=True)
    side_of_host = side_of_host.ravel()
    room_of = np.bincount(side_of_host, weights=room, minlength=len(sides)).astype(np.float64)
    fits: BoolArray = np.asarray(((demand > 0)[:, None, :] <= sides[None, :, :]).all(axis=2))
    side_of = _dealt(np.argsort(-worth, kind="stable"), worth, fits, room_of)
    residual = limit.copy()
    for side in range(len(sides)):
        items = np.flatnonzero(side_of == side)
        here = np.flatnonzero(side_of_host == side)
        items = items[np.argsort(-worth[items], kind="stable")]
        fill_largest_first(demand, items, worth, pressure, limit, residual, here, small, packing.host_of)
    return packing


def fill_largest_first(
    demand: IntArray,
    items: IntArray,
    worth: FloatArray,
    pressure: FloatArray,
    limit: IntArray,
    residual: IntArray,
    hosts: IntArray,
    small: float,
    host_of: IntArray,
) -> None:
    """Fill some hosts with some items, steps 2 and 3; `residual` and `host_of` change in place.

    Parameters
    ----------
    items
        int64: which, largest first.
    worth
        float64[num_items]: by `pressure`, float64[num_resources].
    limit, residual
        int64[num_hosts, num_resources].
    hosts
        int64: which.
    small
        As for `pack_largest_first`.
    """
    is_small = worth[items] < small * float((limit[hosts] @ pressure).mean())
    large = items[~is_small]
    of_small = demand[items[is_small]].sum(axis=0)
    kept = np.minimum(of_small / np.maximum(residual[hosts].sum(axis=0), 1), _MOST_KEPT_BACK)
    kept_back = np.ceil(residual[hosts] * kept).astype(np.int64)
    residual[hosts] -= kept_back
    best_fit(demand, large, pressure, residual, hosts, host_of)
    residual[hosts] += kept_back
    best_fit(demand, large[host_of[large] < 0], pressure, residual, hosts, host_of)
    _spread(demand, items[is_small], limit, residual, hosts, host_of)


@njit(cache=True, nogil=True)
def _dealt(order: IntArray, worth: FloatArray, fits: BoolArray, room: FloatArray) -> IntArray:
    """Return a side for each item: its only one, or, largest first, that with most room left."""
    num, num_sides = fits.shape
    left = room.copy()
    side = np.full(num, -1, np.int64)
    for i in range(num):
        count = 0
        for k in range(num_sides):
            if fits[i, k]:
                count += 1
                side[i] = k
        if count == 1:
            left[side[i]] -= worth[i]
        elif count > 1:
            side[i] = -1
    for i in order:
        if side[i] >= 0:
            continue
        for k in range(num_sides):
            if fits[i, k] and (side[i] < 0 or left[k] > left[side[i]]):
                side[i] = k
        if side[i] >= 0:
            left[side[i]] -= worth[i]
    return side


@njit(cache=True, nogil=True)
def best_fit(
    demand: IntArray, order: IntArray, weight: FloatArray, residual: IntArray, hosts: IntArray, host_of: IntArray
) -> None:
    """Give each item to that of the hosts whose room, in weights, is the least of those that hold it."""
    num_resources = demand.shape[1]
    room = np.zeros(len(hosts))
    for x in range(len(hosts)):
        for r in range(num_resources):
            room[x] += weight[r] * residual[hosts[x], r]
    for i in order:
        best = -1
        for x in range(len(hosts)):
            if best >= 0 and room[x] >= room[best]:
                continue
            fits = True
            for r in range(num_resources):
                if demand[i, r] > residual[hosts[x], r]:
                    fits = False
                    break
            if fits:
                best = x
        if best >= 0:
            h = hosts[best]
            host_of[i] = h
            for r in range(num_resources):
                residual[h, r] -= demand[i, r]
                room[best] -= weight[r] * demand[i, r]


@njit(cache=True, nogil=True)
def _spread(
    demand: IntArray, order: IntArray, limit: IntArray, residual: IntArray, hosts: IntArray, host_of: IntArray
) -> None:
    """Give each item to that of the hosts whose scarcest resource then has the most left, as a share of its limit."""
    num_resources = demand.shape[1]
    for i in order:
        best = -1
        most = -1.0
        for h in hosts:
            least = 2.0
            for r in range(num_resources):
                if limit[h, r] == 0:
                    if demand[i, r] > 0:
                        least = -1.0
                        break
                    continue
                left = (residual[h, r] - demand[i, r]) / limit[h, r]
                if left < least:
                    least = left
                    if least <= most:
                        break
            if least >= 0.0 and least > most:
                most = least
                best = h
        if best >= 0:
            host_of[i] = best
            for r in range(num_resources):
                residual[best, r] -= demand[i, r]
