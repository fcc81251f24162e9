"""Several regions: the same plan wherever they are planned, all reasons together, limits that hold for the whole."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hard_fleets import write_hard_fleet

from placement.engine import Options, place
from placement.errors import InfeasibleError, InputError
from placement.fleet import fleet_from_frames, read_fleet
from placement.plan import write_plan
from placement.verify import check_plan


def bytes_of(plan, folder):
    write_plan(plan, folder)
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_same_bytes_from_one_process_and_from_two(three_regions, tmp_path):
    here = bytes_of(place(three_regions, Options(workers=1)), tmp_path / "one")
    assert bytes_of(place(three_regions, Options(workers=2)), tmp_path / "two") == here


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_adds_the_regions_up(three_regions, workers):
    told = []
    plan = place(three_regions, Options(workers=workers), report=told.append)
    assert told[0].cost is None
    assert {progress.num_pools for progress in told} == {3}
    placed = [progress.num_placed for progress in told]
    assert placed == sorted(placed)
    assert placed[-1] == 3
    # no cost before every region has one, and then it is the plan's
    assert all((progress.cost is None) == (progress.num_placed < 3) for progress in told)
    assert told[-1].cost == round(plan.summary.cost.per_hour * 1_000_000)
    assert told[-1].bound == round(plan.summary.cost.bound_per_hour * 1_000_000)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_region_without_a_plan_is_reported_with_advice(workers):
    # a host has 4 cores; each region can have 2: 8 cores, and 12 are wanted in two of three regions
    fleet = fleet_from_frames(
        name="short",
        model="rithmxo-1.0",
        services={
            "service": ["a", "b", "c"], "region": ["east", "north", "west"], "instances": ["12", "8", "12"],
            "max_per_host": ["12"] * 3, "cpu_cores": ["1"] * 3, "memory_mb": ["1"] * 3, "disk_gb": ["1"] * 3,
            "network_mbps": ["1"] * 3, "open_files": ["1"] * 3, "threads": ["1"] * 3,
        },
        sizes={
            "size": ["small"], "cpu_cores": ["4"], "memory_mb": ["16000"], "os_reserved_mb": ["0"],
            "max_open_files": ["1000"], "max_threads": ["1000"], "disk_gb": ["200"], "nic_mbps": ["10000"],
            "price_per_hour": ["1"], "stock": ["2"],
        },
        policy={"pools": ["services"], "headroom": 1.0, "cpu_overcommit": 1.0, "spare": 0.0},
    )  # fmt: skip
    with pytest.raises(InfeasibleError) as caught:
        place(fleet, Options(workers=workers))
    assert [(reason.kind, reason.value, reason.limit) for reason in caught.value.reasons] == [
        ("stock-short", 12, 8),
        ("stock-short", 12, 8),
    ]
    assert ["east" in reason.message for reason in caught.value.reasons] == [True, False]
    assert all(reason.details["add_hosts"] == {"small": 1} for reason in caught.value.reasons)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_ends_the_search_with_a_checked_plan(tmp_path, workers):
    fleet = read_fleet(write_hard_fleet(tmp_path / "fleet", 2_000, 2))
    told = []
    plan = place(fleet, Options(workers=workers), report=told.append, stop=lambda: any(t.num_placed for t in told))
    assert plan.summary.settings["interrupted"] is True
    assert plan.summary.settings["mode"] == "timed"
    assert check_plan(plan, fleet).findings == ()


def test_a_gap_asked_for_is_reached_and_ends_the_search(tmp_path):
    fleet = read_fleet(write_hard_fleet(tmp_path / "fleet", 1_500))
    best = place(fleet).summary.cost.gap
    asked = best + 0.02
    told = []
    plan = place(fleet, Options(target_gap=asked), report=told.append)
    assert 0 < plan.summary.cost.gap <= asked
    # it ends at the first packing that is good enough: every one before was dearer
    assert all(progress.gap > asked for progress in told if progress.cost and progress.cost > told[-1].cost)
    assert plan.summary.settings["target_gap"] == asked


def test_a_limit_that_is_not_reached_changes_nothing(three_regions, tmp_path):
    without = bytes_of(place(three_regions, Options()), tmp_path / "one")
    assert bytes_of(place(three_regions, Options(time_limit_s=600)), tmp_path / "two") == without


@pytest.mark.parametrize("mode", ["reproducible", "fast"])
def test_a_limit_that_is_reached_leaves_a_valid_plan_and_is_told(three_regions, mode):
    plan = place(three_regions, Options(time_limit_s=0.001, mode=mode))
    assert check_plan(plan, three_regions).findings == ()
    settings = plan.summary.settings
    assert settings["mode"] == ("fast" if mode == "fast" else "timed")
    assert settings["time_limit_s"] == 0.001
    assert plan.summary.seconds.solve is not None


def test_fast_plans_are_valid_and_marked(three_regions):
    plan = place(three_regions, Options(mode="fast"))
    assert check_plan(plan, three_regions).findings == ()
    assert plan.summary.settings["mode"] == "fast"
    assert plan.summary.seconds.solve is not None


def test_reproducible_plans_say_so_and_hold_no_seconds(three_regions):
    plan = place(three_regions, Options())
    assert plan.summary.settings["mode"] == "reproducible"
    assert plan.summary.seconds.solve is None


def test_regions_share_the_time_limit(three_regions):
    from placement.engine import _Clock
    from placement.instance import build_problems

    problems = build_problems(three_regions)
    clock = _Clock(problems, Options(time_limit_s=1000.0), time.monotonic())
    total = sum(problem.num_instances for problem in problems)
    # one at a time: the first gets its share of the fleet's instances, the last all that is left
    first = clock.slice(0, 1).time_limit_s
    assert first == pytest.approx(1000 * problems[0].num_instances / total, rel=0.01)
    assert clock.slice(1, 1).time_limit_s < 1000
    assert clock.slice(2, 1).time_limit_s == pytest.approx(1000, rel=0.01)
    assert replace(Options(), time_limit_s=None) == _Clock(problems, Options(), 0.0).slice(0, 1)


def test_an_unknown_executor_is_bad_input(three_regions):
    with pytest.raises(InputError, match="unknown executor"):
        place(three_regions, Options(executor="slurm"))
