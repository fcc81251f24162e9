"""Figures of the capacity guide, read from it by hand and compared with the bundled model."""

from __future__ import annotations

import math

import pytest

from placement.capacity import CapacityModel, load_model

# path: (low, typical, high, unit); a row per figure as the guide prints it, typical = midpoint of a range
GUIDE = {
    # Single Service Resource Profile
    "services.baseline_requests_per_second": (100, 100, 100, "requests/s"),
    "services.backend.idle.cpu_percent": (0.5, 0.5, 0.5, "% of one core"),
    "services.backend.normal.cpu_percent": (15, 22.5, 30, "% of one core"),
    "services.backend.peak.cpu_percent": (80, 80, 80, "% of one core"),
    "services.backend.limit.cpu_percent": (200, 200, 200, "% of one core"),
    "services.backend.idle.memory_mb": (120, 120, 120, "MB"),
    "services.backend.normal.memory_mb": (200, 300, 400, "MB"),
    "services.backend.peak.memory_mb": (800, 800, 800, "MB"),
    "services.backend.limit.memory_mb": (2000, 2000, 2000, "MB"),
    "services.backend.normal.disk_io_mb_per_second": (5, 5, 5, "MB/s"),
    "services.backend.peak.disk_io_mb_per_second": (20, 20, 20, "MB/s"),
    "services.backend.normal.network_mbps": (10, 10, 10, "Mbps"),
    "services.backend.peak.network_mbps": (50, 50, 50, "Mbps"),
    "services.backend.idle.open_files": (50, 50, 50, "files"),
    "services.backend.normal.open_files": (200, 200, 200, "files"),
    "services.backend.peak.open_files": (500, 500, 500, "files"),
    "services.backend.limit.open_files": (65536, 65536, 65536, "files"),
    "services.backend.idle.threads": (15, 15, 15, "threads"),
    "services.backend.normal.threads": (25, 25, 25, "threads"),
    "services.backend.peak.threads": (50, 50, 50, "threads"),
    "services.backend.limit.threads": (4096, 4096, 4096, "threads"),
    "services.frontend.idle.cpu_percent": (0.2, 0.2, 0.2, "% of one core"),
    "services.frontend.normal.cpu_percent": (5, 7.5, 10, "% of one core"),
    "services.frontend.peak.cpu_percent": (40, 40, 40, "% of one core"),
    "services.frontend.limit.cpu_percent": (100, 100, 100, "% of one core"),
    "services.frontend.idle.memory_mb": (80, 80, 80, "MB"),
    "services.frontend.normal.memory_mb": (150, 150, 150, "MB"),
    "services.frontend.peak.memory_mb": (350, 350, 350, "MB"),
    "services.frontend.limit.memory_mb": (512, 512, 512, "MB"),
    "services.profiles.minimal.cpu_cores": (0.1, 0.1, 0.1, "cores"),
    "services.profiles.minimal.memory_mb": (250, 250, 250, "MB"),
    "services.profiles.minimal.disk_gb": (0.5, 0.5, 0.5, "GB"),
    "services.profiles.typical.cpu_cores": (0.5, 0.5, 0.5, "cores"),
    "services.profiles.typical.memory_mb": (600, 600, 600, "MB"),
    "services.profiles.typical.disk_gb": (1, 1, 1, "GB"),
    "services.profiles.heavy.cpu_cores": (2, 2, 2, "cores"),
    "services.profiles.heavy.memory_mb": (1500, 1500, 1500, "MB"),
    "services.profiles.heavy.disk_gb": (5, 5, 5, "GB"),
    # Scaling Model
    "scaling.tiers.small.hosts_required": (5, 10, 15, "hosts"),
    "scaling.tiers.medium.services_from": (50, 50, 50, "services"),
    "scaling.tiers.medium.hosts_required": (15, 57.5, 100, "hosts"),
    "scaling.tiers.large.hosts_required": (100, 300, 500, "hosts"),
    "scaling.tiers.massive.services_below": (100000, 100000, 100000, "services"),
    "scaling.tiers.massive.hosts_required": (500, 2750, 5000, "hosts"),
    "scaling.tiers.ecosystem.hosts_required": (5000, 5000, 5000, "hosts"),
    # PostgreSQL
    "postgres.pools.single.max_connections_per_instance": (20, 20, 20, "connections"),
    "postgres.pools.single.total_pool_connections": (1000, 1000, 1000, "connections"),
    "postgres.pools.pgbouncer.max_connections_per_instance": (10, 10, 10, "connections"),
    "postgres.pools.pgbouncer.total_pool_connections": (5000, 5000, 5000, "connections"),
    "postgres.pools.clusters.max_connections_per_instance": (10, 10, 10, "connections"),
    "postgres.pools.dedicated.max_connections_per_instance": (20, 20, 20, "connections"),
    "postgres.pools.dedicated.services_from": (5000, 5000, 5000, "services"),
    "postgres.pgbouncer.max_client_conn": (10000, 10000, 10000, "connections"),
    "postgres.pgbouncer.default_pool_size": (20, 20, 20, "connections"),
    "postgres.pgbouncer.reserve_pool_size": (5, 5, 5, "connections"),
    "postgres.pgbouncer.reserve_pool_timeout": (3, 3, 3, "s"),
    "postgres.pgbouncer.server_idle_timeout": (300, 300, 300, "s"),
    "postgres.storage_classes.small.storage_gb": (0.1, 0.55, 1, "GB"),
    "postgres.storage_classes.medium.storage_gb": (1, 25.5, 50, "GB"),
    "postgres.storage_classes.medium.rows_below": (10_000_000, 10_000_000, 10_000_000, "rows"),
    "postgres.storage_classes.large.storage_gb": (50, 275, 500, "GB"),
    "postgres.storage_formula.growth_factor": (1.3, 1.3, 1.3, "factor"),
    "postgres.dedicated.port": (5432, 5432, 5432, "port number"),
    "postgres.tiers.s.memory_mb": (2000, 2000, 2000, "MB"),
    "postgres.tiers.m.storage_gb": (100, 100, 100, "GB"),
    "postgres.tiers.l.cpu_cores": (4, 4, 4, "cores"),
    "postgres.tiers.xl.storage_gb": (1000, 1000, 1000, "GB"),
    "postgres.tiers.xl.memory_mb": (16000, 16000, 16000, "MB"),
    # Valkey
    "valkey.tiers.single.memory_gb": (4, 6, 8, "GB"),
    "valkey.tiers.replicas.memory_gb": (16, 24, 32, "GB"),
    "valkey.tiers.cluster.memory_gb": (64, 160, 256, "GB"),
    "valkey.memory_per_service.terms.idempotency.bytes_per_item": (50, 50, 50, "bytes"),
    "valkey.memory_per_service.terms.idempotency.memory_mb": (5, 27.5, 50, "MB"),
    "valkey.memory_per_service.terms.operation.bytes_per_item": (1000, 1000, 1000, "bytes"),
    "valkey.memory_per_service.terms.operation.memory_mb": (1, 5.5, 10, "MB"),
    "valkey.memory_per_service.terms.lock.memory_mb": (0, 0.5, 1, "MB"),
    "valkey.memory_per_service.terms.cache.memory_mb": (10, 55, 100, "MB"),
    "valkey.memory_per_service.total_mb": (20, 90, 160, "MB"),
    "valkey.memory_per_service.overhead_factor": (1.5, 1.5, 1.5, "factor"),
    "valkey.phases.single.memory_gb": (8, 8, 8, "GB"),
    "valkey.phases.cluster.min_nodes": (6, 6, 6, "nodes"),
    "valkey.phases.cluster.primaries": (3, 3, 3, "nodes"),
    # InfraSoT, SIA
    "registry.tiers.single.heartbeats_per_second": (17, 17, 17, "per s"),
    "registry.tiers.ha.instances": (3, 3, 3, "instances"),
    "registry.tiers.ha.heartbeats_per_second": (167, 167, 167, "per s"),
    "registry.tiers.multi-region.heartbeat_interval_seconds": (60, 60, 60, "s"),
    "registry.tiers.multi-region.heartbeats_per_second": (833, 833, 833, "per s"),
    "sia.tiers.ha-2.instances": (2, 2, 2, "instances"),
    "sia.tiers.multi-region.certificate_requests_per_day": (50000, 50000, 50000, "per day"),
    # Hosts
    "hosts.sizes.small.services_per_host": (6, 7, 8, "services/host"),
    "hosts.sizes.small.os_reserved_mb": (2000, 2000, 2000, "MB"),
    "hosts.sizes.medium.cpu_cores": (8, 8, 8, "cores"),
    "hosts.sizes.medium.memory_mb": (32000, 32000, 32000, "MB"),
    "hosts.sizes.medium.services_per_host": (15, 17.5, 20, "services/host"),
    "hosts.sizes.large.services_per_host": (35, 40, 45, "services/host"),
    "hosts.sizes.xlarge.memory_mb": (128000, 128000, 128000, "MB"),
    "hosts.sizes.xlarge.services_per_host": (75, 82.5, 90, "services/host"),
    "hosts.formula.headroom": (0.7, 0.7, 0.7, "share"),
    "hosts.formula.cpu_overcommit": (2, 2, 2, "factor"),
    "hosts.formula.spare_share": (0.05, 0.05, 0.05, "share"),
    "hosts.worked_example.printed_total_hosts": (8903, 8903, 8903, "hosts"),
    # Network
    "network.traffic.client.bandwidth_mbps": (1, 5.5, 10, "Mbps"),
    "network.traffic.postgres.bandwidth_mbps": (5, 12.5, 20, "Mbps"),
    "network.traffic.valkey.bandwidth_mbps": (1, 3, 5, "Mbps"),
    "network.traffic.mtls.bandwidth_mbps": (0, 0.5, 1, "Mbps"),
    "network.traffic.heartbeat.bandwidth_mbps": (0, 0.05, 0.1, "Mbps"),
    "network.traffic.telemetry.bandwidth_mbps": (0.5, 1.25, 2, "Mbps"),
    "network.total_mbps": (10, 25, 40, "Mbps"),
    "network.nics.1gbe.capacity_mbps": (1000, 1000, 1000, "Mbps"),
    "network.tiers.dual-10gbe.services_from": (1000, 1000, 1000, "services"),
    # Observability
    "observability.logs.entries_per_minute": (100, 300, 500, "per min"),
    "observability.logs.mb_per_day": (72, 216, 360, "MB/day"),
    "observability.logs.retention_cold_days": (90, 90, 90, "days"),
    "observability.metrics.series": (50, 50, 50, "series"),
    "observability.metrics.scrape_interval_seconds": (15, 15, 15, "s"),
    "observability.traces.spans_per_second": (50, 50, 50, "per s"),
    "observability.traces.production_sampling_share": (0.001, 0.0055, 0.01, "share"),
    "observability.ecosystem.datapoints_per_second": (330_000, 330_000, 330_000, "per s"),
    "observability.ecosystem.logs_tb_per_day": (7, 21.5, 36, "TB/day"),
    # Growth, procurement, bottlenecks
    "growth.overhead_factor": (1.3, 1.3, 1.3, "factor"),
    "growth.phases.early.annual_growth_percent": (200, 350, 500, "%"),
    "growth.phases.growth.annual_growth_percent": (100, 150, 200, "%"),
    "growth.phases.scale.services_below": (200_000, 200_000, 200_000, "services"),
    "growth.phases.mature.annual_growth_percent": (10, 20, 30, "%"),
    "growth.phases.mature.review_interval_months": (3, 3, 3, "months"),
    "procurement.resources.bare-metal-servers.lead_time_weeks": (2, 4, 6, "weeks"),
    "procurement.resources.network-equipment.order_at_share": (0.6, 0.6, 0.6, "share"),
    "procurement.resources.database-licenses.order_at_share": (0.75, 0.75, 0.75, "share"),
    "procurement.resources.storage-expansion.lead_time_weeks": (1, 2.5, 4, "weeks"),
    "bottlenecks.points.network-bandwidth.services_from": (5000, 5000, 5000, "services"),
    "bottlenecks.points.dns.services_from": (100_000, 100_000, 100_000, "services"),
    # Alerts
    "alerts.thresholds.host-cpu.warning": (0.7, 0.7, 0.7, "share"),
    "alerts.thresholds.host-memory.critical": (0.9, 0.9, 0.9, "share"),
    "alerts.thresholds.network.warning": (0.6, 0.6, 0.6, "share"),
    "alerts.thresholds.network.critical": (0.8, 0.8, 0.8, "share"),
    "alerts.thresholds.heartbeat-latency.critical": (15, 15, 15, "s"),
    "alerts.thresholds.certificate-renewal-failures.critical": (3, 3, 3, "failures"),
    "alerts.thresholds.certificate-renewal-failures.critical_window": (3600, 3600, 3600, "s"),
}

