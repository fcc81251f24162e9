"""Tables on what all services share: ecosystem tiers, registry, identity, network, observability."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from placement.capacity.datatier_tables import NodeFootprint, ScaleRow
from placement.capacity.figures import (
    Bytes,
    Days,
    Factor,
    Figure,
    HostCount,
    In,
    InstanceCount,
    Mbps,
    Name,
    Seconds,
    ServiceCount,
    Share,
    Table,
)

PerSecond = Annotated[Figure, In("per s")]
PerMinute = Annotated[Figure, In("per min")]
PerDay = Annotated[Figure, In("per day")]
PerHour = Annotated[Figure, In("currency/h")]
LinkCount = Annotated[Figure, In("links")]
SwitchCount = Annotated[Figure, In("switches")]


class EcosystemTier(ScaleRow):
    """Hosts and shared infrastructure by scale."""

    hosts_required: HostCount
    shared_infrastructure: str


class Scaling(Table):
    """scaling.yaml."""

    tiers: dict[Name, EcosystemTier]


class RegistryTier(ScaleRow):
    """The InfraSoT registry by scale."""

    arrangement: str
    instances: InstanceCount | None = Field(None, description="Null where the guide gives no number.")
    backup_instances: InstanceCount | None = None
    heartbeat_interval_seconds: Seconds
    heartbeats_per_second: PerSecond | None = Field(
        None, description="At the tier's upper end; null where the guide gives no number."
    )


class Registry(Table):
    """registry.yaml."""

    tiers: dict[Name, RegistryTier]
    regional_instances: InstanceCount = Field(description="In each region, where the tier gives no number.")
    node: NodeFootprint


class SiaTier(ScaleRow):
    """The Service Identity Authority by scale."""

    arrangement: str
    instances: InstanceCount | None = Field(None, description="Null where the guide gives no number.")
    certificate_requests_per_day: PerDay | None = Field(
        None, description="At the tier's upper end; null where the guide gives no number."
    )


class Sia(Table):
    """sia.yaml."""

    certificate_rotation_days: Days
    tiers: dict[Name, SiaTier]
    regional_instances: InstanceCount = Field(description="In each region, where the tier gives no number.")
    node: NodeFootprint


class TrafficType(Table):
    """What one service sends and receives of one kind of traffic."""

    title: str
    bandwidth_mbps: Mbps
    direction: str
    reverse_share: Share = Field(description="What flows back, as a share of what flows in the direction.")


class Replication(Table):
    """What keeps replicas up to date."""

    share: Share = Field(description="What a primary sends to each replica, as a share of what arrives at it.")


class Nic(Table):
    """A network interface that a host can have."""

    title: str
    capacity_mbps: Mbps = Field(description="Of all its ports together, per direction.")
    database_mbps: Mbps | None = Field(None, description="Of a port for the database network alone; null: it has none.")
    price_per_hour: PerHour | None = Field(None, description="What it costs, in the fleet's currency; null: nothing.")


class Fabric(Table):
    """The switches and links of a fleet that names none; capacities are those of one link."""

    hosts_per_segment: HostCount
    spines: SwitchCount = Field(description="Of a location.")
    oversubscription: Factor = Field(description="The hosts' ports of a segment over its uplinks.")
    spine_oversubscription: Factor = Field(description="A spine's uplinks over its links to the cores.")
    cores: SwitchCount = Field(description="Of a region.")
    uplink_mbps: Mbps
    core_mbps: Mbps
    backbone_links: LinkCount = Field(description="Between a core of one region and that of another.")
    backbone_mbps: Mbps


class NetworkTier(ScaleRow):
    """Network by scale: a rule for the network as a whole, not for a single host."""

    requirement: str
    recommendation: str
    nic: str = Field(description="Name of a NIC in `nics`.")
    dedicated_database_network: bool = False
    segmentation: bool = False
    fabric: Fabric


class Network(Table):
    """network.yaml."""

    traffic: dict[Name, TrafficType]
    total_mbps: Mbps
    replication: Replication
    nics: dict[Name, Nic] = Field(description="In the order in which a host is upgraded.")
    link_price_per_hour_per_gbps: PerHour
    tiers: dict[Name, NetworkTier]


class Logs(Table):
    """Logs of one service, and how long they are kept."""

    entries_per_minute: PerMinute
    bytes_per_entry: Bytes
    kb_per_minute: Annotated[Figure, In("kB/min")]
    mb_per_day: Annotated[Figure, In("MB/day")]
    retention_hot_days: Days
    retention_warm_days: Days
    retention_cold_days: Days


class Metrics(Table):
    """Metrics of one service."""

    series: Annotated[Figure, In("series")]
    scrape_interval_seconds: Seconds
    datapoints_per_minute: PerMinute


class Traces(Table):
    """Traces of one service at `sampling_share`, and the sampling that the guide recommends."""

    sampling_share: Share
    traces_per_second: PerSecond
    spans_per_trace: Annotated[Figure, In("spans")]
    spans_per_second: PerSecond
    development_sampling_share: Share
    production_sampling_share: Share


class EcosystemVolume(Table):
    """The guide's totals for `services` services."""

    services: ServiceCount
    logs_tb_per_day: Annotated[Figure, In("TB/day")]
    datapoints_per_minute: PerMinute
    datapoints_per_second: PerSecond
    sampling_share: Share
    spans_per_second: PerSecond


class Collectors(Table):
    """OpenTelemetry collectors: what one takes in, what it needs. A region has as many as its volumes ask for."""

    spans_per_second: PerSecond
    datapoints_per_second: PerSecond
    log_mb_per_second: Annotated[Figure, In("MB/s")]
    min_instances: InstanceCount
    node: NodeFootprint


class Stores(Table):
    """Nodes that keep what is collected. Hot logs are on their disks, warm and cold ones in an object store."""

    usable_disk_share: Share
    metrics_retention_days: Days
    bytes_per_datapoint: Bytes
    traces_retention_days: Days
    bytes_per_span: Bytes
    min_instances: InstanceCount
    node: NodeFootprint


class Observability(Table):
    """observability.yaml."""

    logs: Logs
    metrics: Metrics
    traces: Traces
    ecosystem: EcosystemVolume
    collectors: Collectors
    stores: Stores
