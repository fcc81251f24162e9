"""The packing problem as arrays: one `PoolProblem` per pool and region, in integers, nothing left blank.

Demands are resolved here (a blank takes its profile's figure, a front end comes on top), limits are computed
(`docs/mathematics.md`, section 1), hosts that are alike are grouped into classes, and interference rules become
sparse rows. What comes after needs no fleet and no model any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.capacity.sizes import HostSize, NicPorts, host_limits
from placement.fleet.types import INTERFERENCE_SCHEMA, POOLS, Fleet, Location, Policy, Pool
from placement.interference import NO_LIMIT, Rules, no_rules, rule_rows
from placement.units import NUM_RESOURCES, RESOURCES, IntArray, exact

HOST, ZONE, SEGMENT = 0, 1, 2
_SPREADS = {"host": HOST, "zone": ZONE, "segment": SEGMENT}
DEFAULT_HEADROOM = 0.70


@dataclass(frozen=True)
class HostClasses:
    """Hosts that are alike: a size that may be bought, or standing hosts of equal size, limits and price.

    Parameters
    ----------
    limit
        int64[num_classes, num_resources]: what may be used.
    price
        int64[num_classes]: micros per hour.
    stock
        int64[num_classes]: how many there are; −1: any number.
    size
        Name of the size of each class.
    hosts
        Names of the standing hosts of each class, sorted; empty: hosts are bought.
    nic
        Name of the NIC of each class, "" where it has none; empty where no one asks.
    """

    limit: IntArray
    price: IntArray
    stock: IntArray
    size: tuple[str, ...]
    hosts: tuple[tuple[str, ...], ...]
    nic: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.size)


@dataclass(frozen=True)
class PoolProblem:
    """What must be placed in one region, and on what.

    Parameters
    ----------
    names
        Services, sorted; all arrays over services follow this order.
    demand
        int64[num_services, num_resources]: demand of one instance.
    instances, max_per_host
        int64[num_services].
    spread
        int64[num_services]: `HOST`, `ZONE` or `SEGMENT`.
    spread_limit
        int64[num_services]: most instances in one zone or segment; `NO_LIMIT` for `HOST`.
    zones, segments
        Names, sorted; a host's zone and segment are numbers into them.
    locations
        Where hosts can be bought.
    host_location
        (zone number, segment number) of every standing host of the classes.
    occupied
        Hosts that already stand in each of `locations`, whatever their state.
    """

    pool: str
    region: str
    names: tuple[str, ...]
    demand: IntArray
    instances: IntArray
    max_per_host: IntArray
    spread: IntArray
    spread_limit: IntArray
    rules: Rules
    classes: HostClasses
    zones: tuple[str, ...]
    segments: tuple[tuple[str, str], ...]
    locations: tuple[Location, ...]
    host_location: dict[str, tuple[int, int]]
    occupied: tuple[int, ...]

    @property
    def where(self) -> str:
        """The problem's name in a message."""
        return f"region {self.region}" if self.pool == "services" else f"pool {self.pool}, region {self.region}"

    @property
    def noun(self) -> str:
        """What a row is called in a message."""
        return "service" if self.pool == "services" else "workload"

    @property
    def num_instances(self) -> int:
        """Instances to place."""
        return int(self.instances.sum())

    @property
    def num_resources(self) -> int:
        """Resources that demands and limits are of."""
        return int(self.demand.shape[1])

    @property
    def holds(self) -> npt.NDArray[np.bool_]:
        """bool[num_services, num_classes]: whether one instance alone fits a host of the class."""
        fits = np.ones((len(self.names), len(self.classes)), bool)
        for r in range(self.num_resources):
            fits &= self.demand[:, r, None] <= self.classes.limit[None, :, r]
        return fits


def headroom_shares(policy: Policy) -> dict[str, Fraction]:
    """Return the usable share of each resource, exactly as the policy states it."""
    shares = {}
    for resource in RESOURCES:
        if resource.name == "network":
            shares[resource.name] = exact(policy.network_limit)
        elif isinstance(policy.headroom, dict):
            shares[resource.name] = exact(policy.headroom.get(resource.name, DEFAULT_HEADROOM))
        else:
            shares[resource.name] = exact(policy.headroom)
    return shares


def size_limits(size: HostSize, policy: Policy, nic_kbps: int | None = None) -> tuple[int, ...]:
    """Return what services may use of a host, int per resource in the order of `RESOURCES`, rounded down.

    Parameters
    ----------
    nic_kbps
        NIC of this very host, where it differs from its size's.
    """
    return host_limits(size, headroom_shares(policy), exact(policy.cpu_overcommit), nic_kbps)


def bought_nic(fleet: Fleet, pool: str, size: str) -> NicPorts:
    """Return the NIC of a host that is bought for a pool: the policy's, or that of its size."""
    named = {str(of): nic for of, nic in fleet.policy.nic.items()}.get(pool) or fleet.sizes[size].nic
    return fleet.model.nics.get(named) or NicPorts("", fleet.sizes[size].nic_kbps)


