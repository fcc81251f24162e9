"""Every worked figure and table of the capacity guide, row by row, at both edges of every tier.

The expected values are typed in by hand from the guide; where they follow from a calculation, it stands beside them.
"""

from __future__ import annotations

from functools import cache

import pytest

from placement.capacity import load_model
from placement.capacity.derived import Derived
from placement.capacity.sizing import GuideSizing, size_by_guide


@cache
def sizing(services: int) -> GuideSizing:
    return size_by_guide(load_model("rithmxo-1.0"), services)


def ends(amount: Derived | None) -> tuple[float, float, float]:
    assert amount is not None
    return amount.low, amount.typical, amount.high


def rows(*lines: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Return a table's rows, each at the smallest and the largest fleet of its tier, given as (least, most, …)."""
    return [(services, *rest) for least, most, *rest in lines for services in (least, most)]


# --- Single Service Resource Profile: combined footprint ----------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "cores", "memory_mb"), [("minimal", 0.1, 250), ("typical", 0.5, 600), ("heavy", 2.0, 1500)]
)
def test_combined_footprint(profile: str, cores: float, memory_mb: int) -> None:
    hosts = size_by_guide(load_model("rithmxo-1.0"), 100, profile=profile).hosts
    assert ends(hosts.profile_cpu) == (cores, cores, cores)
    assert ends(hosts.profile_memory) == (memory_mb, memory_mb, memory_mb)


# --- Scaling Model: Ecosystem Scaling Tiers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "name", "low", "high", "shared"),
    rows(
        (1, 49, "small", 5, 15, "1 PostgreSQL, 1 Valkey"),
        (50, 499, "medium", 15, 100, "PostgreSQL cluster, Valkey cluster"),
        (500, 4_999, "large", 100, 500, "Sharded PostgreSQL, Valkey Cluster"),
        (5_000, 99_999, "massive", 500, 5_000, "Per-service DB allocation, federated Valkey"),
        (100_000, 10_000_000, "ecosystem", 5_000, 5_000, "Database-per-service, regional clusters"),
    ),
)
def test_ecosystem_scaling_tiers(services: int, name: str, low: int, high: int, shared: str) -> None:
    section = sizing(services).ecosystem
    assert (section.tier.name, section.hosts_required.low, section.hosts_required.high) == (name, low, high)
    assert section.tier.text == shared
    assert section.at_least == (services >= 100_000)  # "5,000+"


# --- Shared Infrastructure Sizing: PostgreSQL ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "strategy", "per_instance", "pool"),
    rows(
        (1, 49, "Single PostgreSQL instance", 20, 1_000),
        (50, 499, "PostgreSQL + PgBouncer", 10, 5_000),
        (500, 4_999, "Multiple PostgreSQL clusters", 10, "Sharded"),
        (5_000, 100_000, "Database-per-service", 20, "Isolated"),
    ),
)
def test_connection_pools(services: int, strategy: str, per_instance: int, pool: int | str) -> None:
    postgres = sizing(services).postgres
    assert postgres.pool.text == strategy
    assert ends(postgres.connections_per_instance) == (per_instance,) * 3
    assert ends(postgres.connections) == (services * per_instance,) * 3
    if isinstance(pool, str):
        assert (postgres.pool_total, postgres.pool_total_text) == (None, pool)
    else:
        assert ends(postgres.pool_total) == (pool,) * 3
        # 49 × 20 = 980 and 499 × 10 = 4,990: no tier's fleets have more connections than its pool
        assert postgres.connections.typical <= pool


def test_pgbouncer_configuration() -> None:
    section = sizing(50).pgbouncer
    assert section.settings == {
        "pool_mode": "transaction",
        "max_client_conn": 10_000,
        "default_pool_size": 20,
        "reserve_pool_size": 5,
        "reserve_pool_timeout": 3,
        "server_idle_timeout": 300,
    }


@pytest.mark.parametrize(("services", "recommended"), [(49, False), (50, True), (100, True), (100_000, True)])
def test_pgbouncer_is_recommended_at_50_services(services: int, recommended: bool) -> None:
    assert sizing(services).pgbouncer.recommended is recommended


