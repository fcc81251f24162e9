"""Compiled kernels that fill hosts one by one; see `kernels` for the exchanges that follow.

Items that take a large part of a host begin one each, since they find no room later. Then a host takes what keeps the
proportions of the whole demand, not what aligns best with its own rest: else the last hosts inherit the odd items. A
pair closes it: one item drawn at random, the other looked up in a grid over the two scarcest resources, where the items
that just fit what is left lie next to each other. With N services to choose from and K draws the best of about N·K
pairs is found in the time of K look-ups, so the more services there are, the less of a host stays unused.

Only part of the services are open to choice, the rest wait in random order: the choice wears out what it likes (the
very large and the very small), and hosts filled from what is then left, all of middling size, stay partly empty. Fresh
services keep it varied; only the last few hosts are filled from a worn-out rest.

The grid has one cell for about two open services, its lines at quantiles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from placement.packing.kernels import NO_LIMIT, _rule
from placement.units import FloatArray, IntArray

_CLOSE_AT = 2.5
"""A host is closed when what is left of it is worth so many average items: it then takes two on average."""
_LARGE = 0.4
"""Share of a host from which on an item goes before all others."""
_SIZE_WEIGHT = 0.5
_OPEN_SHARE = 0.3
_MIN_OPEN = 1000
_MAX_RINGS = 12
_MAX_LOOKED_AT = 40


class Items(NamedTuple):
    """Services as the kernels see them, int64 unless said otherwise.

    Parameters
    ----------
    demand
        [num_services, num_resources].
    value
        float64[num_services]: worth of an instance, in hosts.
    spread, spread_limit, spread_row
        [num_services]: 0 none, 1 zone, 2 segment; most instances in one of them; row in `used`, −1: no spread.
    largest_first
        Services by falling size.
    """

    demand: IntArray
    value: FloatArray
    max_per_host: IntArray
    spread: IntArray
    spread_limit: IntArray
    spread_row: IntArray
    largest_first: IntArray


class RuleRows(NamedTuple):
    """Interference in sparse rows, see `placement.instance.Rules`."""

    start: IntArray
    other: Any
    most_other: Any
    most_self: Any


class Hosts(NamedTuple):
    """What is filled.

    Parameters
    ----------
    limit
        int64[num_resources]: of the class.
    pressure, share
        float64[num_resources]: worth of a unit in hosts; part of the capacity that the demand takes on average.
    base, number
        First host and how many.
    domain
        int64[2, num_hosts]: zone and segment of each host.
    used
        int64[num_spread, num_domains]: instances of services with a spread in each zone or segment; changed.
    residual
        int64[num_hosts, num_resources]: limit minus use; written.
    """

    limit: IntArray
    pressure: FloatArray
    share: FloatArray
    base: int
    number: int
    domain: IntArray
    used: IntArray
    residual: IntArray


@njit(cache=True, nogil=True)
def _lay_grid(demand, open_, num_open, scarce, cell_of, slot_of):
    """Return (lines, start, count, items) of a grid over the scarce resources; fills cell_of and slot_of."""
    side = max(1, int(np.sqrt(num_open / 2.0)))
    lines = np.empty((2, max(side - 1, 0)), np.int64)
    for d in range(2):
        amount = np.empty(num_open, np.int64)
        for x in range(num_open):
            amount[x] = demand[open_[x], scarce[d]]
        amount.sort()
        for k in range(side - 1):
            lines[d, k] = amount[(k + 1) * num_open // side]
    start = np.zeros(side * side + 1, np.int64)
    for x in range(num_open):
        i = open_[x]
        cell = _line(lines[0], demand[i, scarce[0]]) * side + _line(lines[1], demand[i, scarce[1]])
        cell_of[i] = cell
        start[cell + 1] += 1
    for c in range(side * side):
        start[c + 1] += start[c]
    count = np.zeros(side * side, np.int64)
    items = np.empty(num_open, np.int64)
    for x in range(num_open):
        i = open_[x]
        cell = cell_of[i]
        slot_of[i] = start[cell] + count[cell]
        items[slot_of[i]] = i
        count[cell] += 1
    return lines, start, count, items


@njit(cache=True, nogil=True)
def _line(lines, amount):
    """Return how many lines are at most `amount`."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) >> 1
        if lines[middle] <= amount:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _may_join(i, h, room, on_host, most, items, hosts):
    """Whether one instance of i fits into `room` of host h and the rules let it."""
    for r in range(room.shape[0]):
        if items.demand[i, r] > room[r]:
            return False
    if on_host[i] >= items.max_per_host[i] or on_host[i] >= most[i]:
        return False
    row = items.spread_row[i]
    return row < 0 or hosts.used[row, hosts.domain[items.spread[i] - 1, h]] < items.spread_limit[i]


