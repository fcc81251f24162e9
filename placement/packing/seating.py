"""Compiled kernels that hand slots to instances: who sits where, once it is settled which shapes a host holds.

Whoever sits on a slot of its shape fits, so only rules decide: most per host, spreads, interference. Four ways in:

1. an open slot drawn at random, if the rules let the instance take it,
2. a change: the instance takes the place of another of its shape, which takes the open slot,
3. a push: the instance takes the open slot, and each instance there that it does not go together with changes places
   with one of its own shape on another host,
4. a trade: the instance takes the place of one of another shape, which takes the open slot; both must fit.

Every change of places obeys every rule, so a push that gets stuck half-way leaves a valid seating.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from placement.packing.kernels import NO_LIMIT, _rule, allowed

_DRAWS = 24
_CHANGES = 2_000
_PUSHES = 40
_PUSH_CHANGES = 300
_MOST_BLOCKERS = 8
_TRADES = 10_000


@njit(cache=True)
def _remove(p, h, host_of, members, num_members):
    place = 0
    while members[h, place] != p:
        place += 1
    num_members[h] -= 1
    members[h, place] = members[h, num_members[h]]
    host_of[p] = -1


@njit(cache=True)
def _add(p, h, host_of, members, num_members):
    members[h, num_members[h]] = p
    num_members[h] += 1
    host_of[p] = h


@njit(cache=True)
def _blockers(s, h, service_of, members, num_members, rule_start, rule_other, rule_most_other, rule_most_self, found):
    """Write the instances on h that must go before one more of s may come; return how many, −1: too many."""
    here = 0
    for x in range(num_members[h]):
        if service_of[members[h, x]] == s:
            here += 1
    num = 0
    for x in range(num_members[h]):
        t = service_of[members[h, x]]
        if t == s:
            continue
        p = _rule(s, t, rule_start, rule_other)
        if p < 0:
            continue
        most = rule_most_other[p] if here + 1 <= rule_most_self[p] else 0
        if most >= NO_LIMIT:
            continue
        before = 0
        for y in range(x):
            if service_of[members[h, y]] == t:
                before += 1
        if before >= most:
            if num == _MOST_BLOCKERS:
                return -1
            found[num] = members[h, x]
            num += 1
    return num


@njit(cache=True)
def seat(
    order, shape_of, service_of, first, host_of, members, num_members, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
    open_host, open_start, num_open, seated, seated_start, num_seated, demand, slots, slack, seed,
):  # fmt: skip
    """Seat the instances of `order`, in this order; return how many found no slot (`order` then begins with them).

    Parameters
    ----------
    shape_of
        int64[num_services].
    open_host
        int64: hosts of the open slots, shape by shape: those of shape i are the first num_open[i] from open_start[i].
    seated
        int64: instances that sit on a slot, shape by shape like `open_host`.

    demand
        int64[num_shapes, R].
    slots
        int64[num_hosts, num_shapes]: slots of each shape on each host; trades change it.
    slack
        int64[num_hosts, R]: what a host has beyond its slots; trades change it.

    The others are as in `kernels`; `members` needs a column more than a host has slots.
    """
    np.random.seed(seed)
    blockers = np.empty(_MOST_BLOCKERS, np.int64)
    num_left = 0
    for p in order:
        s = service_of[p]
        i = shape_of[s]
        begin = open_start[i]
        x = -1
        tries = min(_DRAWS, 4 * num_open[i])
        for t in range(tries + num_open[i]):
            # at random first, then one after another where the open slots are few
            if t < tries:
                draw = begin + np.random.randint(num_open[i])
            elif num_open[i] <= 4 * _DRAWS:
                draw = begin + t - tries
            else:
                break
            if allowed(
                s, open_host[draw], -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                x = draw
                _add(p, open_host[x], host_of, members, num_members)
                break
        for _ in range(_CHANGES if x < 0 and num_open[i] > 0 and num_seated[i] > 0 else 0):
            q = seated[seated_start[i] + np.random.randint(num_seated[i])]
            h = host_of[q]
            draw = begin + np.random.randint(num_open[i])
            g = open_host[draw]
            if service_of[q] == s or g == h or not allowed(
                s, h, q, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                continue
            _remove(q, h, host_of, members, num_members)
            if allowed(
                service_of[q], g, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                _add(p, h, host_of, members, num_members)
                _add(q, g, host_of, members, num_members)
                x = draw
                break
            _add(q, h, host_of, members, num_members)
        for _ in range(_PUSHES if x < 0 and num_open[i] > 0 else 0):
            draw = begin + np.random.randint(num_open[i])
            g = open_host[draw]
            num = _blockers(
                s, g, service_of, members, num_members, rule_start, rule_other, rule_most_other, rule_most_self,
                blockers,
            )  # fmt: skip
            if num <= 0:
                continue  # its own replicas or a spread are in the way: no change helps
            _add(p, g, host_of, members, num_members)
            is_free = True
            for b in range(num):
                q = blockers[b]
                j = shape_of[service_of[q]]
                is_changed = False
                for _ in range(_PUSH_CHANGES):
                    w = seated[seated_start[j] + np.random.randint(num_seated[j])]
                    h = host_of[w]
                    if h == g or service_of[w] == service_of[q] or not allowed(
                        service_of[w], g, q, -1, service_of, first, host_of, members, num_members, max_per_host,
                        spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
                    ):  # fmt: skip
                        continue
                    _remove(q, g, host_of, members, num_members)
                    if allowed(
                        service_of[q], h, w, -1, service_of, first, host_of, members, num_members, max_per_host,
                        spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
                    ):  # fmt: skip
                        _remove(w, h, host_of, members, num_members)
                        _add(w, g, host_of, members, num_members)
                        _add(q, h, host_of, members, num_members)
                        is_changed = True
                        break
                    _add(q, g, host_of, members, num_members)
                if not is_changed:
                    is_free = False
                    break
            _remove(p, g, host_of, members, num_members)
            if is_free and allowed(
                s, g, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                _add(p, g, host_of, members, num_members)
                x = draw
                break
        for _ in range(_TRADES if x < 0 and num_open[i] > 0 else 0):
            draw = begin + np.random.randint(num_open[i])
            g = open_host[draw]
            h = np.random.randint(len(num_members))
            if h == g or num_members[h] == 0:
                continue
            q = members[h, np.random.randint(num_members[h])]
            j = shape_of[service_of[q]]
            fits = j != i
            for r in range(demand.shape[1]):
                more = demand[i, r] - demand[j, r]
                if more > slack[h, r] or -more > slack[g, r]:
                    fits = False
                    break
            if not fits or not allowed(
                s, h, q, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                continue
            _remove(q, h, host_of, members, num_members)
            if allowed(
                service_of[q], g, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                _add(p, h, host_of, members, num_members)
                _add(q, g, host_of, members, num_members)
                for r in range(demand.shape[1]):
                    more = demand[i, r] - demand[j, r]
                    slack[h, r] -= more
                    slack[g, r] += more
                slots[h, i] += 1
                slots[h, j] -= 1
                slots[g, i] -= 1
                slots[g, j] += 1
                x = draw
                break
            _add(q, h, host_of, members, num_members)
        if x < 0:
            order[num_left] = p
            num_left += 1
            continue
        num_open[i] -= 1
        open_host[x] = open_host[begin + num_open[i]]
        seated[seated_start[i] + num_seated[i]] = p
        num_seated[i] += 1
    return num_left
