"""What to order by which date: from what is needed over time, lead times, and the levels at which to order.

With capacity *C* (in place and on order), need *u(t)*, order-at level *a* and lead time *L* (its high end: what is
ordered must be there in time), the next order is placed at::

    min( first t with u(t) > a C,   first t with u(t) > C, less L )

the guide's level, or earlier where growth is so quick that the level would be too late. It brings the capacity to what
is needed at the level *a* when the order after it could be there: *u(t + L + review) / a*, in whole units. That is
repeated to the horizon, and every step is a dated order.
"""

from __future__ import annotations

import calendar
import datetime
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from placement.capacity.model import CapacityModel
from placement.errors import InputError, Problem, nearest_name
from placement.units import FloatArray

WEEKS_PER_MONTH = 365.25 / 12 / 7

_MAX_ORDERS = 10_000
_SNAP = 1e-9


@dataclass(frozen=True, eq=False)
class Need:
    """What is needed of one item over time.

    Parameters
    ----------
    item
        What is ordered, e.g. ``medium hosts``.
    resource
        Row of the model's procurement table, e.g. ``bare-metal-servers``.
    in_place
        Units there are now.
    units
        float64[num_months + 1], units in use at the end of each month; month 0 is now. Between months it is taken to
        grow evenly.
    price_per_month
        Price of one unit for a month, in the currency of whoever asks.
    stopgap_per_month
        What a unit costs a month where it must be had at once, a cloud machine's price, say; None: no such thing.
    """

    item: str
    resource: str
    in_place: float
    units: FloatArray
    price_per_month: float = 0.0
    stopgap_per_month: float | None = None


@dataclass(frozen=True)
class Slip:
    """What it costs to place an order a month late or early.

    Parameters
    ----------
    months
        1: late; -1: early.
    idle_cost
        Price of the units for the month that they are paid longer; negative: saved, as they are paid shorter.
    unit_months_short
        Units that lack, times the months that they do, until what was ordered arrives.
    most_units_short
        The most units that lack at any time.
    stopgap_cost
        Price of the lacking units at the stopgap's price; None: there is none.
    highest_use
        Highest use of the capacity in place from the order to its arrival, as a share; None: there is none in place.
    """

    months: int
    idle_cost: float
    unit_months_short: float
    most_units_short: float
    stopgap_cost: float | None
    highest_use: float | None


@dataclass(frozen=True)
class Order:
    """One line for purchasing.

    Parameters
    ----------
    order_by
        Latest date to order.
    arrives_by
        Date at which it is there if the lead time is at its longest; `arrives_from`: at its shortest.
    quantity
        Units to order; `capacity_after`: all there are then.
    reason
        ``order-at``: use passes the level at which the guide orders; ``lead-time``: the level would be too late.
    is_late
        Whether it should have been ordered before the first day: units will lack.
    month
        `order_by` in months from the first day.
    use
        Use at that time of the capacity in place and on order, as a share; None: there is none.
    """

    order_by: datetime.date
    arrives_from: datetime.date
    arrives_by: datetime.date
    item: str
    resource: str
    quantity: int
    capacity_after: float
    reason: Literal["order-at", "lead-time"]
    is_late: bool
    month: float
    use: float | None
    a_month_late: Slip
    a_month_early: Slip


def purchase_orders(
    model: CapacityModel, needs: Iterable[Need], start: datetime.date, *, review_months: float = 1
) -> tuple[Order, ...]:
    """Return the orders up to the horizon, the earliest first.

    Parameters
    ----------
    start
        The first day, the date of month 0.
    review_months
        How often capacity is reviewed: an order lasts until the next one could be there after that.

    Raises
    ------
    InputError
        With everything that is wrong with the needs.
    """
    needs = tuple(needs)
    problems = [problem for need in needs for problem in _problems(model, need)]
    if not review_months > 0:
        problems.append(Problem("procurement", "not an interval", column="review_months", value=str(review_months)))
    if problems:
        raise InputError(problems)
    orders = [order for need in needs for order in _orders(model, need, start, review_months)]
    return tuple(sorted(orders, key=lambda order: (order.order_by, order.item)))


def date_at(start: datetime.date, month: float) -> datetime.date:
    """Return the day so many calendar months after a date, rounded down to a whole day."""
    whole = math.floor(month)
    first, then = _months_later(start, whole), _months_later(start, whole + 1)
    return first + datetime.timedelta(days=math.floor((month - whole) * (then - first).days + _SNAP))


def first_beyond(units: FloatArray, level: float) -> float | None:
    """Return the time in months at which a need first passes a level, None: it never does.

    A need that is beyond it from the beginning passes it at 0.
    """
    beyond = np.flatnonzero(units > level * (1 + _SNAP))
    if not len(beyond):
        return None
    month = int(beyond[0])
    if month == 0:
        return 0.0
    before, after = float(units[month - 1]), float(units[month])
    return month - 1 + max(0.0, level - before) / (after - before)


