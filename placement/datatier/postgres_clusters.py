"""Kinds of shared PostgreSQL clusters: a tier, and load profiles that may be together in one.

A cluster has as many nodes as its most demanding load profile asks for, so a kind is priced by what it lets in. Which
profiles a kind lets in is a matter of limits: one more resource per profile that some kind keeps out, of which a
service of that profile asks for 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from placement.capacity import CapacityModel
from placement.capacity.figures import End
from placement.datatier.choice import Kind
from placement.datatier.postgres_figures import CLIENTS, ServerTier
from placement.units import IntArray, exact

BALANCED = "balanced"


@dataclass(frozen=True)
class Mixture:
    """Load profiles that may be together in a cluster, and how many nodes it then has.

    Parameters
    ----------
    name
        The profiles that not every mixture lets in, sorted, joined by ``+``; `balanced` if all let in all.
    profiles
        All that may be in it.
    """

    name: str
    profiles: frozenset[str]
    num_nodes: int


def nodes_of(model: CapacityModel, profile: str, end: End) -> int:
    """Return the nodes of a cluster whose load profile is `profile`."""
    factor = -(-exact(model.postgres.storage_formula.replication_factor.at(end)) // 1)
    replicas = -(-exact(model.grouping.load_profiles[profile].read_replicas.at(end)) // 1)
    return int(max(factor, 1 + replicas))


def ranked_profiles(model: CapacityModel, end: End) -> list[str]:
    """Return the load profiles in the order in which they name a cluster: most replicas, by name, balanced last."""
    replicas = {name: exact(row.read_replicas.at(end)) for name, row in model.grouping.load_profiles.items()}
    return sorted(replicas, key=lambda name: (-replicas[name], name == BALANCED, name))


def mixtures(model: CapacityModel, end: End) -> tuple[Mixture, ...]:
    """Return the sets of load profiles that a kind of cluster may let in.

    For each number of nodes these are the largest sets without a pair that keeps apart; a set that another one of no
    more nodes contains is left out.
    """
    rows = model.grouping.load_profiles
    nodes = {name: nodes_of(model, name, end) for name in rows}
    apart = {frozenset((name, other)) for name, row in rows.items() for other in row.apart_from}
    wary = sorted({name for pair in apart for name in pair})
    free = sorted(set(rows) - set(wary))
    compatible = [
        (*some, *free)
        for size in range(len(wary) + 1)
        for some in combinations(wary, size)
        if not any(frozenset(pair) in apart for pair in combinations(some, 2))
    ]
    most_nodes = {
        frozenset(name for name in names if nodes[name] <= most) for names in compatible for most in set(nodes.values())
    } - {frozenset()}
    num_nodes = {names: max(nodes[name] for name in names) for names in most_nodes}
    useful = [
        names
        for names in num_nodes
        if not any(names < other and num_nodes[other] <= num_nodes[names] for other in num_nodes)
    ]
    everywhere = frozenset.intersection(*useful)
    found = [Mixture("+".join(sorted(names - everywhere)) or BALANCED, names, num_nodes[names]) for names in useful]
    return tuple(sorted(found, key=lambda mixture: mixture.name))


@dataclass(frozen=True)
class ClusterKinds:
    """The kinds of clusters of a region.

    Parameters
    ----------
    kinds
        To choose from.
    tier_of
        Position of each kind's tier in the tiers given.
    profiles
        The load profiles with a resource of their own, behind those of the server.
    """

    kinds: tuple[Kind, ...]
    tier_of: tuple[int, ...]
    profiles: tuple[str, ...]


def cluster_kinds(
    tiers: Sequence[ServerTier],
    prices: Sequence[int | None],
    allowed: Sequence[Mixture],
    *,
    most_clients: int,
    num_services: int,
) -> ClusterKinds:
    """Return every tier that can be had with every mixture.

    Parameters
    ----------
    prices
        Of a node of each tier, micros per hour; None: not to be had.
    most_clients
        What the PgBouncers of a cluster take; without them what all services have together.
    num_services
        A resource without a limit is limited by how many there are to ask for it.
    """
    everywhere = frozenset[str].intersection(*(mixture.profiles for mixture in allowed))
    profiles = sorted(frozenset[str]().union(*(mixture.profiles for mixture in allowed)) - everywhere)
    kinds, tier_of = [], []
    for position, (tier, price) in enumerate(zip(tiers, prices, strict=True)):
        if price is None:
            continue
        of_server = list(tier.limits)
        of_server[CLIENTS] = most_clients
        for mixture in allowed:
            of_profiles = [num_services if profile in mixture.profiles else 0 for profile in profiles]
            kinds.append(Kind(f"{tier.name}/{mixture.name}", (*of_server, *of_profiles), mixture.num_nodes * price))
            tier_of.append(position)
    return ClusterKinds(tuple(kinds), tuple(tier_of), tuple(profiles))


def with_profiles(amount: IntArray, profile_of: Sequence[str], profiles: Sequence[str]) -> IntArray:
    """Return demands with a column per profile of `ClusterKinds.profiles`: int64[num, num_resources]."""
    names = np.array(profile_of, dtype=object)
    columns = [(names == profile).astype(np.int64)[:, None] for profile in profiles]
    return np.concatenate((amount, *columns), axis=1)
