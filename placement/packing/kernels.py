"""Compiled kernels that improve packings: they empty the pool of what `filling` left over.

They only propose: what they return is exact (integers) and obeys every rule, but nothing here decides how many
hosts there are. Rules are looked up in sparse rows (see `placement.instance.Rules`), never as objects.

State shared by the kernels, all int64 unless said otherwise:

=============  =======================  ==============================================================
demand         [num_services, R]        demand of one instance
service_of     [num_instances]          service of each instance; a service's instances are contiguous
first          [num_services + 1]       its first instance
host_of        [num_instances]          host of each instance, −1: in the pool
residual       [num_hosts, R]           limit minus use
members        [num_hosts, capacity]    instances on each host, the first num_members[h] of the row
slot           [num_instances]          place of an instance in its host's row
spread_limit   [num_services]           most instances in one domain (zone or segment)
domain         [2, num_hosts]           zone and segment number of each host
=============  =======================  ==============================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NO_LIMIT = np.iinfo(np.int32).max
_MAX_PAIRS = 200


@njit(cache=True, nogil=True)
def _rule(s: int, t: int, rule_start: Any, rule_other: Any) -> int:
    """Return the position of t in the rules of s, or −1."""
    low = rule_start[s]
    high = rule_start[s + 1]
    while low < high:
        middle = (low + high) >> 1
        if rule_other[middle] < t:
            low = middle + 1
        else:
            high = middle
    if low < rule_start[s + 1] and rule_other[low] == t:
        return low
    return -1


@njit(cache=True, nogil=True)
def subtract_loads(demand, service_of, host_of, residual):
    """Take the demand of every placed instance off its host's residual, in place."""
    for e in range(len(host_of)):
        h = host_of[e]
        if h >= 0:
            for r in range(residual.shape[1]):
                residual[h, r] -= demand[service_of[e], r]


@njit(cache=True, nogil=True)
def seat(host_of, members, num_members, slot, pool):
    """Fill members, num_members (zeros before) and slot; return how many instances stand nowhere, listed in pool."""
    num_pool = 0
    for e in range(len(host_of)):
        h = host_of[e]
        if h < 0:
            pool[num_pool] = e
            num_pool += 1
        else:
            members[h, num_members[h]] = e
            slot[e] = num_members[h]
            num_members[h] += 1
    return num_pool


@njit(cache=True, nogil=True)
def hand_out(service, host, first, host_of):
    """Give each (service, host) pair to the next instance of the service that stands nowhere."""
    following = first[:-1].copy()
    for k in range(len(service)):
        s = service[k]
        e = following[s]
        while host_of[e] >= 0:
            e += 1
        host_of[e] = host[k]
        following[s] = e + 1


@njit(cache=True, nogil=True)
def allowed(
    s, h, out1, out2, service_of, first, host_of, members, num_members, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
):  # fmt: skip
    """Whether the rules let one more instance of s onto h once instances out1 and out2 (−1: none) have left it."""
    instances = first[s + 1] - first[s]
    here = 0
    if max_per_host[s] < instances or rule_start[s + 1] > rule_start[s]:
        if instances < num_members[h]:
            for e in range(first[s], first[s + 1]):
                if host_of[e] == h and e != out1 and e != out2:
                    here += 1
        else:
            for x in range(num_members[h]):
                e = members[h, x]
                if service_of[e] == s and e != out1 and e != out2:
                    here += 1
        if here >= max_per_host[s]:
            return False
    if spread[s] > 0 and spread_limit[s] < instances:
        kind = spread[s] - 1
        near = 0
        for e in range(first[s], first[s + 1]):
            g = host_of[e]
            if g >= 0 and e != out1 and e != out2 and domain[kind, g] == domain[kind, h]:
                near += 1
        if near >= spread_limit[s]:
            return False
    if rule_start[s + 1] > rule_start[s]:
        for x in range(num_members[h]):
            e = members[h, x]
            if e == out1 or e == out2:
                continue
            t = service_of[e]
            p = _rule(s, t, rule_start, rule_other)
            if p < 0:
                continue
            if here + 1 > rule_most_self[p]:
                return False
            if rule_most_other[p] < NO_LIMIT:
                there = 0
                for y in range(num_members[h]):
                    f = members[h, y]
                    if service_of[f] == t and f != out1 and f != out2:
                        there += 1
                if there > rule_most_other[p]:
                    return False
    return True