def _orders(model: CapacityModel, need: Need, start: datetime.date, review_months: float) -> Iterator[Order]:
    row = model.procurement.resources[need.resource]
    if row.order_at_share is None:
        return  # had within minutes: nothing is ordered ahead
    level = row.order_at_share.typical
    shortest, longest = row.lead_time_weeks.low / WEEKS_PER_MONTH, row.lead_time_weeks.high / WEEKS_PER_MONTH
    horizon = len(need.units) - 1
    # what arrives when: the capacity in place at any time
    steps: list[tuple[float, float]] = [(-math.inf, need.in_place)]
    capacity, earliest = need.in_place, 0.0
    for _ in range(_MAX_ORDERS):
        at_level = first_beyond(need.units, level * capacity)
        if at_level is None:
            return
        full = first_beyond(need.units, capacity)
        last_call = math.inf if full is None else full - longest
        due = min(at_level, last_call)
        month = max(due, earliest)
        if month > horizon:
            return
        target = math.ceil(_units_at(need.units, month + longest + review_months) / level - _SNAP)
        quantity = max(1, math.ceil(target - capacity - _SNAP))
        arrival = month + longest
        before = tuple(steps)
        steps.append((arrival, capacity + quantity))
        capacity += quantity
        earliest = month
        yield Order(
            order_by=date_at(start, month),
            arrives_from=date_at(start, month + shortest),
            arrives_by=date_at(start, arrival),
            item=need.item,
            resource=need.resource,
            quantity=quantity,
            capacity_after=capacity,
            reason="lead-time" if last_call < at_level else "order-at",
            is_late=due < month and last_call < month,
            month=month,
            use=_use(_units_at(need.units, month), capacity - quantity),
            a_month_late=_slip(need, quantity, before, month, arrival, 1),
            a_month_early=_slip(need, quantity, before, month, arrival, -1),
        )


def _slip(
    need: Need, quantity: int, steps: Sequence[tuple[float, float]], month: float, arrival: float, months: int
) -> Slip:
    """Return what comes of an order that is placed, and arrives, months later (or earlier) than it should."""
    since, until = max(0.0, month + min(0, months)), max(0.0, arrival + months)
    unit_months, most = 0.0, 0.0
    uses: list[float | None] = []
    # the capacity in place changes where earlier orders arrive; between such times and months the need is even
    whole = (float(number) for number in range(math.floor(since) + 1, math.ceil(until)))
    times = sorted({since, until, *whole, *(time for time, _ in steps if since < time < until)})
    for begin, end in pairwise(times):
        capacity = max(amount for time, amount in steps if time <= begin)
        first, last = _units_at(need.units, begin), _units_at(need.units, end)
        unit_months += _area_above(first - capacity, last - capacity) * (end - begin)
        most = max(most, first - capacity, last - capacity)
        uses.append(_use(max(first, last), capacity))
    return Slip(
        months=months,
        idle_cost=-months * quantity * need.price_per_month,
        unit_months_short=unit_months,
        most_units_short=most,
        stopgap_cost=None if need.stopgap_per_month is None else unit_months * need.stopgap_per_month,
        highest_use=None if None in uses else max((use for use in uses if use is not None), default=None),
    )


def _area_above(first: float, last: float) -> float:
    """Return the mean of the positive part of a line from one value to another."""
    if first >= 0 and last >= 0:
        return (first + last) / 2
    if first <= 0 and last <= 0:
        return 0.0
    top = max(first, last)
    return top / 2 * top / abs(last - first)


def _units_at(units: FloatArray, month: float) -> float:
    """Return the need at a time; beyond the horizon it grows on as in its last month."""
    last = len(units) - 1
    if month > last > 0:
        return float(units[last]) + max(0.0, float(units[last] - units[last - 1])) * (month - last)
    return float(np.interp(month, np.arange(last + 1), units))


def _use(units: float, capacity: float) -> float | None:
    return units / capacity if capacity else None


def _months_later(start: datetime.date, months: int) -> datetime.date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def _problems(model: CapacityModel, need: Need) -> Iterator[Problem]:
    resources = model.procurement.resources
    if need.resource not in resources:
        yield Problem(
            "procurement",
            "no such resource in the capacity model",
            column=need.item,
            value=need.resource,
            allowed=", ".join(resources),
            suggestion=nearest_name(need.resource, resources),
        )
    elif (share := resources[need.resource].order_at_share) is not None and not share.typical > 0:
        yield Problem(
            "procurement", "orders without end", column=need.resource, value=str(share.typical), allowed="> 0"
        )
    if len(need.units) < 2 or not np.isfinite(need.units).all() or (np.asarray(need.units) < 0).any():
        yield Problem("procurement", "not a need over months", column=need.item, allowed="two numbers >= 0 or more")
    if not 0 <= need.in_place < math.inf:
        yield Problem("procurement", "not a capacity", column=need.item, value=str(need.in_place), allowed=">= 0")
