"""Orders from needs, lead times and order-at levels: calculations by hand, and what holds of every list."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.capacity import load_model
from placement.capacity.purchasing import WEEKS_PER_MONTH, Need, date_at, first_beyond, purchase_orders
from placement.errors import InputError

MODEL = load_model("rithmxo-1.0")
START = datetime.date(2027, 1, 1)
SIX_WEEKS = 6 / WEEKS_PER_MONTH  # 1.38 months


def need(units: object, in_place: float = 100, resource: str = "bare-metal-servers", **more: float) -> Need:
    return Need("medium hosts", resource, in_place, np.asarray(units, np.float64), **more)


def test_hosts_are_ordered_at_70_percent() -> None:
    # 50, 60, … 170: 70 % of 100 at month 2. The order lasts until the next one could be there:
    # month 2 + 1.38 + 1 = 4.38, where 93.8 are needed: 93.8 / 0.7 = 134 hosts, 34 more.
    orders = purchase_orders(MODEL, [need(np.arange(50, 171, 10), price_per_month=100)], START)
    first, second = orders[:2]
    assert (first.order_by, first.quantity, first.capacity_after, first.reason) == (
        datetime.date(2027, 3, 1), 34, 134, "order-at",
    )  # fmt: skip
    assert first.use == pytest.approx(0.7)
    assert not first.is_late
    # 2 and 6 weeks after 1 March
    assert abs((first.arrives_from - datetime.date(2027, 3, 15)).days) <= 1
    assert abs((first.arrives_by - datetime.date(2027, 4, 12)).days) <= 1
    assert second.month == pytest.approx(2 + SIX_WEEKS + 1, abs=0.01)
    assert [order.order_by for order in orders] == sorted(order.order_by for order in orders)


def test_a_month_early_and_a_month_late() -> None:
    (first, *_) = purchase_orders(
        MODEL, [need(np.arange(50, 171, 10), price_per_month=100, stopgap_per_month=300)], START
    )
    # 34 hosts a month longer or shorter; at 70 % a month's delay does no harm: month 2 + 1.38 + 1 needs 93.8 of 100
    assert (first.a_month_early.idle_cost, first.a_month_late.idle_cost) == (3_400, -3_400)
    assert first.a_month_late.unit_months_short == 0
    assert first.a_month_late.stopgap_cost == 0
    assert first.a_month_late.highest_use == pytest.approx(0.938, abs=0.001)


def test_what_lacks_when_an_order_is_late() -> None:
    # 60, 80, 100, 120: the level (70) at month 0.5, and at 0.5 + 1.38 = 1.88 the order is there, 97.6 being needed.
    # A month later, at 2.88, 117.6 are needed of 100: between months 2 and 2.88 17.6 × 0.88 / 2 = 7.74 unit-months.
    (order, *_) = purchase_orders(MODEL, [need([60, 80, 100, 120, 140, 160, 180], stopgap_per_month=10)], START)
    assert order.month == pytest.approx(0.5)
    late = order.a_month_late
    lacking = 0.5 + SIX_WEEKS + 1 - 2
    assert late.most_units_short == pytest.approx(20 * lacking)
    assert late.unit_months_short == pytest.approx(10 * lacking**2)
    assert late.stopgap_cost == pytest.approx(100 * lacking**2)
    assert order.a_month_early.unit_months_short == 0


def test_quick_growth_is_ordered_before_the_level() -> None:
    # 10, 10, 10, 200: the level at 2.32 months, all 100 in use at 2.47. Six weeks before that is 1.09.
    (order, *_) = purchase_orders(MODEL, [need([10, 10, 10, 200, 200, 200])], START)
    assert order.reason == "lead-time"
    assert order.month == pytest.approx(2 + 90 / 190 - SIX_WEEKS)
    assert not order.is_late
    assert order.use == pytest.approx(0.1)


def test_what_should_have_been_ordered_before_today() -> None:
    # in a week 100 are in use, and an order takes up to six
    (order, *_) = purchase_orders(MODEL, [need([95, 120, 140, 160])], START)
    assert order.order_by == START
    assert order.is_late
    assert order.a_month_late.most_units_short > order.a_month_early.most_units_short


def test_nothing_in_place_and_nothing_needed() -> None:
    (order, *_) = purchase_orders(MODEL, [need([5, 5, 5], in_place=0)], START)
    assert (order.order_by, order.is_late, order.use, order.quantity) == (START, True, None, 8)  # 5 / 0.7 = 7.1
    assert purchase_orders(MODEL, [need([0, 0, 0], in_place=0)], START) == ()
    assert purchase_orders(MODEL, [need([70, 70, 70])], START) == ()  # at the level, not beyond


def test_cloud_machines_are_not_ordered_ahead() -> None:
    assert purchase_orders(MODEL, [need([10, 1_000], resource="cloud-vms")], START) == ()


@pytest.mark.parametrize(
    ("resource", "level", "weeks"),
    [
        ("bare-metal-servers", 70, 6),
        ("network-equipment", 60, 8),
        ("database-licenses", 75, 2),
        ("storage-expansion", 70, 4),
    ],
)
def test_the_guides_levels_and_lead_times(resource: str, level: int, weeks: int) -> None:
    # one unit more a month, from 50: the level is passed at month level - 50
    (order, *_) = purchase_orders(MODEL, [need(np.arange(50, 90), resource=resource)], START)
    assert order.month == pytest.approx(level - 50)
    assert order.order_by == date_at(START, level - 50)
    assert abs((order.arrives_by - order.order_by).days - 7 * weeks) <= 2


def test_dates() -> None:
    assert date_at(datetime.date(2027, 1, 31), 1) == datetime.date(2027, 2, 28)
    assert date_at(datetime.date(2027, 1, 1), 0.5) == datetime.date(2027, 1, 16)
    assert date_at(datetime.date(2027, 11, 15), 14) == datetime.date(2029, 1, 15)


def test_first_beyond() -> None:
    units = np.array([10, 20, 20, 40.0])
    assert first_beyond(units, 15) == 0.5
    assert first_beyond(units, 20) == 2.0  # passed after month 2, not at month 1
    assert first_beyond(units, 5) == 0.0
    assert first_beyond(units, 40) is None


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.integers(0, 60), min_size=2, max_size=36),
    in_place=st.integers(0, 300),
    resource=st.sampled_from(["bare-metal-servers", "network-equipment", "database-licenses", "storage-expansion"]),
    review=st.sampled_from([1, 3]),
)
def test_with_every_order_in_time_nothing_ever_lacks(
    steps: list[int], in_place: int, resource: str, review: int
) -> None:
    units = np.cumsum(steps).astype(np.float64)
    orders = purchase_orders(MODEL, [need(units, in_place, resource)], START, review_months=review)
    longest = MODEL.procurement.resources[resource].lead_time_weeks.high / WEEKS_PER_MONTH
    arrivals = [(order.month + longest, order.capacity_after) for order in orders]
    late_until = max((order.month + longest for order in orders if order.is_late), default=-1.0)
    for month, amount in enumerate(units):
        if month > late_until:
            there = max([in_place, *(capacity for time, capacity in arrivals if time <= month)])
            assert amount <= there + 1e-6, (month, amount, there)
    assert [order.month for order in orders] == sorted(order.month for order in orders)
    assert all(order.quantity >= 1 for order in orders)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.integers(0, 60), min_size=2, max_size=24), more=st.integers(1, 100))
def test_more_in_place_is_never_ordered_sooner(steps: list[int], more: int) -> None:
    units = np.cumsum(steps).astype(np.float64)
    few = purchase_orders(MODEL, [need(units, 50)], START)
    many = purchase_orders(MODEL, [need(units, 50 + more)], START)
    if many:
        assert few
        assert few[0].month <= many[0].month


def test_names_and_order_of_needs_change_nothing() -> None:
    one, other = need(np.arange(50, 171, 10)), need([60, 80, 100, 120])
    renamed = [replace(other, item="b"), replace(one, item="a")]
    plain = purchase_orders(MODEL, [replace(one, item="a"), replace(other, item="b")], START)
    assert purchase_orders(MODEL, renamed, START) == plain
    assert {order.item for order in plain} == {"a", "b"}


def test_everything_wrong_is_named() -> None:
    with pytest.raises(InputError) as raised:
        purchase_orders(
            MODEL,
            [need([1, 2], resource="bare-metal"), need([1]), need([1, np.nan]), need([1, -1]), need([1, 2], -1)],
            START,
            review_months=0,
        )
    assert len(raised.value.problems) == 6
    assert "did you mean 'bare-metal-servers'" in str(raised.value)
