"""Sums of products that never overflow, and a budget of work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.units import IntArray

_SAFE = 2**62


def dot(one: IntArray, other: IntArray) -> int:
    """Return Σ one·other exactly, however large; both int64[n] or arrays of Python integers."""
    if not len(one):
        return 0
    largest = max(abs(int(one.max())), abs(int(one.min()))) * max(abs(int(other.max())), abs(int(other.min())))
    if object not in (one.dtype, other.dtype) and largest * len(one) < _SAFE:
        return int(one @ other)
    return sum(a * b for a, b in zip(one.tolist(), other.tolist(), strict=True))


def rows_dot(matrix: IntArray, vector: list[int]) -> IntArray:
    """Return matrix·vector exactly: int64[n], or Python integers in an object array where int64 is too narrow.

    Parameters
    ----------
    matrix
        int64[n, r] ≥ 0.
    vector
        r integers ≥ 0 of any size.
    """
    columns = matrix.max(axis=0, initial=0).tolist()
    if sum(a * b for a, b in zip(columns, vector, strict=True)) < _SAFE and max(vector, default=0) < _SAFE:
        return matrix @ np.array(vector, dtype=np.int64)
    total = np.zeros(len(matrix), dtype=object)
    for column, weight in zip(matrix.T, vector, strict=True):
        if weight:
            total = total + column.astype(object) * weight
    return total


@dataclass
class Work:
    """How many steps a check may still take: a count and not a time, so that its outcome is always the same."""

    steps: int

    def take(self, steps: int) -> bool:
        """Use up so many steps if there are as many left; return whether there were."""
        if steps > self.steps:
            return False
        self.steps -= steps
        return True
