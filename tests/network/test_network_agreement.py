"""The planner's network layer and the checker's, which share no code, agree on random fleets and topologies."""

from __future__ import annotations

import random
from typing import Any

import pytest
from net_plans import hand_plan, small_fleet

from placement import Options, check_plan, place
from placement.fleet import Fleet, fleet_from_frames
from placement.network.settle import settle
from placement.plan.types import Plan

KINDS = ("segment-", "nic-", "link-", "network-")


def random_topology(rng: random.Random, regions: int) -> dict[str, Any]:
    """Return segments with uplinks to some spines each, spines with links to cores, cores of all regions in a ring."""
    content: dict[str, Any] = {"format": "placement/topology/1", "regions": [], "links": []}
    with_database = rng.random() < 0.5
    narrow = rng.choice([1.0, 0.05, 0.005])

    def link(ends: dict[str, str], network: str) -> dict[str, Any]:
        capacity = round(rng.choice([1000, 10_000, 40_000]) * narrow, 1)
        return {**ends, "capacity_mbps": capacity, "links": rng.randint(1, 3), "network": network}

    for r in range(regions):
        cores = [f"core-{r}-{n}" for n in range(rng.randint(1, 2))]
        zones = []
        for z in range(rng.randint(1, 2)):
            spines = [f"spine-{r}-{z}-{n}" for n in range(rng.randint(1, 3))]
            segments = []
            for s in range(rng.randint(1, 3)):
                chosen = rng.sample(spines, rng.randint(1, len(spines)))
                uplinks = [link({"to": spine}, "service") for spine in chosen]
                if with_database and rng.random() < 0.8:
                    uplinks.append(link({"to": f"db-{r}"}, "database"))
                segments.append({"segment": f"s{s}", "uplinks": uplinks})
            used = {
                uplink["to"] for segment in segments for uplink in segment["uplinks"] if uplink["network"] == "service"
            }
            for spine in sorted(used):
                content["links"] += [link({"from": spine, "to": core}, "service") for core in cores]
            zones.append({"zone": f"z{z}", "segments": segments})
        content["regions"].append({"region": f"r{r}", "edge": cores, "zones": zones})
        if r:
            content["links"].append(link({"from": f"core-{r - 1}-0", "to": f"core-{r}-0"}, "service"))
    return content


def disagreements(plan: Plan, fleet: Fleet) -> list[str]:
    """Return what the checker finds wrong with the network, overloaded links that the plan declares left out."""
    findings = [finding for finding in check_plan(plan, fleet).findings if finding.kind.startswith(KINDS)]
    overloaded = sum(finding.kind == "link-overloaded" for finding in findings)
    assert overloaded == len(plan.summary.violations)
    return [str(finding) for finding in findings if finding.kind != "link-overloaded"]


@pytest.mark.parametrize("seed", range(12))
def test_plans_by_hand(seed: int) -> None:
    rng = random.Random(seed)
    regions = rng.randint(1, 2)
    topology = random_topology(rng, regions)
    services = {
        f"svc-{n}": {
            "instances": rng.randint(1, 4),
            "network_mbps": rng.choice([0.0, 1.5, 20.0, 300.0]),
            "region": f"r{rng.randrange(regions)}",
            "needs_postgres": rng.random() < 0.5,
            "needs_valkey": rng.random() < 0.5,
        }
        for n in range(6)
    }
    names = sorted(services)
    pairs = {(rng.choice(names), rng.choice(names)) for _ in range(4)}
    calls = [(one, other, rng.choice([0.0, 3.0, 120.0])) for one, other in sorted(pairs)]
    fleet = small_fleet(services, topology, calls, network_limit=1.0)
    places = [
        (region["region"], zone["zone"], segment["segment"])
        for region in topology["regions"]
        for zone in region["zones"]
        for segment in zone["segments"]
    ]
    stands: dict[str, tuple[tuple[str, str, str], list[str]]] = {}
    for name, columns in services.items():
        here = [place for place in places if place[0] == columns["region"]]
        for _ in range(columns["instances"]):
            place = rng.choice(here)
            stands.setdefault(f"h-{'-'.join(place)}-{rng.randrange(2)}", (place, []))[1].append(name)
    plan = settle(hand_plan(fleet, stands), fleet)
    assert disagreements(plan, fleet) == []


@pytest.mark.parametrize("seed", range(4))
def test_whole_plans(seed: int) -> None:
    rng = random.Random(100 + seed)
    regions = rng.randint(1, 2)
    policy: dict[str, Any] = {"postgres": rng.choice(["clusters", "dedicated", "single"])}
    nic = rng.choice(["", "dual-10gbe", "25gbe"])
    if nic:
        policy["nic"] = nic
    if rng.random() < 0.3:
        policy["pools"] = rng.choice([["services", "databases", "caches"], ["databases", "platform"]])
    services = {
        "service": [f"svc-{n}" for n in range(14)],
        "instances": [rng.randint(1, 3) for _ in range(14)],
        "network_mbps": [rng.choice([5.0, 40.0]) for _ in range(14)],
        "region": [f"r{rng.randrange(regions)}" for _ in range(14)],
        "needs_valkey": [rng.random() < 0.7 for _ in range(14)],
    }
    calls = {"from": ["svc-0", "svc-1"], "to": ["svc-2", "svc-1"], "mbps": [25.0, 4.0]}
    topology = random_topology(rng, regions) if seed % 2 else None
    fleet = fleet_from_frames(services=services, calls=calls, topology=topology, policy=policy)
    plan = place(fleet, Options(seed=1))
    assert disagreements(plan, fleet) == []
    assert plan.summary.network is not None
    assert plan.summary.network.topology == ("file" if topology else "derived")
