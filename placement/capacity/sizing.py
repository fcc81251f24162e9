"""The capacity guide for N services: its formulas and tables in one view, and where its arithmetic is off.

No fleet is needed. Every quantity names the figures of the model that it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from placement.capacity.derived import RESULT, Derived, Ledger, Number, Tier, ceiling, counted, plain
from placement.capacity.listing import Entry
from placement.capacity.model import CapacityModel
from placement.capacity.planning_tables import AlertLevel
from placement.capacity.sizing_datatier import (
    PgBouncerSection,
    PostgresSection,
    ValkeySection,
    size_pgbouncer,
    size_postgres,
    size_valkey,
)
from placement.capacity.sizing_hosts import HostsSection, size_hosts
from placement.capacity.sizing_platform import (
    NetworkSection,
    ObservabilitySection,
    PlatformService,
    size_network,
    size_observability,
    size_registry,
    size_sia,
)

MAX_SERVICES = 10_000_000
MAX_INSTANCES_PER_SERVICE = 10_000


@dataclass(frozen=True, kw_only=True, config=RESULT)
class EcosystemSection:
    """The guide's ecosystem tier."""

    tier: Tier
    """The text is the shared infrastructure."""
    hosts_required: Derived
    at_least: bool
    """Whether the guide gives a lower bound ("5,000+")."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=RESULT)
class BottleneckRow:
    """A bottleneck that the guide expects from a number of services on."""

    name: str
    services_from: Derived
    passed: bool
    services_ahead: int
    """Services until it is reached; 0: it is."""
    component: str
    indicator: str
    solution: str
    note: str


@dataclass(frozen=True, kw_only=True, config=RESULT)
class AlertRow:
    """An alert threshold, and how the guide's own figures for N services stand to it."""

    name: str
    metric: str
    unit: str
    warning: Derived
    critical: Derived
    guide_warning: str
    guide_critical: str
    value: Derived | None
    """By the guide's figures for N services; null: they do not say."""
    level: AlertLevel | None
    """Of the typical value."""
    meaning: str
    """What the value is; empty where there is none."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class GuideSizing:
    """The capacity guide for a number of services."""

    format: Literal["placement/size/1"]
    model: str
    model_version: str
    model_digest: str
    services: int
    instances_per_service: Number
    instances: int
    ecosystem: EcosystemSection
    hosts: HostsSection
    postgres: PostgresSection
    pgbouncer: PgBouncerSection
    valkey: ValkeySection
    registry: PlatformService
    sia: PlatformService
    network: NetworkSection
    observability: ObservabilitySection
    bottlenecks: tuple[BottleneckRow, ...]
    alerts: tuple[AlertRow, ...]
    figures: tuple[Entry, ...]
    """Every figure that any of the above rests on, by path."""
    num_estimates: int
    """How many of them were never measured."""

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be said of the guide's arithmetic, in the order of the sections."""
        sections = (
            self.ecosystem, self.hosts, self.postgres, self.pgbouncer, self.valkey, self.network, self.observability,
        )  # fmt: skip
        return tuple(note for section in sections for note in section.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the sizing as JSON-ready data."""
        data: dict[str, Any] = TypeAdapter(GuideSizing).dump_python(self, mode="json")
        return data


def size_by_guide(
    model: CapacityModel,
    services: int,
    *,
    instances_per_service: Fraction = Fraction(1),
    profile: str | None = None,
    sizes: Sequence[str] = (),
) -> GuideSizing:
    """Return the guide's formulas and tables for a number of services.

    Tiers go by services, as in the guide; hosts, connections, heartbeats and certificates by instances.

    Parameters
    ----------
    services
        Number of services, 1 to `MAX_SERVICES`.
    instances_per_service
        Instances of a service on average, at least 1.
    profile
        Profile of every instance; None: that of the guide's densities.
    sizes
        Sizes to report, in this order; none: all of the model.

    Raises
    ------
    InputError
        For an unknown profile, or a size without a price.
    KeyError
        For an unknown size.
    """
    profile = profile or model.hosts.density_profile
    sizes = tuple(sizes) or tuple(model.hosts.sizes)
    instances = ceiling(services * instances_per_service)
    ledger = Ledger(model)
    postgres = size_postgres(ledger, services, instances)
    valkey = size_valkey(ledger, services)
    network = size_network(ledger, services, instances, profile, sizes)
    hosts = size_hosts(ledger, instances, ceiling(instances_per_service), profile, sizes)
    ecosystem = _ecosystem(ledger, services, hosts)
    pgbouncer = size_pgbouncer(ledger, services, postgres.connections)
    registry, sia = size_registry(ledger, services, instances), size_sia(ledger, services, instances)
    observability = size_observability(ledger, services)
    bottlenecks = _bottlenecks(ledger, services)
    alerts = _alerts(ledger, postgres, valkey, network)
    entries = tuple(model.entry(path) for path in ledger.used)
    return GuideSizing(
        format="placement/size/1",
        model=model.name,
        model_version=model.version,
        model_digest=model.digest,
        services=services,
        instances_per_service=plain(instances_per_service),
        instances=instances,
        ecosystem=ecosystem,
        hosts=hosts,
        postgres=postgres,
        pgbouncer=pgbouncer,
        valkey=valkey,
        registry=registry,
        sia=sia,
        network=network,
        observability=observability,
        bottlenecks=bottlenecks,
        alerts=alerts,
        figures=entries,
        num_estimates=sum(entry.status == "estimate" for entry in entries),
    )


def volumes_per_service(model: CapacityModel) -> dict[str, Derived]:
    """Return what grows in step with the number of services, for one of them, by name; one instance each."""
    one = size_by_guide(model, 1)
    seen = one.observability
    (storage,) = (row.total for row in one.postgres.storage if row.is_default)
    return {
        "database-storage": storage,
        "cache-memory": one.valkey.memory,
        "bandwidth": one.network.total,
        "logs": seen.logs_per_day,
        "logs-hot": seen.logs_hot,
        "logs-warm": seen.logs_warm,
        "logs-cold": seen.logs_cold,
        "datapoints": seen.datapoints_per_second,
        "spans": seen.spans_per_second,
    }


def size_schema() -> dict[str, Any]:
    """Return the JSON Schema of a sizing."""
    schema = TypeAdapter(GuideSizing).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _ecosystem(ledger: Ledger, services: int, hosts: HostsSection) -> EcosystemSection:
    rows = ledger.model.scaling.tiers
    tier = ledger.tier("scaling.tiers", rows, services, lambda row: row.shared_infrastructure)
    required = ledger.figure(f"scaling.tiers.{tier.name}.hosts_required")
    at_least = tier.services_below is None and not required.is_range
    outside = []
    for row in hosts.sizes:
        count = row.by_guide
        if count is None:
            continue
        if count.total_hosts.high < required.low:
            outside.append(f"at most {count.total_hosts.high:,} {row.size}")
        elif not at_least and count.total_hosts.low > required.high:
            outside.append(f"at least {count.total_hosts.low:,} {row.size}")
    notes = []
    if outside:
        span = f"{required.low:,}+" if at_least else f"{required.low:,} to {required.high:,}"
        notes.append(
            f"The guide's tier has {span} hosts for {counted(services)}; its own formula gives {', '.join(outside)}."
        )
    return EcosystemSection(tier=tier, hosts_required=required, at_least=at_least, notes=tuple(notes))


def _bottlenecks(ledger: Ledger, services: int) -> tuple[BottleneckRow, ...]:
    """Return the bottlenecks, the first reached first."""
    rows = sorted(ledger.model.bottlenecks.points.items(), key=lambda item: item[1].services_from.typical)
    made = []
    for name, row in rows:
        path = f"bottlenecks.points.{name}.services_from"
        ahead = max(0, ceiling(ledger.value(path)) - services)
        made.append(
            BottleneckRow(
                name=name,
                services_from=ledger.figure(path),
                passed=ahead == 0,
                services_ahead=ahead,
                component=row.component,
                indicator=row.indicator,
                solution=row.solution,
                note=row.services_from.note,
            )
        )
    return tuple(made)


def _alerts(
    ledger: Ledger, postgres: PostgresSection, valkey: ValkeySection, network: NetworkSection
) -> tuple[AlertRow, ...]:
    """Return the alert thresholds, with what the guide's own figures for N services come to."""
    values: dict[str, tuple[Derived, str]] = {}
    if postgres.pool_total is not None and postgres.pool_total.typical:
        values["postgres-connections"] = (
            _ratio(ledger, postgres.connections, postgres.pool_total),
            "connections of all instances in the guide's total pool",
        )
    if valkey.tier_memory is not None and valkey.tier_memory.high:
        values["valkey-memory"] = (
            _ratio(ledger, valkey.memory, valkey.tier_memory),
            "memory of all services in the most that the guide has for the tier",
        )
    if network.hosts:
        fullest = max(network.hosts, key=lambda host: host.share.typical)
        values["network"] = (fullest.share, f"a {fullest.size} host as dense as the guide has it")
    rows = []
    for name, row in ledger.model.alerts.thresholds.items():
        value, meaning = values.get(name, (None, ""))
        rows.append(
            AlertRow(
                name=name,
                metric=row.metric,
                unit=row.unit,
                warning=ledger.figure(f"alerts.thresholds.{name}.warning"),
                critical=ledger.figure(f"alerts.thresholds.{name}.critical"),
                guide_warning=row.guide_warning,
                guide_critical=row.guide_critical,
                value=value,
                level=None if value is None else ledger.model.alert_thresholds[name].level(value.typical),
                meaning=meaning,
            )
        )
    return tuple(rows)


def _ratio(ledger: Ledger, used: Derived, most: Derived) -> Derived:
    """Return the share of the most there is that is used."""
    shares = {
        "low": Fraction(str(used.low)) / Fraction(str(most.high)),
        "typical": Fraction(str(used.typical)) / Fraction(str(most.high)),
        "high": Fraction(str(used.high)) / Fraction(str(most.high)),
    }
    return ledger.of_ends("share", shares.__getitem__, {*used.rests_on, *most.rests_on})
