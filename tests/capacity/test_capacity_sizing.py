"""What must hold of any sizing: exact arithmetic, ranges in order, every figure accounted for, overlays, the schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from placement.capacity import CapacityModel, load_model
from placement.capacity.derived import Derived, Tier
from placement.capacity.sizing import GuideSizing, size_by_guide, size_schema, volumes_per_service
from placement.errors import InputError
from placement.fleet.types import Policy
from placement.instance import headroom_shares, size_limits
from placement.units import RESOURCES, exact

MODEL = load_model("rithmxo-1.0")


def parts(value: object, kind: type) -> Iterator[Any]:
    """Yield everything of a kind within a result."""
    if isinstance(value, kind):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), kind)
    elif isinstance(value, tuple):
        for part in value:
            yield from parts(part, kind)


def size(model: CapacityModel = MODEL, services: int = 1_000, **options: Any) -> GuideSizing:
    return size_by_guide(model, services, **options)


@settings(max_examples=20, deadline=None)
@given(
    services=st.integers(1, 10_000_000),
    per_service=st.fractions(1, 20, max_denominator=10),
    profile=st.sampled_from(sorted(MODEL.profiles)),
)
def test_ranges_are_in_order_and_rest_on_figures_of_the_model(
    services: int, per_service: Fraction, profile: str
) -> None:
    made = size(services=services, instances_per_service=per_service, profile=profile)
    used = {figure.path for figure in made.figures}
    for amount in parts(made, Derived):
        assert amount.low <= amount.typical <= amount.high, amount
        assert amount.rests_on
        assert used.issuperset(amount.rests_on)
    for tier in parts(made, Tier):
        assert used.issuperset(tier.rests_on)
        assert tier.services_from <= services
        assert tier.services_below is None or services < tier.services_below
    assert made.num_estimates == len(made.figures)


@settings(max_examples=20, deadline=None)
@given(services=st.integers(1, 1_000_000), more=st.integers(0, 1_000_000))
def test_more_services_never_need_less_of_what_no_tier_changes(services: int, more: int) -> None:
    small, large = size(services=services), size(services=services + more)
    for few, many in (
        *((one.by_plan, other.by_plan) for one, other in zip(small.hosts.sizes, large.hosts.sizes, strict=True)),
        *((one.by_guide, other.by_guide) for one, other in zip(small.hosts.sizes, large.hosts.sizes, strict=True)),
    ):
        assert few is not None
        assert many is not None
        assert few.total_hosts.typical <= many.total_hosts.typical
        assert few.cost_per_hour.low <= many.cost_per_hour.low
    assert small.valkey.memory.typical <= large.valkey.memory.typical
    assert small.observability.logs_per_day.high <= large.observability.logs_per_day.high
    assert sum(row.passed for row in small.bottlenecks) <= sum(row.passed for row in large.bottlenecks)


@settings(max_examples=60, deadline=None)
@given(instances=st.integers(1, 10_000_000))
def test_hosts_by_the_guide_are_exact(instances: int) -> None:
    # 7 services × 0.7: ceil(n / 4.9) in integers; in doubles 4.9 is not 49 / 10
    row = size(services=instances, sizes=["small"]).hosts.sizes[0]
    assert row.by_guide is not None
    hosts = -(-instances * 10 // 49)
    assert row.by_guide.hosts_before_spares.typical == hosts
    assert row.by_guide.spare_hosts.typical == -(-hosts // 20)


@pytest.mark.parametrize("profile", sorted(MODEL.profiles))
@pytest.mark.parametrize("end", ["low", "typical", "high"])
def test_a_plans_density_is_that_of_a_plan(profile: str, end: str) -> None:
    policy = Policy()
    demand = MODEL.profile_demand(profile, end)  # type: ignore[arg-type]
    for name, host in MODEL.host_sizes().items():
        most = min(
            limit // demand[resource.internal_column]
            for resource, limit in zip(RESOURCES, size_limits(host, policy), strict=True)
            if demand[resource.internal_column]
        )
        row = size(profile=profile, sizes=[name]).hosts.sizes[0]
        assert row.by_plan is not None
        per_host = row.by_plan.services_per_host
        assert {"low": per_host.high, "typical": per_host.typical, "high": per_host.low}[end] == most


def test_a_policy_that_says_nothing_has_the_models_headroom() -> None:
    shares = headroom_shares(Policy())
    assert shares["cpu"] == exact(MODEL.hosts.formula.headroom.typical)
    assert shares["network"] == exact(MODEL.alert_thresholds["network"].warning)
    assert exact(Policy().cpu_overcommit) == exact(MODEL.hosts.formula.cpu_overcommit.typical)
    assert exact(Policy().spare) == exact(MODEL.hosts.formula.spare_share.typical)


def test_instances_count_for_hosts_connections_and_heartbeats_but_not_for_tiers() -> None:
    made = size(services=49, instances_per_service=Fraction("2.5"))
    assert made.instances == 123  # 122.5
    assert made.ecosystem.tier.name == "small"
    assert made.postgres.connections.typical == 2_460
    assert made.registry.rate.typical == pytest.approx(4.1)  # 123 / 30 s
    assert made.sia.rate.typical == 123
    assert made.observability.logs_per_day.typical == pytest.approx(49 * 0.216)  # the guide's are of a service
    medium = made.hosts.sizes[1]
    assert medium.by_plan is not None
    assert medium.by_plan.hosts_before_spares.typical == 6  # 123 / 22 = 5.6
    assert any("2,460 connections of 123 instances" in note for note in made.postgres.notes)


def test_replicas_stand_on_hosts_of_their_own() -> None:
    row = size(services=1, instances_per_service=Fraction(5), sizes=["xlarge"]).hosts.sizes[0]
    assert row.by_plan is not None
    assert (row.by_plan.hosts_before_spares.typical, row.by_plan.spare_hosts.typical) == (5, 1)


def test_a_profile_without_densities_takes_the_formulas_maximum() -> None:
    made = size(services=1_000, profile="heavy", sizes=["medium"])
    row = made.hosts.sizes[0]
    assert row.by_guide is not None
    assert row.by_plan is not None
    assert row.density_from == "formula"
    assert row.formula_maximum.typical == 8  # min(30,000 / 1,500 = 20, 8 × 2 / 2 = 8)
    # 1,000 / 8 / 0.7 = 178.6 → 179 + 9; a plan: floor(5.6) = 5 a host: 200 + 10
    assert row.by_guide.total_hosts.typical == 188
    assert row.by_plan.total_hosts.typical == 210
    assert any("no density for medium with this profile" in note for note in made.hosts.notes)


def test_what_does_not_fit_is_said() -> None:
    model = load_model("rithmxo-1.0", {"services.profiles.typical.memory_mb": 20_000})
    made = size(model, sizes=["small", "medium"])
    small, medium = made.hosts.sizes
    assert small.by_plan is None
    assert medium.by_plan is not None
    assert medium.by_plan.services_per_host.typical == 1  # 21,000 of 30,000 MB
    assert any("does not fit on a host of size small" in note for note in made.hosts.notes)
    assert any("table has 15-20 services on a host of size medium" in note for note in made.hosts.notes)


def test_ranges_of_a_demand_become_ranges_of_hosts() -> None:
    row = size(services=1_000, profile="backend-normal", sizes=["medium"]).hosts.sizes[0]
    assert row.by_plan is not None
    # 15, 22.5 and 30 % of a core: 11.2 / 0.3 = 37.3, 11.2 / 0.225 = 49.8, and 21,000 MB / 200 MB = 105 > 74.7 by CPU,
    # but 10 Gbps × 0.6 / 10 Mbps = 600
    densities = row.by_plan.services_per_host
    assert (densities.low, densities.typical, densities.high) == (37, 49, 74)
    hosts = row.by_plan.hosts_before_spares
    assert (hosts.low, hosts.typical, hosts.high) == (14, 21, 28)  # 13.5, 20.4, 27.03


def test_what_falls_in_a_figure_is_lowest_where_the_figure_is_highest() -> None:
    model = load_model(
        "rithmxo-1.0",
        {
            "registry.tiers.ha.heartbeat_interval_seconds": {"low": 20, "typical": 25, "high": 50},
            "postgres.pgbouncer.max_client_conn": {"low": 1_000, "typical": 2_000, "high": 5_000},
        },
    )
    made = size(model, services=1_000)
    assert (made.registry.rate.low, made.registry.rate.typical, made.registry.rate.high) == (20, 40, 50)
    full = made.pgbouncer.processes_at_most_clients  # 10,000 clients
    assert (full.low, full.typical, full.high) == (2, 5, 10)


def test_measured_figures_are_counted() -> None:
    model = load_model(
        "rithmxo-1.0",
        {"services.profiles.typical.memory_mb": {"status": "measured", "source": "load test 2026-10"}},
    )
    made = size(model)
    assert made.num_estimates == len(made.figures) - 1
    by_path = {figure.path: figure.status for figure in made.figures}
    assert by_path["services.profiles.typical.memory_mb"] == "measured"
    assert made.hosts.profile_memory.num_measured == 1
    assert made.hosts.profile_cpu.num_measured == 0
    medium = made.hosts.sizes[1]
    assert medium.by_plan is not None
    assert medium.by_plan.total_hosts.num_measured == 1


def test_notes_on_the_guide_go_when_the_figures_agree() -> None:
    model = load_model(
        "rithmxo-1.0",
        {
            "hosts.worked_example": {
                "printed_hosts_before_spares": 8404,
                "printed_spare_hosts": 421,
                "printed_total_hosts": 8825,
            },
            "valkey.memory_per_service.total_mb": {"low": 16, "high": 161},
            "network.total_mbps": {"low": 7.5, "high": 38.1},
            "observability.ecosystem.logs_tb_per_day": {"low": 7.2, "high": 36},
            "bottlenecks.points.postgres-connections.services_from": 50,
            "bottlenecks.points.network-bandwidth.services_from": 100,
        },
    )
    before, after = " ".join(size().notes), " ".join(size(model).notes)
    for words in (
        "worked example",
        "rounds Valkey",
        "rounds the bandwidth",
        "TB of logs",
        "has PgBouncer",
        "has 10GbE",
    ):
        assert words in before
        assert words not in after


@pytest.mark.parametrize(
    "path",
    [
        "postgres.pgbouncer.max_client_conn", "postgres.pgbouncer.client_share",
        "network.nics.dual-10gbe.capacity_mbps",
        "hosts.sizes.small.services_per_host", "hosts.formula.spare_share", "valkey.tiers.cluster.memory_gb",
    ],
)  # fmt: skip
def test_a_figure_of_zero_breaks_nothing(path: str) -> None:
    made = size(load_model("rithmxo-1.0", {path: 0}), services=1_000)
    json.dumps(made.to_dict(), allow_nan=False)


def test_volumes_grow_in_step_with_services() -> None:
    volumes, many = volumes_per_service(MODEL), size(services=100_000)
    for name, amount in {
        "database-storage": many.postgres.storage[0].total,
        "cache-memory": many.valkey.memory,
        "bandwidth": many.network.total,
        "logs": many.observability.logs_per_day,
        "logs-cold": many.observability.logs_cold,
        "spans": many.observability.spans_per_second,
    }.items():
        for end in ("low", "typical", "high"):
            assert getattr(volumes[name], end) * 100_000 == pytest.approx(getattr(amount, end)), name


def test_unknown_profile_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'typical'"):
        size(profile="typcal")


def test_every_line_of_the_json_has_its_paths_and_it_reads_back() -> None:
    made = size(services=100_000)
    data = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert TypeAdapter(GuideSizing).validate_python(data) == made
    medium = next(row for row in data["hosts"]["sizes"] if row["size"] == "medium")
    assert medium["by_guide"]["total_hosts"]["rests_on"] == [
        "hosts.formula.headroom",
        "hosts.formula.spare_share",
        "hosts.sizes.medium.services_per_host",
    ]
    assert medium["by_guide"]["total_hosts"]["num_measured"] == 0


def test_the_schema_describes_the_json() -> None:
    schema = size_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    data = size(services=100_000).to_dict()
    undescribed = list(mismatches(schema, schema, data, "$"))
    assert not undescribed
    data["hosts"]["sizes"][0]["by_plan"]["total_hosts"]["unit"] = 3
    data["surplus"] = 1
    assert list(mismatches(schema, schema, data, "$")) == [
        "$: surplus", "$.hosts.sizes[0].by_plan: no alternative"
    ]  # fmt: skip


def mismatches(root: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    """Yield where a value is not as its JSON Schema has it, as far as our schemas use the language."""
    if "$ref" in schema:
        yield from mismatches(root, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, where)
        return
    if "anyOf" in schema:
        if all(list(mismatches(root, option, value, where)) for option in schema["anyOf"]):
            yield f"{where}: no alternative"
        return
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    if schema.get("type") == "null":
        if value is not None:
            yield f"{where}: not null"
        return
    if not isinstance(value, kinds[schema["type"]]):
        yield f"{where}: no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value}"
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{where}: {key}" for key in value.keys() ^ set(schema["required"]))
        for key, part in schema["properties"].items():
            yield from mismatches(root, part, value[key], f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from mismatches(root, schema["items"], item, f"{where}[{number}]")
