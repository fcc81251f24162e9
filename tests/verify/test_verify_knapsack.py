"""The judge of patterns against plain enumeration, and at the sizes it must cope with."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.verify import completions, knapsack
from placement.verify.exact import Work, dot, rows_dot
from placement.verify.knapsack import Verdict, judge_patterns

PLENTY = 10**9


def judge(values: list[int], demands: list, most: list[int], limit: list[int], threshold: int) -> Verdict:
    D = np.array(demands, dtype=np.int64).reshape(len(values), len(limit))
    m, L = np.array(most, dtype=np.int64), np.array(limit, dtype=np.int64)
    return judge_patterns(values, D, m, L, threshold, work=Work(PLENTY))


def enumerate_patterns(values: list[int], demands: list, most: list[int], limit: list[int]) -> int:
    """Greatest value of a pattern, by trying all of them."""
    best = 0
    for counts in itertools.product(*(range(number + 1) for number in most)):
        loads = [sum(c * row[r] for c, row in zip(counts, demands, strict=True)) for r in range(len(limit))]
        if all(load <= capacity for load, capacity in zip(loads, limit, strict=True)):
            best = max(best, sum(c * v for c, v in zip(counts, values, strict=True)))
    return best


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[int], list, list[int], list[int]]:
    num_items, num_resources = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    demand = st.lists(st.integers(0, 12), min_size=num_resources, max_size=num_resources)
    demands = draw(st.lists(demand, min_size=num_items, max_size=num_items))
    if draw(st.booleans()):
        # values in proportion to demand: every full host is worth about as much, the hard case
        price = draw(st.lists(st.integers(0, 4), min_size=num_resources, max_size=num_resources))
        values = [sum(p * d for p, d in zip(price, row, strict=True)) for row in demands]
    else:
        values = draw(st.lists(st.integers(0, 30), min_size=num_items, max_size=num_items))
    most = draw(st.lists(st.integers(0, 3), min_size=num_items, max_size=num_items))
    limit = draw(st.lists(st.integers(0, 30), min_size=num_resources, max_size=num_resources))
    return values, demands, most, limit


def _never(*_: object) -> None:
    return None


_by_search = knapsack._by_search

METHODS = {
    "grid": {"_by_search": _never, "_by_labels": _never},
    "search": {"_by_grid": _never, "_by_labels": _never},
    "thorough search": {
        "_by_grid": _never,
        "_by_search": lambda problem, prices, is_thorough, work: (
            _by_search(problem, prices, is_thorough, work) if is_thorough else None
        ),
        "_by_labels": _never,
    },
    "labels": {"_by_grid": _never, "_by_search": _never},
}
"""What to take away so that only one method is left."""


@pytest.mark.parametrize("method", METHODS)
@given(problem=problems(), scale=st.sampled_from([1, 10**6, 10**15 + 37]))
@settings(max_examples=150, deadline=None)
def test_agrees_with_enumeration(problem: tuple, scale: int, method: str) -> None:
    values, demands, most, limit = problem
    best = enumerate_patterns(values, demands, most, limit) * scale
    values = [value * scale for value in values]
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in METHODS[method].items():
            patch.setattr(knapsack, name, stand_in)
        assert judge(values, demands, most, limit, best).outcome == "within"
        assert judge(values, demands, most, limit, best + 1).outcome == "within"
        assert judge(values, demands, most, limit, best - 1).outcome == "exceeded"


@given(problem=problems(), noise=st.lists(st.integers(0, 10**20), min_size=5, max_size=5), off=st.integers(-3, 3))
@settings(max_examples=200, deadline=None)
def test_never_wrong_where_values_are_too_large_to_be_exact(problem: tuple, noise: list[int], off: int) -> None:
    values, demands, most, limit = problem
    values = [value * 10**21 + more for value, more in zip(values, noise, strict=False)]
    best = enumerate_patterns(values, demands, most, limit)
    outcome = judge(values, demands, most, limit, best + off).outcome
    assert outcome in {"unsettled", "within" if off >= 0 else "exceeded"}
    assert judge(values, demands, most, limit, best + best // 1000 + 1).outcome == "within"


def test_values_beyond_64_bits_are_rounded_the_safe_way() -> None:
    huge = 10**30
    values, demands, most = [3 * huge, 1], [[5], [5]], [9, 1]  # the item worth 1 leaves no common divisor
    assert judge(values, demands, most, [10], 6 * huge + huge // 100).outcome == "within"
    # a little too much is not told from rounding, a lot is not called valid either
    assert judge(values, demands, most, [10], 6 * huge - 1).outcome == "unsettled"
    assert judge(values, demands, most, [10], 2 * huge).outcome == "exceeded"


def test_common_divisors_of_large_values_cost_no_digits() -> None:
    huge = 10**30
    assert judge([3 * huge], [[5]], [9], [10], 6 * huge).outcome == "within"
    assert judge([3 * huge], [[5]], [9], [10], 6 * huge - 1).outcome == "exceeded"


def test_a_price_below_zero_is_exceeded_by_the_empty_host() -> None:
    assert judge([1], [[5]], [1], [1], -1).outcome == "exceeded"
    assert judge([1], [[5]], [1], [1], 0).outcome == "within"  # the item does not fit


def test_resources_that_all_fit_leave_only_the_counts() -> None:
    # 2 x 3 + 1 x 4 = 10, whatever the limits
    assert judge([3, 4], [[1, 0], [1, 1]], [2, 1], [100, 100], 10).outcome == "within"
    assert judge([3, 4], [[1, 0], [1, 1]], [2, 1], [100, 100], 9).outcome == "exceeded"


def test_too_much_work_is_unsettled_not_silent() -> None:
    # subset sums: 40 odd sizes near each other, a limit no sum meets, values equal to sizes
    sizes = [10_000_019 + 2 * 7919 * k * k for k in range(40)]
    limit = sum(sizes) // 2
    D = np.array(sizes, dtype=np.int64)[:, None]
    one = np.ones(40, dtype=np.int64)
    verdict = judge_patterns(sizes, D, one, np.array([limit]), limit - 1, work=Work(10_000))
    assert verdict.outcome == "unsettled"
    assert verdict.bound == limit


def test_a_production_like_host_is_settled_exactly() -> None:
    """144 shapes on 64 cores and 128 GB, as in a well-known production trace."""
    gigabytes = (1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40, 46, 52, 56, 60, 64)
    shapes = [(c, g) for c in (1, 2, 4, 6, 8, 16, 20, 32) for g in gigabytes]
    assert len(shapes) == 144
    rng = np.random.default_rng(5)
    values = [int(1000 * c + 400 * g + rng.integers(0, 300)) for c, g in shapes]
    demands = [(1000 * c, 1000 * g) for c, g in shapes]
    most = rng.integers(1, 9, 144).tolist()
    # bisect for the best pattern: every judgement on the way must be settled
    low, high = 0, 200_000
    while low < high:
        middle = (low + high) // 2
        outcome = judge(values, demands, most, [64_000, 128_000], middle).outcome
        assert outcome != "unsettled"
        low, high = (low, middle) if outcome == "within" else (middle + 1, high)
    best, cells = low, np.zeros((65, 129), dtype=np.int64)
    for value, (c, g), copies in zip(values, shapes, most, strict=True):
        for _ in range(copies):  # plain dynamic programming, one copy at a time
            cells[c:, g:] = np.maximum(cells[c:, g:], cells[: 65 - c, : 129 - g] + value)
    assert best == cells.max()


@pytest.mark.parametrize("num_resources", [3, 5, 10])
def test_many_resources_are_settled_exactly(num_resources: int) -> None:
    """Few large items a host in many resources, too many cells for a grid: the search is left, and is exact."""
    rng = np.random.default_rng(num_resources)
    D = rng.integers(10, 60, (60, num_resources))
    L = np.full(num_resources, 100)
    price = rng.integers(1, 9, num_resources)
    values = (D @ price + rng.integers(0, 40, 60)).tolist()
    one = np.ones(60, dtype=np.int64)
    # plain recursion over the items that still fit
    best = 0
    stack = [(0, 0, L)]
    while stack:
        item, value, left = stack.pop()
        best = max(best, value)
        stack += [(j + 1, value + values[j], left - D[j]) for j in range(item, 60) if (D[j] <= left).all()]
    for threshold, outcome in ((best, "within"), (best - 1, "exceeded")):
        work = Work(50_000_000)
        assert judge_patterns(values, D, one, L, threshold, work=work).outcome == outcome


@given(problem=problems(), unit=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_coarse_relaxations_still_bound(problem: tuple, unit: int) -> None:
    values, demands, most, limit = problem
    D = np.array(demands, dtype=np.int64).reshape(len(values), len(limit))
    rows = np.flatnonzero((limit >= D).all(axis=1) & D.any(axis=1) & (np.array(most) > 0))
    v, m, L = np.array(values, dtype=np.int64)[rows], np.array(most)[rows], np.array(limit)
    if not len(rows):
        return
    best = enumerate_patterns(v.tolist(), D[rows].tolist(), m.tolist(), limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completions, "_MAX_CELLS", 7 * (len(rows) + 1) * (1 + 40 // unit))
        for threshold in (best, best + 5):
            bounds = completions.relaxations(
                v, D[rows], m, L, threshold=threshold, prices=np.full(len(L), unit), pairs=True, work=Work(PLENTY)
            )
            assert bounds
            # entries end at the threshold and one: a bound above it only says that it is above
            assert all(bound.bound >= min(best, threshold + 1) for bound in bounds)


def test_exact_products() -> None:
    matrix = np.array([[10**12, 1], [3, 10**12]], dtype=np.int64)
    assert rows_dot(matrix, [10**30, 7]).tolist() == [10**42 + 7, 3 * 10**30 + 7 * 10**12]
    assert rows_dot(matrix, [2, 3]).tolist() == [2 * 10**12 + 3, 6 + 3 * 10**12]
    big = np.full(10, 2**62, dtype=np.int64)
    assert dot(big, big) == 10 * 2**124
    assert dot(big[:0], big[:0]) == 0
