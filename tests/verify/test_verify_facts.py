"""Demands and limits, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from town import town

from placement.capacity.sizes import HostSize
from placement.fleet import Policy, fleet_from_frames
from placement.units import RESOURCE_NAMES, RESOURCES
from placement.verify.facts import fleet_facts, host_limits

MEDIUM = HostSize(
    name="medium",
    cpu_millicores=8000,
    memory_mb=32000,
    os_reserved_mb=2000,
    max_open_files=1_000_000,
    max_threads=100_001,
    disk_mb=500_000,
    nic_kbps=10_000_000,
    price_micros_per_hour=400_000,
)


def limits(policy: Policy, nic_kbps: int = 10_000_000, size: HostSize = MEDIUM) -> dict[str, int]:
    return dict(zip(RESOURCE_NAMES, host_limits(size, nic_kbps, policy), strict=True))


def test_calls_are_demand_of_the_larger_direction_for_each_instance() -> None:
    # a, 3 instances, sends 10 and 0.001 Mbps and receives 4: 10,001 / 3 = 3,333.67 kbit/s more, rounded up;
    # b receives 10 and sends 4; c receives a thousandth of a Mbps
    fleet = fleet_from_frames(
        services={"service": ["a", "b", "c"], "instances": [3, 1, 1], "network_mbps": [2, 2, 2]},
        calls={"from": ["a", "a", "b"], "to": ["b", "c", "a"], "mbps": [10, 0.001, 4]},
    )
    facts = fleet_facts(fleet)
    assert facts.demand[:, RESOURCE_NAMES.index("network")].tolist() == [2000 + 3334, 2000 + 10000, 2000 + 1]
    assert facts.own_network_kbps.tolist() == [2000, 2000, 2000]


def test_the_policys_nic_counts_for_limit_and_price_of_bought_hosts() -> None:
    # small hosts have 10 GbE, which adds 0.01 an hour of its own: 25 GbE (0.03) makes it 0.02 more, 1 GbE nothing less
    fleet = fleet_from_frames(
        services={"service": ["a"]}, policy={"nic": {"databases": "25gbe", "caches": "1gbe"}}, sizes=["small"]
    )
    bought = fleet_facts(fleet).bought
    price = fleet.sizes["small"].price_micros_per_hour
    network = RESOURCE_NAMES.index("network")
    kinds = {pool: bought[pool, "small"] for pool in ("services", "databases", "caches")}
    assert {pool: (b.nic, b.limit[network], b.price - price) for pool, b in kinds.items()} == {
        "services": ("10gbe", 6_000_000, 0),
        "databases": ("25gbe", 15_000_000, 20_000),
        "caches": ("1gbe", 600_000, 0),
    }


def test_limits_by_the_table_of_the_contract() -> None:
    assert limits(Policy()) == {
        "cpu": 11_200,  # 8 x 2.0 x 0.7
        "memory": 21_000,  # (32,000 - 2,000) x 0.7
        "open_files": 700_000,
        "threads": 70_000,  # 70,000.7
        "disk": 350_000,
        "network": 6_000_000,  # its own line, no headroom
    }


def test_headroom_per_resource_keeps_the_usual_share_elsewhere() -> None:
    found = limits(Policy(headroom={"cpu": 1.0, "memory": 0.5}, cpu_overcommit=1.1, network_limit=0.35))
    assert (found["cpu"], found["memory"]) == (8800, 15_000)
    assert (found["open_files"], found["disk"]) == (700_000, 350_000)
    assert found["network"] == 3_500_000


def test_limits_are_those_of_the_decimals_people_wrote() -> None:
    # in doubles, 0.57 x 100 is 56.99999999999999 and 0.29 x 100 is 28.999999999999996
    hundred = HostSize("h", 100, 100, 0, 100, 100, 100, 100, 0)
    assert set(limits(Policy(headroom=0.57, cpu_overcommit=1.0, network_limit=0.57), 100, hundred).values()) == {57}
    assert set(limits(Policy(headroom=0.29, cpu_overcommit=1.0, network_limit=0.29), 100, hundred).values()) == {29}


def test_a_reserve_beyond_the_memory_leaves_nothing() -> None:
    small = HostSize("s", 1000, 1000, 1500, 1, 1, 1, 1, 0)
    assert limits(Policy(), size=small)["memory"] == 0


def test_the_nic_of_an_existing_host_counts() -> None:
    assert limits(Policy(), nic_kbps=1_000_000)["network"] == 600_000


@pytest.mark.parametrize("end", ["low", "typical", "high"])
def test_blank_demands_come_from_the_profile_and_front_ends_come_on_top(end: str) -> None:
    fleet = fleet_from_frames(
        services={
            "service": ["a", "b", "c"],
            "cpu_cores": [None, 1.2345, None],
            "frontend": [False, True, True],
        },
        policy={"demand": end},
    )
    profile = fleet.services["profile"][0]
    backend, front = fleet.model.profile_demand(profile, end), fleet.model.frontend_demand(profile, end)
    columns = [resource.internal_column for resource in RESOURCES]
    demand = fleet_facts(fleet).demand
    assert demand[0].tolist() == [backend[column] for column in columns]
    assert demand[1, 0] == 1235 + front["cpu_millicores"]  # 1,234.5 millicores, rounded up
    assert demand[2].tolist() == [backend[column] + front[column] for column in columns]


def test_a_rule_of_a_service_with_itself_lowers_what_a_host_may_hold() -> None:
    facts = fleet_facts(town())
    names = facts.fleet.services["service"].to_list()
    assert facts.max_per_host[names.index("batch")] == 3
    assert facts.most_per_host[names.index("batch")] == 2
    others = np.array(names) != "batch"
    assert (facts.max_per_host == facts.most_per_host)[others].all()
