"""PostgreSQL, PgBouncer and Valkey for a number of services, by the guide's tables and formulas."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from pydantic.dataclasses import dataclass

from placement.capacity.derived import RESULT, Derived, Ledger, Number, Tier, ceiling, counted

_FORMULA = "postgres.storage_formula"
_CACHE = "valkey.memory_per_service"


@dataclass(frozen=True, kw_only=True, config=RESULT)
class StorageTotal:
    """Database storage of all services, if all are of one storage class."""

    storage_class: str
    title: str
    is_default: bool
    """Whether it is the class of a service that states neither size nor rows."""
    per_service: Derived
    total: Derived
    """Of all services, replication and growth buffer included."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class DedicatedTier:
    """A provisioning tier of dedicated databases: one instance, and an instance for every service."""

    tier: str
    cpu_cores: Derived
    memory: Derived
    storage: Derived
    all_cpu_cores: Derived
    all_memory: Derived
    all_storage: Derived


@dataclass(frozen=True, kw_only=True, config=RESULT)
class PostgresSection:
    """PostgreSQL."""

    pool: Tier
    """Row of the table of connection pools; the text is the strategy."""
    connections_per_instance: Derived
    connections: Derived
    """Of all service instances."""
    pool_total: Derived | None
    """The guide's total pool; null where it gives a word for it."""
    pool_total_text: str
    phase: Tier
    phase_description: str
    storage: tuple[StorageTotal, ...]
    dedicated_from: Derived
    dedicated: tuple[DedicatedTier, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=RESULT)
class PgBouncerSection:
    """PgBouncer."""

    recommended: bool
    services_from: Derived
    clients: Derived
    """Connections of all service instances to PgBouncer."""
    processes_at_most_clients: Derived
    """Processes if each takes max_client_conn clients."""
    processes: Derived
    """Processes by a plan's rule: only a share of max_client_conn is planned, and there is a fewest number."""
    settings: dict[str, Number | str]
    """Under PgBouncer's own names."""
    rests_on: tuple[str, ...]
    num_measured: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=RESULT)
class ValkeySection:
    """Valkey."""

    tier: Tier
    """Row of the table of the scaling strategy; the text is the strategy."""
    tier_memory: Derived | None
    """The guide's memory; null where it gives a word for it."""
    tier_memory_text: str
    phase: Tier
    phase_description: str
    phase_nodes: Derived | None
    """Fewest nodes of a cluster in this phase; null: the guide gives no number."""
    per_service: Derived
    terms_per_service: Derived
    """The sum of the guide's terms, which it rounds to `per_service`."""
    memory: Derived
    """Of all services, overhead and fragmentation included."""
    against_tier: Literal["below", "within", "above", "no range"]
    """Where the typical memory of all services lies, against the memory of the tier."""
    notes: tuple[str, ...]


def size_postgres(ledger: Ledger, services: int, instances: int) -> PostgresSection:
    """Return what PostgreSQL takes."""
    postgres = ledger.model.postgres
    pool = ledger.tier("postgres.pools", postgres.pools, services, lambda row: row.strategy)
    phase = ledger.tier("postgres.phases", postgres.phases, services, lambda row: row.title)
    row, path = postgres.pools[pool.name], f"postgres.pools.{pool.name}"
    per_instance = f"{path}.max_connections_per_instance"
    connections = ledger.derive("connections", [per_instance], lambda num: num * instances, also=pool.rests_on)
    total = ledger.figure(f"{path}.total_pool_connections") if row.total_pool_connections else None
    notes = []
    if total is not None and connections.typical > total.typical:
        notes.append(
            f"{connections.typical:,} connections of {instances:,} instances are more than the guide's pool of "
            f"{total.typical:,}."
        )
    return PostgresSection(
        pool=pool,
        connections_per_instance=ledger.figure(per_instance),
        connections=connections,
        pool_total=total,
        pool_total_text=row.total_pool,
        phase=phase,
        phase_description=postgres.phases[phase.name].description,
        storage=tuple(_storage(ledger, services, name) for name in postgres.storage_classes),
        dedicated_from=ledger.figure("postgres.dedicated.services_from"),
        dedicated=tuple(_dedicated(ledger, services, name) for name in postgres.tiers),
        notes=tuple(notes),
    )


def _storage(ledger: Ledger, services: int, name: str) -> StorageTotal:
    postgres = ledger.model.postgres
    per_service = f"postgres.storage_classes.{name}.storage_gb"
    factors = [f"{_FORMULA}.replication_factor", f"{_FORMULA}.growth_factor"]
    return StorageTotal(
        storage_class=name,
        title=postgres.storage_classes[name].title,
        is_default=name == postgres.storage_formula.default_class,
        per_service=ledger.figure(per_service),
        total=ledger.derive("GB", [per_service, *factors], lambda gb, copies, growth: services * gb * copies * growth),
    )


def _dedicated(ledger: Ledger, services: int, name: str) -> DedicatedTier:
    path = f"postgres.tiers.{name}"
    cores, memory, storage = f"{path}.cpu_cores", f"{path}.memory_mb", f"{path}.storage_gb"
    return DedicatedTier(
        tier=name,
        cpu_cores=ledger.figure(cores),
        memory=ledger.derive("GB", [memory], lambda mb: mb / 1000),
        storage=ledger.figure(storage),
        all_cpu_cores=ledger.derive("cores", [cores], lambda num: num * services),
        all_memory=ledger.derive("GB", [memory], lambda mb: mb * services / 1000),
        all_storage=ledger.derive("GB", [storage], lambda gb: gb * services),
    )


