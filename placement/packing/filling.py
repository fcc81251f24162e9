"""A compiled kernel that fills hosts one by one; see `kernels` for the exchanges that follow.

Items that take a large part of a host begin one each, since they find no room later. Then a host takes what keeps the
proportions of the whole demand, not what aligns best with its own rest: else the last hosts inherit the odd items. A
pair closes it: one item drawn at random, the other looked up in a grid over the two scarcest resources, where the items
that just fit what is left lie next to each other. With N services to choose from and K draws the best of about N·K
pairs is found in the time of K look-ups, so the more services there are, the less of a host stays unused.

Only part of the services are open to choice, the rest wait in random order: the choice wears out what it likes (the
very large and the very small), and hosts filled from what is then left, all of middling size, stay partly empty. Fresh
services keep it varied; only the last few hosts are filled from a worn-out rest. For the same reason few items are
drawn for each place where a host holds many: the more of them, the less each may be chosen.

Items are numbered in the order in which they are opened, so that those open at a time lie together in memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from placement.packing.grid import Grid, best_fit, empty_grid, lay, may_join, take_out
from placement.packing.kernels import NO_LIMIT
from placement.units import FloatArray, IntArray

_CLOSE_AT = 2.5
"""A host is closed when what is left of it is worth so many average items: it then takes two on average."""
_LARGE = 0.4
"""Share of a host from which on an item goes before all others."""
_SIZE_WEIGHT = 0.5
_OPEN_SHARE = 0.3
_MIN_OPEN = 1000
_MAX_OPEN = 40_000
_MAX_MEMBERS = 1 << 14
_ITEMS_AT_ONCE = 20_000
_HOSTS_AT_ONCE = 500
"""One call of the kernel ends after so many, some tenths of a second: the search can be stopped in between."""

_NUM_OPEN, _NEXT, _TARGET, _LAID_FOR, _LARGEST, _HOST, _NUM_OUT = range(7)


class Services(NamedTuple):
    """What is told of services: columns as in `Items`, int64[num_services]."""

    demand: IntArray
    max_per_host: IntArray
    spread: IntArray
    spread_limit: IntArray
    spread_row: IntArray


class Items(NamedTuple):
    """Services as the kernel sees them, in its own numbering; int64 unless said otherwise.

    Parameters
    ----------
    service
        [num_items]: which service an item is.
    demand
        [num_items, num_resources].
    value
        float64[num_items]: worth of an instance, in hosts.
    spread, spread_limit, spread_row
        [num_items]: 0 none, 1 zone, 2 segment; most instances in one of them; row in `used`, −1: no spread.
    large
        Items that go before all others, by falling size.
    item_of
        [num_services]: item of a service, −1: it has no instance to place.
    """

    service: IntArray
    demand: IntArray
    value: FloatArray
    max_per_host: IntArray
    spread: IntArray
    spread_limit: IntArray
    spread_row: IntArray
    large: IntArray
    item_of: IntArray


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
    """

    limit: IntArray
    pressure: FloatArray
    share: FloatArray
    base: int
    number: int
    domain: IntArray
    used: IntArray


class _State(NamedTuple):
    """What is carried from one call of the kernel to the next, int64.

    Parameters
    ----------
    at
        [7]: numbers of open items, of the item opened next, and so on, see `_NUM_OPEN`.
    left
        [num_items]: instances still to place.
    open_, position_of
        [max_open]: the open items; [num_items]: place of an item among them, −1: not open.
    on_host, most
        [num_items]: instances on the host that is being filled, and most that its rules allow there.
    out_item, out_host
        [num_instances]: what was placed where, the first `at[_NUM_OUT]`.
    """

    at: IntArray
    left: IntArray
    open_: IntArray
    position_of: IntArray
    on_host: IntArray
    most: IntArray
    out_item: IntArray
    out_host: IntArray