# Who must validate what: the guide's first table
OWNERS = {
    "services.backend.normal.memory_mb": "SRE / Performance Engineering",
    "services.baseline_requests_per_second": "Product / SRE",
    "scaling.tiers.large.hosts_required": "Infrastructure / Capacity Planning",
    "postgres.pgbouncer.default_pool_size": "DBA",
    "postgres.dedicated.port": "DBA / Infrastructure",
    "postgres.storage_classes.large.storage_gb": "DBA / Product",
    "postgres.storage_formula.growth_factor": "DBA / Product",
    "valkey.memory_per_service.total_mb": "SRE",
    "hosts.sizes.medium.services_per_host": "Infrastructure",
    "registry.tiers.ha.instances": "Platform Team",
    "sia.tiers.ha-3.instances": "Platform Team",
    "network.traffic.client.bandwidth_mbps": "Network Engineering",
    "observability.logs.bytes_per_entry": "Observability Team",
    "growth.phases.early.annual_growth_percent": "Business / Strategy",
    "procurement.resources.bare-metal-servers.lead_time_weeks": "Procurement / Infrastructure",
    "alerts.thresholds.disk.warning": "SRE",
}


@pytest.fixture(scope="module")
def model() -> CapacityModel:
    return load_model("rithmxo-1.0")