@njit(cache=True, nogil=True)
def _goes_with(i, j, left, on_host, most, items, rules):
    """Whether j may join a host together with i, both allowed there alone."""
    if i == j:
        return (
            left[i] > 1
            and on_host[i] + 2 <= items.max_per_host[i]
            and on_host[i] + 2 <= most[i]
            and items.spread_row[i] < 0
        )
    p = _rule(i, j, rules.start, rules.other)
    return p < 0 or (rules.most_other[p] >= 1 and rules.most_self[p] >= 1)


@njit(cache=True, nogil=True)
def _best_fit(
    room, partner, above, h, lines, start, count, cells, scarce, left, on_host, most, items, rules, hosts
):  # fmt: skip # type: ignore[no-untyped-def]
    """Return the item worth most, and more than `above`, that fits into `room` beside `partner` (−1: none), or −1."""
    side = lines.shape[1] + 1
    row = _line(lines[0], room[scarce[0]])
    column = _line(lines[1], room[scarce[1]])
    best = -1
    looked_at = 0
    last_ring = min(_MAX_RINGS, max(row, column))
    for ring in range(_MAX_RINGS + 1):
        if ring > last_ring:
            break
        # the cells whose larger distance from (row, column) is `ring`: a column of them, then a row
        for k in range(2 * ring + 1):
            a = row - ring if k <= ring else row - (k - ring - 1)
            b = column - k if k <= ring else column - ring
            if a < 0 or b < 0:
                continue
            cell = a * side + b
            for x in range(start[cell], start[cell] + count[cell]):
                j = cells[x]
                looked_at += 1
                if items.value[j] <= above:
                    continue
                if not _may_join(j, h, room, on_host, most, items, hosts):
                    continue
                if partner >= 0 and not _goes_with(partner, j, left, on_host, most, items, rules):
                    continue
                above = items.value[j]
                best = j
                last_ring = min(last_ring, ring + 1)
        if looked_at > _MAX_LOOKED_AT:
            break
    return best