@pytest.mark.parametrize(
    ("services", "clients", "if_full", "by_plan"),
    [
        (50, 500, 1, 2),  # at least two
        (1_000, 10_000, 1, 2),  # 10,000 / 10,000; 10,000 / 7,000 = 1.4
        (1_001, 10_010, 2, 2),
        (1_400, 14_000, 2, 2),  # 14,000 / 7,000
        (1_401, 14_010, 2, 3),
        (4_999, 49_990, 5, 8),  # 49,990 / 7,000 = 7.1
    ],
)
def test_pgbouncer_processes(services: int, clients: int, if_full: int, by_plan: int) -> None:
    section = sizing(services).pgbouncer
    assert (section.clients.typical, section.processes_at_most_clients.typical) == (clients, if_full)
    assert section.processes.typical == by_plan


@pytest.mark.parametrize(
    ("name", "title", "low", "typical", "high"),
    [
        ("small", "Small service", 0.1, 0.55, 1),
        ("medium", "Medium service", 1, 25.5, 50),
        ("large", "Large service", 50, 275, 500),
    ],
)
def test_storage_sizing_formula(name: str, title: str, low: float, typical: float, high: float) -> None:
    # ecosystem total = sum × replication factor (2: the model's) × 1.3; 1,000 services
    row = next(row for row in sizing(1_000).postgres.storage if row.storage_class == name)
    assert (row.title, row.is_default) == (title, name == "small")
    assert ends(row.per_service) == (low, typical, high)
    assert ends(row.total) == pytest.approx((2_600 * low, 2_600 * typical, 2_600 * high))


# --- Shared Infrastructure Sizing: Valkey -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "strategy", "memory"),
    rows(
        (1, 49, "Single Valkey instance", (4, 8)),
        (50, 499, "Valkey with replicas", (16, 32)),
        (500, 4_999, "Valkey Cluster (sharded)", (64, 256)),
        (5_000, 100_000, "Multiple Valkey Clusters (by region/function)", "Distributed"),
    ),
)
def test_valkey_scaling_strategy(services: int, strategy: str, memory: tuple[int, int] | str) -> None:
    valkey = sizing(services).valkey
    assert valkey.tier.text == strategy
    if isinstance(memory, str):
        assert (valkey.tier_memory, valkey.tier_memory_text, valkey.against_tier) == (None, memory, "no range")
    else:
        assert valkey.tier_memory is not None
        assert (valkey.tier_memory.low, valkey.tier_memory.high) == memory


@pytest.mark.parametrize(
    ("services", "memory_gb", "against"),
    [
        # services × 20, 90, 160 MB × 1.5 = × 0.03, 0.135, 0.24 GB
        (1, (0.03, 0.135, 0.24), "below"),
        (29, (0.87, 3.915, 6.96), "below"),
        (30, (0.9, 4.05, 7.2), "within"),
        (49, (1.47, 6.615, 11.76), "within"),
        (50, (1.5, 6.75, 12), "below"),
        (99, (2.97, 13.365, 23.76), "below"),
        (100, (3, 13.5, 24), "below"),
        (499, (14.97, 67.365, 119.76), "above"),
        (500, (15, 67.5, 120), "within"),
        (1_000, (30, 135, 240), "within"),
        (4_999, (149.97, 674.865, 1_199.76), "above"),
        (5_000, (150, 675, 1_200), "no range"),
        (100_000, (3_000, 13_500, 24_000), "no range"),
    ],
)
def test_valkey_memory_estimation(services: int, memory_gb: tuple[float, ...], against: str) -> None:
    valkey = sizing(services).valkey
    assert ends(valkey.per_service) == (20, 90, 160)
    assert ends(valkey.memory) == pytest.approx(memory_gb)
    assert valkey.against_tier == against


def test_valkey_terms_and_their_total() -> None:
    # 5 + 1 + 0 + 10 = 16, 50 + 10 + 1 + 100 = 161; the guide has 20 and 160
    valkey = sizing(100).valkey
    assert ends(valkey.terms_per_service) == (16, 88.5, 161)
    assert any("add up to 16 to 161 MB" in note for note in valkey.notes)


