"""Spread over zones and segments, where names are missing, repeated or only in the inventory."""

from __future__ import annotations

from typing import Any

import pytest
from naive_planner import naive_plan
from town import move, straighten

from placement.fleet import Fleet, fleet_from_frames
from placement.plan.types import Plan
from placement.verify import check_plan


def fleet(spread: str, instances: int, topology: dict[str, Any] | None, hosts: dict[str, Any] | None = None) -> Fleet:
    return fleet_from_frames(
        services={"service": ["a"], "instances": [instances], "max_per_host": [9], "spread": [spread]},
        topology=None if topology is None else {"format": "placement/topology/1", "regions": [topology]},
        hosts=hosts,
        policy={"spare": 0, "pools": ["services"]},
    )


def place(of: Fleet, host: str, *instances: int) -> tuple[Plan, set[str]]:
    """Put instances on a host of the naive plan, and return what the check says but for hosts left empty."""
    plan = naive_plan(of)
    assert plan is not None
    assert check_plan(plan, of).is_clean
    for instance in instances:
        plan = move(plan, "a", instance, host)
    plan = straighten(plan, of)
    return plan, set(check_plan(plan, of).counts) - {"host-unused"}


def in_zones(*zones: tuple[str, ...]) -> dict[str, Any]:
    return {
        "region": "main",
        "zones": [
            {"zone": f"z{i}", "segments": [{"segment": name} for name in names]} for i, names in enumerate(zones)
        ],
    }


def host_in(of: Fleet, zone: str, segment: str = "") -> str:
    plan = naive_plan(of)
    assert plan is not None
    # without a segment of the fleet's own, the plan has made some
    where = {"zone": zone, "segment": segment} if segment else {"zone": zone}
    return str(plan.hosts.filter(**where)["host"][0])


def test_a_zone_takes_an_even_share_rounded_up() -> None:
    of = fleet("zone", 5, in_zones((), ()))  # at most 3 of 5 in either
    plan = naive_plan(of)
    assert plan is not None
    zones = dict(plan.hosts.select("host", "zone").iter_rows())
    per_zone = sorted(zones[host] for host in plan.assignments["host"].to_list())
    most, least = ("z0", "z1") if per_zone.count("z0") == 3 else ("z1", "z0")
    there = [row[1] for row in plan.assignments.iter_rows() if zones[row[2]] == least]
    assert place(of, host_in(of, most), there[0])[1] == {"spread"}


@pytest.mark.parametrize("spread", ["zone", "segment"])
def test_a_region_that_names_no_places_has_no_such_rule(spread: str) -> None:
    of = fleet(spread, 4, None)
    plan = naive_plan(of)
    assert plan is not None
    assert plan.hosts.height == 1
    assert check_plan(plan, of).is_clean


def test_segments_of_one_name_in_two_zones_are_two() -> None:
    of = fleet("segment", 4, in_zones(("s0", "s1"), ("s0", "s1")))  # four segments, one instance in each
    plan = naive_plan(of)
    assert plan is not None
    assert sorted(plan.hosts.select("zone", "segment").iter_rows()) == [
        ("z0", "s0"), ("z0", "s1"), ("z1", "s0"), ("z1", "s1"),
    ]  # fmt: skip
    first = str(plan.assignments["host"][0])
    plan, kinds = place(of, first, 2)
    assert kinds == {"spread"}
    (finding,) = (f for f in check_plan(plan, of).findings if f.kind == "spread")
    assert finding.message == "2 of 4 instances of a stand in segment z0/s0, at most 1 may"


def test_zones_of_active_hosts_count_and_of_drained_ones_do_not() -> None:
    def hosts(*states: str) -> dict[str, Any]:
        num = len(states)
        names = [f"old-{i}" for i in range(num)]
        zones = [f"z{i}" for i in range(num)]
        return {"host": names, "size": ["small"] * num, "region": ["main"] * num, "zone": zones, "state": list(states)}

    three = fleet("zone", 3, None, hosts("active", "active", "active"))
    assert place(three, "old-0", 2)[1] == {"spread"}  # one in each of three
    # a bare location of the topology needs no zone of its own, and a drained host makes none
    both = fleet("zone", 3, None, hosts("active", "active"))
    assert place(both, "old-0", 1, 2)[1] == set()
    assert place(both, "old-0", 1, 2, 3)[1] == {"spread"}
