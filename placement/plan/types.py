"""A plan in memory: tables, a summary (plan.json) and the certificates of its bound (bounds.json).

Tables are Polars frames in the outer units of the contract (cores, MB, GB, Mbps), ready to be written. The
certificate types say what a proof consists of; `docs/mathematics.md` says why it proves the bound. The planner
makes them, the checker re-verifies them, and neither uses the other's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from placement.units import RESOURCES

PLAN_FORMAT = "placement/plan/1"
BOUNDS_FORMAT = "placement/bounds/1"

HOSTS_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "size": pl.String(),
    "pool": pl.String(),
    "region": pl.String(),
    "zone": pl.String(),
    "segment": pl.String(),
    "nic": pl.String(),  # a NIC of the model; "": that of a size of the fleet's own
    "spare": pl.Boolean(),
    "price_per_hour": pl.Float64(),
    "instances": pl.Int64(),
}
for _resource in RESOURCES:
    _type = pl.Float64() if _resource.factor > 1 else pl.Int64()
    HOSTS_SCHEMA[f"{_resource.column}_used"] = _type
    HOSTS_SCHEMA[f"{_resource.column}_limit"] = _type
"""Columns of hosts.csv, sorted by host."""

ASSIGNMENTS_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),
    "instance": pl.Int64(),
    "host": pl.String(),
}
"""Columns of assignments.csv, sorted by service and instance (1, 2, …)."""


NODES_SCHEMA: dict[str, pl.DataType] = {
    "node": pl.String(),
    "pool": pl.String(),  # databases | caches | platform
    "kind": pl.String(),  # postgres | pgbouncer | valkey | registry | sia | collector | store
    "workload": pl.String(),  # what it is a node of: a cluster's name, or a platform service's
    "role": pl.String(),  # primary | replica | member
    "shard": pl.Int64(),  # of a sharded Valkey, from 1; 0: none
    "region": pl.String(),
    "tier": pl.String(),  # "" where there are none
    "host": pl.String(),
}
for _resource in RESOURCES:
    NODES_SCHEMA[_resource.column] = pl.Float64() if _resource.factor > 1 else pl.Int64()
"""Columns of nodes.csv, sorted by node: what runs in the pools beside `services`, and what each node needs."""

DATABASES_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),
    "cluster": pl.String(),
    "arrangement": pl.String(),  # single | clusters | dedicated
    "database": pl.String(),
    "host_name": pl.String(),
    "port": pl.Int64(),
    "tier": pl.String(),
    "storage_class": pl.String(),
    "clients": pl.Int64(),  # instances x connections of one instance's pool
    "connections_per_instance": pl.Int64(),
    "pool_size": pl.Int64(),  # of the pair of user and database in one PgBouncer; 0: no PgBouncer
    "reserve_pool_size": pl.Int64(),
    "connections": pl.Int64(),  # of the server, at most
    "storage_gb": pl.Float64(),  # on each node, growth included
}
"""Columns of databases.csv, sorted by service."""

POSTGRES_CLUSTERS_SCHEMA: dict[str, pl.DataType] = {
    "cluster": pl.String(),
    "region": pl.String(),
    "arrangement": pl.String(),
    "domains": pl.String(),  # sorted, joined by ";"
    "load_profile": pl.String(),  # of its services that are not balanced; balanced if all are
    "sensitivity": pl.String(),  # classes of its services, sorted, joined by ";"
    "tier": pl.String(),
    "host_name": pl.String(),
    "port": pl.Int64(),
    "nodes": pl.Int64(),
    "pgbouncers": pl.Int64(),
    "services": pl.Int64(),
    "clients": pl.Int64(),
    "max_connections": pl.Int64(),
    "connections_used": pl.Int64(),
    "connections_limit": pl.Int64(),
    "storage_gb_used": pl.Float64(),
    "storage_gb_limit": pl.Float64(),
    "cpu_cores_used": pl.Float64(),
    "cpu_cores_limit": pl.Float64(),
    "memory_mb_used": pl.Int64(),
    "memory_mb_limit": pl.Int64(),
    "network_mbps_used": pl.Float64(),
    "network_mbps_limit": pl.Float64(),
    "node_price_per_hour": pl.Float64(),
}
"""Columns of postgres_clusters.csv, sorted by cluster; a dedicated instance is a cluster of one service."""

CACHES_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),
    "cluster": pl.String(),
    "key_prefix": pl.String(),
    "memory_mb": pl.Int64(),
}
"""Columns of caches.csv, sorted by service."""

VALKEY_CLUSTERS_SCHEMA: dict[str, pl.DataType] = {
    "cluster": pl.String(),
    "region": pl.String(),
    "function": pl.String(),
    "domains": pl.String(),
    "sensitivity": pl.String(),
    "mode": pl.String(),  # single | replicated | cluster
    "tier": pl.String(),
    "host_name": pl.String(),
    "port": pl.Int64(),
    "primaries": pl.Int64(),
    "replicas": pl.Int64(),  # of all primaries together
    "services": pl.Int64(),
    "memory_mb_used": pl.Int64(),
    "memory_mb_limit": pl.Int64(),
    "node_price_per_hour": pl.Float64(),
}
"""Columns of valkey_clusters.csv, sorted by cluster."""


LINKS_SCHEMA: dict[str, pl.DataType] = {
    "link": pl.String(),  # FROM>TO
    "kind": pl.String(),  # nic | nic-database | uplink | trunk | backbone
    "network": pl.String(),  # service | database
    "from": pl.String(),
    "to": pl.String(),
    "links": pl.Int64(),
    "capacity_mbps": pl.Float64(),  # of all parallel links together
    "load_mbps": pl.Float64(),
    "utilization": pl.Float64(),  # load / capacity
    "level": pl.String(),  # ok | warning | critical
}
"""Columns of links.csv, sorted by link: a row per direction of every NIC port and every bundle of parallel links.

