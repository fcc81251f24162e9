"""Tables on the data tier: PostgreSQL, Valkey, and what may stand together in one cluster."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from placement.capacity.figures import (
    Bytes,
    Connections,
    Cores,
    Factor,
    Gigabytes,
    Megabytes,
    Name,
    NodeCount,
    Port,
    RowCount,
    Seconds,
    ServiceCount,
    Table,
)


class ScaleRow(Table):
    """A row for fleets of `services_from` services up to, not including, `services_below` (null: no end)."""

    services_from: ServiceCount
    services_below: ServiceCount | None = None

    def covers(self, num_services: int) -> bool:
        """Whether the row is the one for a fleet of `num_services` services."""
        below = self.services_below
        return self.services_from.typical <= num_services and (below is None or num_services < below.typical)


class PoolTier(ScaleRow):
    """Connection pools by scale."""

    strategy: str
    max_connections_per_instance: Connections
    total_pool_connections: Connections | None = None
    total_pool: str = Field("", description="The guide's word where it gives no number.")


class PgBouncer(Table):
    """Settings of PgBouncer under its own names (timeouts in seconds), from `services_from` services on."""

    services_from: ServiceCount
    pool_mode: Literal["session", "transaction", "statement"]
    max_client_conn: Connections
    default_pool_size: Connections
    reserve_pool_size: Connections
    reserve_pool_timeout: Seconds
    server_idle_timeout: Seconds


class StorageClass(Table):
    """Database storage of one service by its rows: `rows_from` up to, not including, `rows_below`."""

    title: str
    rows_from: RowCount
    rows_below: RowCount | None = None
    storage_gb: Gigabytes


class StorageFormula(Table):
    """Constants of the storage formulas."""

    per_service: str
    ecosystem: str
    replication_factor: Factor
    growth_factor: Factor


class DatabasePhase(ScaleRow):
    """How databases are shared, by scale."""

    title: str
    arrangement: Literal["shared", "clusters", "dedicated"]
    description: str


class DedicatedDatabase(Table):
    """Database-per-service: from which scale on, and what databases are called.

    In the patterns ``{service}`` is the service's name, ``{service_underscored}`` the same with
    underscores for hyphens.
    """

    services_from: ServiceCount
    host_name_pattern: str
    database_name_pattern: str
    port: Port


class DatabaseTier(Table):
    """A provisioning tier of a dedicated PostgreSQL instance."""

    cpu_cores: Cores
    memory_mb: Megabytes
    storage_gb: Gigabytes


class Postgres(Table):
    """postgres.yaml."""

    pools: dict[Name, PoolTier]
    pgbouncer: PgBouncer
    storage_classes: dict[Name, StorageClass]
    storage_formula: StorageFormula
    phases: dict[Name, DatabasePhase]
    dedicated: DedicatedDatabase
    tiers: dict[Name, DatabaseTier] = Field(description="From the smallest to the largest.")


class ValkeyTier(ScaleRow):
    """Cache memory by scale."""

    strategy: str
    memory_gb: Gigabytes | None = None
    memory: str = Field("", description="The guide's word where it gives no number.")


class ValkeyTerm(Table):
    """One term of the memory that a service keeps in Valkey."""

    title: str
    bytes_per_item: Bytes
    items: str = Field(description="What the bytes are multiplied by.")
    memory_mb: Megabytes


class ValkeyMemory(Table):
    """Cache memory of one service, and of all of them."""

    ecosystem: str
    terms: dict[Name, ValkeyTerm]
    total_mb: Megabytes
    overhead_factor: Factor


class ValkeyPhase(ScaleRow):
    """How caches are arranged, by scale."""

    title: str
    arrangement: Literal["single", "cluster", "federated"]
    description: str
    memory_gb: Gigabytes | None = None
    min_nodes: NodeCount | None = None
    primaries: NodeCount | None = None
    replicas: NodeCount | None = None


class KeyNamespace(Table):
    """How keys are named, so that services cannot collide."""

    pattern: str
    key_types: tuple[str, ...]
    examples: tuple[str, ...]
    connection_setting: str = Field(description="Setting by which a service is told its cluster.")


class Valkey(Table):
    """valkey.yaml."""

    tiers: dict[Name, ValkeyTier]
    memory_per_service: ValkeyMemory
    phases: dict[Name, ValkeyPhase]
    keys: KeyNamespace


class LoadProfile(Table):
    """A kind of database load."""

    title: str


class SensitivityClass(Table):
    """A class of data, and the classes whose services may use the same cluster."""

    title: str
    shares_with: tuple[str, ...]


class Grouping(Table):
    """grouping.yaml: by what services are grouped into clusters."""

    group_by: tuple[Literal["domain", "load_profile", "sensitivity"], ...]
    load_profiles: dict[Name, LoadProfile]
    sensitivity_classes: dict[Name, SensitivityClass]

    def may_share(self, sensitivity: str, other: str) -> bool:
        """Whether services of two sensitivity classes may use the same cluster."""
        return other in self.sensitivity_classes[sensitivity].shares_with
