"""Every bundled fleet planned and compared with the figures worked out by hand in its fleet.yaml.

The larger fleets are goldens: cost, bound and gap are pinned in fixtures/goldens.json, not the assignment.
Run as a script, this file writes them anew.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from placement.engine import Options, place
from placement.errors import InfeasibleError, Reason
from placement.fleet import generate_fleet, read_fleet, write_generated
from placement.plan.types import CountingProof, Leaf, Plan, WeightsProof

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
GOLDENS = FIXTURES / "goldens.json"
GOLDEN_FLEETS = ("fifty", "fleet-5000")
REGENERATE = "if that is intended: .venv/bin/python tests/planner/test_planner_fixtures.py"

SMALL = 0.192  # USD/h, of the bundled model's price list


@cache
def planned(name: str) -> Plan:
    return place(read_fleet(FIXTURES / name), Options(seed=1))


def reasons(name: str) -> dict[str, Reason]:
    with pytest.raises(InfeasibleError) as caught:
        place(read_fleet(FIXTURES / name))
    return {reason.service: reason for reason in caught.value.reasons}


def shared_hosts(plan: Plan) -> dict[str, dict[str, int]]:
    """Instances of each service by host."""
    found: dict[str, dict[str, int]] = {}
    for service, _, host in plan.assignments.iter_rows():
        counts = found.setdefault(host, {})
        counts[service] = counts.get(service, 0) + 1
    return found


def proof(plan: Plan) -> object:
    (certificate,) = plan.bounds.certificates
    assert isinstance(certificate.tree, Leaf)
    return certificate.tree.proof


@pytest.mark.parametrize(
    ("name", "cost", "spare_cost", "by_size"),
    [
        ("tiny-one-host", SMALL, SMALL, {"small": 2}),
        ("tiny-mix", 0.30 + 0.40, 0.0, {"compute": 1, "memory": 1}),
        ("tiny-families", 0.30 + 0.40, 0.30 + 0.40, {"compute": 2, "memory": 2}),
        ("tiny-replicas", 3 * SMALL, SMALL, {"small": 4}),
        ("tiny-zones", 3 * SMALL, SMALL, {"small": 4}),
        ("tiny-inventory", 0 + 0 + SMALL, SMALL, {"small": 4}),
        ("tiny-interference", 2 * SMALL, 0.0, {"small": 2}),
    ],
)
def test_cost_hosts_and_proof_are_those_worked_out_by_hand(
    name: str, cost: float, spare_cost: float, by_size: dict[str, int]
) -> None:
    summary = planned(name).summary
    assert summary.status == "optimal"
    assert summary.cost.per_hour == pytest.approx(cost)
    assert summary.cost.bound_per_hour == pytest.approx(cost)
    assert summary.cost.gap == 0
    assert summary.cost.spare_per_hour == pytest.approx(spare_cost)
    assert summary.cost.total_per_hour == pytest.approx(cost + spare_cost)
    assert summary.hosts.by_size == by_size
    assert summary.hosts.total == sum(by_size.values())


def test_limits_of_a_small_host_are_the_contracts() -> None:
    host = planned("tiny-one-host").hosts.row(0, named=True)
    assert host["cpu_cores_limit"] == 5.6  # 4 cores x 2 x 0.70
    assert host["memory_mb_limit"] == 9_800  # (16,000 - 2,000) x 0.70
    assert (host["cpu_cores_used"], host["memory_mb_used"], host["instances"]) == (1.75, 3_500, 3)


def test_mix_fills_each_host_to_the_last_core_and_megabyte() -> None:
    for host in planned("tiny-mix").hosts.iter_rows(named=True):
        assert host["cpu_cores_used"] == host["cpu_cores_limit"]
        assert host["memory_mb_used"] == host["memory_mb_limit"]


def test_mix_is_proven_by_weights_and_replicas_by_counting() -> None:
    assert isinstance(proof(planned("tiny-mix")), WeightsProof)
    counting = proof(planned("tiny-replicas"))
    assert isinstance(counting, CountingProof)
    assert counting.num_hosts == 3


def test_replicas_keep_apart() -> None:
    for counts in shared_hosts(planned("tiny-replicas")).values():
        assert counts.get("gateway", 0) <= 2
        assert counts.get("login", 0) <= 1


def test_each_zone_gets_one_and_the_spare_stands_where_there_is_room() -> None:
    plan = planned("tiny-zones")
    zone_of = dict(plan.hosts.select("host", "zone").iter_rows())
    for service in ("api", "proxy"):
        zones = [zone_of[host] for name, _, host in plan.assignments.iter_rows() if name == service]
        assert len(set(zones)) == len(zones)
    assert plan.hosts.filter(plan.hosts["spare"])["zone"].to_list() == ["a"]


def test_draining_and_failed_hosts_are_not_used() -> None:
    hosts = planned("tiny-inventory").hosts
    assert {"owned-1", "owned-2"} <= set(hosts["host"])
    assert not {"owned-3", "owned-4"} & set(hosts["host"])
    assert hosts.filter(hosts["spare"])["price_per_hour"].to_list() == [SMALL]


def test_rules_leave_one_way_to_share_two_hosts() -> None:
    shared = sorted(shared_hosts(planned("tiny-interference")).values(), key=lambda counts: "b" in counts)
    assert shared == [{"a": 1, "d": 1, "e": 1}, {"b": 1, "c": 1, "e": 2}]


def test_every_service_too_large_is_named_with_its_figures() -> None:
    found = reasons("tiny-infeasible-large")
    assert set(found) == {"renderer", "warehouse"}
    assert {reason.kind for reason in found.values()} == {"too-large"}
    assert (found["renderer"].resource, found["renderer"].value, found["renderer"].limit) == ("cpu", 50, 44.8)
    warehouse = found["warehouse"]
    assert (warehouse.resource, warehouse.value, warehouse.limit) == ("memory", 100_000, 88_200)
    assert "88,200" in warehouse.repair


def test_short_stock_says_how_much_of_what() -> None:
    (reason,) = reasons("tiny-infeasible-stock").values()
    assert reason.kind == "stock-short"
    assert (reason.resource, reason.value, reason.limit) == ("memory", 25_000, 19_600)
    assert reason.details["short"] == 5_400
    assert "box" in reason.repair


def test_too_few_hosts_for_the_replicas() -> None:
    reason = reasons("tiny-infeasible-replicas")["quorum"]
    assert (reason.kind, reason.value, reason.limit) == ("too-few-hosts", 4, 3)
    assert "max_per_host to 2" in reason.repair


# --- goldens ----------------------------------------------------------------------------------------------


def figures(name: str) -> dict[str, Any]:
    summary = planned(name).summary
    tier = summary.data_tier
    assert tier is not None
    return {
        "services": summary.fleet.services,
        "instances": summary.fleet.instances,
        "status": summary.status,
        "cost_per_hour": summary.cost.per_hour,
        "bound_per_hour": summary.cost.bound_per_hour,
        "gap": summary.cost.gap,
        "pools": {pool: (cost.per_hour, cost.bound_per_hour) for pool, cost in summary.pools.items()},
        "choices": {
            name: (part.choice.per_hour, part.choice.bound_per_hour)
            for name, part in (("postgres", tier.postgres), ("valkey", tier.valkey))
            if part is not None and part.choice is not None
        },
    }


def differences(now: Any, pinned: Any, where: str = "") -> list[str]:
    """Where figures differ: whole numbers and words at all, others by more than a kind of processor may change.

    Sums of floating-point numbers are rounded in another way by another instruction set, and a search that they lead
    another way may end with one cheap host more or less (docs/how-to/modes-and-limits.md).
    """
    if isinstance(pinned, dict) and isinstance(now, dict) and now.keys() == pinned.keys():
        return [text for key in pinned for text in differences(now[key], pinned[key], f"{where}.{key}")]
    if isinstance(pinned, list) and isinstance(now, list) and len(now) == len(pinned):
        return [
            text for k, pair in enumerate(zip(now, pinned, strict=True)) for text in differences(*pair, f"{where}[{k}]")
        ]
    is_close = isinstance(pinned, float) and isinstance(now, float) and (
        abs(now - pinned) <= (0.0005 if where.endswith(".gap") else max(0.0005 * pinned, 1.001 * SMALL))
    )  # fmt: skip
    return [] if is_close or now == pinned else [f"{where}: {now} instead of {pinned}"]


@pytest.mark.parametrize("name", GOLDEN_FLEETS)
def test_golden_cost_bound_and_gap(name: str) -> None:
    pinned = json.loads(GOLDENS.read_text(encoding="utf-8"))[name]
    now = json.loads(json.dumps(figures(name)))
    assert not differences(now, pinned), f"{name} is planned differently: {differences(now, pinned)}; {REGENERATE}"


def test_every_pool_of_fifty_services_is_proven_optimal() -> None:
    assert {cost.gap for cost in planned("fifty").summary.pools.values()} == {0.0}


def test_five_thousand_services_are_within_half_a_percent() -> None:
    assert planned("fleet-5000").summary.cost.gap <= 0.005


@pytest.mark.parametrize(
    ("name", "num_services", "zones", "rules_density"),
    [("fifty", 50, 0, 0.0), ("fleet-5000", 5000, 3, 0.0001)],
)
def test_generated_fixtures_are_what_the_generator_makes(
    name: str, num_services: int, zones: int, rules_density: float, tmp_path: Path
) -> None:
    made = generate_fleet(num_services, num_services, zones=zones, rules_density=rules_density)
    write_generated(made, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / name).iterdir())
    assert files == sorted(path.name for path in (FIXTURES / name).iterdir())
    again = (
        f"if that is intended: .venv/bin/placement generate --services {num_services} --seed {num_services} "
        f"--zones {zones} --rules-density {rules_density} -o fixtures/{name}"
    )
    for file in files:
        same = (tmp_path / name / file).read_bytes() == (FIXTURES / name / file).read_bytes()
        assert same, f"the generator makes another {file} for {name}; {again}"


if __name__ == "__main__":
    goldens = {name: figures(name) for name in GOLDEN_FLEETS}
    GOLDENS.write_text(json.dumps(goldens, indent=2) + "\n", encoding="utf-8")


def test_the_repair_names_the_hosts_that_make_a_plan_possible() -> None:
    # each box has room for one instance of 5,000 MB: what is short in sum is one box, what is needed are more; the
    # figure is that of a plan that was computed as if boxes were for sale
    reason = next(iter(reasons("tiny-infeasible-stock").values()))
    assert reason.details["add_hosts"] == {"box": 4}
    assert "add 4 × box" in reason.repair