@njit(cache=True, nogil=True)
def empty_pool(
    demand, value, service_of, first, host_of, members, num_members, slot, residual, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
    pool, num_pool, num_steps, seed,
):  # fmt: skip
    """Empty the pool by exchanges that lower its value: 1 in, 1 in 1 out, 2 in 1 out, 1 in 2 out.

    Every state in between obeys every rule. Returns how many instances remain in `pool`.
    """
    np.random.seed(seed)
    num_hosts, num_resources = residual.shape
    capacity = members.shape[1]
    for step in range(num_steps):
        if num_pool == 0:
            break
        a = np.random.randint(num_pool)
        p = pool[a]
        s = service_of[p]
        h = np.random.randint(num_hosts)
        fits = num_members[h] < capacity
        if fits:
            for r in range(num_resources):
                if demand[s, r] > residual[h, r]:
                    fits = False
                    break
        if fits and allowed(
            s, h, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
        ):  # fmt: skip
            for r in range(num_resources):
                residual[h, r] -= demand[s, r]
            host_of[p] = h
            members[h, num_members[h]] = p
            slot[p] = num_members[h]
            num_members[h] += 1
            num_pool -= 1
            pool[a] = pool[num_pool]
            continue
        best_gain = 1e-12
        best_q = -1
        best_q2 = -1
        best_b = -1
        for x in range(num_members[h]):
            q = members[h, x]
            t = service_of[q]
            gain = value[s] - value[t]
            if gain <= best_gain:
                continue
            fits = True
            for r in range(num_resources):
                if demand[s, r] - demand[t, r] > residual[h, r]:
                    fits = False
                    break
            if fits:
                best_gain = gain
                best_q = q
        if num_pool > 1 and num_members[h] < capacity:
            for _ in range(4):
                b = np.random.randint(num_pool)
                s2 = service_of[pool[b]]
                if b == a or s2 == s:
                    continue
                for x in range(num_members[h]):
                    q = members[h, x]
                    t = service_of[q]
                    gain = value[s] + value[s2] - value[t]
                    if gain <= best_gain:
                        continue
                    fits = True
                    for r in range(num_resources):
                        if demand[s, r] + demand[s2, r] - demand[t, r] > residual[h, r]:
                            fits = False
                            break
                    if fits:
                        best_gain = gain
                        best_q = q
                        best_b = b
        if best_q < 0:
            m = num_members[h]
            # all pairs of a host of few instances, some of a host of many
            num_tries = min(m * (m - 1) // 2, _MAX_PAIRS)
            x = 0
            y = 0
            mixed = np.random.randint(1 << 31)
            for _ in range(num_tries):
                if m * (m - 1) // 2 > _MAX_PAIRS:
                    # drawing from NumPy's generator would take longer than looking at the pair
                    mixed = (mixed * 1103515245 + 12345) & 0x7FFFFFFF
                    x = (mixed >> 16) * m >> 15
                    mixed = (mixed * 1103515245 + 12345) & 0x7FFFFFFF
                    y = (mixed >> 16) * m >> 15
                    if x == y:
                        continue
                else:
                    y += 1
                    if y == m:
                        x += 1
                        y = x + 1
                q = members[h, x]
                t = service_of[q]
                q2 = members[h, y]
                t2 = service_of[q2]
                gain = value[s] - value[t] - value[t2]
                if gain <= best_gain:
                    continue
                fits = True
                for r in range(num_resources):
                    if demand[s, r] - demand[t, r] - demand[t2, r] > residual[h, r]:
                        fits = False
                        break
                if fits:
                    best_gain = gain
                    best_q = q
                    best_q2 = q2
        if best_q < 0:
            continue
        if not allowed(
            s, h, best_q, best_q2, service_of, first, host_of, members, num_members, max_per_host,
            spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
        ):  # fmt: skip
            continue
        if best_b >= 0:
            # the second one must be sure of its place, or the pool's worth might rise: no rule between the two
            s2 = service_of[pool[best_b]]
            if _rule(s, s2, rule_start, rule_other) >= 0 or not allowed(
                s2, h, best_q, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                continue
        # p takes the place of best_q, which goes to the pool
        t = service_of[best_q]
        for r in range(num_resources):
            residual[h, r] += demand[t, r] - demand[s, r]
        x = slot[best_q]
        members[h, x] = p
        slot[p] = x
        host_of[p] = h
        host_of[best_q] = -1
        pool[a] = best_q
        if best_q2 >= 0:
            t2 = service_of[best_q2]
            for r in range(num_resources):
                residual[h, r] += demand[t2, r]
            num_members[h] -= 1
            x = slot[best_q2]
            last = members[h, num_members[h]]
            members[h, x] = last
            slot[last] = x
            host_of[best_q2] = -1
            pool[num_pool] = best_q2
            num_pool += 1
        elif best_b >= 0:
            p2 = pool[best_b]
            s2 = service_of[p2]
            for r in range(num_resources):
                residual[h, r] -= demand[s2, r]
            members[h, num_members[h]] = p2
            slot[p2] = num_members[h]
            num_members[h] += 1
            host_of[p2] = h
            num_pool -= 1
            pool[best_b] = pool[num_pool]
    return num_pool
