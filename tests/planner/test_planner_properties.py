"""Properties over random fleets. `place` has the independent checker verify every plan before it returns it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_fleets import SIZES, make_fleet

from placement.engine import Options, place
from placement.errors import InfeasibleError
from placement.plan import plan_digest

_KINDS = {"too-large", "too-few-hosts", "stock-short", "rules-clash", "spare-short", "not-found"}


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a random fleet: few services, anything the format allows around them."""
    number = draw(st.integers(1, 12))
    names = [f"s{i}" for i in range(number)]

    def column(values: st.SearchStrategy[Any]) -> list[str]:
        return [str(value) for value in draw(st.lists(values, min_size=number, max_size=number))]

    services = {
        "service": names,
        "instances": column(st.integers(1, 5)),
        "max_per_host": column(st.integers(1, 3)),
        "cpu_cores": column(st.sampled_from(["0", "0.1", "0.7", "1.5", "3", "7"])),
        "memory_mb": column(st.sampled_from(["0", "50", "900", "5000", "13000"])),
        "spread": column(st.sampled_from(["host", "host", "zone", "segment"])),
    }
    arguments: dict[str, Any] = {"services": services}
    if draw(st.booleans()):
        zones = [{"zone": z, "segments": [{"segment": f"{z}{i}"} for i in (1, 2)]} for z in "ab"]
        arguments["topology"] = {"format": "placement/topology/1", "regions": [{"region": "eu", "zones": zones}]}
    pairs = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=6, unique=True))
    if pairs:
        arguments["interference"] = {
            "service": [a for a, _ in pairs],
            "other": [b for _, b in pairs],
            "max_instances": [str(draw(st.integers(int(a == b), 2))) for a, b in pairs],
        }
    if draw(st.booleans()):
        count = draw(st.integers(1, 5))
        state = st.sampled_from(["active", "active", "draining", "failed"])
        arguments["hosts"] = {
            "host": [f"h{i}" for i in range(count)],
            "size": [draw(st.sampled_from(["small", "large"])) for _ in range(count)],
            "state": [draw(state) for _ in range(count)],
            "price_per_hour": [draw(st.sampled_from(["0", "0.5", "1"])) for _ in range(count)],
        }
        if "topology" in arguments:
            arguments["hosts"]["zone"] = [draw(st.sampled_from(["a", "b"])) for _ in range(count)]
            arguments["hosts"]["segment"] = [f"{zone}1" for zone in arguments["hosts"]["zone"]]
    if draw(st.booleans()):
        arguments["sizes"] = {**SIZES, "stock": [draw(st.sampled_from(["", "0", "3", "30"])) for _ in range(2)]}
    spare = draw(st.sampled_from([0.0, 0.05, 0.5]))
    arguments["policy"] = {"headroom": draw(st.sampled_from([1.0, 0.7])), "cpu_overcommit": 1.0, "spare": spare}
    return arguments


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arguments=fleets())
def test_a_plan_that_the_checker_accepts_or_reasons(arguments):
    plan, reasons = None, ()
    try:
        plan = place(make_fleet(**arguments))
    except InfeasibleError as error:
        reasons = error.reasons
    if plan is None:
        assert reasons
        assert {reason.kind for reason in reasons} <= _KINDS
        assert all(reason.message for reason in reasons)
        return
    cost = plan.summary.cost
    assert cost.bound_per_hour <= cost.per_hour
    assert (plan.summary.status == "optimal") == (cost.bound_per_hour == cost.per_hour)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(arguments=fleets(), seed=st.integers(0, 3))
def test_same_seed_same_plan(arguments, seed):
    digests = []
    for _ in range(2):
        try:
            digests.append(plan_digest(place(make_fleet(**arguments), Options(seed=seed))))
        except InfeasibleError as error:
            digests.append(str(error))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("turn", [1, 7])
def test_the_order_of_rows_changes_nothing(turn):
    names = [f"s{i:02d}" for i in range(30)]
    cpu = [str(0.1 + 0.07 * i) for i in range(30)]
    one = make_fleet({"service": names, "cpu_cores": cpu})
    other = make_fleet({"service": names[turn:] + names[:turn], "cpu_cores": cpu[turn:] + cpu[:turn]})
    assert plan_digest(place(one)) == plan_digest(place(other))


def test_more_capacity_is_never_dearer_in_the_bound():
    services = {"service": ["a", "b"], "instances": ["9", "5"], "max_per_host": ["9", "9"]}
    roomier = dict(SIZES, cpu_cores=["5", "10"])
    bound = place(make_fleet(dict(services))).summary.cost.bound_per_hour
    assert place(make_fleet(dict(services), sizes=roomier)).summary.cost.bound_per_hour <= bound


def test_families_of_sizes_are_mixed_where_that_is_cheapest():
    # 40 CPU-heavy instances (1 core, 100 MB) and 40 memory-heavy ones (0.1 core, 3000 MB). The lean size has 10 cores
    # and 4 GB for 1, the rich one 2 cores and 60 GB for 1: 4 lean hosts hold the first kind's 40 cores (and their 4000
    # MB), 2 rich ones the second kind's 120 GB; any size alone needs far more.
    sizes = {
        "size": ["lean", "rich"], "cpu_cores": ["10", "2"], "memory_mb": ["4000", "60000"],
        "os_reserved_mb": ["0", "0"], "max_open_files": ["10000"] * 2, "max_threads": ["10000"] * 2,
        "disk_gb": ["1000"] * 2, "nic_mbps": ["10000"] * 2, "price_per_hour": ["1", "1"],
    }  # fmt: skip
    fleet = make_fleet(
        {
            "service": ["cpu", "mem"],
            "instances": ["40", "40"],
            "max_per_host": ["40", "40"],
            "cpu_cores": ["1", "0.1"],
            "memory_mb": ["100", "3000"],
        },
        sizes=sizes,
        policy={"headroom": 1.0, "cpu_overcommit": 1.0, "spare": 0.1},
    )
    summary = place(fleet).summary
    assert summary.cost.per_hour == 6.0
    assert summary.status == "optimal"
    assert summary.hosts.spare == 2  # one of each family: neither can replace the other


def test_the_gap_asked_for_ends_the_search_early():
    fleet = make_fleet({"service": [f"s{i}" for i in range(40)], "cpu_cores": [str(0.3 + 0.05 * i) for i in range(40)]})
    lazy = place(fleet, dataclasses.replace(Options(), target_gap=10.0)).summary
    assert lazy.cost.per_hour <= 11 * lazy.cost.bound_per_hour
