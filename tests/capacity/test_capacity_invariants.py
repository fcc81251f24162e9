"""What holds for every row of every bundled model, and that each check can fail."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from placement.capacity import SHOW_COLUMNS, CapacityModel, bundled_models, check_model, load_model, show_rows
from placement.capacity.figures import FIGURE_MARK, LARGEST_FIGURE
from placement.capacity.invariants import INVARIANTS
from placement.capacity.loader import model_schema
from placement.errors import InputError

MODELS = bundled_models()


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> CapacityModel:
    return load_model(request.param)


def test_there_is_a_model() -> None:
    assert "rithmxo-1.0" in MODELS


@pytest.mark.parametrize("name", MODELS)
def test_check_finds_nothing(name: str) -> None:
    assert check_model(name) == ()
    assert load_model(name).name == name


def test_every_figure_has_unit_source_status_and_owner(model: CapacityModel) -> None:
    entries = model.entries()
    assert len(entries) > 300
    assert len({entry.path for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.unit, entry.path
        assert entry.source, entry.path
        assert entry.owner, entry.path
        assert entry.status in ("estimate", "measured"), entry.path
        assert 0 <= entry.low <= entry.typical <= entry.high <= LARGEST_FIGURE, entry.path


def test_derived_midpoints_say_so(model: CapacityModel) -> None:
    for entry in model.entries():
        if entry.is_range and entry.typical == (entry.low + entry.high) / 2:
            assert "typical is the midpoint of the range" in entry.note, entry.path


def test_entries_cover_every_figure(model: CapacityModel) -> None:
    # counted another way: in the dump, a figure is a mapping with low, typical and high
    def count(value: Any) -> int:
        if isinstance(value, dict):
            is_figure = {"low", "typical", "high"} <= value.keys()
            return 1 if is_figure else sum(count(part) for part in value.values())
        return 0

    assert count(model.model_dump()) == len(model.entries())


def test_show_rows_have_the_columns(model: CapacityModel) -> None:
    rows = show_rows(model)
    assert len(rows) == len(model.entries())
    assert all(len(row) == len(SHOW_COLUMNS) for row in rows)
    assert all(row[0] and row[1] and row[2] for row in rows)


def test_entries_are_json(model: CapacityModel) -> None:
    json.dumps([entry.to_dict() for entry in model.entries()], allow_nan=False)


def test_sizes_grow_in_everything(model: CapacityModel) -> None:
    for price_list in model.price_lists:
        sizes = sorted(model.host_sizes(price_list).values(), key=lambda size: size.cpu_millicores)
        for small, large in pairwise(sizes):
            for key in ("cpu_millicores", "memory_mb", "max_open_files", "max_threads", "disk_mb"):
                assert getattr(small, key) < getattr(large, key), (small.name, large.name, key)
            assert small.os_reserved_mb <= large.os_reserved_mb < large.memory_mb
            assert small.nic_kbps <= large.nic_kbps
            assert small.price_micros_per_hour < large.price_micros_per_hour


def test_each_scale_has_exactly_one_row(model: CapacityModel) -> None:
    tables = [
        model.scaling.tiers, model.postgres.pools, model.postgres.phases, model.valkey.tiers,
        model.valkey.phases, model.registry.tiers, model.sia.tiers, model.network.tiers, model.growth.phases,
    ]  # fmt: skip
    for table in tables:
        for num_services in (1, 49, 50, 99, 100, 499, 500, 999, 1000, 4999, 5000, 50_000, 100_000, 10**7):
            assert sum(row.covers(num_services) for row in table.values()) == 1, num_services


def test_alert_levels_rise(model: CapacityModel) -> None:
    thresholds = model.alert_thresholds
    assert {threshold.resource for threshold in thresholds.values()} >= {"cpu", "memory", "disk", "network"}
    for threshold in thresholds.values():
        assert threshold.warning < threshold.critical
        assert threshold.guide


def test_sharing_is_mutual(model: CapacityModel) -> None:
    grouping = model.grouping
    for one in model.sensitivity_classes:
        for other in model.sensitivity_classes:
            assert grouping.may_share(one, other) == grouping.may_share(other, one)
    assert not grouping.may_share("pii", "internal")


def test_defaults_exist(model: CapacityModel) -> None:
    assert model.default_profile in model.profiles
    assert model.default_sensitivity in model.sensitivity_classes
    assert model.default_load_profile in model.load_profiles
    assert model.default_price_list in model.price_lists


# an overlay that breaks one invariant: (where the fault is told, a word of it)
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "default profile": ({"defaults.profile": "tipical"}, "defaults.profile", "typical"),
    "default sensitivity": ({"defaults.sensitivity": "secret"}, "defaults.sensitivity", "no such name"),
    "nic of a size": ({"hosts.sizes.small.nic": "10gb"}, "hosts.sizes.small.nic", "10gbe"),
    "nic of a tier": ({"network.tiers.standard.nic": "x"}, "network.tiers.standard.nic", "no such name"),
    "price of no size": (
        {"prices.aws-us-east-1-m6i.price_per_hour.smal": 1},
        "prices.aws-us-east-1-m6i.price_per_hour",
        "small",
    ),
    "gap between tiers": (
        {"postgres.pools.single.services_below": 40},
        "postgres.pools.single.services_below",
        "begins elsewhere",
    ),
    "overlap of tiers": (
        {"valkey.tiers.single.services_below": 60},
        "valkey.tiers.single.services_below",
        "50",
    ),
    "late first tier": ({"sia.tiers.ha-2.services_from": 2}, "sia.tiers.ha-2.services_from", "leaves out"),
    "last tier ends": (
        {"growth.phases.mature.services_below": 10**6},
        "growth.phases.mature.services_below",
        "no end",
    ),
    "row classes": (
        {"postgres.storage_classes.medium.rows_from": 5},
        "postgres.storage_classes.small.rows_below",
        "begins elsewhere",
    ),
    "peak below normal": ({"services.backend.peak.threads": 20}, "services.backend.peak.threads", ">= 25"),
    "normal above peak at one end": (
        {"services.frontend.normal.cpu_percent.high": 45},
        "services.frontend.peak.cpu_percent",
        "(high)",
    ),
    "limit below peak": (
        {"services.backend.limit.memory_mb": 700},
        "services.backend.limit.memory_mb",
        ">= 800",
    ),
    "memory shrinks with size": (
        {"hosts.sizes.large.memory_mb": 30000},
        "hosts.sizes.large.memory_mb",
        ">= 32000",
    ),
    "price shrinks with size": (
        {"prices.aws-us-east-1-m6i.price_per_hour.xlarge": 0.5},
        "prices.aws-us-east-1-m6i.price_per_hour.xlarge",
        "cheaper",
    ),
    "database tiers shrink": ({"postgres.tiers.l.storage_gb": 50}, "postgres.tiers.l.storage_gb", ">= 100"),
    "reserve takes all": (
        {"hosts.sizes.small.os_reserved_mb": 16000},
        "hosts.sizes.small.os_reserved_mb",
        "no memory",
    ),
    "host without CPU": ({"hosts.sizes.small.cpu_cores": 0}, "hosts.sizes.small.cpu_cores", "> 0"),
    "no headroom": ({"hosts.formula.headroom": 0}, "hosts.formula.headroom", "> 0"),
    "overcommit": ({"hosts.formula.cpu_overcommit": 0}, "hosts.formula.cpu_overcommit", "> 0"),
    "warning at critical": (
        {"alerts.thresholds.disk.warning": 0.85},
        "alerts.thresholds.disk.warning",
        "not below",
    ),
    "percent as share": (
        {"alerts.thresholds.disk.critical": 85},
        "alerts.thresholds.disk.critical",
        "above 1",
    ),
    "share above 1": (
        {"procurement.resources.bare-metal-servers.order_at_share": 70},
        "procurement.resources.bare-metal-servers.order_at_share",
        "0 to 1",
    ),
    "one-sided sharing": (
        {"grouping.sensitivity_classes.public.shares_with": ["public", "internal", "pii"]},
        "grouping.sensitivity_classes.public.shares_with",
        "does not share",
    ),
    "sharing with nobody known": (
        {"grouping.sensitivity_classes.public.shares_with": ["public", "internl"]},
        "grouping.sensitivity_classes.public.shares_with",
        "internal",
    ),
    "pattern": ({"valkey.keys.pattern": "{service}:{x"}, "valkey.keys.pattern", "{key_id}"),
    "retention": ({"observability.logs.retention_hot_days": 31}, "observability.logs", "hot <= warm"),
    "no time between heartbeats": (
        {"registry.tiers.ha.heartbeat_interval_seconds": 0},
        "registry.tiers.ha.heartbeat_interval_seconds",
        "divided",
    ),
    "collectors that take nothing": (
        {"observability.collectors.spans_per_second": 0},
        "observability.collectors.spans_per_second",
        "divided",
    ),
    "stores without a whole MB": (
        {"observability.stores.node.disk_gb": 0.001},
        "observability.stores.node.disk_gb",
        "not a whole MB",
    ),
    "cluster without a primary": ({"valkey.clusters.min_primaries": 0}, "valkey.clusters.min_primaries", "primary"),
    "most primaries below the least": (
        {"valkey.clusters.max_primaries": 2},
        "valkey.clusters.max_primaries",
        "min_primaries",
    ),
    "pattern of caches' hosts": (
        {"valkey.clusters.host_name_pattern": "{service}.internal"},
        "valkey.clusters.host_name_pattern",
        "{cluster}",
    ),
    "unused provenance": (
        {"hosts.provenance_of.max_file": {"source": "x"}},
        "hosts.provenance_of.max_file",
        "no key",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_invariant_is_named(case: str) -> None:
    overlay, column, word = BROKEN[case]
    with pytest.raises(InputError) as caught:
        load_model("rithmxo-1.0", overlay)
    told = [str(problem) for problem in caught.value.problems if problem.column == column]
    assert any(word in text for text in told), str(caught.value)


def test_every_check_has_a_case_that_breaks_it() -> None:
    assert len(BROKEN) >= 2 * len(INVARIANTS)


def test_unpriced_size_in_another_list_is_found_by_check_only() -> None:
    overlay = {
        "hosts.sizes.tiny": {
            "title": "2 cores, 4 GB", "cpu_cores": 2, "memory_mb": 4000, "os_reserved_mb": 1000,
            "max_open_files": 390_625, "max_threads": 30_517, "disk_gb": 100, "nic": "1gbe",
        },
        "prices.aws-us-east-1-m6i.price_per_hour.tiny": 0.0832,
    }  # fmt: skip
    model = load_model("rithmxo-1.0", overlay)
    assert model.host_sizes()["tiny"].price_micros_per_hour == 83_200
    with pytest.raises(InputError, match="'tiny' has no price in the list 'aws-us-east-1-m7i'"):
        model.host_sizes("aws-us-east-1-m7i")
    (problem,) = check_model("rithmxo-1.0", overlay)
    assert problem.column == "prices.aws-us-east-1-m7i.price_per_hour"


def test_schema_describes_files_and_figures() -> None:
    schema = model_schema()
    text = json.dumps(schema)
    assert FIGURE_MARK not in text
    assert {"services", "hosts", "prices", "defaults"} <= schema["properties"].keys()
    size = schema["$defs"]["HostSizeRow"]
    assert size["properties"]["memory_mb"] == {"$ref": "#/$defs/Figure", "description": "In MB."}
    assert size["additionalProperties"] is False
    assert "memory_mb" in size["required"]
