"""Platform services: how many of each, what they must take, by hand and by the guide's own figures."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from placement.datatier.platform import PGBOUNCERS_SCHEMA, PlatformTier, plan_platform
from placement.fleet import fleet_from_frames
from placement.plan.types import PlatformService
from placement.workloads import WORKLOADS_SCHEMA

NONE = pl.DataFrame(schema=PGBOUNCERS_SCHEMA)


def platform_of(num_services: int, pgbouncers: pl.DataFrame = NONE, **others: Any) -> PlatformTier:
    services = pl.DataFrame({"service": [f"s{n:06d}" for n in range(num_services)]}).with_columns(
        *(pl.Series(column, others.pop(column)) for column in ("region", "instances") if column in others)
    )
    return plan_platform(fleet_from_frames(services=services, model="rithmxo-1.0", **others), pgbouncers)


def only(tier: PlatformTier, kind: str) -> PlatformService:
    (found,) = (service for service in tier.services if service.kind == kind)
    return found


# --- numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_services", "registries", "sias"),
    [
        (499, 2, 2),  # 1 with backup; 2
        (500, 3, 3),
        (4_999, 3, 3),
        (5_000, 5, 5),
        (49_999, 5, 5),
        (50_000, 5, 5),  # the guide gives no number: regional_instances
    ],
)
def test_registries_and_identity_authorities_by_scale(num_services, registries, sias):
    tier = platform_of(num_services)
    assert only(tier, "registry").nodes == registries
    assert only(tier, "sia").nodes == sias


@pytest.mark.parametrize(
    ("num_services", "registries", "sias"),
    [
        (499, 1, 1),  # 2 for the fleet
        (4_999, 2, 2),  # ⌈3 / 2⌉
        (5_000, 3, 3),  # ⌈5 / 2⌉
        (50_000, 5, 5),  # each region has its own
    ],
)
def test_a_number_for_the_fleet_is_dealt_to_its_regions(num_services, registries, sias):
    tier = platform_of(num_services, region=["eu", *["us"] * (num_services - 1)])
    assert [service.nodes for service in tier.services if service.kind == "registry"] == [registries] * 2
    assert [service.nodes for service in tier.services if service.kind == "sia"] == [sias] * 2
    # what a region's registries take is the region's own
    beats = [service.measures["heartbeats_per_second"] for service in tier.services if service.kind == "registry"]
    assert beats[0] < beats[1]


# --- the guide's figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("num_services", "per_second"), [(499, 17), (4_999, 167), (49_999, 833)])
def test_heartbeats_are_the_guides(num_services, per_second):
    measures = only(platform_of(num_services), "registry").measures
    assert round(measures["heartbeats_per_second"]) == per_second


def test_it_is_instances_that_beat_and_have_certificates():
    tier = platform_of(2, instances=[3, 4])
    assert only(tier, "registry").measures["heartbeats_per_second"] == pytest.approx(7 / 30)
    assert only(tier, "sia").measures["certificate_requests_per_day"] == 7  # daily rotation


@pytest.mark.parametrize("num_services", [500, 5_000, 50_000])
def test_certificate_requests_are_the_guides(num_services):
    assert only(platform_of(num_services), "sia").measures["certificate_requests_per_day"] == num_services


@pytest.mark.parametrize(
    ("end", "log_tb_per_day", "spans_per_second"),
    [
        ("low", 7.2, 50_000),  # "7 TB"; 0.1 % sampled
        ("high", 36, 500_000),  # "36 TB"; 1 % sampled: "500K spans/sec"
    ],
)
def test_volumes_of_100000_services_are_the_guides(end, log_tb_per_day, spans_per_second):
    measures = only(platform_of(100_000, policy={"demand": end}), "collector").measures
    assert measures["log_mb_per_second"] * 86_400 / 1_000_000 == pytest.approx(log_tb_per_day)
    assert measures["datapoints_per_second"] == pytest.approx(20_000_000 / 60)  # "333K/sec"
    assert measures["spans_per_second"] == pytest.approx(spans_per_second)


# --- collectors and stores ------------------------------------------------------------------------------------


def test_collectors_and_stores_by_hand():
    tier = platform_of(100_000)
    collector = only(tier, "collector")
    # spans: 100,000 × 50 × 0.0055 / 0.1 = 275,000 / 20,000: 14; datapoints: 333,333 / 100,000: 4
    # logs: 100,000 × 216 MB a day = 250 MB/s / 10: 25
    assert collector.nodes == 25
    store = only(tier, "store")
    assert store.measures == pytest.approx(
        {
            "hot_logs_gb": 100_000 * 216 * 7 / 1_000,
            "metrics_gb": 100_000 * 200 * 1_440 * 30 * 2 / 1e9,
            "traces_gb": 275_000 * 86_400 * 7 * 500 / 1e9,
            "warm_logs_gb": 100_000 * 216 * (30 - 7) / 1_000,
            "cold_logs_gb": 100_000 * 216 * (90 - 30) / 1_000,
        }
    )
    # (151,200 + 1,728 + 83,160) GB / ⌊1,000 × 0.7⌋ GB = 337.3
    assert store.nodes == 338


def test_a_small_fleet_has_the_least_number():
    tier = platform_of(1)
    assert only(tier, "collector").nodes == 2
    assert only(tier, "store").nodes == 2


@pytest.mark.parametrize(("days", "nodes"), [(7, 2), (7.001, 3)])
def test_stores_exactly_full_and_a_little_more(days, nodes):
    # without metrics and traces: 1,000 services × 200 MB × 7 days = 1,400 GB on 2 × 700
    override = {
        "observability": {
            "logs": {"mb_per_day": 200, "retention_hot_days": days},
            "stores": {"bytes_per_datapoint": 0, "bytes_per_span": 0},
        }
    }
    assert only(platform_of(1_000, override=override), "store").nodes == nodes


# --- workloads ------------------------------------------------------------------------------------------------


def test_workloads_have_the_models_footprints():
    tier = platform_of(10)
    assert dict(tier.workloads.schema) == WORKLOADS_SCHEMA
    columns = ["workload", "kind", "instances", "primaries", "max_per_host", "spread", "cpu_millicores", "memory_mb"]
    region = tier.services[0].region
    assert tier.workloads.select(columns).rows() == [
        (f"collector-{region}", "collector", 2, 0, 2, "zone", 2_000, 4_000),
        (f"registry-{region}", "registry", 2, 0, 1, "zone", 2_000, 4_000),
        (f"sia-{region}", "sia", 2, 0, 1, "zone", 1_000, 2_000),
        (f"store-{region}", "store", 2, 0, 2, "zone", 4_000, 16_000),
    ]
    store = tier.workloads.row(3, named=True)
    assert (store["disk_mb"], store["network_kbps"], store["pool"], store["tier"]) == (
        1_000_000,
        1_000_000,
        "platform",
        "",
    )


def test_every_cluster_has_its_pgbouncers():
    rows = [
        ("pg-eu-orders-01", "eu", 2, 100.0),
        ("pg-eu-billing-01", "eu", 3, 1_000.001),
        ("pg-us-x-01", "us", 2, 100.0),
        ("pg-us-y", "us", 0, 100.0),
    ]
    pgbouncers = pl.DataFrame(rows, schema=PGBOUNCERS_SCHEMA, orient="row")
    tier = platform_of(2, pgbouncers, region=["eu", "us"])
    columns = ("workload", "region", "instances", "max_per_host", "network_kbps")
    # 500 Mbps by the model; questions one way and as many answers the other: 2 x 1,000,001 kbit/s / 3, rounded up
    assert tier.workloads.filter(kind="pgbouncer").select(columns).rows() == [
        ("pgbouncer-pg-eu-billing-01", "eu", 3, 1, 666_668),
        ("pgbouncer-pg-eu-orders-01", "eu", 2, 1, 500_000),
        ("pgbouncer-pg-us-x-01", "us", 2, 1, 500_000),
    ]
    summed = [(entry.region, entry.nodes, entry.measures) for entry in tier.services if entry.kind == "pgbouncer"]
    assert summed == [("eu", 5, {"clusters": 2}), ("us", 2, {"clusters": 1})]


def test_long_names_are_cut_to_labels_with_room_for_a_number():
    cluster = "pg-" + "r" * 45 + "-01"
    pgbouncers = pl.DataFrame([(cluster, "eu", 2, 1.0)], schema=PGBOUNCERS_SCHEMA, orient="row")
    names = platform_of(1, pgbouncers, region=["eu"]).workloads.filter(kind="pgbouncer")["workload"].to_list()
    assert [len(name) for name in names] == [52]