@pytest.mark.parametrize("path", GUIDE)
def test_figure_is_the_guides(model: CapacityModel, path: str) -> None:
    entry = model.entry(path)
    assert (entry.low, entry.typical, entry.high, entry.unit) == pytest.approx(GUIDE[path])
    assert entry.source.startswith("Capacity Planning Guide 1.0 (2026-02-16), ")
    assert entry.status == "estimate"


@pytest.mark.parametrize("path", OWNERS)
def test_owner_is_who_must_validate_it(model: CapacityModel, path: str) -> None:
    assert model.entry(path).owner == OWNERS[path]


def test_every_figure_is_an_estimate(model: CapacityModel) -> None:
    # the guide's validation table: no load tests exist
    assert {entry.status for entry in model.entries()} == {"estimate"}


def test_sections_are_named_as_in_the_guide(model: CapacityModel) -> None:
    sections = {entry.source.split("), ")[1].split(":")[0] for entry in model.entries() if "Guide" in entry.source}
    assert sections == {
        "Single Service Resource Profile", "Scaling Model", "Shared Infrastructure Sizing",
        "Host Density Planning", "Database Scaling Strategy", "Valkey/Redis Scaling Strategy",
        "Network Capacity", "Observability at Scale", "Growth Planning Formula", "Bottleneck Identification",
    }  # fmt: skip


