"""Dynamic programming over the loads that occur, without those that cannot lead beyond the threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from placement.units import IntArray
from placement.verify.exact import Work

_MAX_LABELS = 400_000
_STEPS_PER_LABEL = 30
"""What a label costs, in cells of a grid."""


def exceeds_by_labels(
    v: IntArray,
    D: IntArray,
    m: IntArray,
    L: IntArray,
    *,
    threshold: int,
    multipliers: list[IntArray],
    work: Work,
) -> bool | None:
    """Tell whether a pattern is worth more than k; None where that takes more steps than allowed.

    A label is a load and the greatest value known for it. Items are added one by one, in all numbers of copies.
    With u ≥ 0, what a label can still become is at most value + u·(L - load) + Σ m_i·max(0, v_i - u·D_i) over
    the items to come; labels for which that is at most k for some u are dropped.

    Parameters
    ----------
    v, D, m, L
        As in `multipliers.search_multipliers`; v below 2**55.
    threshold
        k, below 2**55.
    multipliers
        The u to bound with, as `multipliers.search_multipliers` returns them.
    work
        What it may cost; used up on the way.
    """
    k = threshold
    prices = np.stack(multipliers)  # int64[num_multipliers, num_resources]
    order = np.lexsort((np.arange(len(v)), -(D @ prices[0])))  # large items first
    v, D, m = v[order], D[order], m[order]
    rest = _suffix_gains(v, D, m, prices, k) + (prices @ L)[:, None]
    load = np.zeros((1, D.shape[1]), dtype=np.int64)
    value = np.zeros(1, dtype=np.int64)
    for item in range(len(v)):
        loads, values = [load], [value]
        for _ in range(int(m[item])):
            load = load + D[item]
            value = value + v[item]
            fits = (load <= L).all(axis=1)
            load, value = load[fits], value[fits]
            if (value > k).any():
                return True
            alive = _can_exceed(load, value, prices, rest=rest[:, item + 1], k=k)
            # one more copy of the item can make up for it: the label goes, those that come from it do not
            loads.append(load[alive])
            values.append(value[alive])
            if not len(load):
                break
            if not work.take(_STEPS_PER_LABEL * len(load)) or sum(map(len, loads)) > 4 * _MAX_LABELS:
                return None
        first = _can_exceed(loads[0], values[0], prices, rest=rest[:, item + 1], k=k)
        loads[0], values[0] = loads[0][first], values[0][first]
        load, value = _best_per_load(np.concatenate(loads), np.concatenate(values), L)
        if not len(load):
            return False
        if len(load) > _MAX_LABELS:
            return None
    return False


def _suffix_gains(v: IntArray, D: IntArray, m: IntArray, prices: IntArray, k: int) -> IntArray:
    """Return Σ m·max(0, v - u·D) over the items from each on, at most k + 1.

    The array is int64[num_multipliers, num_items + 1].
    """
    gains = np.zeros((len(prices), len(v) + 1), dtype=np.int64)
    for row, u in enumerate(prices):
        total = 0
        for item in range(len(v) - 1, -1, -1):
            gain = int(v[item]) - int(D[item] @ u)
            total = min(total + max(gain, 0) * int(m[item]), k + 1)
            gains[row, item] = total
    return gains


def _can_exceed(load: IntArray, value: IntArray, prices: IntArray, *, rest: IntArray, k: int) -> npt.NDArray[np.bool_]:
    """Return bool[num_labels]: whether the label can become worth more than k, as far as all multipliers tell.

    `rest` is, per multiplier, u·L and the gains of the items to come.
    """
    alive = np.ones(len(load), dtype=np.bool_)
    for u, most in zip(prices, rest.tolist(), strict=True):
        alive &= value - load @ u + most > k
    return alive


def _best_per_load(load: IntArray, value: IntArray, L: IntArray) -> tuple[IntArray, IntArray]:
    """Keep the greatest value of each load; with one resource also drop what a smaller load is worth as well."""
    order = np.lexsort((-value, *load.T[::-1]))
    load, value = load[order], value[order]
    first = np.ones(len(load), dtype=np.bool_)
    first[1:] = (load[1:] != load[:-1]).any(axis=1)
    load, value = load[first], value[first]
    if len(L) == 1 and len(value):
        before = np.maximum.accumulate(value)
        rising = np.ones(len(value), dtype=np.bool_)
        rising[1:] = value[1:] > before[:-1]
        load, value = load[rising], value[rising]
    return load, value
