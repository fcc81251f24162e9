"""The choice of clusters as problems for certificates: services are items, kinds of clusters are classes of bins.

The proofs are the same as for hosts. A kind of cluster that a certificate leaves out must be no better than one that
it has: no cheaper, and holding no more of what there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import polars as pl

from placement.plan.types import Certificate
from placement.units import IntArray
from placement.verify.postgres_facts import server_demand
from placement.verify.problems import Key, Problem
from placement.verify.proofs import ClassFacts, ItemFacts, ProofError, item_facts
from placement.verify.tier_facts import POSTGRES_POOL, UNLIMITED, VALKEY_POOL, TierFacts
from placement.verify.valkey_facts import num_primaries, num_replicas, tiers_there

CHOICES = ("postgres", "valkey")
"""What certificates of choices call their pool."""

NEUTRAL = "balanced"
"""What kinds of clusters that let in every load profile are called by."""


@dataclass(frozen=True)
class _Kinds:
    """Kinds of clusters: names, limits int64[num_kinds, num_resources], prices in micros per hour."""

    names: tuple[str, ...]
    limit: IntArray
    price: tuple[int, ...]


def postgres_choices(facts: pl.DataFrame, tier: TierFacts) -> dict[Key, Problem]:
    """Return the problems of choosing clusters of PostgreSQL, by region and isolation group.

    Parameters
    ----------
    facts
        What is right of the services (`postgres_facts.postgres_facts`).
    """
    problems = {}
    shared = facts.filter(arrangement="clusters")
    for (region, group), rows in shared.group_by("region", "group", maintain_order=True):
        demand = np.column_stack([server_demand(rows), _profile_demand(rows, tier)])
        kinds = _postgres_kinds(str(region), tier)
        problems["postgres", str(region), str(group)] = _problem(rows["service"], demand, kinds, True)
    return problems


def valkey_choices(facts: pl.DataFrame, tier: TierFacts) -> dict[Key, Problem]:
    """Return the problems of choosing Valkeys, by region, isolation group, function and arrangement.

    Services of `single`, `replicated` and `cluster` use one Valkey together, so only kinds that hold them all count.
    """
    problems = {}
    by = ("region", "group", "function", "arrangement")
    for (region, group, function, arrangement), rows in facts.group_by(*by, maintain_order=True):
        demand = rows["memory_mb"].to_numpy().astype(np.int64)[:, None]
        kinds = _valkey_kinds(str(region), str(arrangement), tier)
        name = f"{group}/{function}"
        if arrangement != "federated":
            name = f"{name}/{arrangement}"
            kinds = [kind for kind in kinds if kind[1][0] >= int(demand.sum())]
        if kinds:  # where none holds them, another finding says so
            problems["valkey", str(region), name] = _problem(rows["service"], demand, _kinds(kinds, 1), True)
    return problems


def _valkey_kinds(region: str, arrangement: str, tier: TierFacts) -> list[tuple[str, tuple[int, ...], int]]:
    replicas = 0 if arrangement == "single" else num_replicas(tier)
    primaries = num_primaries(tier) if arrangement in ("cluster", "federated") else (1,)
    return [
        (f"{row.name}/{number}", (number * row.memory_mb,), number * (1 + replicas) * price)
        for row in tiers_there(tier, region)
        for price in [tier.price(VALKEY_POOL, region, row.name) or 0]
        for number in primaries
    ]


def _mixtures(tier: TierFacts) -> dict[frozenset[str], int]:
    """Return the sets of load profiles that a kind of cluster lets in, and the nodes it then has.

    Of all sets without a pair that keeps apart, those that no larger one of as few nodes makes needless.
    """
    profiles = tier.model.grouping.load_profiles
    allowed = {
        frozenset(some): max(tier.num_nodes(name) for name in some)
        for size in range(1, len(profiles) + 1)
        for some in combinations(sorted(profiles), size)
        if not any(other in profiles[one].apart_from for one in some for other in some)
    }
    return {
        some: number
        for some, number in allowed.items()
        if not any(some < other and fewer <= number for other, fewer in allowed.items())
    }


def _told_apart(mixtures: dict[frozenset[str], int]) -> list[str]:
    """Return the load profiles that some kinds let in and others do not, sorted: each is a resource of its own."""
    return sorted(frozenset().union(*mixtures) - frozenset.intersection(*mixtures))


def _profile_demand(rows: pl.DataFrame, tier: TierFacts) -> IntArray:
    names = _told_apart(_mixtures(tier))
    columns = [(rows["load_profile"] == name).to_numpy().astype(np.int64) for name in names]
    return np.stack(columns, axis=1) if columns else np.zeros((rows.height, 0), dtype=np.int64)


def _postgres_kinds(region: str, tier: TierFacts) -> _Kinds:
    mixtures = _mixtures(tier)
    names = _told_apart(mixtures)
    kinds = []
    for server in tier.cluster_tiers:
        price = tier.price(POSTGRES_POOL, region, server.name)
        if price is not None:
            limit = tier.server_limit(server, tier.clusters_have_pgbouncers)
            for some, number in mixtures.items():
                own = tuple(UNLIMITED if name in some else 0 for name in names)
                word = "+".join(sorted(some.intersection(names))) or NEUTRAL
                kinds.append((f"{server.name}/{word}", limit + own, number * price))
    return _kinds(kinds, 6 + len(names))


def _kinds(rows: list[tuple[str, tuple[int, ...], int]], num_resources: int) -> _Kinds:
    return _Kinds(
        names=tuple(row[0] for row in rows),
        limit=np.array([row[1] for row in rows], dtype=np.int64).reshape(-1, num_resources),
        price=tuple(row[2] for row in rows),
    )


def _problem(services: pl.Series, demand: IntArray, kinds: _Kinds, is_required: bool) -> Problem:
    one = np.ones(len(demand), dtype=np.int64)

    def items() -> ItemFacts:
        return item_facts(services, demand, one, one)

    # what is more than all services together never binds
    clipped = _Kinds(kinds.names, np.minimum(kinds.limit, demand.sum(axis=0)), kinds.price)
    return Problem(items, partial(_classes, clipped), is_required)


def _classes(kinds: _Kinds, certificate: Certificate) -> ClassFacts:
    """Look up the certificate's kinds of clusters, and that every other kind is no better than one of them."""
    at = {name: row for row, name in enumerate(kinds.names)}
    chosen: list[int] = []
    for number, kind in enumerate(certificate.classes, start=1):
        if kind.hosts or kind.buyable not in at:
            raise ProofError(f"class {number}: there is no kind of cluster {kind.buyable!r}")
        if at[kind.buyable] in chosen:
            raise ProofError(f"class {number}: {kind.buyable} has a class already")
        chosen.append(at[kind.buyable])
    price = np.array(kinds.price, dtype=np.int64)
    for row in sorted(set(range(len(kinds.names))) - set(chosen)):
        holds_all = (kinds.limit[chosen] >= kinds.limit[row]).all(axis=1)
        if not (holds_all & (price[chosen] <= price[row])).any():
            raise ProofError(f"no class covers the kind of cluster {kinds.names[row]}")
    return ClassFacts(
        limit=kinds.limit[chosen],
        price=tuple(kinds.price[row] for row in chosen),
        stock=(None,) * len(chosen),
    )
