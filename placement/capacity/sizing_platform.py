"""What all services share beside the data tier: registry, identity, network, observability."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from pydantic.dataclasses import dataclass

from placement.capacity.derived import RESULT, Derived, Ledger, Number, Tier, counted
from placement.capacity.figures import ENDS, End
from placement.capacity.sizing_hosts import guide_density
from placement.units import exact

_SECONDS_PER_DAY = 86_400
_LOGS, _METRICS, _TRACES = "observability.logs", "observability.metrics", "observability.traces"
_STORES, _ALL = "observability.stores", "observability.ecosystem"


@dataclass(frozen=True, kw_only=True, config=RESULT)
class PlatformService:
    """The InfraSoT registry, or the Service Identity Authority."""

    tier: Tier
    """The text is the guide's word for the instances."""
    instances: Derived
    """Backup included; in each region where the guide gives no number."""
    per_region: bool
    """Whether the guide gives no number: then the model's for one region is taken."""
    rate: Derived
    """Heartbeats per second, or certificate requests per day."""
    guide_rate: Derived | None
    """The guide's rate at the end of the tier; null where it gives a word for it."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class HostNetwork:
    """Bandwidth of a host of one size that is as dense as the guide has it, or holds all there is."""

    size: str
    bandwidth: Derived
    share: Derived
    """Of the NIC of the network tier."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class NetworkSection:
    """Network."""

    tier: Tier
    """The text is the requirement."""
    recommendation: str
    nic: str
    nic_capacity: Derived
    dedicated_database_network: bool
    segmentation: bool
    per_service: Derived
    rows_per_service: Derived
    """The sum of the guide's kinds of traffic, which it rounds to `per_service`."""
    total: Derived
    """Of all services."""
    hosts: tuple[HostNetwork, ...]
    warning: Derived
    """Share of a NIC above which the guide warns."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=RESULT)
class ObservabilitySection:
    """Logs, metrics and traces of all services, a day and a second, and what they take by retention."""

    logs_per_day: Derived
    logs_per_second: Derived
    log_entries_per_second: Derived
    logs_hot: Derived
    logs_warm: Derived
    """From the end of the hot retention to that of the warm one."""
    logs_cold: Derived
    """From the end of the warm retention to that of the cold one."""
    hot_days: Derived
    warm_days: Derived
    cold_days: Derived
    series: Derived
    datapoints_per_second: Derived
    datapoints_per_minute: Derived
    datapoints_per_day: Derived
    metrics_stored: Derived
    spans_per_second: Derived
    """At the sampling that the guide recommends for production."""
    spans_per_second_development: Derived
    """At the sampling that it recommends for development."""
    spans_per_second_ecosystem: Derived
    """At the sampling of its own total for the ecosystem."""
    spans_per_day: Derived
    traces_stored: Derived
    notes: tuple[str, ...]


def size_registry(ledger: Ledger, services: int, instances: int) -> PlatformService:
    """Return the InfraSoT registry and its heartbeats: each instance sends one every interval."""
    rows = ledger.model.registry.tiers
    tier = ledger.tier("registry.tiers", rows, services, lambda row: row.arrangement)
    row, path = rows[tier.name], f"registry.tiers.{tier.name}"
    return PlatformService(
        tier=tier,
        instances=_instances(ledger, "registry", path, row.instances is not None, row.backup_instances is not None),
        per_region=row.instances is None,
        rate=ledger.derive(
            "heartbeats/s",
            [f"{path}.heartbeat_interval_seconds"],
            lambda interval: instances / max(interval, _LEAST),
            against=[f"{path}.heartbeat_interval_seconds"],
        ),
        guide_rate=ledger.figure(f"{path}.heartbeats_per_second") if row.heartbeats_per_second else None,
    )


def size_sia(ledger: Ledger, services: int, instances: int) -> PlatformService:
    """Return the Service Identity Authority and its requests: each instance renews its certificate every rotation."""
    rows = ledger.model.sia.tiers
    tier = ledger.tier("sia.tiers", rows, services, lambda row: row.arrangement)
    row, path = rows[tier.name], f"sia.tiers.{tier.name}"
    return PlatformService(
        tier=tier,
        instances=_instances(ledger, "sia", path, row.instances is not None, backup=False),
        per_region=row.instances is None,
        rate=ledger.derive(
            "requests/day",
            ["sia.certificate_rotation_days"],
            lambda days: instances / max(days, _LEAST),
            against=["sia.certificate_rotation_days"],
        ),
        guide_rate=ledger.figure(f"{path}.certificate_requests_per_day") if row.certificate_requests_per_day else None,
    )


_LEAST = Fraction(1)
"""Shortest interval, in its own unit: a model may say 0, and no interval is shorter than what it counts in."""


def _instances(ledger: Ledger, service: str, path: str, numbered: bool, backup: bool) -> Derived:
    paths = [f"{path}.instances"] if numbered else [f"{service}.regional_instances"]
    if backup:
        paths.append(f"{path}.backup_instances")
    return ledger.derive("instances", paths, lambda *each: sum(each))


def size_network(ledger: Ledger, services: int, instances: int, profile: str, sizes: Sequence[str]) -> NetworkSection:
    """Return the network tier, the traffic of all services, and what hosts as dense as the guide's ask of a NIC."""
    network = ledger.model.network
    tier = ledger.tier("network.tiers", network.tiers, services, lambda row: row.requirement)
    row = network.tiers[tier.name]
    capacity, per_service = f"network.nics.{row.nic}.capacity_mbps", "network.total_mbps"
    warning = ledger.figure("alerts.thresholds.network.warning")
    rows = [f"network.traffic.{name}.bandwidth_mbps" for name in network.traffic]
    summed = ledger.derive("Mbps", rows, lambda *each: sum(each))
    total = ledger.figure(per_service)
    hosts = tuple(_host_network(ledger, name, instances, profile, capacity) for name in sizes)
    notes = []
    if (total.low, total.high) != (summed.low, summed.high):
        notes.append(
            f"The guide rounds the bandwidth of a service to {total.low:g} to {total.high:g} Mbps; its rows add up to "
            f"{summed.low:g} to {summed.high:g} Mbps."
        )
    full = [host for host in hosts if host.share.typical > warning.typical]
    if full:
        shares = ", ".join(f"{host.size} {host.share.typical:.0%}" for host in full)
        notes.append(
            f"Hosts as dense as the guide has them use, at its typical bandwidth, more than the warning level "
            f"({warning.typical:.0%}) of the {row.recommendation} it recommends for {counted(services)}: {shares}."
        )
    cure = ledger.model.bottlenecks.points.get("network-bandwidth")
    first = next(
        (other for other in network.tiers.values() if other.recommendation in (cure.solution if cure else "")), None
    )
    if cure is not None and first is not None and first.services_from.typical != cure.services_from.typical:
        notes.append(
            f"The guide has {first.recommendation} from {first.services_from.typical:,} services on, and names it as "
            f"the cure of a bottleneck at {cure.services_from.typical:,}."
        )
    return NetworkSection(
        tier=tier,
        recommendation=row.recommendation,
        nic=row.nic,
        nic_capacity=ledger.figure(capacity),
        dedicated_database_network=row.dedicated_database_network,
        segmentation=row.segmentation,
        per_service=total,
        rows_per_service=summed,
        total=ledger.derive("Gbps", [per_service], lambda mbps: services * mbps / 1000),
        hosts=hosts,
        warning=warning,
        notes=tuple(notes),
    )


