"""The data tier as the checker sees it: tiers, prices of nodes, groups that may share, worked out from the model alone.

Figures are taken at the policy's end of their ranges, as exact fractions; demands are then rounded up, limits down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from placement.capacity import CapacityModel
from placement.capacity.datatier_tables import DatabaseTier, NodeFootprint
from placement.capacity.figures import End, Figure
from placement.units import RESOURCES, exact
from placement.verify.facts import FleetFacts

UNLIMITED = 2**60
"""Stands for a limit that nothing reaches."""

SERVER_RESOURCES = ("connections", "clients", "storage_mb", "cpu_millicores", "memory_mb", "network_kbps")
"""What the services of a PostgreSQL server draw on, in the order of certificates."""

POSTGRES_POOL, VALKEY_POOL, PLATFORM_POOL = "databases", "caches", "platform"


@dataclass(frozen=True)
class ServerTier:
    """A tier of PostgreSQL servers.

    Parameters
    ----------
    footprint
        What a node needs of its host, internal units, in the order of `RESOURCES`.
    limit
        What its services may take, in the order of `SERVER_RESOURCES`; no limit on clients.
    max_connections
        The server's setting.
    """

    name: str
    footprint: tuple[int, ...]
    limit: tuple[int, ...]
    max_connections: int


@dataclass(frozen=True)
class CacheTier:
    """A tier of Valkey nodes: its footprint as that of `ServerTier`, and MB of data that may be planned on a node."""

    name: str
    footprint: tuple[int, ...]
    memory_mb: int


@dataclass(frozen=True)
class TierFacts:
    """What the data tier of a plan must agree with, but for single services.

    Parameters
    ----------
    facts
        The fleet.
    groups
        Name of the isolation group by sensitivity class.
    dedicated_tiers, cluster_tiers
        Tiers of PostgreSQL, from the smallest to the largest.
    cache_tiers
        Tiers of Valkey, likewise.
    node_prices
        Micros per hour by pool, region and tier; tiers that no host of the pool holds are not there.
    footprints
        What a node needs by kind and tier, internal units.
    num_processes
        PgBouncers in front of a cluster that has any.
    """

    facts: FleetFacts
    groups: Mapping[str, str]
    dedicated_tiers: tuple[ServerTier, ...]
    cluster_tiers: tuple[ServerTier, ...]
    cache_tiers: tuple[CacheTier, ...]
    node_prices: Mapping[tuple[str, str, str], int]
    footprints: Mapping[tuple[str, str], tuple[int, ...]]
    num_processes: int

    @property
    def model(self) -> CapacityModel:
        """The capacity model in force."""
        return self.facts.fleet.model

    @property
    def end(self) -> End:
        """The end of ranges that counts."""
        return self.facts.fleet.policy.demand

    @property
    def num_services(self) -> int:
        """Services of the fleet, which decide what is arranged how."""
        return self.facts.fleet.services.height

    @property
    def clusters_have_pgbouncers(self) -> bool:
        """Whether services reach shared clusters through PgBouncers."""
        return self.num_services >= self.model.postgres.pgbouncer.services_from.typical

    @property
    def client_limit(self) -> int:
        """Clients that the PgBouncers of one cluster may be planned to have together."""
        pgbouncer = self.model.postgres.pgbouncer
        return self.num_processes * math.floor(self.at(pgbouncer.max_client_conn) * self.at(pgbouncer.client_share))

    def at(self, figure: Figure) -> Fraction:
        """Return a figure at the end that counts, exactly."""
        return exact(figure.at(self.end))

    def server_tiers(self, arrangement: str) -> tuple[ServerTier, ...]:
        """Return the tiers of the servers of an arrangement."""
        return self.dedicated_tiers if arrangement == "dedicated" else self.cluster_tiers

    def server_limit(self, tier: ServerTier, is_pooled: bool) -> tuple[int, ...]:
        """Return what the services of a server may take, with PgBouncers in front of it or without."""
        connections, _, *others = tier.limit
        return (connections, self.client_limit if is_pooled else UNLIMITED, *others)

    def price(self, pool: str, region: str, tier: str) -> int | None:
        """Return the price of a node, micros per hour; None if no host of the pool in the region holds it."""
        return self.node_prices.get((pool, region, tier))

    def num_nodes(self, load_profile: str) -> int:
        """Return the nodes of a cluster, or of a dedicated server, with this load profile."""
        replicas = self.at(self.model.grouping.load_profiles[load_profile].read_replicas)
        return max(math.ceil(self.at(self.model.postgres.storage_formula.replication_factor)), 1 + math.ceil(replicas))


def tier_facts(facts: FleetFacts) -> TierFacts:
    """Work out tiers, prices and groups from model and policy."""
    model, end = facts.fleet.model, facts.fleet.policy.demand
    postgres, valkey = model.postgres, model.valkey
    servers = [
        tuple(_server_tier(name, row, model, end) for name, row in rows.items())
        for rows in (postgres.tiers, postgres.cluster_tiers)
    ]
    share = exact(valkey.clusters.memory_share.at(end))
    caches = tuple(
        CacheTier(name, footprint(row, end), math.floor(exact(row.max_memory_mb.at(end)) * share))
        for name, row in valkey.node_tiers.items()
    )
    platform = {
        "pgbouncer": postgres.pgbouncer.node,
        "registry": model.registry.node,
        "sia": model.sia.node,
        "collector": model.observability.collectors.node,
        "store": model.observability.stores.node,
    }
    prices = {}
    for pool, tiers in ((POSTGRES_POOL, [*servers[0], *servers[1]]), (VALKEY_POOL, list(caches))):
        for region in facts.regions if pool in facts.pools else ():
            hosts = _host_kinds(facts, pool, region)
            for tier in tiers:
                price = _node_price(tier.footprint, hosts)
                if price is not None:
                    prices[pool, region, tier.name] = price
    return TierFacts(
        facts=facts,
        groups=isolation_groups(model),
        dedicated_tiers=servers[0],
        cluster_tiers=servers[1],
        cache_tiers=caches,
        node_prices=prices,
        footprints={
            **{("postgres", tier.name): tier.footprint for tier in (*servers[0], *servers[1])},
            **{("valkey", tier.name): tier.footprint for tier in caches},
            **{(kind, ""): footprint(node, end) for kind, node in platform.items()},
        },
        num_processes=math.ceil(exact(postgres.pgbouncer.min_processes.at(end))),
    )


def footprint(row: NodeFootprint | DatabaseTier, end: End) -> tuple[int, ...]:
    """Return what a node needs of its host, internal units, rounded up, in the order of `RESOURCES`."""
    disk = row.storage_gb if isinstance(row, DatabaseTier) else row.disk_gb
    figures = [row.cpu_cores, row.memory_mb, row.open_files, row.threads, disk, row.network_mbps]
    return tuple(
        math.ceil(exact(figure.at(end)) * resource.factor) for figure, resource in zip(figures, RESOURCES, strict=True)
    )


def _server_tier(name: str, row: DatabaseTier, model: CapacityModel, end: End) -> ServerTier:
    limits = model.postgres.limits
    planned = (
        (row.max_connections, limits.connections, 1),
        (row.storage_gb, limits.storage, 1000),
        (row.cpu_cores, limits.cpu, 1000),
        (row.memory_mb, limits.memory, 1),
        (row.network_mbps, limits.network, 1000),
    )
    connections, *others = (
        math.floor(exact(figure.at(end)) * exact(share.at(end)) * factor) for figure, share, factor in planned
    )
    return ServerTier(
        name=name,
        footprint=footprint(row, end),
        limit=(connections, UNLIMITED, *others),
        max_connections=math.floor(exact(row.max_connections.at(end))),
    )


def _host_kinds(facts: FleetFacts, pool: str, region: str) -> set[tuple[tuple[int, ...], int]]:
    """Return limits and prices of the hosts that a pool may use in a region."""
    sizes = [size for name in facts.buyable(pool) if (size := facts.fleet.sizes[name]).stock != 0]
    kinds = {(facts.bought[pool, size.name].limit, facts.bought[pool, size.name].price) for size in sizes}
    rows = facts.standing(pool, region)
    standing = np.unique(np.column_stack([facts.host_limits[rows], facts.host_prices[rows]]), axis=0)
    return kinds | {(tuple(row[:-1]), row[-1]) for row in standing.tolist()}


def _node_price(needs: tuple[int, ...], hosts: set[tuple[tuple[int, ...], int]]) -> int | None:
    """Return the least ⌈price of the host x largest share that the node takes of it⌉, at least 1 micro."""
    prices = [
        math.ceil(price * max(Fraction(need, limit) for need, limit in zip(needs, limits, strict=True) if limit))
        for limits, price in hosts
        if all(need <= limit for need, limit in zip(needs, limits, strict=True)) and any(limits)
    ]
    return max(1, min(prices)) if prices else None


def isolation_groups(model: CapacityModel) -> dict[str, str]:
    """Return the name of the isolation group of every sensitivity class: its classes, sorted, joined by ``+``."""
    classes = sorted(model.grouping.sensitivity_classes)
    shares = {
        (one, other): model.grouping.may_share(one, other) and model.grouping.may_share(other, one)
        for one in classes
        for other in classes
    }
    groups: dict[str, str] = {}
    for start in classes:
        if start in groups:
            continue
        component, queue = {start}, [start]
        while queue:
            here = queue.pop()
            reached = {other for other in classes if shares[here, other]} - component
            component |= reached
            queue += reached
        if all(shares[one, other] for one in component for other in component if one != other):
            groups |= dict.fromkeys(component, "+".join(sorted(component)))
        else:
            groups |= {name: name for name in component}
    return groups
