"""Compiled kernels of replanning: what breaks a rule or a limit leaves its host, and finds room without a swap.

The arrays are those of `placement.packing.kernels`; nothing here moves an instance that it was not asked to move.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from placement.packing.kernels import allowed


@njit(cache=True, nogil=True)
def _take(p, h, demand, service_of, host_of, members, num_members, residual):
    """Take instance p off host h."""
    place = 0
    while members[h, place] != p:
        place += 1
    num_members[h] -= 1
    members[h, place] = members[h, num_members[h]]
    host_of[p] = -1
    for r in range(residual.shape[1]):
        residual[h, r] += demand[service_of[p], r]


@njit(cache=True, nogil=True)
def _put(p, h, demand, service_of, host_of, members, num_members, residual):
    """Put instance p on host h."""
    members[h, num_members[h]] = p
    num_members[h] += 1
    host_of[p] = h
    for r in range(residual.shape[1]):
        residual[h, r] -= demand[service_of[p], r]


@njit(cache=True, nogil=True)
def evict(
    order, demand, service_of, first, host_of, members, num_members, residual, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, scale,
):  # fmt: skip
    """Take off their hosts the instances that rules forbid there, in this order, then what is beyond a limit.

    Of a host that is beyond a limit goes, one after another, the smallest instance that makes up for what is lacking,
    or the one that makes up for most of it. Returns how many went.

    Parameters
    ----------
    scale
        float64[R]: one over a usual limit, so that resources can be compared.
    """
    num = 0
    for p in order:
        h = host_of[p]
        if h >= 0 and not allowed(
            service_of[p], h, p, -1, service_of, first, host_of, members, num_members, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
        ):  # fmt: skip
            _take(p, h, demand, service_of, host_of, members, num_members, residual)
            num += 1
    for h in range(len(num_members)):
        while num_members[h] > 0:
            is_over = False
            for r in range(residual.shape[1]):
                is_over = is_over or residual[h, r] < 0
            if not is_over:
                break
            best = -1
            best_heals = -1.0
            best_size = np.inf
            for x in range(num_members[h]):
                p = members[h, x]
                heals = 0.0
                size = 0.0
                for r in range(residual.shape[1]):
                    amount = demand[service_of[p], r]
                    size += amount * scale[r]
                    if residual[h, r] < 0:
                        heals += min(amount, -residual[h, r]) * scale[r]
                if heals > best_heals + 1e-12 or (heals > best_heals - 1e-12 and size < best_size):
                    best = p
                    best_heals = heals
                    best_size = size
            _take(best, h, demand, service_of, host_of, members, num_members, residual)
            num += 1
    return num


@njit(cache=True, nogil=True)
def _best_host(
    s, demand, service_of, first, host_of, members, num_members, residual, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, weight, is_open,
):  # fmt: skip
    """Return the open host on which one more instance of s leaves least room, −1: there is none."""
    best = -1
    best_room = np.inf
    for h in range(len(num_members)):
        if not is_open[h] or num_members[h] >= members.shape[1]:
            continue
        room = 0.0
        fits = True
        for r in range(residual.shape[1]):
            left = residual[h, r] - demand[s, r]
            if left < 0:
                fits = False
                break
            room += left * weight[r]
        if fits and room < best_room and allowed(
            s, h, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
        ):  # fmt: skip
            best = h
            best_room = room
    return best


@njit(cache=True, nogil=True)
def insert(
    order, demand, service_of, first, host_of, members, num_members, residual, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, weight, is_open,
):  # fmt: skip
    """Place instances, in this order, where they leave least room; return how many found none.

    Parameters
    ----------
    weight
        float64[R]: worth of a unit of each resource.
    is_open
        bool[num_hosts]: where they may go.
    """
    num_left = 0
    for p in order:
        h = _best_host(
            service_of[p], demand, service_of, first, host_of, members, num_members, residual, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, weight, is_open,
        )  # fmt: skip
        if h < 0:
            num_left += 1
        else:
            _put(p, h, demand, service_of, host_of, members, num_members, residual)
    return num_left


@njit(cache=True, nogil=True)
def empty_host(
    h, order, demand, service_of, first, host_of, members, num_members, residual, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, weight, is_open,
):  # fmt: skip
    """Move everything on host h (`order` lists it) elsewhere, or, where that cannot be, nothing; return whether."""
    was_open = is_open[h]
    is_open[h] = False
    for k in range(len(order)):
        p = order[k]
        _take(p, h, demand, service_of, host_of, members, num_members, residual)
        g = _best_host(
            service_of[p], demand, service_of, first, host_of, members, num_members, residual, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self, weight, is_open,
        )  # fmt: skip
        if g >= 0:
            _put(p, g, demand, service_of, host_of, members, num_members, residual)
            continue
        _put(p, h, demand, service_of, host_of, members, num_members, residual)
        for j in range(k - 1, -1, -1):
            q = order[j]
            _take(q, host_of[q], demand, service_of, host_of, members, num_members, residual)
            _put(q, h, demand, service_of, host_of, members, num_members, residual)
        is_open[h] = was_open
        return False
    return True