A host's database port is called `HOST@database`; leaves and switches are called as docs/designs/2026-11-28-network.md
says.
"""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- certificates -----------------------------------------------------------------------------------------------


class HostClass(_Frozen):
    """Hosts that the proof treats alike: equal limits, equal price.

    Either a size that may be bought (`buyable` is its name; `stock` as in the fleet) or existing active hosts
    (`hosts` lists them, and their number is the stock), never both.
    """

    buyable: str = ""
    hosts: tuple[str, ...] = ()


class WeightsProof(_Frozen):
    """Linear prices of resources per host class: v_i = min over the classes that hold item i of Σ_r w_sr·D_ir.

    Valid if Σ_r w_sr·L_sr ≤ k_s (the reduced price, see `Leaf`) for every class s: no set of items that fits a
    host of class s is then worth more than k_s.

    Parameters
    ----------
    weights
        w_sr × `Leaf.scale`, integers ≥ 0: a row per class, a column per resource in the order of `RESOURCES`.
    """

    kind: Literal["weights"] = "weights"
    weights: tuple[tuple[int, ...], ...]


class PatternsProof(_Frozen):
    """A value per shape such that no pattern of class s is worth more than k_s (Gilmore–Gomory).

    Valid if for every class s the bounded knapsack max {Σ v_i·a_i : Σ a_i·D_i ≤ L_s, 0 ≤ a_i ≤ m_i} is ≤ k_s, m_i
    being the sum of min(max_per_host, instances) over the services of the shape. Who checks it solves that knapsack
    (or bounds it from above) on its own. Shapes that are not listed are worth 0.

    Parameters
    ----------
    demands
        A row per shape: its demand vector in internal units, in the order of `RESOURCES`. A shape is all services
        of the pool and region that have this demand vector.
    values
        v_i × `Leaf.scale`, integers ≥ 0.
    """

    kind: Literal["patterns"] = "patterns"
    demands: tuple[tuple[int, ...], ...]
    values: tuple[int, ...]


class CountingProof(_Frozen):
    """At least `num_hosts` hosts are needed, because one service's replicas must keep apart.

    Valid if ⌈instances / max_per_host⌉ of `service` ≥ num_hosts; the cost is then at least that of the num_hosts
    cheapest hosts there are (stock respected).
    """

    kind: Literal["counting"] = "counting"
    service: str
    num_hosts: int = Field(ge=0)


class Leaf(_Frozen):
    """A leaf of the proof tree: a bound on the cost of every plan that satisfies the conditions on its path.

    With v from the proof, λ_j ≥ 0 per condition j on the path (Σ_s g_js·x_s ≥ h_j, or ≤ h_j) and β_s ≥ 0 per
    class with a stock b_s, the reduced price is

        k_s = c_s − Σ_{j: ≥} λ_j·g_js + Σ_{j: ≤} λ_j·g_js + β_s

    and the cost is at least Σ_i d_i·v_i + Σ_{j: ≥} λ_j·h_j − Σ_{j: ≤} λ_j·h_j − Σ_s β_s·b_s. A counting proof uses
    neither λ nor β.

    Parameters
    ----------
    scale
        All duals below and in the proof are integers in 1/scale micros.
    conditions
        λ × scale, one per condition on the path from the root; empty: all 0.
    stock
        β × scale, one per class; empty: all 0. Must be 0 for a class without stock.
    """

    kind: Literal["leaf"] = "leaf"
    scale: int = Field(1, ge=1)
    proof: Annotated[WeightsProof | PatternsProof | CountingProof, Field(discriminator="kind")]
    conditions: tuple[int, ...] = ()
    stock: tuple[int, ...] = ()


class Branch(_Frozen):
    """A split of all plans in two: Σ_s g_s·x_s ≤ at, or ≥ at + 1, x_s being the number of hosts used of class s."""

    kind: Literal["branch"] = "branch"
    coefficients: tuple[int, ...]
    at: int
    low: Node
    high: Node


Node = Annotated[Leaf | Branch, Field(discriminator="kind")]


class Certificate(_Frozen):
    """Proof that hosts for one pool in one region cost at least `bound_micros_per_hour`.

    Beside the pools there are proofs for the choice of clusters: `pool` is then ``postgres`` or ``valkey``, `group`
    names the services that may share clusters, a class's `buyable` names a kind of cluster (``shared-l/read-heavy``,
    ``v-8/5``), items are services, resources those of docs/mathematics.md, section "The data tier", and prices
    those of the nodes.

    The bound of a tree is the least bound of its leaves, each rounded up to a multiple of the greatest common
    divisor of the prices (every cost is one), and no leaf counts for less than 0.
    """

    pool: str
    region: str
    group: str = ""
    bound_micros_per_hour: int = Field(ge=0)
    classes: tuple[HostClass, ...]
    tree: Node


class Bounds(_Frozen):
    """bounds.json: a certificate per pool and region; the plan's bound is their sum."""

    format: Literal["placement/bounds/1"] = "placement/bounds/1"
    certificates: tuple[Certificate, ...]


