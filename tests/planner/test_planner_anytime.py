"""A valid plan soon, then better ones: what is told when, and how much work follows a stop. Counted, not timed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from planner_fleets import make_fleet
from test_planner_packing import broken_rules, filled

from benchmarks.fleets import make_fleet as make_case
from placement.engine import Options, place
from placement.instance import build_problems, distinct_rows
from placement.packing import filling
from placement.packing.filling import Filling
from placement.packing.search import LARGE, Search
from placement.packing.solve import _Search
from placement.packing.state import Exchange
from placement.plan import plan_digest

SERVICES = 12_000
"""Of two instances each: a large fleet to the search."""


@pytest.fixture(scope="module")
def large():
    """A fleet in which every demand differs."""
    fleet = make_case("measured", SERVICES).build()
    assert build_problems(fleet)[0].num_instances >= LARGE
    return fleet


@pytest.fixture
def calls(monkeypatch):
    """Every call of the two long kernels: (which, how much choice)."""
    seen: list[tuple[str, int]] = []
    fill, exchange = Filling.run, Exchange.run

    def run_fill(self: Filling, window: int, num_draws: int) -> None:
        seen.append(("fill", window + num_draws))
        fill(self, window, num_draws)

    def run_exchange(self: Exchange, num_steps: int, seed: int) -> None:
        seen.append(("exchange", num_steps))
        exchange(self, num_steps, seed)

    monkeypatch.setattr(Filling, "run", run_fill)
    monkeypatch.setattr(Exchange, "run", run_exchange)
    return seen


@pytest.mark.parametrize("kind", ["measured", "skewed"])
def test_filling_in_short_runs_keeps_every_rule_and_places_as_much(kind: Any, monkeypatch):
    made = make_case(kind, 400, 3, rules_density=0.02, zones=3, mean_instances=3.0)
    problem = build_problems(made.build())[0]
    largest = int(problem.classes.limit[:, 0].argmax())
    needed = int((problem.instances @ problem.demand / problem.classes.limit[largest]).max())
    _, at_once = filled(problem, {largest: needed})
    monkeypatch.setattr(filling, "_HOSTS_AT_ONCE", 1)
    workspace, in_runs = filled(problem, {largest: needed})
    assert not broken_rules(problem, workspace, in_runs)
    placed = [workspace.service_of[packing.host_of >= 0] for packing in (at_once, in_runs)]
    loads = [problem.demand[services].sum(axis=0)[:2] for services in placed]
    assert loads[1] == pytest.approx(loads[0], rel=0.03)
    _, again = filled(problem, {largest: needed})
    assert (again.host_of == in_runs.host_of).all()


def test_a_run_of_the_filling_is_bounded(monkeypatch):
    # four instances of one core on a host of four: 100 hosts, 30 a run
    fleet = make_fleet({"service": [f"s{n}" for n in range(400)]})
    problem = build_problems(fleet)[0]
    small = problem.classes.size.index("small")
    runs = []
    run = Filling.run

    def counted(self: Filling, window: int, num_draws: int) -> None:
        before = len(self.placed[0])
        run(self, window, num_draws)
        runs.append(len(self.placed[0]) - before)

    monkeypatch.setattr(Filling, "run", counted)
    monkeypatch.setattr(filling, "_HOSTS_AT_ONCE", 30)
    filled(problem, {small: 100})
    assert runs == [120, 120, 120, 40]
    runs.clear()
    monkeypatch.setattr(filling, "_ITEMS_AT_ONCE", 50)  # thirteen hosts of four are the first to reach it
    filled(problem, {small: 100})
    assert runs == [52] * 7 + [36]


def test_a_stop_while_hosts_are_filled_ends_the_choice_and_the_search(large, calls, monkeypatch):
    monkeypatch.setattr(filling, "_ITEMS_AT_ONCE", 2_000)
    plan = place(large, Options(), stop=lambda: len(calls) >= 3)  # the checker has verified it
    assert [kind for kind, _ in calls[:3]] == ["fill"] * 3
    assert all(call == ("fill", 2) for call in calls[3:])  # one item drawn for a place, and one to close
    # twelve or thirteen runs fill the hosts, one or a few the further ones
    assert len(calls) < 25
    assert plan.summary.settings["interrupted"] is True
    assert plan.summary.cost.gap < 0.03


def test_a_stop_after_the_first_packing_takes_no_more_work(large, calls):
    told: list[Any] = []
    plan = place(large, Options(), report=told.append, stop=lambda: any(t.cost for t in told))
    assert not [call for call in calls if call[0] == "exchange"]
    first = next(t.cost for t in told if t.cost)
    assert plan.summary.cost.per_hour == pytest.approx(first / 1e6)


def test_a_valid_packing_is_told_before_the_exchanges(large, calls):
    costs: list[tuple[int, int]] = []

    def report(progress: Any) -> None:
        if progress.cost:
            assert progress.bound > 0
            costs.append((sum(kind == "exchange" for kind, _ in calls), progress.cost))

    place(large, Options(), report=report)
    assert costs[0][0] == 0
    assert [cost for _, cost in costs] == sorted((cost for _, cost in costs), reverse=True)


def test_filling_is_told_while_it_goes_on(large, monkeypatch):
    monkeypatch.setattr(filling, "_ITEMS_AT_ONCE", 2_000)
    told: list[str] = []
    place(large, Options(target_gap=1.0), report=lambda progress: told.append(progress.phase))
    assert told.count("fill") > 10


def test_a_limit_that_is_not_reached_changes_no_byte(large):
    assert plan_digest(place(large, Options(time_limit_s=3_600))) == plan_digest(place(large, Options()))


def test_the_work_of_improving_grows_no_faster_than_the_fleet(monkeypatch):
    # two or three on a host, all different: the bound is out of reach, and tries would go on succeeding for long
    random = np.random.default_rng(5)
    cores, memory = random.integers(2_600, 4_900, (2, LARGE))
    fleet = make_fleet(
        {
            "service": [f"s{n}" for n in range(LARGE)],
            "cpu_cores": [str(c / 1000) for c in cores],
            "memory_mb": [str(m) for m in memory],
        },
        sizes={
            "size": ["one"],
            "cpu_cores": ["10"],
            "memory_mb": ["10000"],
            "os_reserved_mb": ["0"],
            "max_open_files": ["1000000"],
            "max_threads": ["30000"],
            "disk_gb": ["1000"],
            "nic_mbps": ["100000"],
            "price_per_hour": ["1"],
        },
    )
    steps: list[int] = []
    improve = Search.improve

    def counted(self: Search, best: Any) -> Any:
        before = self.steps_done
        found = improve(self, best)
        steps.append(self.steps_done - before)
        return found

    monkeypatch.setattr(_Search, "improve", counted)
    plan = place(fleet)
    assert plan.summary.cost.gap > 0
    # begun within 400,000 steps, and one try is at most twelve rounds of at most 400,000
    assert 0 < steps[0] <= 400_000 + 12 * 400_000


def test_distinct_rows_are_those_of_numpy():
    rows = np.random.default_rng(3).integers(0, 4, (500, 3))
    distinct, inverse = distinct_rows(rows)
    expected, of_row = np.unique(rows, axis=0, return_inverse=True)
    assert (distinct == expected).all()
    assert (inverse == of_row.ravel()).all()
    assert [len(part) for part in distinct_rows(rows[:0])] == [0, 0]
