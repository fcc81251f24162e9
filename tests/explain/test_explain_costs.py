"""Costs add up: the bills of all services to the plan's total, a pool's parts to the pool's cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.engine import place
from placement.explain import explain_plan
from placement.explain.bills import all_bills, service_bill
from placement.explain.context import Context
from placement.explain.prices import nearest_prices
from placement.explain.types import CostParts, PlanExplanation
from placement.fleet import Fleet, read_fleet
from placement.plan.types import Plan

FIXTURES = Path(__file__).parents[2] / "fixtures"


def add_up(cost: CostParts) -> float:
    return sum(cost.resources.values()) + cost.slack + cost.gap + cost.spares


def test_bills_of_all_services_add_up_to_the_plan(plan: Plan, fleet: Fleet) -> None:
    bills = all_bills(Context(plan, fleet))
    assert set(bills.by_pool) == {"services", "databases", "caches", "platform"}
    assert bills.total.sum() == pytest.approx(plan.summary.cost.total_per_hour, rel=1e-9)
    assert (bills.total > 0).all()


def test_one_bill_is_that_of_all_bills(plan: Plan, fleet: Fleet) -> None:
    context = Context(plan, fleet)
    bills = all_bills(context)
    for service, row in context.service_row.items():
        bill = service_bill(context, service)
        for pool, values in bills.by_pool.items():
            assert (bill[pool].total if pool in bill else 0.0) == pytest.approx(values[row], abs=1e-12)
        assert all(add_up(cost) == pytest.approx(cost.total, abs=1e-12) for cost in bill.values())


def test_a_pools_parts_add_up_to_its_hosts(plan: Plan, fleet: Fleet) -> None:
    subject = explain_plan(plan, "plan", fleet).subject
    assert isinstance(subject, PlanExplanation)
    assert set(subject.cost) == set(plan.hosts["pool"])
    for pool, cost in subject.cost.items():
        spent = plan.hosts.filter(pool=pool)["price_per_hour"].sum()
        assert cost.total == pytest.approx(spent, rel=1e-9)
        assert add_up(cost) == pytest.approx(cost.total, abs=1e-9)
        assert cost.gap == pytest.approx(
            plan.summary.pools[pool].per_hour - plan.summary.pools[pool].bound_per_hour, abs=1e-9
        )


def test_costs_of_the_two_services_of_tiny_mix() -> None:
    # fixtures/tiny-mix: 1/60 USD/h per core and 1/96,000 per MB prove 0.70; crunch asks 8 cores and 16,000 MB, store 4
    # cores and 32,000 MB: 8/60 + 16/96 = 0.30 and 4/60 + 32/96 = 0.40. Nothing is left over: no slack, gap or spares.
    fleet = read_fleet(FIXTURES / "tiny-mix")
    plan = place(fleet)
    context = Context(plan, fleet)
    for service, total in (("crunch", 0.30), ("store", 0.40)):
        cost = service_bill(context, service)["services"]
        assert cost.total == pytest.approx(total, abs=1e-6)
        assert add_up(cost) == pytest.approx(total, abs=1e-6)
        assert cost.resources["threads"] == cost.spares == cost.gap == 0


def test_spares_are_paid_in_proportion_to_value() -> None:
    # fixtures/tiny-families: as tiny-mix, and one spare of each host, 0.70: 3/7 and 4/7 of it
    fleet = read_fleet(FIXTURES / "tiny-families")
    context = Context(place(fleet), fleet)
    assert service_bill(context, "crunch")["services"].spares == pytest.approx(0.30, abs=1e-6)
    assert service_bill(context, "store")["services"].total == pytest.approx(0.80, abs=1e-6)


def test_a_counting_bound_is_shared_out_too() -> None:
    # fixtures/tiny-zones: 0.576 + 0.192 for the spare; api asks 3 × 0.5 cores, proxy 2 × 0.1: all of it is paid by them
    fleet = read_fleet(FIXTURES / "tiny-zones")
    context = Context(place(fleet), fleet)
    assert all_bills(context).total.sum() == pytest.approx(0.768, abs=1e-9)


@given(
    prices=st.lists(st.floats(0.0, 2.0), min_size=6, max_size=6),
    demand=st.lists(st.lists(st.integers(0, 1000), min_size=6, max_size=6), min_size=12, max_size=12),
)
def test_prices_that_explain_all_values_are_found(prices: list[float], demand: list[list[int]]) -> None:
    asked = np.array(demand, np.int64)
    values = asked @ np.array(prices)
    found = nearest_prices(asked, values, np.ones(len(asked), np.int64))
    assert (found >= 0).all()
    assert np.allclose(asked @ found, values, atol=0.02 * max(values.max(), 1e-6))
