"""Sensitivity: which estimates count, what their ends cost, regret."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.compare import Asked, Comparison, Doubt, compare_mixes
from placement.compare.estimates import drawn, estimates_of, model_with
from placement.compare.evaluation import THINNED_TO, fractional_bound, thinned
from placement.compare.sensitivity import regrets_of
from placement.errors import InputError
from placement.fleet import Fleet, generate_fleet, read_fleet
from placement.instance import build_problems


def test_estimates_are_those_of_profiles_and_pools_in_use(forty: Fleet) -> None:
    paths = {estimate.entry.path: estimate for estimate in estimates_of(forty, 0.2)}
    assert paths["services.backend.normal.cpu_percent"].is_stated
    assert (paths["services.backend.normal.cpu_percent"].low, paths["services.backend.normal.cpu_percent"].high) == (
        15,
        30,
    )
    # 0.5 cores ± 20 %
    typical = paths["services.profiles.typical.cpu_cores"]
    assert (typical.low, typical.high, typical.is_stated) == (pytest.approx(0.4), pytest.approx(0.6), False)
    # services alone are planned; sizes and prices are no estimates, and nobody uses the level `limit`
    assert not any(
        path.startswith(("postgres", "valkey", "hosts", "prices", "services.backend.limit")) for path in paths
    )
    assert all(estimate.is_stated for estimate in estimates_of(forty, 0.0))


def test_samples_stay_between_the_ends_and_are_those_of_the_seed(forty: Fleet) -> None:
    estimates = estimates_of(forty, 0.2)
    values = drawn(estimates, 50, 7)
    assert values.shape == (50, len(estimates))
    assert (values >= [estimate.low for estimate in estimates]).all()
    assert (values <= [estimate.high for estimate in estimates]).all()
    assert (values == drawn(estimates, 50, 7)).all()
    assert (values != drawn(estimates, 50, 8)).any()


def test_the_tornado_is_sorted_and_its_largest_bar_is_right(forty: Fleet, of_forty: Comparison) -> None:
    found = of_forty.sensitivity
    swings = [swing.swing_per_hour for swing in found.tornado]
    assert swings == sorted(swings, reverse=True)
    largest = found.tornado[0]
    # the ratio of bounds with 0.6 instead of 0.5 cores, times the planned cost, spares included
    model = model_with(forty.model, {largest.path: largest.high})
    small = dataclasses.replace(forty, buyable=tuple(of_forty.mixes[0].sizes))

    def bound(fleet: Fleet) -> float:
        return sum(fractional_bound(problem) for problem in build_problems(fleet))

    ratio = bound(dataclasses.replace(small, model=model)) / bound(small)
    assert largest.cost_high_per_hour == pytest.approx(of_forty.mixes[0].cost.total_per_hour * ratio)
    # at the low end eight replicas that keep apart may decide: then it costs no less
    assert largest.cost_low_per_hour <= of_forty.mixes[0].cost.total_per_hour < largest.cost_high_per_hour


def test_measured_demands_depend_on_no_estimate(of_tiny_mix: Comparison) -> None:
    assert of_tiny_mix.sensitivity.tornado == ()
    # costs are 0.70, 0.90, 1.20 in every sample
    regrets = {row.name: row for row in of_tiny_mix.sensitivity.regrets}
    assert regrets["all"].max_per_hour == 0
    assert regrets["compute"].mean_per_hour == pytest.approx(0.2)
    assert regrets["memory"].max_per_hour == pytest.approx(0.5)
    assert of_tiny_mix.sensitivity.least_max_regret == "all"


def test_regret_by_hand() -> None:
    costs = np.array([[1.0, 4.0], [2.0, 2.0], [3.0, np.inf]])
    rows = {row.name: row for row in regrets_of(["a", "b", "c"], costs)}
    # least: 1, 2; c cannot hold the second sample and counts with the dearest of it, 4
    assert (rows["a"].max_per_hour, rows["a"].mean_per_hour) == (2.0, 1.0)
    assert (rows["b"].max_per_hour, rows["b"].mean_per_hour, rows["b"].best_in) == (1.0, 0.5, 0.5)
    assert (rows["c"].max_per_hour, rows["c"].mean_per_hour, rows["c"].infeasible) == (2.0, 2.0, 1)


@given(st.lists(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), min_size=1, max_size=5))
def test_somebody_regrets_nothing_in_each_sample(costs: list[list[float]]) -> None:
    rows = regrets_of([str(number) for number in range(len(costs))], np.array(costs))
    assert all(row.max_per_hour >= row.mean_per_hour >= 0 for row in rows)
    assert sum(row.best_in for row in rows) >= 1 - 1e-9


def test_a_large_fleet_is_thinned_evenly() -> None:
    made = generate_fleet(THINNED_TO * 3, 1, demands="measured")
    fleet = dataclasses.replace(made, document={**made.document, "policy": {"pools": ["services"]}}).build()
    thin = thinned(fleet)
    assert len(thin.services) == THINNED_TO
    assert thin.services["service"].is_sorted()
    # as many services a MB as before, within some percent
    mean = [float(some.services["memory_mb"].mean()) for some in (thin, fleet)]
    assert mean[0] == pytest.approx(mean[1], rel=0.05)


def test_what_cannot_be_sampled_is_refused(forty: Fleet) -> None:
    with pytest.raises(InputError) as caught:
        compare_mixes(forty, Asked(mixes=["small"]), doubt=Doubt(samples=-1, seed=-1, spread=1.0))
    assert len(caught.value.problems) == 3


def test_where_replicas_decide_demand_moves_nothing() -> None:
    # fixtures/tiny-replicas: three small hosts for ⌈5 / 2⌉ replicas, 0.576, whatever 100 MB more or less
    (problem,) = build_problems(read_fleet("fixtures/tiny-replicas"))
    assert fractional_bound(problem) == pytest.approx(0.576)
    lighter = dataclasses.replace(problem, demand=problem.demand // 2)
    assert fractional_bound(lighter) == pytest.approx(0.576)


def test_regret_counts_spares_as_the_ranking_does() -> None:
    # fixtures/tiny-families: with both sizes 0.70 and as much for spares, one of each; three compute hosts at 0.30 need
    # one spare alone, 1.20 in all
    asked = Asked(mixes=["compute", "all"])
    found = compare_mixes(read_fleet("fixtures/tiny-families"), asked, with_rules=False, doubt=Doubt(samples=1))
    assert [mix.cost.per_hour for mix in found.mixes] == [pytest.approx(0.9), pytest.approx(0.7)]
    assert [mix.cost.total_per_hour for mix in found.mixes] == [pytest.approx(1.2), pytest.approx(1.4)]
    # the services state all their figures, so no estimate moves anything
    assert found.sensitivity.least_mean_regret == found.best == "compute"
    assert [row.mean_per_hour for row in found.sensitivity.regrets] == [0, pytest.approx(0.2)]
