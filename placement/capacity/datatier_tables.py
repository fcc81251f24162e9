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
    Mbps,
    Megabytes,
    Name,
    NodeCount,
    OpenFiles,
    Port,
    RowCount,
    Seconds,
    ServiceCount,
    Share,
    Table,
    Threads,
)


class ScaleRow(Table):
    """A row for fleets of `services_from` services up to, not including, `services_below` (null: no end)."""

    services_from: ServiceCount
    services_below: ServiceCount | None = None

    def covers(self, num_services: int) -> bool:
        """Whether the row is the one for a fleet of `num_services` services."""
        below = self.services_below
        return self.services_from.typical <= num_services and (below is None or num_services < below.typical)


class NodeFootprint(Table):
    """What one node of the data tier or of a platform service needs of its host."""

    cpu_cores: Cores
    memory_mb: Megabytes
    disk_gb: Gigabytes
    open_files: OpenFiles
    threads: Threads
    network_mbps: Mbps


class PoolTier(ScaleRow):
    """Connection pools by scale."""

    strategy: str
    arrangement: Literal["single", "clusters", "dedicated"] = Field(
        description="The arrangement whose services have pools of this size."
    )
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
    min_processes: NodeCount = Field(description="Fewest processes in front of a cluster.")
    client_share: Share = Field(description="Share of max_client_conn that may be planned.")
    node: NodeFootprint


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
    base_mb: Megabytes
    row_bytes: Bytes
    index_share: Share = Field(description="Indexes as a share of the rows.")
    default_class: Name = Field(description="Storage class of a service that states neither size nor rows.")


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
    """A provisioning tier of a PostgreSQL server: what each of its nodes needs of a host, and what it allows."""

    cpu_cores: Cores
    memory_mb: Megabytes
    storage_gb: Gigabytes
    max_connections: Connections
    open_files: OpenFiles
    threads: Threads
    network_mbps: Mbps


class DatabaseLoad(Table):
    """What one service asks of its server besides connections and storage."""

    cpu_cores_per_instance: Cores
    memory_mb_per_connection: Megabytes
    cached_share: Share = Field(description="Share of the stored data that memory holds.")


class DatabaseLimits(Table):
    """Shares of a tier that may be planned."""

    connections: Share
    storage: Share
    cpu: Share
    memory: Share
    network: Share


class SharedDatabase(Table):
    """Servers that several services share: what their hosts are called, and how many nodes one has."""

    host_name_pattern: str = Field(description="``{cluster}`` is the cluster's name.")
    port: Port
    single_nodes: NodeCount = Field(description="Nodes of the one server of a small fleet.")


class Postgres(Table):
    """postgres.yaml."""

    pools: dict[Name, PoolTier]
    pgbouncer: PgBouncer
    storage_classes: dict[Name, StorageClass]
    storage_formula: StorageFormula
    phases: dict[Name, DatabasePhase]
    dedicated: DedicatedDatabase
    shared: SharedDatabase
    load: DatabaseLoad
    limits: DatabaseLimits
    tiers: dict[Name, DatabaseTier] = Field(description="Of dedicated instances, from the smallest to the largest.")
    cluster_tiers: dict[Name, DatabaseTier] = Field(
        description="Of servers that services share, from the smallest to the largest."
    )


class ValkeyTier(ScaleRow):
    """Cache memory by scale."""

    strategy: str
    arrangement: Literal["single", "replicated", "cluster", "federated"]
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


class ValkeyNodeTier(NodeFootprint):
    """A size of Valkey nodes: what each needs of a host (its memory all told), and how much of it data may use."""

    max_memory_mb: Megabytes = Field(description="Valkey's maxmemory.")


class ValkeyClusters(Table):
    """How many nodes a Valkey has, and what its hosts are called."""

    host_name_pattern: str = Field(description="``{cluster}`` is the cluster's name.")
    port: Port
    memory_share: Share = Field(description="Share of a node's maxmemory that may be planned.")
    replicas_per_primary: NodeCount
    min_primaries: NodeCount = Field(description="Of a sharded cluster.")
    max_primaries: NodeCount = Field(description="Of a sharded cluster.")
    default_function: Name = Field(description="Function of a cache whose service names none.")


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
    clusters: ValkeyClusters
    node_tiers: dict[Name, ValkeyNodeTier] = Field(description="From the smallest to the largest.")


class LoadProfile(Table):
    """A kind of database load.

    Services of a kind keep apart from those that `apart_from` names; a cluster has the read replicas of its most
    demanding kind, and at least as many nodes as the replication factor says.
    """

    title: str
    read_replicas: NodeCount
    apart_from: tuple[str, ...] = ()


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
