"""Pricing against brute force: every pattern of small knapsacks is tried."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.knapsack import best_patterns

MANY = 1_000_000


def best_by_brute_force(values, demands, most, limit):
    best = 0
    for counts in itertools.product(*(range(m + 1) for m in most)):
        load = np.array(counts) @ demands
        if (load <= limit).all():
            best = max(best, int(np.dot(counts, values)))
    return best


def priced(values, demands, most, limit, threshold=0, max_nodes=MANY, num_patterns=1):
    n = len(values)
    patterns = np.zeros((num_patterns, n), np.int64)
    times = np.zeros(num_patterns, np.int64)
    left = np.array(most, np.int64)
    found = best_patterns(
        np.array(values, np.int64), np.array(demands, np.int64), np.array(most, np.int64), np.array(limit, np.int64),
        left, threshold, max_nodes, MANY, patterns, times,
    )  # fmt: skip
    return found, patterns, times, left


@st.composite
def knapsacks(draw):
    n = draw(st.integers(1, 5))
    R = draw(st.integers(1, 4))
    values = draw(st.lists(st.integers(0, 50), min_size=n, max_size=n))
    demands = draw(st.lists(st.lists(st.integers(0, 9), min_size=R, max_size=R), min_size=n, max_size=n))
    most = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    limit = draw(st.lists(st.integers(0, 20), min_size=R, max_size=R))
    return values, np.array(demands), most, np.array(limit)


@settings(max_examples=300, deadline=None)
@given(knapsacks())
def test_exact_against_brute_force(knapsack):
    values, demands, most, limit = knapsack
    (value, is_exact, relaxed, _, num), patterns, _, _ = priced(*knapsack)
    best = best_by_brute_force(values, demands, most, limit)
    assert is_exact
    assert value == best
    assert relaxed >= best - 1e-6
    if num:
        assert patterns[0] @ np.array(values) == best
        assert (patterns[0] @ demands <= limit).all()
        assert (patterns[0] <= most).all()


@settings(max_examples=100, deadline=None)
@given(knapsacks(), st.integers(-1, 1))
def test_threshold_is_to_be_exceeded(knapsack, above):
    values, demands, most, limit = knapsack
    best = best_by_brute_force(values, demands, most, limit)
    threshold = max(0, best + above)
    (value, is_exact, _, _, num), _, _, _ = priced(*knapsack, threshold=threshold)
    assert is_exact
    assert value == max(best, threshold)
    assert (num > 0) == (best > threshold)


def test_large_values_keep_their_last_digit():
    # 10^12 and one more: floats of bounds must not cut the better pattern
    values = [10**12, 10**12 + 1, 1]
    (value, is_exact, *_), _, _, _ = priced(values, [[5], [5], [5]], [1, 1, 1], [10])
    assert is_exact
    assert value == 2 * 10**12 + 1


def test_stops_at_its_nodes_and_says_so():
    random = np.random.default_rng(1)
    demands = random.integers(20, 40, (40, 3))
    values = demands.sum(axis=1) * 1000 + random.integers(0, 50, 40)
    (_, is_exact, relaxed, nodes, num), patterns, _, _ = priced(values, demands, [1] * 40, [200] * 3, max_nodes=50)
    assert not is_exact
    assert nodes <= 51
    assert num == 1
    assert patterns[0] @ values <= relaxed


@settings(max_examples=100, deadline=None)
@given(knapsacks())
def test_patterns_cover_what_fits(knapsack):
    values, demands, most, limit = knapsack
    if not best_by_brute_force(values, demands, most, limit):
        return  # no first pattern, and then no further ones
    num_patterns = sum(most) + 1
    (_, _, _, _, num), patterns, times, left = priced(*knapsack, num_patterns=num_patterns)
    assert (patterns[:num] @ demands <= limit).all()
    covered = times[:num] @ patterns[:num]
    alone = (demands <= limit).all(axis=1)
    assert (covered[alone] >= np.array(most)[alone]).all()
    assert left[alone].sum() == 0


@pytest.mark.parametrize("limit", [0, 4])
def test_nothing_fits(limit):
    (value, is_exact, _, _, num), _, _, _ = priced([7], [[5]], [3], [limit])
    assert (value, is_exact, num) == (0, True, 0)