# --- Shared Infrastructure Sizing: InfraSoT, SIA ------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "arrangement", "instances", "heartbeats", "printed"),
    rows(
        (1, 499, "1 (with backup)", 2, 30, 17),
        (500, 4_999, "3 (HA)", 3, 30, 167),
        (5_000, 49_999, "5 (HA, multi-region)", 5, 60, 833),
        (50_000, 100_000, "Regional clusters, heartbeats federated", 5, 60, None),
    ),
)
def test_infrasot_registry(
    services: int, arrangement: str, instances: int, heartbeats: int, printed: int | None
) -> None:
    registry = sizing(services).registry
    assert (registry.tier.text, registry.instances.typical) == (arrangement, instances)
    assert registry.rate.typical == pytest.approx(services / heartbeats)
    assert registry.per_region == (services >= 50_000)
    assert (registry.guide_rate.typical if registry.guide_rate else None) == printed


@pytest.mark.parametrize(
    ("services", "printed"), [(499, 17), (4_999, 167), (49_999, 833)]  # 16.6; 166.6; 833.3
)  # fmt: skip
def test_heartbeats_at_the_end_of_each_tier_are_those_printed(services: int, printed: int) -> None:
    assert round(sizing(services).registry.rate.typical) == printed


@pytest.mark.parametrize(
    ("services", "arrangement", "instances", "printed"),
    rows(
        (1, 499, "2 (HA)", 2, 500),
        (500, 4_999, "3 (HA)", 3, 5_000),
        (5_000, 49_999, "5 (multi-region)", 5, 50_000),
        (50_000, 100_000, "Regional clusters, requests federated", 5, None),
    ),
)
def test_service_identity_authority(services: int, arrangement: str, instances: int, printed: int | None) -> None:
    sia = sizing(services).sia
    assert (sia.tier.text, sia.instances.typical) == (arrangement, instances)
    assert sia.rate.typical == services  # daily rotation
    assert (sia.guide_rate.typical if sia.guide_rate else None) == printed


# --- Host Density Planning ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "title", "low", "high", "remark"),
    [
        ("small", "4 cores, 16 GB", 6, 8, "Leave 2 GB for OS + monitoring"),
        ("medium", "8 cores, 32 GB", 15, 20, "Recommended standard"),
        ("large", "16 cores, 64 GB", 35, 45, "High-density deployments"),
        ("xlarge", "32 cores, 128 GB", 75, 90, "Maximum density"),
    ],
)
def test_services_per_host(size: str, title: str, low: int, high: int, remark: str) -> None:
    row = next(row for row in sizing(1_000).hosts.sizes if row.size == size)
    assert row.by_guide is not None
    assert (row.title, row.remark, row.density_from) == (title, remark, "table")
    assert (row.by_guide.services_per_host.low, row.by_guide.services_per_host.high) == (low, high)


@pytest.mark.parametrize(
    ("size", "maximum", "recommended", "plan"),
    [
        # min((16,000 - 2,000) / 600 = 23.3, 4 × 2 / 0.5 = 16, files); 70 % of 16 is 11.2
        ("small", 16, 11, 11),
        ("medium", 32, 22, 22),  # min(50, 32); 22.4
        ("large", 64, 44, 44),  # min(103.3, 64); 44.8
        ("xlarge", 128, 89, 89),  # min(210, 128); 89.6
    ],
)
def test_max_services_per_host(size: str, maximum: int, recommended: int, plan: int) -> None:
    row = next(row for row in sizing(1_000).hosts.sizes if row.size == size)
    assert row.by_plan is not None
    assert (row.formula_maximum.typical, row.recommended.typical) == (maximum, recommended)
    assert ends(row.by_plan.services_per_host) == (plan, plan, plan)