# --- plan.json --------------------------------------------------------------------------------------------------


class FleetRef(_Frozen):
    """Which fleet a plan is for."""

    name: str
    services: int
    instances: int
    digest: str


class Cost(_Frozen):
    """Cost per hour: used hosts, proven lower bound on it, gap = (cost − bound) / bound, spare hosts on top."""

    currency: str
    per_hour: float
    bound_per_hour: float
    gap: float
    spare_per_hour: float
    total_per_hour: float


class HostCounts(_Frozen):
    """How many hosts, spares among them."""

    total: int
    spare: int
    by_size: dict[str, int]


class PoolCost(_Frozen):
    """Cost, bound and gap of one pool; `hosts` are the used ones (spares are not)."""

    per_hour: float
    bound_per_hour: float
    gap: float
    hosts: int


class Alert(_Frozen):
    """A planned value beyond one of the model's alert thresholds."""

    level: Literal["warning", "critical"]
    metric: str
    where: str
    value: float
    limit: float
    advice: str


class Choice(_Frozen):
    """What the choice of clusters costs by the price of their nodes, proven bound and gap as for hosts."""

    per_hour: float
    bound_per_hour: float
    gap: float


class Alternative(_Frozen):
    """The same fleet with another arrangement of databases, planned and priced in the same way.

    Parameters
    ----------
    per_hour
        Cost of the hosts of its databases and PgBouncers.
    saves_per_hour
        The plan's own cost of these minus that; negative: the alternative costs more.
    """

    arrangement: str
    clusters: int
    nodes: int
    per_hour: float
    saves_per_hour: float


class PostgresSummary(_Frozen):
    """PostgreSQL in a plan. `services` counts them by arrangement, `storage_gb` is that of all nodes together."""

    services: dict[str, int]
    clusters: int
    nodes: int
    pgbouncers: int
    storage_gb: float
    domain_spread: int = Field(
        description="Sum over domains of the shared clusters that each is spread over, by region and group."
    )
    choice: Choice | None = Field(None, description="Null where no clusters were chosen.")
    alternative: Alternative | None = None


class ValkeySummary(_Frozen):
    """Valkey in a plan; memory in MB of data, and what may be planned of it."""

    services: dict[str, int]
    clusters: int
    primaries: int
    replicas: int
    memory_mb_used: int
    memory_mb_limit: int
    domain_spread: int
    choice: Choice


class PlatformService(_Frozen):
    """A platform service in one region: how many nodes, and the measures that ask for them."""

    service: str
    kind: str
    region: str
    nodes: int
    measures: dict[str, float] = Field(description="What it must take, by name with unit.")


class DataTierSummary(_Frozen):
    """What services share: databases, caches, platform services. None where the pool is not planned."""

    postgres: PostgresSummary | None = None
    valkey: ValkeySummary | None = None
    platform: tuple[PlatformService, ...] = ()


class BusyLink(_Frozen):
    """A link by its name in links.csv, and load / capacity."""

    link: str
    utilization: float