def test_worked_example_as_printed_and_as_the_formula_gives_it(model: CapacityModel) -> None:
    example, formula = model.hosts.worked_example, model.hosts.formula
    hosts = math.ceil(example.services.typical / example.services_per_host.typical / formula.headroom.typical)
    spare = math.ceil(hosts * formula.spare_share.typical)
    # 100,000 / 17 / 0.7 = 8,403.36…; 5 % of 8,404 = 420.2
    assert (hosts, spare, hosts + spare) == (8404, 421, 8825)
    assert example.hosts_before_spares.typical == hosts
    assert example.spare_hosts.typical == spare
    assert example.total_hosts.typical == hosts + spare
    assert example.printed_hosts_before_spares.typical + example.printed_spare_hosts.typical == 8903


def test_observability_totals_follow_from_one_service(model: CapacityModel) -> None:
    logs, metrics, traces = (getattr(model.observability, part) for part in ("logs", "metrics", "traces"))
    total = model.observability.ecosystem
    for end in ("low", "high"):
        kb_per_minute = logs.entries_per_minute.at(end) * logs.bytes_per_entry.at(end) / 1000
        assert kb_per_minute == logs.kb_per_minute.at(end)
        assert kb_per_minute * 60 * 24 / 1000 == logs.mb_per_day.at(end)
    assert metrics.series.typical * 60 / metrics.scrape_interval_seconds.typical == 200
    assert metrics.datapoints_per_minute.typical * total.services.typical == total.datapoints_per_minute.typical
    # 10 traces a second at 10 % are 1 at 1 %
    scaled = traces.spans_per_second.typical * total.sampling_share.typical / traces.sampling_share.typical
    assert scaled * total.services.typical == pytest.approx(total.spans_per_second.typical)


