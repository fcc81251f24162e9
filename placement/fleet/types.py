"""A fleet in memory: what must run, on what it may run, under which policy. Frozen, in internal units.

Tables are Polars frames (which never change in place) with the columns listed here. Blank cells that a
capacity model fills (demands, database and cache figures) stay null: who needs them resolves them, planner
and checker each on their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from placement.capacity import CapacityModel
from placement.capacity.sizes import HostSize

Demand = Literal["low", "typical", "high"]
Pool = Literal["services", "databases", "caches", "platform"]
Arrangement = Literal["auto", "single", "clusters", "dedicated"]
CacheArrangement = Literal["auto", "single", "replicated", "cluster", "federated"]

POOLS: tuple[Pool, ...] = ("services", "databases", "caches", "platform")
"""What runs on hosts of its own: services, PostgreSQL, Valkey, and what serves them all."""

SERVICES_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),
    "instances": pl.Int64(),
    "max_per_host": pl.Int64(),
    "profile": pl.String(),  # never null: the model's default where blank
    # demand of one instance, null where blank (its profile has the figure)
    "cpu_millicores": pl.Int64(),
    "memory_mb": pl.Int64(),
    "open_files": pl.Int64(),
    "threads": pl.Int64(),
    "disk_mb": pl.Int64(),
    "network_kbps": pl.Int64(),
    "domain": pl.String(),  # "" where blank
    "load_profile": pl.String(),  # read-heavy | write-heavy | balanced
    "sensitivity": pl.String(),  # a class of the model
    "region": pl.String(),  # never null or ""
    "spread": pl.String(),  # host | zone | segment
    "db_storage_mb": pl.Int64(),
    "db_rows": pl.Int64(),
    "db_connections": pl.Int64(),
    "valkey_mb": pl.Int64(),
    "valkey_function": pl.String(),  # "" where blank
    "needs_postgres": pl.Boolean(),
    "needs_valkey": pl.Boolean(),
    "frontend": pl.Boolean(),
}
"""Columns of `Fleet.services`, sorted by service. Only the columns said to be null can be null."""

HOSTS_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "size": pl.String(),
    "region": pl.String(),
    "zone": pl.String(),  # "" where there are none
    "segment": pl.String(),  # "" where there are none
    "pool": pl.String(),  # one of POOLS: what it is for
    "state": pl.String(),  # active | draining | failed
    "nic": pl.String(),  # "": the NIC of its size
    "nic_kbps": pl.Int64(),  # resolved from `nic`, or the NIC of its size
    "price_micros_per_hour": pl.Int64(),  # resolved: its own, or that of its size
}
"""Columns of `Fleet.hosts` (what already stands), sorted by host."""

CURRENT_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),  # in other pools than `services` the workload: nodes.csv calls it that
    "instance": pl.Int64(),
    "host": pl.String(),
    "pool": pl.String(),  # one of POOLS
}
"""Columns of `Fleet.current`, sorted by pool, service and instance."""

INTERFERENCE_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.Int32(),
    "other": pl.Int32(),
    "max_instances": pl.Int32(),
}
"""Columns of `Fleet.interference`: row numbers in `Fleet.services`, sorted by both.

On a host that runs `service`, at most `max_instances` instances of `other` may stand; 0: never together.
For `service` = `other` it limits the service's own instances on one host. Millions of rules are usual,
hence numbers and not names.
"""


CALLS_SCHEMA: dict[str, pl.DataType] = {"from": pl.Int32(), "to": pl.Int32(), "kbps": pl.Int64()}
"""Columns of `Fleet.calls`: row numbers in `Fleet.services`, sorted by both.

