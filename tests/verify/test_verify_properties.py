"""Random small fleets: first fit's plans are clean, and a random edit is caught or does no harm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from naive_planner import naive_plan
from town import move, set_host, straighten

from placement.fleet import Fleet, fleet_from_frames
from placement.plan.types import HOSTS_SCHEMA, Plan
from placement.verify import check_plan

NUM_FLEETS = 25


def random_fleet(seed: int) -> Fleet:
    """Make a fleet of a dozen services with some of everything: regions, zones, stock, inventory, rules, spares."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(3, 14))
    regions = ["north", "south"][: int(rng.integers(1, 3))]
    zones = [f"z{i}" for i in range(int(rng.integers(0, 4)))]
    topology = {
        "format": "placement/topology/1",
        "regions": [
            {
                "region": region,
                "zones": [
                    {"zone": zone, "segments": [{"segment": f"s{i}"} for i in range(int(rng.integers(0, 3)))]}
                    for zone in zones
                ],
            }
            for region in regions
        ],
    }
    services = {
        "service": [f"svc-{i:02d}" for i in range(num)],
        "instances": rng.integers(1, 5, num).tolist(),
        "max_per_host": rng.integers(1, 4, num).tolist(),
        "cpu_cores": np.round(rng.lognormal(-0.5, 0.8, num), 3).tolist(),
        "memory_mb": np.round(rng.lognormal(6.5, 0.7, num)).tolist(),
        "region": rng.choice(regions, num).tolist(),
        "spread": rng.choice(["host", "zone", "segment"], num).tolist(),
        "frontend": rng.choice([True, False], num).tolist(),
    }
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, num, (num, 2))}
    rules = [(a, b, int(rng.integers(0 if a != b else 1, 3))) for a, b in sorted(pairs)]
    hosts = None
    if rng.random() < 0.6:
        count = int(rng.integers(1, 6))
        places = [
            (region["region"], zone["zone"], segment.get("segment", ""))
            for region in topology["regions"]
            for zone in region["zones"] or [{"zone": "", "segments": []}]
            for segment in zone["segments"] or [{}]
        ]
        chosen = [places[int(i)] for i in rng.integers(0, len(places), count)]
        hosts = {
            "host": [f"old-{i}" for i in range(count)],
            "size": rng.choice(["small", "large"], count).tolist(),
            "region": [place[0] for place in chosen],
            "zone": [place[1] for place in chosen],
            "segment": [place[2] for place in chosen],
            "state": rng.choice(["active", "active", "draining", "failed"], count).tolist(),
            "price_per_hour": rng.choice([0.0, 0.05, 0.3], count).tolist(),
        }
    policy: dict[str, Any] = {
        "pools": ["services"],
        "headroom": {"cpu": 0.57, "memory": 0.9} if rng.random() < 0.5 else 0.7,
        "cpu_overcommit": float(rng.choice([1.0, 1.5, 2.0])),
        "spare": float(rng.choice([0.0, 0.05, 0.34])),
        "demand": str(rng.choice(["low", "typical", "high"])),
    }
    return fleet_from_frames(
        services=services,
        topology=topology,
        hosts=hosts,
        interference=dict(zip(("service", "other", "max_instances"), map(list, zip(*rules, strict=True)), strict=True)),
        policy=policy,
    )


def planned(seed: int) -> tuple[Fleet, Plan]:
    """Return the first random fleet from this seed on for which first fit finds a plan."""
    for attempt in range(100):
        fleet = random_fleet(seed + 1000 * attempt)
        plan = naive_plan(fleet)
        if plan is not None:
            return fleet, plan
    raise AssertionError("first fit finds no plan for any of 100 fleets")


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_plans_by_first_fit_are_clean(seed: int) -> None:
    fleet, plan = planned(seed)
    assert [str(finding) for finding in check_plan(plan, fleet).findings] == []
    assert [str(finding) for finding in check_plan(plan, None).findings] == []


def test_most_random_fleets_can_be_planned() -> None:
    assert sum(naive_plan(random_fleet(seed)) is not None for seed in range(NUM_FLEETS)) >= NUM_FLEETS * 3 // 4


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_any_number_in_the_hosts_table_counts(seed: int) -> None:
    fleet, plan = planned(seed)
    rng = np.random.default_rng(seed)
    for _ in range(12):
        row = plan.hosts.row(int(rng.integers(plan.hosts.height)), named=True)
        column = str(rng.choice([name for name, kind in HOSTS_SCHEMA.items() if kind.is_numeric()]))
        step = 1 if HOSTS_SCHEMA[column].is_integer() else 0.001
        edited = set_host(plan, row["host"], **{column: row[column] + step * int(rng.integers(1, 5))})
        assert not check_plan(edited, fleet).is_clean, (row["host"], column)


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_a_moved_instance_is_caught_or_harmless(seed: int) -> None:
    """Moved and nothing else: the books are wrong. With the books straightened: clean only if first fit agrees."""
    fleet, plan = planned(seed)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        service, instance, host = plan.assignments.row(int(rng.integers(plan.assignments.height)))
        others = [name for name in plan.hosts["host"].to_list() if name != host]
        if not others:
            return
        other = str(rng.choice(others))
        moved = move(plan, service, instance, other)
        assert not check_plan(moved, fleet).is_clean
        straight = straighten(moved, fleet)
        assert check_plan(straight, fleet).is_clean == is_valid(straight, fleet)


def is_valid(plan: Plan, fleet: Fleet) -> bool:
    """Judge a straightened plan instance by instance, with the naive planner's own test of a move."""
    from naive_planner import Host, NaivePlanner, limits_of

    naive = NaivePlanner(fleet)
    nics = dict(fleet.hosts.select("host", "nic_kbps").iter_rows())
    hosts = {
        row["host"]: Host(
            row["host"], row["size"], row["region"], row["zone"], row["segment"], 0,
            limits_of(fleet, row["size"], nics.get(row["host"])), row["host"] in nics, row["spare"],
        )
        for row in plan.hosts.to_dicts()
    }  # fmt: skip
    rows = {name: row for row, name in enumerate(fleet.services["service"].to_list())}
    for service, _, name in plan.assignments.iter_rows():
        host, row = hosts[name], rows[service]
        if host.spare or host.region != naive.services[row]["region"] or not naive.may(host, row):
            return False
        host.running[row] += 1
        host.load = [a + b for a, b in zip(host.load, naive.demands[row], strict=True)]
        for level in ("zone", "segment"):
            naive.placed[row, level, naive.place(host, level)] += 1
    if any(not host.running and not host.spare for host in hosts.values()):
        return False
    spares = [host for host in hosts.values() if host.spare]
    return all(
        all(limit >= load for limit, load in zip(spare.limit, host.load, strict=True))
        for spare in spares
        for host in hosts.values()
        if host.region == spare.region
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    fleet, plan = planned(seed)
    shuffled = replace(
        plan,
        hosts=plan.hosts.sample(fraction=1.0, shuffle=True, seed=seed),
        assignments=plan.assignments.sample(fraction=1.0, shuffle=True, seed=seed),
    )
    assert check_plan(shuffled, fleet).is_clean


def test_a_plan_never_passes_for_a_fleet_with_more_to_place() -> None:
    fleet, plan = planned(0)
    more = fleet.services.with_columns(pl.col("instances") + 1)
    assert "instance-missing" in check_plan(plan, replace(fleet, services=more)).counts