@pytest.mark.parametrize(
    ("size", "guide", "plan", "guide_per_hour", "plan_per_hour"),
    [
        # 100,000 / 7 / 0.7 = 20,408.2 → 20,409 + 1,021 (5 %: 1,020.45); 100,000 / 11 = 9,090.9 → 9,091 + 455
        # low: 100,000 / 8 / 0.7 = 17,857.1 → 17,858 + 893; high: 100,000 / 6 / 0.7 = 23,809.5 → 23,810 + 1,191
        ("small", (18_751, 21_430, 25_001), 9_546, 4_114.56, 1_832.832),
        # 100,000 / 17.5 / 0.7 = 8,163.3 → 8,164 + 409; 100,000 / 22 = 4,545.5 → 4,546 + 228
        ("medium", (7_501, 8_573, 10_001), 4_774, 3_292.032, 1_833.216),
        # 100,000 / 40 / 0.7 = 3,571.4 → 3,572 + 179; 100,000 / 44 = 2,272.7 → 2,273 + 114
        ("large", (3_334, 3_751, 4_287), 2_387, 2_880.768, 1_833.216),
        # 100,000 / 82.5 / 0.7 = 1,731.6 → 1,732 + 87; 100,000 / 89 = 1,123.6 → 1,124 + 57
        ("xlarge", (1_668, 1_819, 2_001), 1_181, 2_793.984, 1_814.016),
    ],
)
def test_host_count_estimation(
    size: str, guide: tuple[int, int, int], plan: int, guide_per_hour: float, plan_per_hour: float
) -> None:
    row = next(row for row in sizing(100_000).hosts.sizes if row.size == size)
    assert row.by_guide is not None
    assert row.by_plan is not None
    assert ends(row.by_guide.total_hosts) == guide
    assert row.by_plan.total_hosts.typical == plan
    assert row.by_guide.cost_per_hour.typical == guide_per_hour
    assert row.by_plan.cost_per_hour.typical == plan_per_hour
    assert row.by_plan.cost_per_year.typical == pytest.approx(plan_per_hour * 8_760)


def test_worked_example() -> None:
    example = sizing(1).hosts.worked_example  # whatever N is
    assert (example.services, example.size) == (100_000, "medium")
    shown = {
        name: (
            hosts.services_per_host.typical,
            hosts.hosts_before_spares.typical,
            hosts.spare_hosts.typical,
            hosts.total_hosts.typical,
        )
        for name, hosts in (
            ("printed", example.printed),
            ("by_formula", example.by_formula),
            ("by_plan", example.by_plan),
        )
    }
    assert shown == {
        "printed": (17, 8_403, 500, 8_903),
        "by_formula": (17, 8_404, 421, 8_825),  # 100,000 / 17 / 0.7 = 8,403.4; 5 % of 8,404 = 420.2
        "by_plan": (22, 4_546, 228, 4_774),  # 8 × 2 × 0.7 / 0.5 = 22.4; 100,000 / 22 = 4,545.5; 227.3
    }
    notes = " ".join(sizing(1).hosts.notes)
    assert "8,403 hosts before spares instead of 8,404" in notes
    assert "500 spare hosts instead of 421" in notes
    assert "8,903 hosts in all instead of 8,825" in notes


# --- Database Scaling Strategy ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "title"),
    rows(
        (1, 49, "Phase 1: Shared PostgreSQL"),
        (50, 4_999, "Phase 2: PostgreSQL clusters"),
        (5_000, 100_000, "Phase 3: Database-per-service"),
    ),
)
def test_database_phases(services: int, title: str) -> None:
    assert sizing(services).postgres.phase.text == title


@pytest.mark.parametrize(
    ("tier", "cores", "memory_gb", "storage_gb"),
    [("s", 1, 2, 20), ("m", 2, 4, 100), ("l", 4, 8, 500), ("xl", 8, 16, 1_000)],
)
def test_provisioning_tiers(tier: str, cores: int, memory_gb: int, storage_gb: int) -> None:
    row = next(row for row in sizing(100_000).postgres.dedicated if row.tier == tier)
    assert (row.cpu_cores.typical, row.memory.typical, row.storage.typical) == (cores, memory_gb, storage_gb)
    everything = row.all_cpu_cores.typical, row.all_memory.typical, row.all_storage.typical
    assert everything == (cores * 100_000, memory_gb * 100_000, storage_gb * 100_000)


def test_dedicated_databases_are_recommended_at_5000_services() -> None:
    assert sizing(1).postgres.dedicated_from.typical == 5_000


# --- Valkey/Redis Scaling Strategy --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "title", "nodes"),
    rows(
        (1, 49, "Phase 1: Single instance", None),
        (50, 4_999, "Phase 2: Valkey Cluster", 6),
        (5_000, 100_000, "Phase 3: Federated Valkey", None),
    ),
)
def test_valkey_phases(services: int, title: str, nodes: int | None) -> None:
    valkey = sizing(services).valkey
    assert valkey.phase.text == title
    assert (valkey.phase_nodes.typical if valkey.phase_nodes else None) == nodes


