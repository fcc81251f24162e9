"""Compiled kernel that hands slots to instances: who sits where, once it is settled which shapes a host holds.

Whoever sits on a slot of its shape fits, so only rules decide: most per host, spreads, interference. An instance takes
an open slot drawn at random if the rules let it; where they let it on none, it changes places with an instance of the
same shape that can take one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from placement.packing.kernels import allowed

_DRAWS = 24
_SWAPS = 4_000


@njit(cache=True)
def seat(
    order, shape_of, service_of, first, host_of, members, num_members, max_per_host,
    spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
    open_host, open_start, num_open, seated, seated_start, num_seated, seed,
):  # fmt: skip
    """Seat the instances of `order`, those with most rules first; return how many found no slot.

    Parameters
    ----------
    order
        int64: instances to seat; those that stay without a slot are moved to its front.
    shape_of
        int64[num_services].
    open_host
        int64: hosts of the open slots, shape by shape: those of shape i are the first num_open[i] from open_start[i].
    seated
        int64: instances that sit on a slot, shape by shape like `open_host`.

    The others are as in `kernels`.
    """
    np.random.seed(seed)
    num_left = 0
    for p in order:
        s = service_of[p]
        i = shape_of[s]
        begin = open_start[i]
        is_seated = False
        tries = min(_DRAWS, 4 * num_open[i])
        for t in range(tries + num_open[i]):
            if num_open[i] == 0:
                break
            # at random first, then one after another where the open slots are few
            if t < tries:
                x = begin + np.random.randint(num_open[i])
            elif num_open[i] <= 4 * _DRAWS:
                x = begin + t - tries
            else:
                break
            h = open_host[x]
            if allowed(
                s, h, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                num_open[i] -= 1
                open_host[x] = open_host[begin + num_open[i]]
                host_of[p] = h
                members[h, num_members[h]] = p
                num_members[h] += 1
                seated[seated_start[i] + num_seated[i]] = p
                num_seated[i] += 1
                is_seated = True
                break
        if is_seated:
            continue
        for _ in range(_SWAPS):
            if num_open[i] == 0 or num_seated[i] == 0:
                break
            y = seated_start[i] + np.random.randint(num_seated[i])
            q = seated[y]
            h = host_of[q]
            other = service_of[q]
            if other == s:
                continue
            x = begin + np.random.randint(num_open[i])
            g = open_host[x]
            if g == h:
                continue
            if not allowed(
                s, h, q, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                continue
            # q leaves h first: its own instances there no longer count
            host_of[q] = -1
            place = 0
            while members[h, place] != q:
                place += 1
            members[h, place] = p
            if allowed(
                other, g, -1, -1, service_of, first, host_of, members, num_members, max_per_host,
                spread, spread_limit, domain, rule_start, rule_other, rule_most_other, rule_most_self,
            ):  # fmt: skip
                host_of[p] = h
                host_of[q] = g
                members[g, num_members[g]] = q
                num_members[g] += 1
                num_open[i] -= 1
                open_host[x] = open_host[begin + num_open[i]]
                seated[seated_start[i] + num_seated[i]] = p
                num_seated[i] += 1
                is_seated = True
                break
            host_of[q] = h
            members[h, place] = q
        if not is_seated:
            order[num_left] = p
            num_left += 1
    return num_left