def bought_price(fleet: Fleet, pool: str, size: str) -> int:
    """Return the micros per hour of a host that is bought for a pool: what a better NIC costs comes on top."""
    own = fleet.model.nics.get(fleet.sizes[size].nic) or NicPorts("", fleet.sizes[size].nic_kbps)
    more = bought_nic(fleet, pool, size).price_micros_per_hour - own.price_micros_per_hour
    return fleet.sizes[size].price_micros_per_hour + max(0, more)


def called_kbps(fleet: Fleet) -> IntArray:
    """Return what calls add to the network demand of one instance: int64[num_services], kbit/s.

    The larger of what its service sends and receives in calls, an equal part of it, rounded up.
    """
    ends = [np.zeros(len(fleet.services), np.int64) for _ in range(2)]
    for total, end in zip(ends, ("from", "to"), strict=True):
        np.add.at(total, fleet.calls[end].to_numpy(), fleet.calls["kbps"].to_numpy())
    added: IntArray = -(-np.maximum(*ends) // fleet.services["instances"].to_numpy())
    return added


def resolved_demands(fleet: Fleet) -> IntArray:
    """Return the demand of one instance of every service, calls included: int64[num_services, num_resources]."""
    services = fleet.services
    end = fleet.policy.demand
    profiles = services["profile"].unique().sort().to_list()
    row_of = {profile: row for row, profile in enumerate(profiles)}
    profile_row = services["profile"].replace_strict(row_of, return_dtype=pl.Int64).to_numpy()
    frontend = services["frontend"].to_numpy()
    demand = np.empty((len(services), NUM_RESOURCES), np.int64)
    base = [fleet.model.profile_demand(profile, end) for profile in profiles]
    extra = [fleet.model.frontend_demand(profile, end) for profile in profiles]
    for r, resource in enumerate(RESOURCES):
        column = resource.internal_column
        from_profile = np.array([figures[column] for figures in base], np.int64)[profile_row]
        own = services[column]
        filled = own.fill_null(0).to_numpy()
        demand[:, r] = np.where(own.is_null().to_numpy(), from_profile, filled)
        front = np.array([figures[column] for figures in extra], np.int64)[profile_row]
        demand[:, r] += np.where(frontend, front, 0)
        if resource.name == "network" and fleet.calls.height:
            demand[:, r] += called_kbps(fleet)
    return demand


def build_problems(fleet: Fleet, workloads: pl.DataFrame | None = None) -> tuple[PoolProblem, ...]:
    """Return the packing problems of a fleet, pool by pool and region by region.

    Parameters
    ----------
    workloads
        What runs in the pools beside `services` (`placement.workloads`); None: nothing.
    """
    problems = []
    if "services" in fleet.policy.pools:
        demand = resolved_demands(fleet)
        regions = fleet.services["region"].to_numpy()
        for region in sorted(set(regions.tolist())):
            rows = np.flatnonzero(regions == region)
            rules, own_limit = _rules(fleet, rows)
            services = fleet.services[rows].rename({"service": "name"})
            problems.append(_build(fleet, "services", region, services, demand[rows], rules, own_limit))
    if workloads is not None:
        for pool in POOLS:
            of_pool = workloads.filter(pl.col("pool") == pool)
            for region in sorted(set(of_pool["region"])):
                nodes = of_pool.filter(pl.col("region") == region).rename({"workload": "name"}).sort("name")
                columns = [nodes[resource.internal_column].to_numpy() for resource in RESOURCES]
                no_limit = np.full(len(nodes), NO_LIMIT, np.int64)
                problems.append(
                    _build(fleet, pool, region, nodes, np.stack(columns, axis=1), no_rules(len(nodes)), no_limit)
                )
    return tuple(problems)


def _build(
    fleet: Fleet,
    pool: Pool,
    region: str,
    services: pl.DataFrame,
    demand: IntArray,
    rules: Rules,
    own_limit: IntArray,
) -> PoolProblem:
    """Return the problem of placing rows with the columns `name` (sorted), `instances`, `max_per_host` and `spread`."""
    instances = services["instances"].to_numpy()
    locations = tuple(place for place in fleet.topology.locations if place.region == region)
    standing = fleet.hosts.filter(pl.col("region") == region)
    active = _active(fleet, pool, region)
    zones = sorted(({place.zone for place in locations} | set(active["zone"])) - {""})
    # a segment is known by its zone and its name: two zones may each have a segment of the same name
    segments = sorted(
        {(place.zone, place.segment) for place in locations} | set(active.select("zone", "segment").rows())
    )
    named_segments = [pair for pair in segments if pair[1]]
    zone_of = {zone: number for number, zone in enumerate(zones)} | {"": len(zones)}
    segment_of = {pair: number for number, pair in enumerate(segments)}
    spread = services["spread"].replace_strict(_SPREADS, return_dtype=pl.Int64).to_numpy().copy()
    spread_limit = np.full(len(services), NO_LIMIT, np.int64)
    for kind, places in ((ZONE, len(zones)), (SEGMENT, len(named_segments))):
        concerned = spread == kind
        if places:
            spread_limit[concerned] = -(-instances[concerned] // places)
        else:
            spread[concerned] = HOST  # nothing to spread over: replicas still keep to their hosts' rule
    # a limit that no count of instances can reach is none: kernels then skip its bookkeeping
    spread[spread_limit >= instances] = HOST
    host_location = {
        host: (zone_of[zone], segment_of[zone, segment])
        for host, zone, segment in active.select("host", "zone", "segment").iter_rows()
    }
    stands_at = standing.select("zone", "segment").rows()
    occupied = tuple(
        sum(1 for zone, segment in stands_at if (zone, segment) == (place.zone, place.segment)) for place in locations
    )
    max_per_host = np.minimum(np.minimum(services["max_per_host"].to_numpy(), instances), own_limit)
    return PoolProblem(
        pool=pool,
        region=region,
        names=tuple(services["name"].to_list()),
        demand=demand,
        instances=instances.astype(np.int64),
        max_per_host=max_per_host.astype(np.int64),
        spread=spread,
        spread_limit=spread_limit,
        rules=rules,
        classes=_classes(fleet, pool, active),
        zones=tuple(zones),
        segments=tuple(segments),
        locations=locations,
        host_location=host_location,
        occupied=occupied,
    )


def pool_classes(fleet: Fleet, pool: Pool, region: str) -> HostClasses:
    """Return the classes of hosts that a pool may use in a region: what stands there for it, and what may be bought."""
    return _classes(fleet, pool, _active(fleet, pool, region))


def _active(fleet: Fleet, pool: Pool, region: str) -> pl.DataFrame:
    return fleet.hosts.filter((pl.col("region") == region) & (pl.col("state") == "active") & (pl.col("pool") == pool))


def _classes(fleet: Fleet, pool: Pool, active: pl.DataFrame) -> HostClasses:
    groups: dict[tuple[str, int, tuple[int, ...], str], list[str]] = {}
    columns = ("host", "size", "nic", "nic_kbps", "price_micros_per_hour")
    for host, name, nic, nic_kbps, price in active.select(columns).iter_rows():
        key = (name, price, size_limits(fleet.sizes[name], fleet.policy, nic_kbps), nic or fleet.sizes[name].nic)
        groups.setdefault(key, []).append(host)
    limit, price_of, stock, size, hosts, nics = [], [], [], [], [], []
    for (name, price, limits, nic), members in sorted(groups.items()):
        limit.append(limits)
        price_of.append(price)
        stock.append(len(members))
        size.append(name)
        hosts.append(tuple(sorted(members)))
        nics.append(nic)
    wanted = fleet.policy.pool_sizes.get(pool, fleet.buyable)
    for name in (size for size in fleet.buyable if size in wanted):
        bought, ports = fleet.sizes[name], bought_nic(fleet, pool, name)
        limit.append(size_limits(bought, fleet.policy, ports.capacity_kbps))
        price_of.append(bought_price(fleet, pool, name))
        stock.append(-1 if bought.stock is None else bought.stock)
        size.append(name)
        hosts.append(())
        nics.append(ports.name)
    return HostClasses(
        limit=np.array(limit, np.int64).reshape(-1, NUM_RESOURCES),
        price=np.array(price_of, np.int64),
        stock=np.array(stock, np.int64),
        size=tuple(size),
        hosts=tuple(hosts),
        nic=tuple(nics),
    )


def _rules(fleet: Fleet, rows: IntArray) -> tuple[Rules, IntArray]:
    """Return the rules among the services of `rows`, and each service's limit on its own instances per host."""
    num = len(rows)
    own_limit = np.full(num, NO_LIMIT, np.int64)
    service, other, most = (fleet.interference[column].to_numpy() for column in INTERFERENCE_SCHEMA)
    if num < len(fleet.services):
        local = np.full(len(fleet.services), -1, np.int32)
        local[rows] = np.arange(num)
        service, other = local[service], local[other]
        here = (service >= 0) & (other >= 0)  # services of two regions never share a host
        service, other, most = service[here], other[here], most[here]
    own = service == other
    if own.any():
        # one instance alone is never in its own way
        np.minimum.at(own_limit, service[own], np.maximum(most[own], 1))
        service, other, most = service[~own], other[~own], most[~own]
    return rule_rows(service, other, most, num), own_limit


def distinct_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct rows in lexicographic order, and which of them each row is.

    As `numpy.unique` by rows, whose comparison of whole rows takes twice as long for a million of them.
    """
    order = np.lexsort(rows.T[::-1])
    in_order = rows[order]
    is_new = np.concatenate((np.ones(min(len(rows), 1), bool), (in_order[1:] != in_order[:-1]).any(axis=1)))
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(is_new) - 1
    return in_order[is_new], inverse