def test_registry_and_sia_totals_follow_from_the_largest_fleet_of_each_tier(model: CapacityModel) -> None:
    for tier in model.registry.tiers.values():
        if tier.heartbeats_per_second and tier.services_below:
            expected = tier.services_below.typical / tier.heartbeat_interval_seconds.typical
            assert tier.heartbeats_per_second.typical == round(expected)
    for row in model.sia.tiers.values():
        if row.certificate_requests_per_day and row.services_below:
            daily = row.services_below.typical / model.sia.certificate_rotation_days.typical
            assert row.certificate_requests_per_day.typical == daily


def test_texts_of_the_guide(model: CapacityModel) -> None:
    assert model.valkey.keys.pattern == "{service_id}:{tenant_id}:{key_type}:{key_id}"
    dedicated = model.postgres.dedicated
    assert dedicated.host_name_pattern.format(service="a") == "postgresql-a.rithmxo.internal"
    assert dedicated.database_name_pattern.format(service_underscored="service_a") == "service_a_db"
    assert model.postgres.pgbouncer.pool_mode == "transaction"
    assert model.postgres.pools["clusters"].total_pool_connections is None
    assert model.postgres.pools["clusters"].total_pool == "Sharded"
    assert model.grouping.group_by == ("domain", "load_profile", "sensitivity")


def test_limits_that_the_guide_lacks_follow_from_memory(model: CapacityModel) -> None:
    for name, size in model.hosts.sizes.items():
        memory_bytes = size.memory_mb.typical * 10**6
        assert size.max_open_files.typical == memory_bytes // 10_240, name
        assert size.max_threads.typical == memory_bytes // (8 * 16 * 1024), name
        for key in ("max_open_files", "max_threads", "disk_gb"):
            assert "Guide" not in model.entry(f"hosts.sizes.{name}.{key}").source


def test_prices_are_dated_list_prices(model: CapacityModel) -> None:
    assert model.default_price_list == "aws-us-east-1-m6i"
    prices = model.prices["aws-us-east-1-m6i"]
    assert {name: figure.typical for name, figure in prices.price_per_hour.items()} == {
        "small": 0.192, "medium": 0.384, "large": 0.768, "xlarge": 1.536,
    }  # fmt: skip
    for name, listed in model.prices.items():
        entry = model.entry(f"prices.{name}.price_per_hour.small")
        assert entry.unit == f"{listed.currency}/h"
        assert listed.as_of.strftime("%Y-%m") in entry.source
        assert "list price" in listed.terms.lower()
