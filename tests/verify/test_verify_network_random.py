"""Three implementations on random fleets and networks: the planner's, the checker's, and the naive one in fractions."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from harbour import POOLED, set_cells
from naive_network import with_links
from naive_tier_plan import naive_tier_plan
from pydantic import ValidationError
from town import set_summary

from placement.fleet import Fleet, fleet_from_frames
from placement.network.settle import settle
from placement.plan.types import Plan
from placement.verify import check_plan

NUM_FLEETS = 12
NICS = ["1gbe", "10gbe", "dual-10gbe", "25gbe"]


def random_region(dice: Random, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A region with its own spines, edge and database network, and the links between its switches."""
    spines = [f"{name}-spine-{at}" for at in range(dice.randint(1, 3))]
    gates = [f"{name}-gate-{at}" for at in range(dice.randint(1, 2))]
    has_database = dice.random() < 0.5

    def links(one: str, other: str, key: str) -> dict[str, Any]:
        return {
            key: one,
            "to": other,
            "capacity_mbps": dice.choice([0.5, 20, 1000]),
            "links": dice.randint(1, 3),
        }

    def segment(label: str) -> dict[str, Any]:
        chosen = [spine for spine in spines[1:] if (dice.random() < 0.5)] or spines[:1]
        uplinks = [{k: v for k, v in links("", spine, "from").items() if k != "from"} for spine in chosen]
        if has_database and (dice.random() < 0.5):
            uplinks.append({"to": f"{name}-db", "capacity_mbps": dice.choice([5, 1000]), "network": "database"})
        return {"segment": label, "uplinks": uplinks}

    zones = [
        {"zone": f"z{zone}", "segments": [segment(f"s{at}") for at in range(dice.randint(1, 2))]}
        for zone in range(dice.randint(1, 2))
    ]
    between = [links(spine, gates[0], "from") for spine in spines]
    between += [links(spine, gate, "from") for spine in spines for gate in gates[1:] if (dice.random() < 0.5)]
    between += [links(gates[0], gate, "from") for gate in gates[1:]]
    return {"region": name, "edge": gates, "zones": zones}, between


def inventory(dice: Random, names: list[str]) -> dict[str, list[Any]]:
    """Hosts that stand already, some of them in segments with a name, one of which is like those that plans make."""
    number = dice.randint(1, 5)
    return {
        "host": [f"old-{at}" for at in range(number)],
        "size": [dice.choice(["small", "medium"]) for _ in range(number)],
        "region": [dice.choice(names) for _ in range(number)],
        "segment": [dice.choice(["", "", "rack", "s0001"]) for _ in range(number)],
        "pool": [dice.choice(["services", "databases"]) for _ in range(number)],
        "state": [dice.choice(["active", "active", "failed"]) for _ in range(number)],
        "nic": [dice.choice(["", "25gbe", "dual-10gbe"]) for _ in range(number)],
        "price_per_hour": [0.01] * number,
    }


def random_fleet(seed: int) -> Fleet:
    dice = Random(seed)
    names = ["eu", "us"][: dice.randint(1, 2)]
    topology = None
    if dice.randint(0, 3):
        drawn = [random_region(dice, name) for name in names]
        links = [link for _, between in drawn for link in between]
        if len(names) > 1:
            links.append({"from": "eu-gate-0", "to": "us-gate-0", "capacity_mbps": dice.choice([1, 1000])})
        topology = {"format": "placement/topology/1", "regions": [region for region, _ in drawn], "links": links}
    number = dice.randint(1, 5)
    services = [f"svc{at}" for at in range(number)]

    def column(values: list[Any]) -> list[Any]:
        return [dice.choice(values) for _ in services]

    pairs = {(dice.choice(services), dice.choice(services)) for _ in range(dice.randint(0, 4))}
    calls = {pair: dice.choice([0.001, 3, 17.5]) for pair in sorted(pairs)}
    nic = dice.choice([{}, dice.choice(NICS), {"databases": dice.choice(NICS)}])
    pools = ["services", *(pool for pool in ("databases", "caches", "platform") if (dice.random() < 0.5))]
    columns = {"from": [a for a, _ in calls], "to": [b for _, b in calls], "mbps": list(calls.values())}
    return fleet_from_frames(
        services={
            "service": services,
            "instances": column([1, 2, 3, 4, 5]),
            "max_per_host": column([1, 2]),
            "region": [names[0], *(dice.choice(names) for _ in services[1:])],
            "cpu_cores": [0.5] * number,
            "network_mbps": column([0, 0.003, 10, 41.7]),
            "needs_postgres": column([True, False]),
            "needs_valkey": column([True, False]),
            "load_profile": column(["balanced", "read-heavy"]),
            "frontend": column([True, False]),
        },
        calls=columns if calls else None,
        topology=topology,
        hosts=inventory(dice, names) if topology is None and dice.random() < 0.5 else None,
        override=POOLED | {"network": {"tiers": {"standard": {"fabric": {
            "hosts_per_segment": dice.randint(1, 4), "uplink_mbps": dice.choice([20, 10000]),
            "core_mbps": dice.choice([30, 10000])}}}}},
        policy={"postgres": dice.choice(["clusters", "dedicated"]), "nic": nic,
                "valkey": dice.choice(["single", "cluster"]), "pools": pools},
    )  # fmt: skip