class Cut(_Frozen):
    """Nodes of a network that want to send more to the rest than the links from them to it can take (or the reverse).

    Parameters
    ----------
    nodes
        Leaves and switches on one side, sorted.
    direction
        ``out``: from these nodes to the rest; ``in``: from the rest to them.
    demand_mbps, capacity_mbps
        Traffic that must cross in this direction, and what all links that cross can take.
    holds_for
        ``routing``: no routing of this plan fits; ``placement``: no placement of this fleet in this topology does.
    """

    network: Literal["service", "database"]
    nodes: tuple[str, ...]
    direction: Literal["out", "in"]
    demand_mbps: float
    capacity_mbps: float
    holds_for: Literal["routing", "placement"]


class Mend(_Frozen):
    """What would bring links below the warning level, and what it costs.

    Parameters
    ----------
    what
        ``nic``: another NIC for hosts; ``uplink``: more links beside those of a bundle.
    where
        Names of the hosts, sorted; or the two ends of the bundle.
    number
        How many hosts, or how many links are added.
    from_, to
        Names of NICs; or links of the bundle before and after.
    price_per_hour
        Of all of it.
    lifts
        Links, by their names in links.csv, that are above the warning level without it and not with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    what: Literal["nic", "uplink"]
    where: tuple[str, ...]
    number: int = Field(ge=1)
    from_: str = Field(alias="from")
    to: str
    price_per_hour: float
    lifts: tuple[str, ...]


class NetworkSummary(_Frozen):
    """The network in a plan.

    Parameters
    ----------
    topology
        ``file``: the links are those of topology.yaml; ``derived``: they follow from the model.
    segments, links
        How many leaves in the service network, and bundles of parallel links (NICs do not count).
    traffic_mbps
        What flows forward, by type of traffic, replication and calls among them.
    levels
        Rows of links.csv by kind and level.
    busiest
        Links with the highest utilization, at most ten.
    """

    topology: Literal["file", "derived"]
    segments: int
    links: int
    traffic_mbps: dict[str, float]
    levels: dict[str, dict[str, int]]
    busiest: tuple[BusyLink, ...] = ()
    cuts: tuple[Cut, ...] = ()
    mends: tuple[Mend, ...] = ()


class MovesPoint(_Frozen):
    """What a plan would cost with at most so many moves (null: any number); what must leave its host comes on top."""

    max_moves: int | None
    moves: int
    per_hour: float


class Moves(_Frozen):
    """What changes against `current`, nodes of databases, caches and platform services included.

    Instances of a service are interchangeable: one moves where fewer of them stand on a host than today.

    Parameters
    ----------
    max_moves
        The limit that was set; null: none.
    moved
        Instances and nodes that leave their host.
    forced
        Those of them that had to: their host drains or has failed, is beyond a limit, or they broke a rule there.
    started, stopped
        Instances and nodes that run nowhere yet, and those that are no longer wanted.
    curve
        Cost by number of moves, where it was asked for.
    """

    max_moves: int | None = None
    moved: int
    forced: int
    started: int
    stopped: int
    curve: tuple[MovesPoint, ...] = ()


class Seconds(_Frozen):
    """Wall-clock seconds; null in a reproducible plan, whose bytes must not depend on the machine's speed."""

    read: float | None = None
    solve: float | None = None


class PlanSummary(_Frozen):
    """plan.json."""

    format: Literal["placement/plan/1"] = "placement/plan/1"
    fleet: FleetRef
    status: Literal["optimal", "feasible", "infeasible"]
    cost: Cost
    hosts: HostCounts
    pools: dict[str, PoolCost]
    data_tier: DataTierSummary | None = None
    network: NetworkSummary | None = None
    moves: Moves | None = Field(None, description="Null where nothing runs today.")
    alerts: tuple[Alert, ...] = ()
    violations: tuple[dict[str, Any], ...] = ()
    estimates_used: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: Seconds = Seconds()


@dataclass(frozen=True)
class Plan:
    """A plan: summary, tables, certificates.

    Parameters
    ----------
    summary
        plan.json.
    bounds
        bounds.json.
    hosts, assignments
        Frames with the schemas above, sorted.
    nodes, databases, postgres_clusters, caches, valkey_clusters
        Frames with the schemas above, sorted; empty where the pool is not planned.
    links
        Frame with `LINKS_SCHEMA`, sorted by link.
    """

    summary: PlanSummary
    bounds: Bounds
    hosts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HOSTS_SCHEMA))
    assignments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ASSIGNMENTS_SCHEMA))
    nodes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=NODES_SCHEMA))
    databases: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DATABASES_SCHEMA))
    postgres_clusters: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=POSTGRES_CLUSTERS_SCHEMA))
    caches: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CACHES_SCHEMA))
    valkey_clusters: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VALKEY_CLUSTERS_SCHEMA))
    links: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LINKS_SCHEMA))