@pytest.mark.parametrize(("services", "contradicts"), [(49, False), (50, True), (499, True), (500, False)])
def test_where_the_two_sections_on_valkey_part_is_said(services: int, contradicts: bool) -> None:
    assert any("another as a cluster" in note for note in sizing(services).valkey.notes) is contradicts


# --- Network Capacity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "requirement", "recommendation", "nic_mbps"),
    rows(
        (1, 99, "1 Gbps per host", "Standard NIC", 1_000),
        (100, 999, "10 Gbps per host", "10GbE", 10_000),
        (1_000, 9_999, "10 Gbps + dedicated DB network", "Dual 10GbE", 20_000),
        (10_000, 100_000, "25/100 Gbps, network segmentation", "25GbE or bonded", 25_000),
    ),
)
def test_network_infrastructure(services: int, requirement: str, recommendation: str, nic_mbps: int) -> None:
    network = sizing(services).network
    assert (network.tier.text, network.recommendation) == (requirement, recommendation)
    assert network.nic_capacity.typical == nic_mbps
    assert network.dedicated_database_network == (services >= 1_000)
    assert network.segmentation == (services >= 10_000)


def test_per_service_network_budget() -> None:
    network = sizing(100_000).network
    assert (network.per_service.low, network.per_service.high) == (10, 40)
    # 1 + 5 + 1 + 0 + 0 + 0.5 = 7.5; 10 + 20 + 5 + 1 + 0.1 + 2 = 38.1
    assert (network.rows_per_service.low, network.rows_per_service.high) == (7.5, 38.1)
    assert ends(network.total) == (1_000, 2_500, 4_000)  # Gbps
    assert any("7.5 to 38.1 Mbps" in note for note in network.notes)


def test_nic_of_hosts_as_dense_as_the_guides() -> None:
    # 99 services on 1 Gbps NICs: large 40 × 25 = 1,000 Mbps; xlarge 82.5 × 25 = 2,062.5; medium 17.5 × 25 = 437.5
    shares = {host.size: host.share.typical for host in sizing(99).network.hosts}
    assert shares == pytest.approx({"small": 0.175, "medium": 0.4375, "large": 1.0, "xlarge": 2.0625})
    assert any("large 100%, xlarge 206%" in note for note in sizing(99).network.notes)
    assert not any("warning level" in note for note in sizing(100).network.notes)


# --- Observability at Scale ---------------------------------------------------------------------------------


def test_log_volume() -> None:
    one, ecosystem = sizing(1).observability, sizing(100_000).observability
    assert ends(one.logs_per_day) == (0.072, 0.216, 0.36)  # GB: 72 to 360 MB
    assert ends(one.log_entries_per_second) == pytest.approx((100 / 60, 300 / 60, 500 / 60))
    assert ends(ecosystem.logs_per_day) == (7_200, 21_600, 36_000)  # the guide prints 7 to 36 TB
    assert ends(ecosystem.logs_per_second) == pytest.approx((83.3333, 250, 416.6667))  # 7.2 TB / 86,400 s
    assert any("7.2 to 36 TB" in note for note in ecosystem.notes)


def test_log_retention() -> None:
    seen = sizing(100_000).observability
    assert [days.typical for days in (seen.hot_days, seen.warm_days, seen.cold_days)] == [7, 30, 90]
    assert ends(seen.logs_hot) == (50_400, 151_200, 252_000)  # 7 days
    assert ends(seen.logs_warm) == (165_600, 496_800, 828_000)  # days 8 to 30
    assert ends(seen.logs_cold) == (432_000, 1_296_000, 2_160_000)  # days 31 to 90


def test_metrics_volume() -> None:
    one, ecosystem = sizing(1).observability, sizing(100_000).observability
    assert one.datapoints_per_minute.typical == 200  # 50 series × 60 / 15 s
    assert one.series.typical == 50
    assert ecosystem.datapoints_per_minute.typical == 20_000_000
    assert ecosystem.datapoints_per_second.typical == pytest.approx(333_333.33)  # the guide prints 330K
    assert any("333,333" in note for note in ecosystem.notes)
    # 20 million × 1,440 min × 30 days × 2 bytes (the model's assumptions)
    assert ecosystem.metrics_stored.typical == pytest.approx(1_728)


