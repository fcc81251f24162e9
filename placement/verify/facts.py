"""The fleet as the checker sees it: demands, limits and places, worked out from the contract alone.

Limits are computed in exact fractions of the decimals that people wrote and then rounded down, demands taken
as the integers they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl

from placement.capacity.sizes import HostSize
from placement.fleet.types import POOLS, Fleet, Policy
from placement.units import NUM_RESOURCES, RESOURCES, IntArray, exact

_USUAL_HEADROOM = exact("0.70")
_NETWORK = [resource.name for resource in RESOURCES].index("network")


@dataclass(frozen=True)
class BoughtHost:
    """A host of some size, bought for some pool.

    Parameters
    ----------
    limit
        What it may carry, internal units, in the order of `RESOURCES`.
    price
        Micros per hour, its NIC included.
    nic
        Name of its NIC; "": one of the fleet's own.
    """

    limit: tuple[int, ...]
    price: int
    nic: str


@dataclass(frozen=True)
class FleetFacts:
    """What a plan must agree with. Arrays over services are in the order of `Fleet.services`.

    Parameters
    ----------
    fleet
        The fleet itself.
    demand
        int64[num_services, num_resources], internal units: demand of one instance, calls included.
    own_network_kbps
        int64[num_services], kbit/s: network demand of one instance without calls.
    instances, max_per_host
        int64[num_services].
    most_per_host
        int64[num_services]: `max_per_host`, or less where a rule of a service with itself says so.
    regions
        Names of the regions, sorted.
    region_idx
        int64[num_services]: each service's region.
    bought
        What a bought host is, by pool and size.
    host_idx
        Row in `Fleet.hosts` by name of an existing host.
    host_limits
        int64[num_existing_hosts, num_resources], internal units.
    host_prices
        int64[num_existing_hosts], micros per hour.
    pools
        Pools that are planned, in the order of `POOLS`.
    """

    fleet: Fleet
    demand: IntArray
    own_network_kbps: IntArray
    instances: IntArray
    max_per_host: IntArray
    most_per_host: IntArray
    regions: tuple[str, ...]
    region_idx: IntArray
    bought: Mapping[tuple[str, str], BoughtHost]
    host_idx: Mapping[str, int]
    host_limits: IntArray
    host_prices: IntArray
    pools: tuple[str, ...]

    def buyable(self, pool: str) -> tuple[str, ...]:
        """Return the sizes that may be bought for a pool, sorted."""
        narrowed = next((sizes for name, sizes in self.fleet.policy.pool_sizes.items() if name == pool), None)
        return tuple(size for size in self.fleet.buyable if narrowed is None or size in narrowed)

    def standing(self, pool: str, region: str) -> IntArray:
        """Return the rows in `Fleet.hosts` of the active hosts that serve a pool in a region."""
        hosts = self.fleet.hosts
        serve = (hosts["pool"] == pool) & (hosts["region"] == region) & (hosts["state"] == "active")
        return _integers(serve.arg_true())

    def num_places(self, pool: str, region: str, level: str) -> int:
        """Return how many zones or segments a pool's hosts in a region can be told by: those that have a name.

        They are those of the topology and of the active hosts of the pool; segments of one name in two zones are two.
        """
        columns = ["zone"] if level == "zone" else ["zone", "segment"]
        named = set(self.fleet.hosts[self.standing(pool, region)].select(columns).iter_rows())
        named |= {
            tuple(getattr(location, column) for column in columns)
            for location in self.fleet.topology.locations
            if location.region == region
        }
        return sum(1 for place in named if place[-1])


def fleet_facts(fleet: Fleet) -> FleetFacts:
    """Work out what a plan of this fleet must agree with."""
    services, hosts = fleet.services, fleet.hosts
    regions = tuple(sorted({*services["region"].unique().to_list(), *hosts["region"].unique().to_list()}))
    codes = pl.Series(regions, dtype=pl.String)
    instances = _integers(services["instances"])
    max_per_host = _integers(services["max_per_host"])
    limits_by_kind: dict[tuple[str, int], tuple[int, ...]] = {
        (size, nic): host_limits(fleet.sizes[size], nic, fleet.policy)
        for size, nic in hosts.select("size", "nic_kbps").unique().iter_rows()
    }
    kinds = zip(hosts["size"].to_list(), hosts["nic_kbps"].to_list(), strict=True)
    demand = _demand(fleet)
    own_network = demand[:, _NETWORK].copy()
    demand[:, _NETWORK] += _call_demand(fleet, instances)
    return FleetFacts(
        fleet=fleet,
        demand=demand,
        own_network_kbps=own_network,
        instances=instances,
        max_per_host=max_per_host,
        most_per_host=_most_per_host(fleet, max_per_host),
        regions=regions,
        region_idx=_integers(
            services["region"].replace_strict(codes, list(range(len(regions))), return_dtype=pl.Int64)
        ),
        bought={(pool, name): _bought(pool, size, fleet) for pool in POOLS for name, size in fleet.sizes.items()},
        host_idx={name: row for row, name in enumerate(hosts["host"].to_list())},
        host_limits=np.array([limits_by_kind[kind] for kind in kinds], dtype=np.int64).reshape(-1, NUM_RESOURCES),
        host_prices=_integers(hosts["price_micros_per_hour"]),
        pools=tuple(pool for pool in POOLS if pool in fleet.policy.pools),
    )


def host_limits(size: HostSize, nic_kbps: int, policy: Policy) -> tuple[int, ...]:
    """Return what a host may carry per resource, internal units, in the order of `RESOURCES`.

    Parameters
    ----------
    size
        The host's size.
    nic_kbps
        Its NIC, which may differ from that of its size.
    policy
        Headroom, overcommit and network limit.
    """
    share = {resource.name: _headroom(policy, resource.name) for resource in RESOURCES}
    limits = {
        "cpu": size.cpu_millicores * exact(policy.cpu_overcommit) * share["cpu"],
        "memory": max(0, size.memory_mb - size.os_reserved_mb) * share["memory"],
        "open_files": size.max_open_files * share["open_files"],
        "threads": size.max_threads * share["threads"],
        "disk": size.disk_mb * share["disk"],
        "network": nic_kbps * exact(policy.network_limit),  # its line is kept instead of headroom
    }
    return tuple(math.floor(limits[resource.name]) for resource in RESOURCES)


def _headroom(policy: Policy, resource: str) -> Fraction:
    if isinstance(policy.headroom, dict):
        return exact(policy.headroom[resource]) if resource in policy.headroom else _USUAL_HEADROOM
    return exact(policy.headroom)


def _bought(pool: str, size: HostSize, fleet: Fleet) -> BoughtHost:
    """Return what a host of a size is when it is bought for a pool: the policy may give it another NIC."""
    nics = fleet.model.nics
    asked: dict[str, str] = {str(name): nic for name, nic in fleet.policy.nic.items()}
    nic = asked.get(pool, size.nic)
    own_price = nics[size.nic].price_micros_per_hour if size.nic else 0
    nic_kbps, more = size.nic_kbps, 0
    if pool in asked:
        nic_kbps = nics[nic].capacity_kbps
        more = max(0, nics[nic].price_micros_per_hour - own_price)
    return BoughtHost(host_limits(size, nic_kbps, fleet.policy), size.price_micros_per_hour + more, nic)


def _call_demand(fleet: Fleet, instances: IntArray) -> IntArray:
    """Return what calls add to the network demand of one instance, kbit/s: the larger of what it sends and gets."""
    kbps = fleet.calls["kbps"].to_numpy()
    ways = []
    for end in ("from", "to"):
        total = np.zeros(len(instances), dtype=np.int64)
        np.add.at(total, fleet.calls[end].to_numpy(), kbps)
        ways.append(total)
    return -(-np.maximum(*ways) // instances)


def _demand(fleet: Fleet) -> IntArray:
    """Return the demand of one instance: its own, its profile's where blank, its front end's on top."""
    services, end = fleet.services, fleet.policy.demand
    profiles = services["profile"].unique().to_list()
    from_profile = {name: fleet.model.profile_demand(name, end) for name in profiles}
    from_frontend = {name: fleet.model.frontend_demand(name, end) for name in profiles}
    columns = []
    for resource in RESOURCES:
        column = resource.internal_column
        filling = services["profile"].replace_strict(
            profiles, [from_profile[name][column] for name in profiles], return_dtype=pl.Int64
        )
        on_top = services["profile"].replace_strict(
            profiles, [from_frontend[name][column] for name in profiles], return_dtype=pl.Int64
        )
        own = services[column]
        columns.append(own.zip_with(own.is_not_null(), filling) + on_top * services["frontend"].cast(pl.Int64))
    return np.ascontiguousarray(np.stack([_integers(column) for column in columns], axis=1))


def _most_per_host(fleet: Fleet, max_per_host: IntArray) -> IntArray:
    own = fleet.interference.filter(pl.col("service") == pl.col("other"))
    most = max_per_host.copy()
    np.minimum.at(most, own["service"].to_numpy(), own["max_instances"].to_numpy().astype(np.int64))
    return most


def _integers(column: pl.Series) -> IntArray:
    return column.to_numpy().astype(np.int64)