So many kbit/s flow from all instances of `from` to all instances of `to` together, in this direction only.
"""

Plane = Literal["service", "database"]
"""A network: the one all hosts are on, or the one for databases alone."""

PLANES: tuple[Plane, ...] = ("service", "database")


class _Choice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PostgresChoice(_Choice):
    """How databases are arranged; of what is said of one service, its domain and all, the first said counts."""

    default: Arrangement = Field("auto", description="For all: auto takes the phase of the model by scale.")
    domains: dict[str, Arrangement] = Field(default_factory=dict, description="By domain.")
    services: dict[str, Arrangement] = Field(default_factory=dict, description="By service.")

    def of(self, service: str, domain: str) -> Arrangement:
        """Return the arrangement asked for, for one service."""
        return self.services.get(service) or self.domains.get(domain) or self.default


class ValkeyChoice(_Choice):
    """How caches are arranged; of what is said of one service, its domain and all, the first said counts."""

    default: CacheArrangement = Field("auto", description="For all: auto takes the tier of the model by scale.")
    domains: dict[str, CacheArrangement] = Field(default_factory=dict, description="By domain.")
    services: dict[str, CacheArrangement] = Field(default_factory=dict, description="By service.")

    def of(self, service: str, domain: str) -> CacheArrangement:
        """Return the arrangement asked for, for one service."""
        return self.services.get(service) or self.domains.get(domain) or self.default


class MovesChoice(_Choice):
    """How far a plan may depart from where things run today (`current`), and what a move must bring in."""

    max: int | None = Field(None, description="Most moves; what must leave its host moves all the same.", ge=0)
    price: float = Field(1.0, description="Price of a move.", ge=0, le=1e6)
    price_per_gb: float = Field(0.01, description="Price of a move beyond that, per GB of local disk.", ge=0, le=1e6)
    services: dict[str, float] = Field(
        default_factory=dict, description="Price of a move of single services, instead of `price`."
    )
    payback_hours: float = Field(
        720.0, description="A move is made where it saves its price within so many hours.", gt=0, le=1e6
    )


class Policy(BaseModel):
    """What is planned, how full hosts may be, how many stand by, which end of the model's ranges counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headroom: float | dict[str, float] = Field(
        0.70,
        description="Share of a resource that may be used: one number, or one per resource "
        "(cpu, memory, open_files, threads, disk); a resource not named keeps 0.70.",
    )
    cpu_overcommit: float = Field(2.0, description="Planned CPU per physical core.", gt=0, le=64)
    network_limit: float = Field(0.60, description="Share of a NIC that may be used.", gt=0, le=1)
    spare: float = Field(
        0.05,
        description="Spare hosts as a share of used hosts, rounded up per region, at least one; 0: none.",
        ge=0,
        le=1,
    )
    demand: Demand = Field("typical", description="End of the model's ranges that blank demands take.")
    pools: list[Pool] = Field(
        default_factory=lambda: list(POOLS),
        min_length=1,
        description="What is planned: services, databases, caches, platform. Default: all.",
    )
    pool_sizes: dict[Pool, list[str]] = Field(
        default_factory=dict, description="Sizes that may be bought for a pool. Default: all that may be bought."
    )
    nic: dict[Pool, str] = Field(
        default_factory=dict,
        description="NIC of bought hosts: a name of the model for all, or one per pool. Default: that of their size.",
    )
    postgres: PostgresChoice = Field(
        default_factory=PostgresChoice,
        description="auto, single, clusters or dedicated; or a mapping with default, domains and services.",
    )
    valkey: ValkeyChoice = Field(
        default_factory=ValkeyChoice,
        description="auto, single, replicated, cluster or federated; or a mapping with default, domains and services.",
    )

    moves: MovesChoice = Field(
        default_factory=MovesChoice,
        description="The most moves away from `current`; or a mapping with max, price, price_per_gb, services and "
        "payback_hours.",
    )

    @field_validator("moves", mode="before")
    @classmethod
    def _most_alone(cls, given: object) -> object:
        return {"max": given} if isinstance(given, int) and not isinstance(given, bool) else given

    @field_validator("postgres", "valkey", mode="before")
    @classmethod
    def _default_alone(cls, given: object) -> object:
        return {"default": given} if isinstance(given, str) else given

    @field_validator("nic", mode="before")
    @classmethod
    def _nic_of_all(cls, given: object) -> object:
        return dict.fromkeys(POOLS, given) if isinstance(given, str) else given


@dataclass(frozen=True)
class Location:
    """A place where hosts can stand: the finest that the topology names ("" where it names none)."""

    region: str
    zone: str = ""
    segment: str = ""
    max_hosts: int | None = None


@dataclass(frozen=True)
class Bundle:
    """Parallel links between two ends; full duplex.

    Parameters
    ----------
    ends
        Names of nodes: a leaf (`leaf_name`) or a switch first, a switch second.
    links
        How many.
    capacity_kbps
        Of one of them, per direction.
    network
        The network that it belongs to.
    """

    ends: tuple[str, str]
    links: int
    capacity_kbps: int
    network: Plane = "service"

    @property
    def is_uplink(self) -> bool:
        """Whether it joins a leaf and a switch: names of switches have no slash, those of leaves have."""
        return "/" in self.ends[0]


def leaf_name(region: str, zone: str, segment: str, network: Plane = "service") -> str:
    """Return the name of a segment's node in a network: ``region/zone/segment``, blank parts left out."""
    name = "/".join(part for part in (region, zone, segment) if part)
    return f"{name}@database" if network == "database" else name


@dataclass(frozen=True)
class Topology:
    """Where hosts can be bought. Without a topology file: one location per region named in the tables.

    Parameters
    ----------
    locations
        Sorted by region, zone, segment. A bought host stands in one of them; existing hosts may name others.
    bundles
        Uplinks and links between switches, sorted by network and ends; empty: the file says nothing about the network.
    edges
        By region, the switches where clients come in, sorted; empty where `bundles` is.
    is_tree
        Whether the file promises that there is no cycle.
    """

    locations: tuple[Location, ...]
    bundles: tuple[Bundle, ...] = ()
    edges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_tree: bool = False

    @property
    def has_network(self) -> bool:
        """Whether the file names links; otherwise they are derived from the model (`network.tiers[…].fabric`)."""
        return bool(self.bundles)

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions, sorted."""
        return tuple(sorted({location.region for location in self.locations}))


@dataclass(frozen=True)
class Fleet:
    """Everything that a plan is made from.

    Parameters
    ----------
    name
        The fleet's name.
    model
        The capacity model in force, overrides applied.
    services, hosts, current, interference, calls
        Frames with the schemas above. All but `services` are empty where the fleet has none.
    sizes
        Every known size by name (model's and fleet's own), prices of the chosen price list applied.
    buyable
        Names of the sizes that may be bought, sorted; empty: only what stands in `hosts`.
    currency
        Currency of the prices.
    digest
        ``sha256:…`` over everything above, the same for the same content however it was stored.
    files
        Names of the files read, for messages.
    """

    name: str
    model: CapacityModel
    services: pl.DataFrame
    hosts: pl.DataFrame
    current: pl.DataFrame
    interference: pl.DataFrame
    topology: Topology
    sizes: dict[str, HostSize]
    buyable: tuple[str, ...]
    policy: Policy
    currency: str
    digest: str
    path: Path | None = None
    calls: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CALLS_SCHEMA))
    files: dict[str, str] = field(default_factory=dict)

    @property
    def num_instances(self) -> int:
        """Number of instances to place."""
        return int(self.services["instances"].sum())