def test_tracing_volume() -> None:
    one, ecosystem = sizing(1).observability, sizing(100_000).observability
    assert one.spans_per_second_development.typical == 50  # 10 traces/s × 5 spans at 10 %
    assert ecosystem.spans_per_second_ecosystem.typical == 500_000  # at 1 %
    assert ends(ecosystem.spans_per_second) == pytest.approx((50_000, 275_000, 500_000))  # at 0.1 to 1 %
    # 275,000 × 86,400 s × 7 days × 500 bytes (the model's assumptions)
    assert ecosystem.traces_stored.typical == pytest.approx(83_160)


# --- Bottleneck Identification ------------------------------------------------------------------------------

BOTTLENECKS = [
    (100, "PostgreSQL connections", "Connection timeouts", "Add PgBouncer"),
    (500, "InfraSoT Registry", "Slow heartbeat processing", "Scale to 3 instances"),
    (1_000, "Valkey memory", "Evictions, OOM", "Valkey Cluster"),
    (5_000, "Network bandwidth", "Packet loss, latency", "Upgrade to 10GbE"),
    (10_000, "Observability pipeline", "Log/metric backpressure", "Federate collectors"),
    (50_000, "Service Identity Authority", "Certificate request queue", "Regional clusters"),
    (100_000, "DNS/service discovery", "Resolution latency", "Local caching, regional DNS"),
]


def test_bottlenecks() -> None:
    rows_ = sizing(1).bottlenecks
    assert [(row.services_from.typical, row.component, row.indicator, row.solution) for row in rows_] == BOTTLENECKS


@pytest.mark.parametrize("number", range(len(BOTTLENECKS)))
def test_a_bottleneck_is_passed_at_its_threshold(number: int) -> None:
    threshold = BOTTLENECKS[number][0]
    before, at = sizing(threshold - 1).bottlenecks, sizing(threshold).bottlenecks
    assert sum(row.passed for row in before) == number
    assert before[number].services_ahead == 1
    assert sum(row.passed for row in at) == number + 1
    assert at[number].services_ahead == 0


@pytest.mark.parametrize(
    ("metric", "warning", "critical", "levels"),
    [
        ("Host CPU utilization", "> 70% sustained", "> 85% sustained", (0.7, 0.85)),
        ("Host memory utilization", "> 75%", "> 90%", (0.75, 0.9)),
        ("PostgreSQL connections used", "> 70% of max", "> 85% of max", (0.7, 0.85)),
        ("Valkey memory used", "> 70% of max", "> 85% of max", (0.7, 0.85)),
        ("Disk usage", "> 70%", "> 85%", (0.7, 0.85)),
        ("Network utilization", "> 60% of capacity", "> 80% of capacity", (0.6, 0.8)),
        ("InfraSoT heartbeat latency", "> 5 seconds", "> 15 seconds", (5, 15)),
        ("Certificate renewal failures", "Any", "3+ in 1 hour", (1, 3)),
    ],
)
def test_monitoring_indicators(metric: str, warning: str, critical: str, levels: tuple[float, float]) -> None:
    row = next(row for row in sizing(1).alerts if row.metric == metric)
    assert (row.guide_warning, row.guide_critical) == (warning, critical)
    assert (row.warning.typical, row.critical.typical) == levels


@pytest.mark.parametrize(
    ("services", "share", "level"),
    [
        (35, 0.7, "ok"),  # 35 × 20 = 700 of 1,000: not above 70 %
        (36, 0.72, "warning"),
        (43, 0.86, "critical"),
        (49, 0.98, "critical"),
        (50, 0.1, "ok"),  # 50 × 10 of 5,000
        (499, 0.998, "critical"),
    ],
)
def test_connections_against_the_guides_own_pool(services: int, share: float, level: str) -> None:
    row = next(row for row in sizing(services).alerts if row.name == "postgres-connections")
    assert row.value is not None
    assert (row.value.typical, row.level) == (pytest.approx(share), level)