def _host_network(ledger: Ledger, size: str, instances: int, profile: str, capacity: str) -> HostNetwork:
    _, density = guide_density(ledger, size, profile)
    dense: dict[End, Number] = {"low": density.low, "typical": density.typical, "high": density.high}
    by_end = {end: min(number, instances) for end, number in dense.items()}
    each = {end: ledger.value("network.total_mbps", end) for end in ENDS}
    nic = max(ledger.value(capacity), _LEAST)
    paths = {*density.rests_on, "network.total_mbps"}
    return HostNetwork(
        size=size,
        bandwidth=ledger.of_ends("Mbps", lambda end: exact(by_end[end]) * each[end], paths),
        share=ledger.of_ends("share", lambda end: exact(by_end[end]) * each[end] / nic, {*paths, capacity}),
    )


def size_observability(ledger: Ledger, services: int) -> ObservabilitySection:
    """Return the volumes of logs, metrics and traces."""
    per_day, entries = f"{_LOGS}.mb_per_day", f"{_LOGS}.entries_per_minute"
    days = {name: f"{_LOGS}.retention_{name}_days" for name in ("hot", "warm", "cold")}
    datapoints, series = f"{_METRICS}.datapoints_per_minute", f"{_METRICS}.series"
    metric_days, metric_bytes = f"{_STORES}.metrics_retention_days", f"{_STORES}.bytes_per_datapoint"
    trace_days, trace_bytes = f"{_STORES}.traces_retention_days", f"{_STORES}.bytes_per_span"

    def kept(since: str, until: str) -> Derived:
        return ledger.derive(
            "GB",
            [per_day, days[until], days[since]],
            lambda mb, end, begin: services * mb * (end - begin) / 1000,
            against=[days[since]],
        )

    def spans(share: str, unit: str = "spans/s", seconds: int = 1) -> Derived:
        return ledger.derive(
            unit,
            [f"{_TRACES}.spans_per_second", share, f"{_TRACES}.sampling_share"],
            lambda each, wanted, sampled: services * each * wanted * seconds / (sampled or 1),
            against=[f"{_TRACES}.sampling_share"],
        )

    production = f"{_TRACES}.production_sampling_share"
    return ObservabilitySection(
        logs_per_day=ledger.derive("GB/day", [per_day], lambda mb: services * mb / 1000),
        logs_per_second=ledger.derive("MB/s", [per_day], lambda mb: services * mb / _SECONDS_PER_DAY),
        log_entries_per_second=ledger.derive("entries/s", [entries], lambda num: services * num / 60),
        logs_hot=ledger.derive("GB", [per_day, days["hot"]], lambda mb, until: services * mb * until / 1000),
        logs_warm=kept("hot", "warm"),
        logs_cold=kept("warm", "cold"),
        hot_days=ledger.figure(days["hot"]),
        warm_days=ledger.figure(days["warm"]),
        cold_days=ledger.figure(days["cold"]),
        series=ledger.derive("series", [series], lambda num: services * num),
        datapoints_per_second=ledger.derive("datapoints/s", [datapoints], lambda num: services * num / 60),
        datapoints_per_minute=ledger.derive("datapoints/min", [datapoints], lambda num: services * num),
        datapoints_per_day=ledger.derive("datapoints/day", [datapoints], lambda num: services * num * 1440),
        metrics_stored=ledger.derive(
            "GB",
            [datapoints, metric_days, metric_bytes],
            lambda num, for_days, size: services * num * 1440 * for_days * size / 10**9,
        ),
        spans_per_second=spans(production),
        spans_per_second_development=spans(f"{_TRACES}.development_sampling_share"),
        spans_per_second_ecosystem=spans(f"{_ALL}.sampling_share"),
        spans_per_day=spans(production, "spans/day", _SECONDS_PER_DAY),
        traces_stored=ledger.derive(
            "GB",
            [f"{_TRACES}.spans_per_second", production, f"{_TRACES}.sampling_share", trace_days, trace_bytes],
            lambda each, wanted, sampled, for_days, size: (
                services * each * wanted / (sampled or 1) * _SECONDS_PER_DAY * for_days * size / 10**9
            ),
            against=[f"{_TRACES}.sampling_share"],
        ),
        notes=tuple(_observability_notes(ledger)),
    )


def _observability_notes(ledger: Ledger) -> list[str]:
    """Return where the guide's totals for the ecosystem are not what its figures of one service give."""
    services = ledger.value(f"{_ALL}.services")
    notes = []
    printed = ledger.figure(f"{_ALL}.logs_tb_per_day")
    logs = ledger.derive("TB/day", [f"{_LOGS}.mb_per_day"], lambda mb: services * mb / 10**6)
    if (printed.low, printed.high) != (logs.low, logs.high):
        notes.append(
            f"The guide prints {printed.low:g} to {printed.high:g} TB of logs a day for {int(services):,} services; by "
            f"its own figures they are {logs.low:g} to {logs.high:g} TB."
        )
    rate = ledger.figure(f"{_ALL}.datapoints_per_second")
    datapoints = ledger.derive("per s", [f"{_METRICS}.datapoints_per_minute"], lambda num: services * num / 60)
    if rate.typical != datapoints.typical:
        notes.append(
            f"The guide prints {rate.typical:,} datapoints/s for {int(services):,} services; by its own figures they "
            f"are {datapoints.typical:,.0f}."
        )
    return notes