@njit(cache=True, nogil=True)
def fill(items, rules, hosts, left, window, num_draws, member_cap, seed, out_service, out_host, num_out):
    """Fill hosts of one class one after another; `left` counts down; returns the new length of the output.

    Parameters
    ----------
    left
        int64[num_services]: instances still to place; changed in place.
    window
        How many items are drawn for each place but the last two.
    num_draws
        How many items are drawn for the closing pair.
    member_cap
        Most instances on one host.
    """
    np.random.seed(seed)
    demand, value = items.demand, items.value
    num_services, num_resources = demand.shape
    limit, pressure, share = hosts.limit, hosts.pressure, hosts.share
    open_ = np.empty(num_services, np.int64)
    position_of = np.empty(num_services, np.int64)
    queue = np.empty(num_services, np.int64)
    num_queued = 0
    for i in range(num_services):
        position_of[i] = -1
        if left[i] > 0:
            queue[num_queued] = i
            num_queued += 1
    for x in range(num_queued - 1, 0, -1):
        y = np.random.randint(x + 1)
        queue[x], queue[y] = queue[y], queue[x]
    num_open = 0
    target = num_services + 1  # opens some at the first host
    by_pressure = np.argsort(-(pressure * limit))
    scarce = np.array([by_pressure[0], by_pressure[min(1, num_resources - 1)]])
    cell_of = np.empty(num_services, np.int64)
    slot_of = np.empty(num_services, np.int64)
    laid_for = 0
    lines, start, count, cells = _lay_grid(demand, open_, num_open, scarce, cell_of, slot_of)
    largest = 0
    on_host = np.zeros(num_services, np.int64)
    most = np.full(num_services, NO_LIMIT, np.int64)
    touched = np.empty(member_cap + 8, np.int64)
    room = np.empty(num_resources, np.int64)
    rest = np.empty(num_resources, np.int64)
    take = np.empty(2, np.int64)
    weight = pressure * limit / (pressure * limit).sum()
    inverse = 1.0 / np.maximum(limit, 1)
    for h in range(hosts.base, hosts.base + hosts.number):
        if num_open + num_queued == 0:
            break
        for r in range(num_resources):
            room[r] = limit[r]
        num_touched = 0
        misses = 0
        while num_open + num_queued > 0 and num_touched < member_cap:
            if num_queued > 0 and 5 * num_open < 4 * target:
                target = max(_MIN_OPEN, int(_OPEN_SHARE * (num_queued + num_open)))
                while num_queued > 0 and num_open < target:
                    num_queued -= 1
                    i = queue[num_queued]
                    if left[i] > 0:
                        position_of[i] = num_open
                        open_[num_open] = i
                        num_open += 1
                laid_for = 0
            if num_open > 0 and (laid_for == 0 or 2 * num_open < laid_for):
                laid_for = num_open
                lines, start, count, cells = _lay_grid(demand, open_, num_open, scarce, cell_of, slot_of)
            if num_open == 0:
                break
            num_take = 0
            closing = misses > 0
            if num_touched == 0:
                while largest < num_services and left[items.largest_first[largest]] == 0:
                    largest += 1
                for x in range(largest, min(largest + 256, num_services)):
                    i = items.largest_first[x]
                    is_large = False
                    for r in range(num_resources):
                        if demand[i, r] > _LARGE * limit[r]:
                            is_large = True
                    if not is_large:
                        break
                    if left[i] > 0 and _may_join(i, h, room, on_host, most, items, hosts):
                        take[0] = i
                        num_take = 1
                        break
            if num_take == 0 and not closing:
                worth = 0.0
                for r in range(num_resources):
                    worth += pressure[r] * room[r]
                best = -1
                best_score = -1e300
                drawn_value = 0.0
                for _ in range(window):
                    i = open_[np.random.randint(num_open)]
                    drawn_value += value[i]
                    if not _may_join(i, h, room, on_host, most, items, hosts):
                        continue
                    mean = 0.0
                    size = 0.0
                    for r in range(num_resources):
                        mean += weight[r] * ((room[r] - demand[i, r]) * inverse[r] - (1.0 - share[r])) / share[r]
                        size += weight[r] * demand[i, r] * inverse[r]
                    deviation = 0.0
                    for r in range(num_resources):
                        part = ((room[r] - demand[i, r]) * inverse[r] - (1.0 - share[r])) / share[r]
                        deviation += weight[r] * (part - mean) ** 2
                    score = _SIZE_WEIGHT * size - np.sqrt(deviation)
                    if score > best_score:
                        best_score = score
                        best = i
                if best < 0 or worth * window < _CLOSE_AT * drawn_value:
                    closing = True
                else:
                    take[0] = best
                    num_take = 1
            if num_take == 0 and closing:
                best_value = 0.0
                i = _best_fit(
                    room, -1, 0.0, h, lines, start, count, cells, scarce, left, on_host, most, items, rules, hosts
                )
                if i >= 0:
                    take[0] = i
                    num_take = 1
                    best_value = value[i]
                for _ in range(num_draws):
                    i = open_[np.random.randint(num_open)]
                    if not _may_join(i, h, room, on_host, most, items, hosts):
                        continue
                    for r in range(num_resources):
                        rest[r] = room[r] - demand[i, r]
                    if value[i] > best_value:
                        best_value = value[i]
                        take[0] = i
                        num_take = 1
                    j = _best_fit(
                        rest, i, best_value - value[i], h, lines, start, count, cells, scarce, left, on_host, most,
                        items, rules, hosts,
                    )  # fmt: skip
                    if j >= 0:
                        best_value = value[i] + value[j]
                        take[0] = i
                        take[1] = j
                        num_take = 2
                if num_take == 0:
                    misses += 1
                    if misses > 2:
                        break
                    continue
            for t in range(num_take):
                i = take[t]
                if t == 1 and on_host[i] >= most[i]:
                    continue
                for r in range(num_resources):
                    room[r] -= demand[i, r]
                on_host[i] += 1
                touched[num_touched] = i
                num_touched += 1
                out_service[num_out] = i
                out_host[num_out] = h
                num_out += 1
                if items.spread_row[i] >= 0:
                    hosts.used[items.spread_row[i], hosts.domain[items.spread[i] - 1, h]] += 1
                for p in range(rules.start[i], rules.start[i + 1]):
                    other = rules.other[p]
                    most[other] = min(most[other], rules.most_other[p])
                    if on_host[i] > rules.most_self[p]:
                        most[other] = 0  # `other` allows fewer of i than stand here
                left[i] -= 1
                if left[i] == 0:
                    if position_of[i] < 0:
                        continue
                    num_open -= 1
                    position = position_of[i]
                    open_[position] = open_[num_open]
                    position_of[open_[position]] = position
                    cell = cell_of[i]
                    count[cell] -= 1
                    last = cells[start[cell] + count[cell]]
                    cells[slot_of[i]] = last
                    slot_of[last] = slot_of[i]
        for t in range(num_touched):
            i = touched[t]
            on_host[i] = 0
            for p in range(rules.start[i], rules.start[i + 1]):
                most[rules.other[p]] = NO_LIMIT
        for r in range(num_resources):
            hosts.residual[h, r] = room[r]
    return num_out
