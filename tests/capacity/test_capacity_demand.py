"""Demands, host sizes and estimates of the bundled model, worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from placement.capacity import AlertThreshold, CapacityModel, HostSize, load_model
from placement.errors import InputError
from placement.units import RESOURCES


@pytest.fixture(scope="module")
def model() -> CapacityModel:
    return load_model("rithmxo-1.0")


def in_order(demand: dict[str, int]) -> tuple[int, ...]:
    return tuple(demand[resource.internal_column] for resource in RESOURCES)


@pytest.mark.parametrize(
    ("profile", "end", "expected"),
    [
        # millicores, MB, files, threads, MB of disk, kbit/s
        ("minimal", "typical", (100, 250, 50, 15, 500, 100)),
        ("typical", "low", (500, 600, 200, 25, 1000, 10_000)),
        ("typical", "high", (500, 600, 200, 25, 1000, 10_000)),
        ("heavy", "typical", (2000, 1500, 500, 50, 5000, 50_000)),
        ("backend-idle", "typical", (5, 120, 50, 15, 500, 100)),
        ("backend-normal", "low", (150, 200, 200, 25, 1000, 10_000)),
        ("backend-normal", "typical", (225, 300, 200, 25, 1000, 10_000)),
        ("backend-normal", "high", (300, 400, 200, 25, 1000, 10_000)),
        ("backend-peak", "high", (800, 800, 500, 50, 5000, 50_000)),
    ],
)
def test_profile_demand(model: CapacityModel, profile: str, end: Any, expected: tuple[int, ...]) -> None:
    assert in_order(model.profile_demand(profile, end)) == expected


@pytest.mark.parametrize(
    ("profile", "end", "expected"),
    [
        ("minimal", "typical", (2, 80, 25, 11, 0, 0)),
        ("backend-idle", "high", (2, 80, 25, 11, 0, 0)),
        ("typical", "low", (50, 150, 100, 11, 0, 0)),
        ("typical", "typical", (75, 150, 100, 11, 0, 0)),
        ("backend-normal", "high", (100, 150, 100, 11, 0, 0)),
        ("heavy", "typical", (400, 350, 250, 11, 0, 0)),
    ],
)
def test_frontend_demand(model: CapacityModel, profile: str, end: Any, expected: tuple[int, ...]) -> None:
    assert in_order(model.frontend_demand(profile, end)) == expected


def test_demands_are_whole_and_rounded_up() -> None:
    model = load_model("rithmxo-1.0", {"services.profiles.typical.cpu_cores": 0.50001})
    demand = model.profile_demand("typical", "typical")
    assert demand["cpu_millicores"] == 501
    assert all(type(amount) is int for amount in demand.values())


def test_demand_keys_are_the_internal_columns(model: CapacityModel) -> None:
    columns = [resource.internal_column for resource in RESOURCES]
    assert list(model.profile_demand("typical", "typical")) == columns
    assert list(model.frontend_demand("typical", "typical")) == columns


def test_low_typical_high_are_in_order(model: CapacityModel) -> None:
    for profile in model.profiles:
        for ask in (model.profile_demand, model.frontend_demand):
            low, typical, high = (in_order(ask(profile, end)) for end in ("low", "typical", "high"))
            assert all(a <= b <= c for a, b, c in zip(low, typical, high, strict=True))


def test_combined_profiles_contain_a_front_end(model: CapacityModel) -> None:
    contains = {name for name, profile in model.profiles.items() if profile.includes_frontend}
    assert contains == {"minimal", "typical", "heavy"}
    # and are at least back end and front end together, in CPU and memory, at the same load
    for name, level in (("minimal", "idle"), ("typical", "normal"), ("heavy", "peak")):
        combined = model.profile_demand(name, "typical")
        backend, frontend = (
            model.profile_demand(f"backend-{level}", "typical"),
            model.frontend_demand(name, "typical"),
        )
        for column in ("cpu_millicores", "memory_mb"):
            assert combined[column] >= backend[column] + frontend[column], (name, column)


@pytest.mark.parametrize("method", ["profile_demand", "frontend_demand"])
def test_unknown_profile(model: CapacityModel, method: str) -> None:
    with pytest.raises(InputError, match="did you mean 'typical'"):
        getattr(model, method)("tipical", "typical")


def test_host_size(model: CapacityModel) -> None:
    # 8 cores, 32 GB; 32e9 B / 10,240 and / 131,072; 8 times 50 GB; 10 GbE; 0.384 USD/h
    assert model.host_sizes()["medium"] == HostSize(
        name="medium",
        cpu_millicores=8000,
        memory_mb=32_000,
        os_reserved_mb=2000,
        max_open_files=3_125_000,
        max_threads=244_140,
        disk_mb=400_000,
        nic_kbps=10_000_000,
        price_micros_per_hour=384_000,
        stock=None,
        nic="10gbe",
    )
    assert list(model.host_sizes()) == ["small", "medium", "large", "xlarge"]
    assert model.currency() == "USD"


def test_capacities_are_rounded_down_and_the_reserve_up() -> None:
    model = load_model(
        "rithmxo-1.0",
        {
            "hosts.sizes.medium": {
                "family": "",
                "memory_mb": 32000.9,
                "os_reserved_mb": 2000.1,
                "disk_gb": 400.0009,
            }
        },
    )
    size = model.host_sizes()["medium"]
    assert (size.memory_mb, size.os_reserved_mb, size.disk_mb) == (32_000, 2001, 400_000)


def test_price_lists_differ_in_the_price_only(model: CapacityModel) -> None:
    m6i, m7i = model.host_sizes("aws-us-east-1-m6i"), model.host_sizes("aws-us-east-1-m7i")
    for name in m6i:
        assert dataclasses.replace(m7i[name], price_micros_per_hour=m6i[name].price_micros_per_hour) == m6i[name]
        assert m7i[name].price_micros_per_hour == m6i[name].price_micros_per_hour * 105 // 100


def test_unknown_price_list(model: CapacityModel) -> None:
    for ask in (model.host_sizes, model.currency):
        with pytest.raises(InputError, match="did you mean 'aws-us-east-1-m6i'"):
            ask("aws-us-east-1-m6")
    with pytest.raises(InputError):
        model.estimates_for([], [], False, "none")


def test_nic_tiers_in_kbps(model: CapacityModel) -> None:
    assert model.nic_tiers == {
        "1gbe": 1_000_000, "10gbe": 10_000_000, "dual-10gbe": 20_000_000, "25gbe": 25_000_000,
        "100gbe": 100_000_000,
    }  # fmt: skip


def test_estimates_of_a_plan(model: CapacityModel) -> None:
    paths = [entry.path for entry in model.estimates_for(["typical"], ["small"], frontend=False)]
    assert paths == sorted(
        [
            *(f"hosts.formula.{key}" for key in ("headroom", "cpu_overcommit", "spare_share")),
            *(
                f"hosts.sizes.small.{key}"
                for key in (
                    "cpu_cores",
                    "memory_mb",
                    "os_reserved_mb",
                    "max_open_files",
                    "max_threads",
                    "disk_gb",
                )
            ),
            "network.nics.10gbe.capacity_mbps",
            "prices.aws-us-east-1-m6i.price_per_hour.small",
            # own figures of the profile, and the back end's under normal load for the rest
            *(f"services.profiles.typical.{key}" for key in ("cpu_cores", "memory_mb", "disk_gb")),
            *(f"services.backend.normal.{key}" for key in ("open_files", "threads", "network_mbps")),
            *(
                f"alerts.thresholds.{name}.{level}"
                for name in ("host-cpu", "host-memory", "disk", "network")
                for level in ("warning", "critical")
            ),
        ]
    )


def test_estimates_with_a_front_end_and_without_prices(model: CapacityModel) -> None:
    paths = {entry.path for entry in model.estimates_for(["backend-peak"], ["medium"], True, price_list="")}
    assert "services.frontend.peak.memory_mb" in paths
    assert "services.backend.peak.cpu_percent" in paths
    assert not any(path.startswith("prices.") for path in paths)


def test_estimates_pass_over_sizes_of_the_fleet(model: CapacityModel) -> None:
    with_own = model.estimates_for(["typical"], ["small", "our-rack"], False)
    assert with_own == model.estimates_for(["typical"], ["small"], False)


def test_alert_levels(model: CapacityModel) -> None:
    thresholds = model.alert_thresholds
    network = thresholds["network"]
    assert isinstance(network, AlertThreshold)
    assert (network.warning, network.critical, network.unit, network.resource) == (
        0.6,
        0.8,
        "share",
        "network",
    )
    # "> 60 %": 60 % itself is fine
    assert [network.level(value) for value in (0.6, 0.61, 0.8, 0.81)] == [
        "ok",
        "warning",
        "warning",
        "critical",
    ]
    failures = thresholds["certificate-renewal-failures"]
    # "Any" and "3+": the number itself alerts
    assert [failures.level(value) for value in (0, 1, 2, 3)] == ["ok", "warning", "warning", "critical"]
    assert failures.guide == "warning: Any; critical: 3+ in 1 hour"