def without_network(plan: Plan) -> Plan:
    nothing = {"network": None, "violations": (), "alerts": ()}
    return replace(plan, summary=plan.summary.model_copy(update=nothing), links=plan.links.clear())


def allowed(plan: Plan) -> dict[str, int]:
    number = len(plan.summary.violations)
    return {"link-overloaded": number} if number else {}


def planned(seed: int) -> tuple[Fleet, Plan]:
    """Return the first random fleet from this seed on that the naive planner can plan."""
    for attempt in range(100):
        fleet = random_fleet(seed + 1000 * attempt)
        plan = naive_tier_plan(fleet)
        if plan is not None:
            return fleet, plan
    raise AssertionError("the naive planner finds no plan for any of 100 fleets")


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_planner_checker_and_fractions_agree(seed: int) -> None:
    fleet, plan = planned(seed)
    result = check_plan(plan, fleet)
    assert result.counts == allowed(plan), [str(finding) for finding in result.findings]
    settled = settle(without_network(plan), fleet)
    result = check_plan(settled, fleet)
    assert result.counts == allowed(settled), [str(finding) for finding in result.findings]
    again = with_links(settled, fleet)
    assert again.links.drop("load_mbps", "utilization").equals(settled.links.drop("load_mbps", "utilization"))
    assert [v["link"] for v in again.summary.violations] == [v["link"] for v in settled.summary.violations]
    assert (again.links["load_mbps"] - settled.links["load_mbps"]).abs().max() <= 0.001 + 1e-9  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(0, NUM_FLEETS, 3))
def test_any_number_and_word_of_links_counts(seed: int) -> None:
    fleet, plan = planned(seed)
    dice = Random(seed)
    before = check_plan(plan, fleet).counts
    for _ in range(5):
        row = plan.links.row(dice.randrange(plan.links.height), named=True)
        column = dice.choice(sorted(set(row) - {"link"}))
        if isinstance(row[column], str):
            value: Any = dice.choice([word for word in set(plan.links[column]) | {"x"} if word != row[column]])
        else:
            value = row[column] + (1 if column in ("links", "utilization") else 0.003)
        edited = set_cells(plan, "links", row["link"], **{column: value})
        assert check_plan(edited, fleet).counts != before, (row, column, value)


def figures_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all words and numbers in nested data."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, part in pairs for found in figures_of(part, (*path, key))]
    return [path]


@pytest.mark.parametrize("seed", range(0, NUM_FLEETS, 3))
def test_any_figure_of_the_summary_counts_cuts_and_mends_too(seed: int) -> None:
    fleet, plan = planned(seed)
    settled = settle(without_network(plan), fleet)
    assert settled.summary.network is not None
    before = check_plan(settled, fleet).counts
    data = settled.summary.network.model_dump(mode="json")
    for path in Random(seed).sample(figures_of(data), 10):
        edited = deepcopy(data)
        part = edited
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = f"{part[path[-1]]}x" if isinstance(part[path[-1]], str) else part[path[-1]] + 1
        try:
            wrong = set_summary(settled, "network", edited)
        except ValidationError:
            continue  # a word that is not allowed there: such a file cannot be read
        assert check_plan(wrong, fleet).counts != before, path
