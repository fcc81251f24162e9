"""Sums of products that never overflow, and a budget of work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

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


def ceil_sum(terms: Sequence[tuple[Fraction, IntArray]], constant: Fraction = Fraction(0)) -> IntArray:
    """Return ⌈Σ factor·values + constant⌉ exactly: int64[n].

    Parameters
    ----------
    terms
        Factors ≥ 0, each with int64[n] ≥ 0 or as many Python integers.
    constant
        What is added to each, ≥ 0.
    """
    common = math.lcm(constant.denominator, *(factor.denominator for factor, _ in terms))
    whole = [(int(factor * common), values) for factor, values in terms]
    most = int(constant * common) + common + sum(k * int(values.max(initial=0)) for k, values in whole)
    kind = np.int64 if most < _SAFE else object
    total = np.full(len(terms[0][1]), int(constant * common), dtype=kind)
    for k, values in whole:
        total = total + values.astype(kind) * k
    return np.asarray(-(-total // common), dtype=np.int64)


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
