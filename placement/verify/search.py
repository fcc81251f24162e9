"""Depth-first search for a pattern worth more than a threshold, pruned by what it can still gain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from placement.units import IntArray
from placement.verify.completions import Relaxation, relaxations
from placement.verify.exact import Work

_MAX_DEPTH = 20_000
_STEPS_PER_NUMBER = 1
"""What a node costs per number that it holds, in cells of a grid."""
_FEW_NODES = 1_000_000
"""Nodes of a search that is not thorough: a twentieth of a second."""


def exceeds_by_search(
    v: IntArray,
    D: IntArray,
    m: IntArray,
    L: IntArray,
    *,
    threshold: int,
    prices: IntArray,
    is_thorough: bool,
    work: Work,
) -> bool | None:
    """Tell whether a pattern is worth more than k; None where that takes more steps than allowed.

    Copies are added one by one, items in an order, so that every pattern is met once. A branch ends where some
    relaxation (`completions`) says that no completion is worth more than k.

    Parameters
    ----------
    v, D, m, L
        As in `multipliers.search_multipliers`; v below 2**55; every item asks for something.
    threshold
        k, below 2**55.
    prices
        u, the best of `multipliers.search_multipliers`.
    is_thorough
        Whether to prune by pairs of resources, too, which takes larger tables, and to use up the work there is; if
        not, the search is short.
    work
        What it may cost; used up on the way.
    """
    # worth more than its price first: what can be gained then falls quickly with the items left
    order = np.argsort(D @ prices - v, kind="stable")
    v, D, m = v[order], np.ascontiguousarray(D[order]), m[order]
    depth = min(int(m.sum()), int(L.sum()) // int(D.sum(axis=1).min()))
    if depth > _MAX_DEPTH:
        return None
    bounds = relaxations(v, D, m, L, threshold=threshold, prices=prices, pairs=is_thorough, work=work)
    if not bounds:
        return None
    if bounds[0].bound <= threshold:
        return False
    steps_per_node = _STEPS_PER_NUMBER * (len(L) + 2 * len(bounds))
    max_nodes = work.steps // steps_per_node
    if not is_thorough:
        max_nodes = min(max_nodes, _FEW_NODES)
    outcome, nodes = _run((v, D, m, L), threshold, bounds, max_nodes, depth)
    work.take(nodes * steps_per_node)
    return None if outcome < 0 else bool(outcome)


def _run(
    problem: tuple[IntArray, IntArray, IntArray, IntArray],
    k: int,
    bounds: list[Relaxation],
    max_nodes: int,
    max_depth: int,
) -> tuple[int, int]:
    sizes = [bound.table.size for bound in bounds]
    outcome, nodes = _search(
        *problem, k,
        np.concatenate([bound.table.ravel() for bound in bounds]),
        np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64),
        np.array([bound.table.shape[1] for bound in bounds], np.int64),
        np.stack([bound.step for bound in bounds]),
        np.stack([bound.penalty for bound in bounds]),
        np.array([bound.constant for bound in bounds], np.int64),
        max_nodes, max_depth,
    )  # fmt: skip
    return int(outcome), int(nodes)


@njit(cache=True)
def _search(
    v: Any, D: Any, m: Any, L: Any, k: Any, T: Any, begin: Any, cells: Any, step: Any, penalty: Any, constant: Any,
    max_nodes: Any, max_depth: Any,
) -> Any:  # fmt: skip
    """Return 1, 0 or -1 for yes, no, out of steps; and the number of nodes.

    Level d of the stack holds a pattern of d copies: its value, what it leaves of each resource (`left`) and in each
    relaxation (`cell`, `priced`), and the item that is to be tried next, of which the pattern has `copies`.
    """
    num, num_resources = D.shape
    num_bounds = len(begin)
    left = np.empty((max_depth + 1, num_resources), np.int64)
    cell = np.empty((max_depth + 1, num_bounds), np.int64)
    priced = np.empty((max_depth + 1, num_bounds), np.int64)
    value = np.zeros(max_depth + 1, np.int64)
    item = np.zeros(max_depth + 1, np.int64)
    copies = np.zeros(max_depth + 1, np.int64)
    left[0] = L
    cell[0] = cells - 1
    priced[0] = constant
    d = 0
    nodes = 0
    while d >= 0:
        if nodes == max_nodes:
            return -1, nodes
        nodes += 1
        j = item[d]
        can_exceed = j < num
        if can_exceed:
            for q in range(num_bounds):
                if value[d] + priced[d, q] + T[begin[q] + j * cells[q] + cell[d, q]] <= k:
                    can_exceed = False
                    break
        if not can_exceed:
            # later items have no better completions: back to the level above, and on to its next item
            d -= 1
            if d >= 0:
                item[d] += 1
                copies[d] = 0
            continue
        fits = copies[d] < m[j]
        if fits:
            for r in range(num_resources):
                if D[j, r] > left[d, r]:
                    fits = False
                    break
        if not fits:
            item[d] += 1
            copies[d] = 0
            continue
        for r in range(num_resources):
            left[d + 1, r] = left[d, r] - D[j, r]
        for q in range(num_bounds):
            cell[d + 1, q] = cell[d, q] - step[q, j]
            priced[d + 1, q] = priced[d, q] - penalty[q, j]
        value[d + 1] = value[d] + v[j]
        item[d + 1] = j
        copies[d + 1] = copies[d] + 1
        d += 1
        if value[d] > k:
            return 1, nodes
    return 0, nodes