class Filling:
    """The filling of hosts of one class, in runs of bounded work.

    Parameters
    ----------
    left
        int64[num_services]: instances to place.
    """

    def __init__(self, services: Services, rules: RuleRows, hosts: Hosts, left: IntArray, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        order = self.random.permutation(np.flatnonzero(left > 0))
        num_items = len(order)
        size = (services.demand[order] / np.maximum(hosts.limit, 1)).max(axis=1, initial=0.0)
        large = np.flatnonzero(size > _LARGE)
        item_of = np.full(len(left), -1, np.int64)
        item_of[order] = np.arange(num_items)
        self.items = Items(
            service=order,
            demand=services.demand[order],
            value=services.demand[order] @ hosts.pressure,
            max_per_host=services.max_per_host[order],
            spread=services.spread[order],
            spread_limit=services.spread_limit[order],
            spread_row=services.spread_row[order],
            large=large[np.argsort(-size[large], kind="stable")],
            item_of=item_of,
        )
        self.rules = rules
        self.hosts = hosts
        total = int(left.sum())
        max_open = min(num_items, max(_MIN_OPEN, min(_MAX_OPEN, int(_OPEN_SHARE * num_items))))
        by_pressure = np.argsort(-(hosts.pressure * hosts.limit), kind="stable")
        scarce = np.array([by_pressure[0], by_pressure[min(1, len(by_pressure) - 1)]], np.int64)
        self.grid: Grid = empty_grid(scarce, max_open, num_items)
        self.state = _State(
            at=np.array([0, 0, num_items + 1, 0, 0, hosts.base, 0], np.int64),  # opens some at the first host
            left=left[order],
            open_=np.empty(max_open, np.int64),
            position_of=np.full(num_items, -1, np.int64),
            on_host=np.zeros(num_items, np.int64),
            most=np.full(num_items, NO_LIMIT, np.int64),
            out_item=np.empty(total, np.int64),
            out_host=np.empty(total, np.int64),
        )

    @property
    def is_done(self) -> bool:
        """Whether every host is filled, or everything placed."""
        at = self.state.at
        return bool(at[_HOST] >= self.hosts.base + self.hosts.number or at[_NUM_OUT] == len(self.state.out_item))

    def run(self, window: int, num_draws: int) -> None:
        """Fill some more hosts.

        Parameters
        ----------
        window
            How many items are drawn for each place but the last two.
        num_draws
            How many items are drawn for the closing pair.
        """
        _fill(
            self.items, self.rules, self.hosts, self.grid, self.state,
            window, num_draws, _HOSTS_AT_ONCE, _ITEMS_AT_ONCE, int(self.random.integers(1 << 31)),
        )  # fmt: skip

    @property
    def placed(self) -> tuple[IntArray, IntArray]:
        """(service, host) of what was placed."""
        num_out = int(self.state.at[_NUM_OUT])
        return self.items.service[self.state.out_item[:num_out]], self.state.out_host[:num_out]


@njit(cache=True, nogil=True)
def _open_more(items, grid, state):
    """Open waiting items, if a fifth of the open ones is gone, and lay the grid anew where it has become too wide."""
    at = state.at
    num_items = len(state.left)
    waiting = num_items - at[_NEXT]
    if waiting > 0 and 5 * at[_NUM_OPEN] < 4 * at[_TARGET]:
        at[_TARGET] = min(len(state.open_), max(_MIN_OPEN, int(_OPEN_SHARE * (waiting + at[_NUM_OPEN]))))
        while at[_NEXT] < num_items and at[_NUM_OPEN] < at[_TARGET]:
            i = at[_NEXT]
            at[_NEXT] += 1
            if state.left[i] > 0:
                state.position_of[i] = at[_NUM_OPEN]
                state.open_[at[_NUM_OPEN]] = i
                at[_NUM_OPEN] += 1
        at[_LAID_FOR] = 0
    if at[_NUM_OPEN] > 0 and (at[_LAID_FOR] == 0 or 2 * at[_NUM_OPEN] < at[_LAID_FOR]):
        at[_LAID_FOR] = at[_NUM_OPEN]
        lay(grid, items.demand, state.open_, at[_NUM_OPEN])


@njit(cache=True, nogil=True)
def _large_one(h, room, items, hosts, state):
    """Return a large item that may begin host h, or −1."""
    at = state.at
    while at[_LARGEST] < len(items.large) and state.left[items.large[at[_LARGEST]]] == 0:
        at[_LARGEST] += 1
    for x in range(at[_LARGEST], min(at[_LARGEST] + 256, len(items.large))):
        i = items.large[x]
        if state.left[i] > 0 and may_join(i, h, room, state.on_host, state.most, items, hosts):
            return i
    return -1


@njit(cache=True, nogil=True)
def _proportionate(h, room, window, weight, inverse, items, hosts, state):
    """Return the best of `window` items drawn, by how well the host keeps its proportions, or −1: time to close it."""
    num_resources = len(room)
    limit_share = hosts.share
    worth = 0.0
    for r in range(num_resources):
        worth += hosts.pressure[r] * room[r]
    best = -1
    best_score = -1e300
    drawn_value = 0.0
    for _ in range(window):
        i = state.open_[np.random.randint(state.at[_NUM_OPEN])]
        drawn_value += items.value[i]
        if not may_join(i, h, room, state.on_host, state.most, items, hosts):
            continue
        mean = 0.0
        size = 0.0
        for r in range(num_resources):
            part = ((room[r] - items.demand[i, r]) * inverse[r] - (1.0 - limit_share[r])) / limit_share[r]
            mean += weight[r] * part
            size += weight[r] * items.demand[i, r] * inverse[r]
        deviation = 0.0
        for r in range(num_resources):
            part = ((room[r] - items.demand[i, r]) * inverse[r] - (1.0 - limit_share[r])) / limit_share[r]
            deviation += weight[r] * (part - mean) ** 2
        score = _SIZE_WEIGHT * size - np.sqrt(deviation)
        if score > best_score:
            best_score = score
            best = i
    return -1 if worth * window < _CLOSE_AT * drawn_value else best


@njit(cache=True, nogil=True)
def _closing(h, room, rest, num_draws, take, grid, items, rules, hosts, state):
    """Write the one or two items that leave least of host h to `take`; return how many there are."""
    num_take = 0
    best_value = 0.0
    i = best_fit(grid, room, -1, 0.0, h, state.left, state.on_host, state.most, items, rules, hosts)
    if i >= 0:
        take[0] = i
        num_take = 1
        best_value = items.value[i]
    for _ in range(num_draws):
        i = state.open_[np.random.randint(state.at[_NUM_OPEN])]
        if not may_join(i, h, room, state.on_host, state.most, items, hosts):
            continue
        for r in range(len(room)):
            rest[r] = room[r] - items.demand[i, r]
        value = items.value[i]
        if value > best_value:
            best_value = value
            take[0] = i
            num_take = 1
        j = best_fit(
            grid, rest, i, best_value - value, h, state.left, state.on_host, state.most, items, rules, hosts
        )  # fmt: skip
        if j >= 0:
            best_value = value + items.value[j]
            take[0] = i
            take[1] = j
            num_take = 2
    return num_take


@njit(cache=True, nogil=True)
def _put(i, h, room, grid, items, rules, hosts, state):
    """Put an instance of i on host h."""
    at = state.at
    for r in range(len(room)):
        room[r] -= items.demand[i, r]
    state.on_host[i] += 1
    state.out_item[at[_NUM_OUT]] = i
    state.out_host[at[_NUM_OUT]] = h
    at[_NUM_OUT] += 1
    if items.spread_row[i] >= 0:
        hosts.used[items.spread_row[i], hosts.domain[items.spread[i] - 1, h]] += 1
    s = items.service[i]
    for p in range(rules.start[s], rules.start[s + 1]):
        other = items.item_of[rules.other[p]]
        if other < 0:
            continue
        state.most[other] = min(state.most[other], rules.most_other[p])
        if state.on_host[i] > rules.most_self[p]:
            state.most[other] = 0  # `other` allows fewer of i than stand here
    state.left[i] -= 1
    position = state.position_of[i]
    if state.left[i] == 0 and position >= 0:
        at[_NUM_OPEN] -= 1
        state.open_[position] = state.open_[at[_NUM_OPEN]]
        state.position_of[state.open_[position]] = position
        take_out(grid, i)


@njit(cache=True, nogil=True)
def _fill(items, rules, hosts, grid, state, window, num_draws, hosts_at_once, items_at_once, seed):
    """Fill hosts one after another, until the work of one call is done."""
    np.random.seed(seed)
    at = state.at
    num_resources = len(hosts.limit)
    room = np.empty(num_resources, np.int64)
    rest = np.empty(num_resources, np.int64)
    take = np.empty(2, np.int64)
    weight = hosts.pressure * hosts.limit / (hosts.pressure * hosts.limit).sum()
    inverse = 1.0 / np.maximum(hosts.limit, 1)
    last_host = min(hosts.base + hosts.number, at[_HOST] + hosts_at_once)
    last_out = at[_NUM_OUT] + items_at_once
    while at[_HOST] < last_host and at[_NUM_OUT] < min(last_out, len(state.out_item)):
        h = at[_HOST]
        room[:] = hosts.limit
        first = at[_NUM_OUT]
        misses = 0
        while at[_NUM_OUT] - first < _MAX_MEMBERS:
            _open_more(items, grid, state)
            if at[_NUM_OPEN] == 0:
                break
            take[0] = _large_one(h, room, items, hosts, state) if at[_NUM_OUT] == first else -1
            if take[0] < 0 and misses == 0:
                take[0] = _proportionate(h, room, window, weight, inverse, items, hosts, state)
            num_take = 1
            if take[0] < 0:
                num_take = _closing(h, room, rest, num_draws, take, grid, items, rules, hosts, state)
                if num_take == 0:
                    misses += 1
                    if misses > 2:
                        break
            for t in range(num_take):
                if t == 1 and state.on_host[take[t]] >= state.most[take[t]]:
                    continue
                _put(take[t], h, room, grid, items, rules, hosts, state)
        for x in range(first, at[_NUM_OUT]):
            i = state.out_item[x]
            state.on_host[i] = 0
            s = items.service[i]
            for p in range(rules.start[s], rules.start[s + 1]):
                if items.item_of[rules.other[p]] >= 0:
                    state.most[items.item_of[rules.other[p]]] = NO_LIMIT
        at[_HOST] += 1
