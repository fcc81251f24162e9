"""The problem's arrays, each figure worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from placement.capacity import HostSize, load_model
from placement.fleet import Policy
from placement.instance import build_problems, size_limits
from placement.interference import NO_LIMIT, rule_rows
from placement.units import RESOURCE_NAMES

SMALL = HostSize("small", 4000, 16_000, 2_000, 1_000_001, 30_001, 200_000, 10_000_000, 192_000)


def test_limits_of_the_contract():
    # cpu 4000 x 2 x 0.7 = 5600; memory (16000 - 2000) x 0.7 = 9800; files 1000001 x 0.7 = 700000.7, down;
    # threads 30001 x 0.7 = 21000.7, down; disk 200000 x 0.7; network 10^7 x 0.6
    assert size_limits(SMALL, Policy()) == (5600, 9800, 700_000, 21_000, 140_000, 6_000_000)


def test_limits_are_exact_decimals():
    # 0.29 x 100 is 28.999999999999996 in floating point; exactly it is 29
    policy = Policy(headroom=0.29, cpu_overcommit=1.0)
    size = HostSize("s", 100, 100, 0, 100, 100, 100, 100, 1)
    assert size_limits(size, policy)[:5] == (29, 29, 29, 29, 29)


def test_headroom_per_resource_keeps_the_rest_at_70_percent():
    policy = Policy(headroom={"memory": 0.5})
    limits = dict(zip(RESOURCE_NAMES, size_limits(SMALL, policy), strict=True))
    assert limits["memory"] == 7000
    assert limits["cpu"] == 5600


def test_own_nic_of_a_host_replaces_its_sizes():
    assert size_limits(SMALL, Policy(), nic_kbps=1_000_000)[5] == 600_000


def test_blank_demands_come_from_the_profile_and_front_ends_add(fleet_of):
    fleet = fleet_of(
        {
            "service": ["a", "b"],
            "profile": ["typical", "typical"],
            "frontend": ["false", "true"],
            "cpu_cores": [None, None],
            "memory_mb": ["601.5", None],
        }
    )
    (problem,) = build_problems(fleet)
    model = load_model("rithmxo-1.0")
    extra = model.frontend_demand("typical", "typical")
    assert problem.demand[0, 0] == 500  # the guide's 0.5 cores
    assert problem.demand[0, 1] == 602  # its own figure, rounded up
    assert problem.demand[1, 0] == 500 + extra["cpu_millicores"]
    assert problem.demand[1, 1] == 600 + extra["memory_mb"]
    assert extra["cpu_millicores"] > 0


def test_interference_becomes_rows_in_both_directions(fleet_of):
    fleet = fleet_of(
        {"service": ["a", "b", "c"], "instances": ["4", "4", "4"], "max_per_host": ["4", "4", "4"]},
        interference={
            "service": ["a", "b", "c"],
            "other": ["b", "a", "c"],
            "max_instances": ["2", "0", "1"],
        },
    )
    (problem,) = build_problems(fleet)
    rules = problem.rules
    # row a: b at most 2 beside a; a at most 0 beside b
    assert rules.start.tolist() == [0, 1, 2, 2]
    assert rules.other.tolist() == [1, 0]
    assert rules.most_other.tolist() == [2, 0]
    assert rules.most_self.tolist() == [0, 2]
    # c limits its own instances
    assert problem.max_per_host.tolist() == [4, 4, 1]


def test_rows_hold_each_pair_once_with_the_limits_of_both_directions():
    rng = np.random.default_rng(2)
    for num in (1, 2, 7, 30):
        cells = np.flatnonzero(rng.random((num, num)) < 0.3)
        cells = cells[cells // num != cells % num]
        most = rng.integers(0, 4, len(cells)).astype(np.int32)
        service, other = (cells // num).astype(np.int32), (cells % num).astype(np.int32)
        limit = dict(zip(zip(service.tolist(), other.tolist(), strict=True), most.tolist(), strict=True))
        rules = rule_rows(service, other, most, num)
        expected = [
            (t, limit.get((s, t), NO_LIMIT), limit.get((t, s), NO_LIMIT))
            for s in range(num)
            for t in range(num)
            if (s, t) in limit or (t, s) in limit
        ]
        rows = zip(rules.other.tolist(), rules.most_other.tolist(), rules.most_self.tolist(), strict=True)
        assert list(rows) == expected
        lengths = [sum((s, t) in limit or (t, s) in limit for t in range(num)) for s in range(num)]
        assert np.diff(rules.start).tolist() == lengths
        assert (rules.other.dtype, rules.most_other.dtype, rules.most_self.dtype) == (np.int32,) * 3


def test_spread_over_zones_is_even(fleet_of):
    topology = {
        "format": "placement/topology/1",
        "regions": [{"region": "eu", "zones": [{"zone": "a"}, {"zone": "b"}]}],
    }
    fleet = fleet_of({"service": ["a", "b"], "instances": ["5", "2"], "spread": ["zone", "host"]}, topology=topology)
    (problem,) = build_problems(fleet)
    assert problem.spread_limit.tolist() == [3, NO_LIMIT]  # 5 instances over 2 zones


def test_standing_hosts_that_are_alike_form_a_class(fleet_of):
    fleet = fleet_of(
        {"service": ["a"]},
        hosts={
            "host": ["h1", "h2", "h3", "h4"],
            "size": ["small", "small", "small", "small"],
            "state": ["active", "active", "draining", "active"],
            "price_per_hour": ["0", "0", "0", "0.5"],
        },
    )
    (problem,) = build_problems(fleet)
    classes = problem.classes
    assert [hosts for hosts in classes.hosts if hosts] == [("h1", "h2"), ("h4",)]
    assert classes.stock.tolist() == [2, 1, -1, -1]
    assert classes.price.tolist() == [0, 500_000, 2_000_000, 1_000_000]


@pytest.mark.parametrize("dtype", [np.int64])
def test_everything_is_an_integer(fleet_of, dtype):
    (problem,) = build_problems(fleet_of({"service": ["a"]}))
    assert problem.demand.dtype == dtype
    assert problem.classes.limit.dtype == dtype
