"""Growth by phase and domain: calculations by hand, and what holds of every projection."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.capacity import load_model
from placement.capacity.crossings import NEVER, Threshold, crossing_months, crossings, guide_thresholds
from placement.capacity.growth import Rate, project, projected_resources, reached
from placement.errors import InputError

MODEL = load_model("rithmxo-1.0")
GROWTH = MODEL.growth
LOW, TYPICAL, HIGH = 0, 1, 2


def test_a_thousand_services_double_in_a_year() -> None:
    # the phase "growth" has 100 to 200 % a year, typically 150: 1,000 become 2,000, 2,500, 3,000
    totals = project(GROWTH, {"": 1_000}, 24).scenario_totals
    assert totals[:, 12] == pytest.approx([2_000, 2_500, 3_000])
    assert totals[:, 24] == pytest.approx([4_000, 6_250, 9_000])
    assert totals[LOW, 6] == pytest.approx(1_000 * math.sqrt(2))


@pytest.mark.parametrize(
    ("services", "rates"),
    [
        (1, (200, 350, 500)),
        (999, (200, 350, 500)),
        (1_000, (100, 150, 200)),
        (49_999, (100, 150, 200)),
        (50_000, (50, 75, 100)),
        (199_999, (50, 75, 100)),
        (200_000, (10, 20, 30)),
    ],
)
def test_the_first_month_grows_at_the_rate_of_the_phase(services: int, rates: tuple[int, int, int]) -> None:
    # a fleet just below a threshold grows at the old rate only until it gets there: see the next test
    totals = project(GROWTH, {"": services}, 1).scenario_totals
    if services + 1 in (1_000, 50_000, 200_000):
        assert all(totals[:, 1] < [services * (1 + rate / 100) ** (1 / 12) for rate in rates])
    else:
        assert totals[:, 1] == pytest.approx([services * (1 + rate / 100) ** (1 / 12) for rate in rates])


def test_the_phase_changes_at_the_moment_it_is_reached() -> None:
    # 500 services at +200 % a year reach 1,000 after 12 ln 2 / ln 3 = 7.571 months, then grow at +100 %:
    # after 12 months 1,000 × 2^(4.429 / 12) = 1,291.5
    made = project(GROWTH, {"": 500}, 12)
    at = 12 * math.log(2) / math.log(3)
    assert made.scenario_totals[LOW, 12] == pytest.approx(1_000 * 2 ** ((12 - at) / 12), rel=1e-12)
    assert made.scenario_totals[LOW, 7] == pytest.approx(500 * 3 ** (7 / 12))
    assert made.scenario_phase[LOW].tolist() == [0] * 8 + [1] * 5
    assert made.phases == ("early", "growth", "scale", "mature")


def test_two_phases_within_one_month() -> None:
    model = load_model("rithmxo-1.0", {"growth.phases.growth.services_below": 1_010,
                                       "growth.phases.scale.services_from": 1_010})  # fmt: skip
    made = project(model.growth, {"": 999}, 1)
    first = 12 * math.log(1_000 / 999) / math.log(6)
    second = 12 * math.log(1.01) / math.log(3)
    assert first + second < 1
    assert made.scenario_totals[HIGH, 1] == pytest.approx(1_010 * 2 ** ((1 - first - second) / 12), rel=1e-12)
    assert made.scenario_phase[HIGH, 1] == 2


def test_domains_with_rates_keep_them_and_the_others_follow_the_phase_of_all() -> None:
    made = project(GROWTH, {"billing": 900, "user": 100}, 12, rates={"user": Rate(0, 0, 0)})
    # 1,000 services in all: the phase "growth" from the beginning, although billing alone has 900
    assert made.whole(12) == {"billing": 2_250, "user": 100}
    assert made.whole(12, LOW) == {"billing": 1_800, "user": 100}
    fixed = project(GROWTH, {"a": 10, "b": 20}, 12, rates={"a": Rate(10, 20, 30), "b": Rate(100, 100, 100)})
    assert fixed.scenarios[:, 12] == pytest.approx(np.array([[11, 40], [12, 40], [13, 40]]))


def test_a_phase_that_domains_reach_together() -> None:
    # a and b grow alike: 500 + 500 - 1 services are as 999 together
    together = project(GROWTH, {"a": 333, "b": 333, "c": 333}, 36)
    alone = project(GROWTH, {"": 999}, 36)
    assert together.scenario_totals == pytest.approx(alone.scenario_totals, rel=1e-12)
    assert (together.scenario_phase == alone.scenario_phase).all()


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(0, 50_000), min_size=1, max_size=5).filter(any),
    own=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)), min_size=5, max_size=5),
    months=st.integers(1, 80),
    data=st.data(),
)
def test_relabelling_and_order_of_domains_change_nothing(
    counts: list[int], own: list[tuple[int, int, int]], months: int, data: st.DataObject
) -> None:
    names = [f"d{number}" for number in range(len(counts))]
    rates = {name: Rate(*sorted(ends)) for name, ends in zip(names[1:], own, strict=False)}
    order = data.draw(st.permutations(range(len(counts))))
    made = project(GROWTH, dict(zip(names, counts, strict=True)), months, rates=rates)
    other = project(
        GROWTH,
        {f"x{names[number]}": counts[number] for number in order},
        months,
        rates={f"x{name}": rate for name, rate in rates.items()},
    )
    assert other.scenarios == pytest.approx(made.scenarios[:, :, order], rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(services=st.integers(1, 300_000), more=st.integers(0, 100_000), months=st.integers(1, 80))
def test_fleets_never_shrink_and_higher_rates_and_larger_fleets_are_never_behind(
    services: int, more: int, months: int
) -> None:
    made = project(GROWTH, {"": services}, months, num_samples=20)
    totals, samples = made.scenario_totals, made.sample_totals
    assert (np.diff(totals, axis=1) >= 0).all()
    assert (np.diff(made.sample_phase, axis=1) >= 0).all()
    assert (np.diff(totals, axis=0) >= -1e-6).all()
    assert (samples >= totals[LOW] * (1 - 1e-9)).all()
    assert (samples <= totals[HIGH] * (1 + 1e-9)).all()
    larger = project(GROWTH, {"": services + more}, months)
    assert (larger.scenario_totals >= totals * (1 - 1e-9)).all()


def test_projected_resources_are_the_guides_formula() -> None:
    # 1,000 services at +100 % a year, 0.5 cores, 600 MB and 1 GB each, × 1.3
    services = project(GROWTH, {"": 1_000}, 12).scenario_totals[LOW, [0, 12]]
    found = projected_resources(MODEL, services, "typical", "typical")
    assert found["cpu"] == pytest.approx([650, 1_300])
    assert found["memory"] == pytest.approx([780_000, 1_560_000])
    assert found["disk"] == pytest.approx([1_300, 2_600])
    assert found["network"] == pytest.approx([13_000, 26_000])


def test_samples_follow_the_seed_and_the_triangle() -> None:
    first = project(GROWTH, {"": 1_000}, 12, num_samples=4_000, seed=7)
    again = project(GROWTH, {"": 1_000}, 12, num_samples=4_000, seed=7)
    other = project(GROWTH, {"": 1_000}, 12, num_samples=4_000, seed=8)
    assert (first.samples == again.samples).all()
    assert (first.samples != other.samples).any()
    growth = first.sample_totals[:, 12] / 1_000 - 1  # triangular from 1 by 1.5 to 2
    assert growth.mean() == pytest.approx(1.5, abs=0.02)
    assert growth.std() == pytest.approx(1 / math.sqrt(24), abs=0.01)
    assert np.quantile(growth, 0.125) == pytest.approx(1.25, abs=0.02)  # a quarter of the way: 1/8 of the area
    assert first.quantiles([0.5])[0, 12] == pytest.approx(2_500, rel=0.02)


def test_a_skewed_triangle() -> None:
    made = project(GROWTH, {"a": 1_000}, 12, rates={"a": Rate(0, 20, 100)}, num_samples=8_000)
    growth = made.sample_totals[:, 12] / 1_000 - 1
    assert growth.mean() == pytest.approx(0.4, abs=0.01)  # (0 + 20 + 100) / 3
    assert (growth <= 0.2).mean() == pytest.approx(0.2, abs=0.015)  # 20 / 100 of the area lies left of the mode


def test_500_samples_of_five_years_are_quick() -> None:
    services = {f"domain-{number}": 5_000 for number in range(20)}
    project(GROWTH, services, 1, num_samples=1)
    start = time.process_time()
    made = project(GROWTH, services, 60, num_samples=500)
    crossings(made, guide_thresholds(MODEL))
    assert time.process_time() - start < 1
    assert made.samples.shape == (500, 61, 20)


def test_everything_wrong_is_named() -> None:
    with pytest.raises(InputError) as raised:
        project(
            GROWTH,
            {"billing": -1, "user": 1},
            0,
            rates={"biling": Rate(1, 2, 3), "user": Rate(3, 2, 1), "billing": Rate(-5, 0, 5)},
            num_samples=-1,
            seed=-1,
        )
    columns = [problem.column for problem in raised.value.problems]
    assert columns == [
        "services", "services.billing", "months", "samples", "seed", "rates.biling", "rates.user", "rates.billing",
    ]  # fmt: skip
    assert "did you mean 'billing'" in str(raised.value)
    with pytest.raises(InputError, match="not a growth rate"):
        project(GROWTH, {"a": 1}, 1, rates={"a": Rate(0, 1, math.nan)})


# --- crossings ----------------------------------------------------------------------------------------------


def threshold(services: int) -> Threshold:
    return Threshold(services, f"at-{services}", "tier", "title", "change")


def test_crossings_by_hand() -> None:
    made = project(GROWTH, {"": 1_000}, 24)
    low_typical_high = {
        # ln(x / 1,000) / ln 2, 2.5, 3 years, in months rounded up
        2_000: (12, 10, 8),  # 12; 9.08; 7.57
        4_000: (24, 19, 16),  # 24; 18.16; 15.14
        5_000: (None, 22, 18),  # 27.9; 21.08; 17.58
        9_000: (None, None, 24),  # 24 exactly
    }
    found = crossings(made, [threshold(number) for number in (1_000, *low_typical_high)])
    assert [row.threshold.services for row in found] == [2_000, 4_000, 5_000, 9_000]  # 1,000 is behind us
    assert {row.threshold.services: (row.low, row.typical, row.high) for row in found} == low_typical_high
    assert all(row.share is None and row.quantiles == (None, None, None) for row in found)


def test_crossings_of_samples() -> None:
    totals = np.array([[1, 2, 3, 4], [1, 1, 1, 2], [1, 1, 1, 1.0]])
    assert crossing_months(totals, np.array([1.0, 2, 4])).tolist() == [[0, 1, 3], [0, 3, NEVER], [0, NEVER, NEVER]]
    made = project(GROWTH, {"": 1_000}, 12, num_samples=1_000)
    (row,) = crossings(made, [threshold(2_500)])
    # the median rate of a symmetric triangle is its typical one, with which 2,500 take exactly a year
    assert row.share == pytest.approx(0.5, abs=0.05)
    assert row.share == (made.sample_totals[:, 12] >= 2_500).mean()
    assert row.quantiles[0] == 11
    assert row.quantiles[2] is None
    reached_by_11 = (row.sample_months != NEVER) & (row.sample_months <= 11)
    assert reached_by_11.mean() >= 0.1


def test_2000_services_are_reached_after_exactly_a_year() -> None:
    made = project(GROWTH, {"": 1_000}, 12)
    assert reached(made.scenario_totals[LOW, 12], 2_000)
    assert not reached(made.scenario_totals[LOW, 11], 2_000)


def test_the_guides_thresholds() -> None:
    found = guide_thresholds(MODEL)
    assert [row.services for row in found] == sorted(row.services for row in found)
    assert [row.services for row in found if row.kind == "bottleneck"] == [
        100, 500, 1_000, 5_000, 10_000, 50_000, 100_000,
    ]  # fmt: skip
    paths = {row.path: row.services for row in found}
    assert all(MODEL.entry(path).typical == services for path, services in paths.items())
    # by hand from the guide's tables: where each of them has a second, third … row
    assert sorted(row.services for row in found if row.kind == "tier") == sorted(
        [50, 500, 5_000, 100_000]  # ecosystem
        + [50, 500, 5_000] * 2  # pools, cache memory
        + [50, 5_000] * 2  # phases of databases and caches
        + [500, 5_000, 50_000] * 2  # registry, SIA
        + [100, 1_000, 10_000]  # network
        + [1_000, 50_000, 200_000]  # growth
        + [50, 5_000]  # PgBouncer, dedicated databases
    )