def size_pgbouncer(ledger: Ledger, services: int, clients: Derived) -> PgBouncerSection:
    """Return what PgBouncer takes for the connections of all service instances."""
    model = ledger.model
    settings = model.postgres.pgbouncer
    path = "postgres.pgbouncer"
    most, share, fewest = f"{path}.max_client_conn", f"{path}.client_share", f"{path}.min_processes"
    number = Fraction(str(clients.typical))
    per_instance = [entry for entry in clients.rests_on if entry.endswith("max_connections_per_instance")]
    names = ("max_client_conn", "default_pool_size", "reserve_pool_size", "reserve_pool_timeout", "server_idle_timeout")
    rests_on = tuple(sorted(f"{path}.{name}" for name in names))
    services_from = ledger.figure(f"{path}.services_from")
    dedicated = ledger.figure("postgres.dedicated.services_from")
    notes = []
    cure = model.bottlenecks.points.get("postgres-connections")
    if cure is not None and cure.services_from.typical != services_from.typical:
        notes.append(
            f"The guide has PgBouncer from {services_from.typical:,} services on, and names it as the cure of a "
            f"bottleneck at {cure.services_from.typical:,}."
        )
        ledger.figure("bottlenecks.points.postgres-connections.services_from")
    if services >= dedicated.typical:
        notes.append(
            "A plan connects services to dedicated databases directly; PgBouncer's processes are for those that "
            "share clusters."
        )
    return PgBouncerSection(
        recommended=services >= services_from.typical,
        services_from=services_from,
        clients=clients,
        processes_at_most_clients=ledger.derive(
            "processes",
            [most],
            lambda clients_each: ceiling(number / max(1, clients_each)),
            against=[most],
            also=per_instance,
        ),
        processes=ledger.derive(
            "processes",
            [most, share, fewest],
            lambda clients_each, part, least: max(ceiling(least), ceiling(number / max(1, clients_each * part // 1))),
            against=[most, share],
            also=per_instance,
        ),
        settings={"pool_mode": settings.pool_mode} | {name: getattr(settings, name).typical for name in names},
        rests_on=rests_on,
        num_measured=ledger.num_measured(rests_on),
        notes=tuple(notes),
    )


def size_valkey(ledger: Ledger, services: int) -> ValkeySection:
    """Return what Valkey takes, and how that agrees with the guide's tiers."""
    valkey = ledger.model.valkey
    tier = ledger.tier("valkey.tiers", valkey.tiers, services, lambda row: row.strategy)
    phase = ledger.tier("valkey.phases", valkey.phases, services, lambda row: row.title)
    row = valkey.tiers[tier.name]
    tier_memory = ledger.figure(f"valkey.tiers.{tier.name}.memory_gb") if row.memory_gb else None
    per_service, overhead = f"{_CACHE}.total_mb", f"{_CACHE}.overhead_factor"
    terms = [f"{_CACHE}.terms.{name}.memory_mb" for name in valkey.memory_per_service.terms]
    memory = ledger.derive("GB", [per_service, overhead], lambda mb, factor: services * mb * factor / 1000)
    phase_row = valkey.phases[phase.name]
    section = ValkeySection(
        tier=tier,
        tier_memory=tier_memory,
        tier_memory_text=row.memory,
        phase=phase,
        phase_description=phase_row.description,
        phase_nodes=ledger.figure(f"valkey.phases.{phase.name}.min_nodes") if phase_row.min_nodes else None,
        per_service=ledger.figure(per_service),
        terms_per_service=ledger.derive("MB", terms, lambda *each: sum(each)),
        memory=memory,
        against_tier=_against(memory, tier_memory),
        notes=(),
    )
    return replace(section, notes=tuple(_valkey_notes(ledger, services, section)))


def _against(memory: Derived, tier: Derived | None) -> Literal["below", "within", "above", "no range"]:
    if tier is None:
        return "no range"
    if memory.typical < tier.low:
        return "below"
    return "above" if memory.typical > tier.high else "within"


def _valkey_notes(ledger: Ledger, services: int, section: ValkeySection) -> list[str]:
    notes = []
    total, terms = section.per_service, section.terms_per_service
    if (total.low, total.high) != (terms.low, terms.high):
        notes.append(
            f"The guide rounds Valkey's memory to {total.low:g} to {total.high:g} MB a service; its terms add up to "
            f"{terms.low:g} to {terms.high:g} MB, which is what a plan takes."
        )
    memory, tier = section.memory, section.tier_memory
    if tier is not None and (memory.high > tier.high or memory.low < tier.low):
        apart = section.against_tier
        where = "typically within the range" if apart == "within" else f"typically {apart} it"
        notes.append(
            f"Valkey's memory by the guide's formula for {counted(services)} is {memory.low:,.5g} to "
            f"{memory.high:,.5g} GB, the guide's range for this tier {tier.low:g} to {tier.high:g} GB: {where}."
        )
    arrangement = ledger.model.valkey.tiers[section.tier.name].arrangement
    phase = ledger.model.valkey.phases[section.phase.name].arrangement
    cure = ledger.model.bottlenecks.points.get("valkey-memory")
    if arrangement != phase:
        at = f", and names one as the cure of a bottleneck at {cure.services_from.typical:,}" if cure else ""
        notes.append(
            f"One section of the guide has Valkey {_WORDS[arrangement]} for {counted(services)}, another "
            f"{_WORDS[phase]}{at}; a plan goes by the first."
        )
    return notes


_WORDS = {
    "single": "as a single instance",
    "replicated": "with replicas",
    "cluster": "as a cluster",
    "federated": "as several clusters",
}
