"""Bounds: hand-worked values, and never above the optimum found by trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_fleets import make_fleet

from placement.bounds import prove
from placement.instance import build_problems


def bound_of(fleet) -> int:
    (problem,) = build_problems(fleet)
    return prove(problem).micros_per_hour


def test_resource_bound_rounds_up_to_an_attainable_cost(fleet_of):
    # 9 instances of 1 core on hosts of 4 cores for 1 or 8 for 2: 9/4 = 2.25, attainable costs are whole: 3
    fleet = fleet_of({"service": ["a"], "instances": ["9"], "max_per_host": ["9"]})
    assert bound_of(fleet) == 3_000_000


def test_counting_bound_binds_for_replicas_apart(fleet_of):
    # 7 small instances, one per host: 7 hosts of the cheapest kind, though one could carry them all
    fleet = fleet_of({"service": ["a"], "instances": ["7"], "cpu_cores": ["0.1"]})
    assert bound_of(fleet) == 7_000_000


def test_a_demand_that_only_the_dear_size_holds_costs_its_price(fleet_of):
    # 5 cores fit a large host alone: 2 per hour at 8 cores, so at least 5/8 of 2 = 1.25, rounded up to 2
    fleet = fleet_of({"service": ["a"], "cpu_cores": ["5"]})
    assert bound_of(fleet) == 2_000_000


def test_free_standing_hosts_lower_the_bound(fleet_of):
    # 12 cores are wanted; one free host of 8 stands: 4 cores remain, one small host
    fleet = fleet_of(
        {"service": ["a"], "instances": ["12"], "max_per_host": ["12"]},
        hosts={"host": ["h1"], "size": ["large"], "price_per_hour": ["0"]},
    )
    assert bound_of(fleet) == 1_000_000


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    demands=st.lists(st.tuples(st.integers(1, 8), st.integers(100, 16_000)), min_size=1, max_size=4, unique=True),
    prices=st.tuples(st.integers(1, 5), st.integers(1, 9)),
)
def test_never_above_the_optimum(demands, prices):
    sizes = {
        "size": ["small", "large"], "cpu_cores": ["4", "8"], "memory_mb": ["9000", "16000"],
        "os_reserved_mb": ["0", "0"], "max_open_files": ["1000"] * 2, "max_threads": ["1000"] * 2,
        "disk_gb": ["100"] * 2, "nic_mbps": ["1000"] * 2, "price_per_hour": [str(p) for p in prices],
    }  # fmt: skip
    fleet = make_fleet(
        {
            "service": [f"s{i}" for i in range(len(demands))],
            "cpu_cores": [str(cpu) for cpu, _ in demands],
            "memory_mb": [str(memory) for _, memory in demands],
        },
        sizes=sizes,
    )
    limits = {"small": (4, 9000), "large": (8, 16_000)}
    best = np.inf
    for hosts in itertools.product(range(len(demands)), repeat=len(demands)):  # every assignment to hosts
        cost = 0
        for h in set(hosts):
            load = np.array([demands[i] for i in range(len(demands)) if hosts[i] == h]).sum(axis=0)
            fitting = [
                price for price, limit in zip(prices, limits.values(), strict=True) if (load <= np.array(limit)).all()
            ]
            cost += min(fitting, default=np.inf)
        best = min(best, cost)
    assert np.isfinite(best)
    assert bound_of(fleet) <= best * 1_000_000


@pytest.mark.parametrize("scale", [1, 7])
def test_bound_grows_with_the_fleet(fleet_of, scale):
    one = fleet_of({"service": ["a"], "instances": [str(scale)], "max_per_host": ["99"]})
    more = fleet_of({"service": ["a"], "instances": [str(scale + 20)], "max_per_host": ["99"]})
    assert bound_of(one) < bound_of(more)
