"""Interference rules in sparse rows: for each service, every other one with which it has a rule, and both limits.

Rules come in one direction each, sorted; rows hold both. A fleet may have 50 million rules, so rows are merged from the
rules and their transpose (a counting sort) in compiled kernels, linear in time and without temporary keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from placement.units import IntArray

Int32Array = npt.NDArray[np.int32]

NO_LIMIT = int(np.iinfo(np.int32).max)


@dataclass(frozen=True)
class Rules:
    """Interference in sparse rows, each pair of services in both directions.

    Row s lists, sorted, every service t that has a rule with s: on a host with s at most `most_other` of t may
    stand, and with t at most `most_self` of s. `NO_LIMIT`: the rule says nothing in that direction.

    Parameters
    ----------
    start
        int64[num_services + 1]: where each row begins.
    other, most_other, most_self
        int32[num_entries].
    """

    start: IntArray
    other: Int32Array
    most_other: Int32Array
    most_self: Int32Array


def no_rules(num_services: int) -> Rules:
    """Return rows without an entry."""
    return Rules(np.zeros(num_services + 1, np.int64), *(np.zeros(0, np.int32) for _ in range(3)))


def rule_rows(service: Int32Array, other: Int32Array, most: Int32Array, num_services: int) -> Rules:
    """Return the rows of rules.

    Parameters
    ----------
    service, other, most
        int32[num_rules]: on a host with `service` at most `most` of `other`; sorted by service and other, no two for
        the same two, none of a service with itself.
    num_services
        How many services there are.
    """
    if not len(service):
        return no_rules(num_services)
    start = _starts(service, num_services)
    back_start, back, back_most = _transposed(service, other, most, num_services)
    row_start = np.zeros(num_services + 1, np.int64)
    np.cumsum(_row_lengths(start, other, back_start, back), out=row_start[1:])
    num_entries = int(row_start[-1])
    rules = Rules(row_start, *(np.empty(num_entries, np.int32) for _ in range(3)))
    _merge(
        start, other, most, back_start, back, back_most,
        row_start, rules.other, rules.most_other, rules.most_self,
    )  # fmt: skip
    return rules


@njit(cache=True)
def _starts(of: Any, num: int) -> Any:
    """Return where each number's entries would begin if they were sorted: int64[num + 1]."""
    start = np.zeros(num + 1, np.int64)
    for e in range(len(of)):
        start[of[e] + 1] += 1
    for s in range(num):
        start[s + 1] += start[s]
    return start


@njit(cache=True)
def _transposed(service: Any, other: Any, most: Any, num: int) -> Any:
    """Return the rules by their second service: where each one's begin, the first services (sorted), the limits."""
    start = _starts(other, num)
    place = start[:-1].copy()
    back = np.empty(len(service), np.int32)
    back_most = np.empty(len(service), np.int32)
    for e in range(len(service)):
        p = place[other[e]]
        place[other[e]] = p + 1
        back[p] = service[e]
        back_most[p] = most[e]
    return start, back, back_most


@njit(cache=True)
def _row_lengths(start: Any, other: Any, back_start: Any, back: Any) -> Any:
    """Return how many different services each one has a rule with, in either direction: int64[num_services]."""
    num = len(start) - 1
    length = np.empty(num, np.int64)
    for s in range(num):
        a, a_end, b, b_end = start[s], start[s + 1], back_start[s], back_start[s + 1]
        total = (a_end - a) + (b_end - b)
        while a < a_end and b < b_end:
            x, y = other[a], back[b]
            total -= x == y
            a += x <= y
            b += y <= x
        length[s] = total
    return length


@njit(cache=True)
def _merge(
    start: Any, other: Any, most: Any, back_start: Any, back: Any, back_most: Any,
    row_start: Any, row_other: Any, row_most_other: Any, row_most_self: Any,
) -> None:  # fmt: skip
    """Merge each service's rules of both directions into its row."""
    for s in range(len(start) - 1):
        a, a_end, b, b_end = start[s], start[s + 1], back_start[s], back_start[s + 1]
        for e in range(row_start[s], row_start[s + 1]):
            row_most_other[e] = NO_LIMIT
            row_most_self[e] = NO_LIMIT
            here, there = a < a_end, b < b_end
            if here and (not there or other[a] <= back[b]):
                row_other[e] = other[a]
                row_most_other[e] = most[a]
                if there and back[b] == other[a]:
                    row_most_self[e] = back_most[b]
                    b += 1
                a += 1
            else:
                row_other[e] = back[b]
                row_most_self[e] = back_most[b]
                b += 1
