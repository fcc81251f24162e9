"""A grid over the two scarcest resources in which a filling looks up the item that just fits what is left of a host.

It has one cell for about two open services, its lines at quantiles. Items are numbered as in `filling`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from placement.packing.kernels import _rule
from placement.units import IntArray

_MAX_RINGS = 12
_MAX_LOOKED_AT = 40
_SAMPLE = 4_000


class Grid(NamedTuple):
    """Open items by cell, int64; as large as the most items that are ever open, and laid anew in place.

    Parameters
    ----------
    scarce
        [2]: the two scarcest resources.
    lines
        [2, max_side - 1]: where cells of either resource begin, the first `side` − 1 of each row.
    start, held
        [max_side²]: where a cell begins in `cells`, and how many items it holds.
    cells
        [max_open]: items, cell by cell.
    cell_of, slot_of
        [num_items]: cell of an open item, and its place in `cells`.
    side
        [1]: cells in a row.
    """

    scarce: IntArray
    lines: IntArray
    start: IntArray
    held: IntArray
    cells: IntArray
    cell_of: IntArray
    slot_of: IntArray
    side: IntArray


def empty_grid(scarce: IntArray, max_open: int, num_items: int) -> Grid:
    """Return a grid with room for so many open items."""
    side = _side(max_open)
    return Grid(
        scarce=scarce,
        lines=np.zeros((2, max(side - 1, 0)), np.int64),
        start=np.zeros(side * side, np.int64),
        held=np.zeros(side * side, np.int64),
        cells=np.zeros(max_open, np.int64),
        cell_of=np.zeros(num_items, np.int64),
        slot_of=np.zeros(num_items, np.int64),
        side=np.ones(1, np.int64),
    )


@njit(cache=True, nogil=True)
def _side(num_open):
    return max(1, int(np.sqrt(num_open / 2.0)))


@njit(cache=True, nogil=True)
def lay(grid, demand, open_, num_open):
    """Lay the grid anew for the first `num_open` items of `open_`."""
    side = _side(num_open)
    grid.side[0] = side
    # open items are in random order: every so many of them tell the quantiles
    step = max(1, num_open // _SAMPLE)
    amount = np.empty(num_open // step, np.int64)
    for d in range(2):
        for x in range(len(amount)):
            amount[x] = demand[open_[x * step], grid.scarce[d]]
        amount.sort()
        for k in range(side - 1):
            grid.lines[d, k] = amount[(k + 1) * len(amount) // side]
    grid.held[: side * side] = 0
    for x in range(num_open):
        i = open_[x]
        row = _line(grid.lines[0], side - 1, demand[i, grid.scarce[0]])
        column = _line(grid.lines[1], side - 1, demand[i, grid.scarce[1]])
        grid.cell_of[i] = row * side + column
        grid.held[grid.cell_of[i]] += 1
    begin = 0
    for c in range(side * side):
        grid.start[c] = begin
        begin += grid.held[c]
        grid.held[c] = 0
    for x in range(num_open):
        i = open_[x]
        c = grid.cell_of[i]
        grid.slot_of[i] = grid.start[c] + grid.held[c]
        grid.cells[grid.slot_of[i]] = i
        grid.held[c] += 1


@njit(cache=True, nogil=True)
def take_out(grid, i):
    """Take an item out of its cell."""
    c = grid.cell_of[i]
    grid.held[c] -= 1
    last = grid.cells[grid.start[c] + grid.held[c]]
    grid.cells[grid.slot_of[i]] = last
    grid.slot_of[last] = grid.slot_of[i]


@njit(cache=True, nogil=True)
def _line(lines, number, amount):
    """Return how many of the first `number` lines are at most `amount`."""
    low, high = 0, number
    while low < high:
        middle = (low + high) >> 1
        if lines[middle] <= amount:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def may_join(i, h, room, on_host, most, items, hosts):
    """Whether one instance of i fits into `room` of host h and the rules let it."""
    for r in range(room.shape[0]):
        if items.demand[i, r] > room[r]:
            return False
    if on_host[i] >= items.max_per_host[i] or on_host[i] >= most[i]:
        return False
    row = items.spread_row[i]
    return row < 0 or hosts.used[row, hosts.domain[items.spread[i] - 1, h]] < items.spread_limit[i]


@njit(cache=True, nogil=True)
def goes_with(i, j, left, on_host, most, items, rules):
    """Whether j may join a host together with i, both allowed there alone."""
    if i == j:
        return (
            left[i] > 1
            and on_host[i] + 2 <= items.max_per_host[i]
            and on_host[i] + 2 <= most[i]
            and items.spread_row[i] < 0
        )
    p = _rule(items.service[i], items.service[j], rules.start, rules.other)
    return p < 0 or (rules.most_other[p] >= 1 and rules.most_self[p] >= 1)


@njit(cache=True, nogil=True)
def best_fit(grid, room, partner, above, h, left, on_host, most, items, rules, hosts):
    """Return the item worth most, and more than `above`, that fits into `room` beside `partner` (−1: none), or −1."""
    side = grid.side[0]
    row = _line(grid.lines[0], side - 1, room[grid.scarce[0]])
    column = _line(grid.lines[1], side - 1, room[grid.scarce[1]])
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
            for x in range(grid.start[cell], grid.start[cell] + grid.held[cell]):
                j = grid.cells[x]
                looked_at += 1
                if items.value[j] <= above:
                    continue
                if not may_join(j, h, room, on_host, most, items, hosts):
                    continue
                if partner >= 0 and not goes_with(partner, j, left, on_host, most, items, rules):
                    continue
                above = items.value[j]
                best = j
                last_ring = min(last_ring, ring + 1)
        if looked_at > _MAX_LOOKED_AT:
            break
    return best
