"""Forecasts: growth, plans at checkpoints, orders."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.capacity.growth import Rate
from placement.engine import Options, place
from placement.errors import InfeasibleError, InputError
from placement.fleet import Fleet, generate_fleet, read_fleet
from placement.forecast import Forecast, forecast_fleet, rates_of
from placement.forecast.checkpoints import between, sizes_to_plan
from placement.forecast.grown import grown, part_of, platform_alone
from placement.forecast.types import ORDERS_SCHEMA, Checkpoint
from placement.verify import check_plan


def test_services_grow_by_the_guides_formula(of_twelve: Forecast) -> None:
    # below 1,000 services: 200, 350, 500 % a year; 12 × 3, 12 × 4.5, 12 × 6
    end = of_twelve.timeline[-1].services
    assert (end.low, end.typical, end.high) == (pytest.approx(36), pytest.approx(54), pytest.approx(72))
    assert len(of_twelve.timeline) == 13
    assert end.low <= end.p10 <= end.p50 <= end.p90 <= end.high
    assert of_twelve.timeline[-1].date == "2027-01-01"


def test_the_first_month_is_the_plan_of_the_fleet_there_is(twelve: Fleet, of_twelve: Forecast) -> None:
    plan = place(twelve, Options())
    now = of_twelve.timeline[0]
    assert now.quantities["hosts"].typical == plan.summary.hosts.total
    assert now.quantities["cost_per_month"].typical == pytest.approx(plan.summary.cost.total_per_hour * 730)
    sizes = {size: ends.typical for size, ends in now.hosts_by_size.items() if ends.typical}
    assert sizes == plan.summary.hosts.by_size


def test_checkpoints_are_plans_of_grown_fleets(twelve: Fleet, of_twelve: Forecast) -> None:
    last = of_twelve.checkpoints[-1]
    assert (last.services, last.services_planned, last.scaled_by) == (72, 72, 1.0)
    plan = place(grown(twelve, {"": 72}, 1), Options())
    assert last.quantities["hosts"] == plan.summary.hosts.total
    # between checkpoints nothing is cheaper than the one before or dearer than the one after
    costs = [month.quantities["cost_per_month"].typical for month in of_twelve.timeline]
    assert costs == sorted(costs)


def test_a_grown_fleet_keeps_what_there_is_and_its_rules(twelve: Fleet) -> None:
    bigger = grown(twelve, {"": 30}, 1)
    assert len(bigger.services) == 30
    assert bigger.services["service"].is_sorted()
    assert bigger.services["service"].n_unique() == 30
    names = bigger.services["service"]
    assert set(twelve.services["service"]) <= set(names)
    rules = {
        (a, b)
        for fleet in (twelve,)
        for a, b in fleet.interference.select(
            pl.lit(fleet.services["service"]).implode().list.get(pl.col("service")).alias("a"),
            pl.lit(fleet.services["service"]).implode().list.get(pl.col("other")).alias("b"),
        ).iter_rows()
    }
    moved = {(names[a], names[b]) for a, b, _ in bigger.interference.iter_rows()}
    assert moved == rules
    assert rules
    plan = place(bigger, Options())
    assert check_plan(plan, bigger).is_clean


def test_domains_with_rates_of_their_own_grow_by_them() -> None:
    fleet = generate_fleet(30, 3, demands="profile").build()
    fleet = pool_of_services(fleet)
    domain = str(fleet.services["domain"][0])
    members = int((fleet.services["domain"] == domain).sum())
    found = forecast_fleet(fleet, 1, rates={"*": Rate(0, 0, 0), domain: Rate(100, 100, 100)})
    # that domain doubles, the others stay
    assert found.services_by_domain[domain] == 2 * members
    assert found.timeline[-1].services.typical == pytest.approx(30 + members)
    assert found.checkpoints[-1].services == 30 + members


def test_one_rate_for_all_is_the_same_for_all_services_of_a_sample() -> None:
    # two services
    found = forecast_fleet(read_fleet("fixtures/tiny-replicas"), 1, rates={"*": Rate(40, 60, 80)}, samples=500)
    end = found.timeline[-1].services
    assert (end.low, end.typical, end.high) == (pytest.approx(2.8), pytest.approx(3.2), pytest.approx(3.6))
    # triangular from 40 to 80 with mode 60: a tenth is below 40 + sqrt(0.1 × 40 × 20) = 48.9 %
    assert end.p10 == pytest.approx(2 * 1.489, rel=0.01)
    assert found.growth == {"all": (40, 60, 80)}


def pool_of_services(fleet: Fleet) -> Fleet:
    import dataclasses

    return dataclasses.replace(fleet, policy=fleet.policy.model_copy(update={"pools": ["services"]}))


def test_orders_are_dated_and_cost_what_a_month_costs(of_twelve: Forecast) -> None:
    assert list(of_twelve.orders)
    dates = [order.order_by for order in of_twelve.orders]
    assert dates == sorted(dates)
    for order in of_twelve.orders:
        assert "2026-01-01" <= order.order_by <= order.arrives_from <= order.arrives_by
    frame = of_twelve.orders_frame()
    assert frame.columns == list(ORDERS_SCHEMA)
    small = next(order for order in of_twelve.orders if order.item == "small hosts")
    # a month early pays 0.192 × 730 for each host longer
    assert small.a_month_early.idle_cost == pytest.approx(small.quantity * 0.192 * 730, abs=0.01)


def test_a_fleet_that_does_not_grow_orders_nothing_more(twelve: Fleet) -> None:
    found = forecast_fleet(twelve, 1, rates={"*": Rate(0, 0, 0)})
    assert [checkpoint.services for checkpoint in found.checkpoints] == [12]
    # all in place is in use, which is above the level at which the guide orders: one order, at once
    assert {order.order_by for order in found.orders} <= {found.start}
    assert {month.services.high for month in found.timeline} == {12.0}


def test_a_part_stands_for_the_whole() -> None:
    fleet = pool_of_services(generate_fleet(2_000, 1, demands="measured").build())
    part = part_of(fleet, 500)
    assert len(part.services) == 500
    bounds = [place(some, Options(time_limit_s=30)).summary.cost.bound_per_hour for some in (part, fleet)]
    assert bounds[0] * 4 == pytest.approx(bounds[1], rel=0.03)
    whole = generate_fleet(100, 1).build()
    assert platform_alone(whole).policy.pools == ["platform"]
    assert "platform" not in part_of(whole, 50).policy.pools
    # 100 services take the arrangement of 100, not that of 20
    assert part_of(whole, 20).policy.postgres.default == "clusters"


def test_checkpoints_stand_on_both_sides_of_a_step() -> None:
    fleet = generate_fleet(20, 1).build()
    sizes = sizes_to_plan(fleet, 20, 6_000)
    assert {20, 6_000, 4_999, 5_000, 49, 50} <= set(sizes)
    assert list(sizes) == sorted(set(sizes))
    assert sizes_to_plan(fleet, 20, 20) == (20,)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=6, unique=True), st.floats(0, 1))
def test_what_is_read_off_lies_between_the_checkpoints(sizes: list[int], share: float) -> None:
    points = [
        Checkpoint(
            services=size, services_planned=size, scaled_by=1, gap=0, databases_arrangement="single", hosts_by_size={},
            quantities={},
        )
        for size in sorted(sizes)
    ]  # fmt: skip
    values = [float(size) * 2 for size in sorted(sizes)]
    at = min(sizes) + share * (max(sizes) - min(sizes))
    # a straight line through (n, 2n) is 2n everywhere
    assert between(points, values, np.array([at]))[0] == pytest.approx(2 * at)


def test_growth_as_it_is_stated() -> None:
    found = rates_of(["10:20:30", "b=5"], ["a", "b", ""])
    assert found == {"*": Rate(10, 20, 30), "b": Rate(5, 5, 5)}
    with pytest.raises(InputError) as caught:
        rates_of(["-5", "30:20:10", "payment=3", "x", "a=1", "a=2", "99999"], ["a", "payments"])
    said = "\n".join(str(problem) for problem in caught.value.problems)
    for text in (
        "negative growth: '-5'", "contradictory range: '30:20:10'", "did you mean 'payments'", "not a growth rate: 'x'",
        "stated twice: 'a=2'", "too large: '99999'",
    ):  # fmt: skip
        assert text in said


def test_parameters_out_of_range_are_named_together(twelve: Fleet) -> None:
    with pytest.raises(InputError) as caught:
        forecast_fleet(twelve, 0, samples=-1, orders_for="most")
    assert [problem.column for problem in caught.value.problems] == ["--years", "--samples", "--orders-for"]


def test_a_fleet_that_cannot_be_planned_says_at_which_size() -> None:
    with pytest.raises(InfeasibleError) as caught:
        forecast_fleet(read_fleet("fixtures/tiny-infeasible-large"), 0.1)
    assert all(reason.message.startswith("with ") for reason in caught.value.reasons)


def test_frames_and_json_agree(of_twelve: Forecast) -> None:
    assert Forecast.model_validate(of_twelve.to_dict()) == of_twelve
    frame = of_twelve.to_frame()
    assert frame.height == 13
    assert frame["services_typical"][-1] == pytest.approx(54)
    assert {"hosts_small_typical", "cost_per_month_p90"} <= set(frame.columns)


def test_the_same_seed_gives_the_same_forecast() -> None:
    fleet = read_fleet("fixtures/tiny-replicas")

    def made(seed: int) -> Forecast:
        start = datetime.date(2026, 1, 1)
        return forecast_fleet(fleet, 1 / 4, samples=30, start=start, options=Options(seed=seed))

    one, other = made(1), made(2)
    assert made(1) == one
    # other samples; the growth without them is the same
    assert one.timeline[-1].services.typical == other.timeline[-1].services.typical
    assert one.timeline[-1].services.p10 != other.timeline[-1].services.p10
