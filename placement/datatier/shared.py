"""Servers that services share: one for all of a region and isolation group, or clusters chosen at lowest price."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.datatier.choice import Chosen, brought_together, canonical_order, choose_clusters
from placement.datatier.groups import group_of_services, isolation_groups
from placement.datatier.node_price import NodePrices
from placement.datatier.postgres_clusters import cluster_kinds, mixtures, with_profiles
from placement.datatier.postgres_figures import (
    CLIENTS,
    NUM_SERVER_RESOURCES,
    SERVER_RESOURCES,
    Demand,
    ServerTier,
    client_limit,
    direct_demand,
    figures_of,
    has_pgbouncers,
    num_pgbouncers,
    pooled_demand,
    server_tiers,
)
from placement.datatier.postgres_reasons import most_exceeded, no_tier, outer, server_too_small, too_large
from placement.datatier.postgres_servers import Servers, servers
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.packing.options import Options, Report, Stop
from placement.plan.types import Alert, Certificate
from placement.units import BoolArray, IntArray


@dataclass(frozen=True)
class Party:
    """Services of one region and isolation group.

    Parameters
    ----------
    rows
        int64[num]: rows of the fleet's services, ascending.
    """

    region: str
    group: str
    rows: IntArray


def parties(fleet: Fleet, rows: IntArray) -> list[Party]:
    """Return services by region and isolation group, sorted by both."""
    groups = isolation_groups(fleet.model.grouping)
    group_of = group_of_services(fleet, groups)[rows]
    regions, region_of = np.unique(fleet.services["region"].gather(rows).to_numpy(), return_inverse=True)
    return [
        Party(str(region), group.name, here)
        for r, region in enumerate(regions)
        for g, group in enumerate(groups)
        if len(here := rows[(region_of.ravel() == r) & (group_of == g)])
    ]


# --- one server for all ---------------------------------------------------------------------------------------------


def single_servers(
    fleet: Fleet, rows: IntArray, is_forced: BoolArray, prices: NodePrices
) -> tuple[list[Servers], IntArray, list[Alert], list[Reason]]:
    """Return (servers, rows that go to clusters instead, alerts, reasons).

    Parameters
    ----------
    rows
        int64[num]: services to be on single servers, ascending.
    is_forced
        bool[num_services]: of the whole fleet; whether the policy wants it.
    """
    model, end = fleet.model, fleet.policy.demand
    tiers = server_tiers(model, model.postgres.cluster_tiers, end)
    found, elsewhere, alerts, reasons = [], [np.zeros(0, np.int64)], [], []
    for party in parties(fleet, rows):
        to_be_had = [tier for tier in tiers if prices.of(party.region, tier.node_demand) is not None]
        if not to_be_had:
            reasons.append(no_tier(fleet, party.region, tiers))
            continue
        here = party.rows
        server = _one_server(fleet, here, to_be_had)
        if server is None and not is_forced[here].all():
            alerts.append(_overgrown(fleet, party, to_be_had))
            elsewhere.append(here[~is_forced[here]])
            here = here[is_forced[here]]
            server = _one_server(fleet, here, to_be_had) if len(here) else None
        if server is not None:
            found.append(server)
        elif len(here):
            asked = direct_demand(fleet, figures_of(fleet, here, "single")).amount.sum(axis=0)
            reasons.append(server_too_small(party.region, party.group, len(here), asked, to_be_had))
    return found, np.sort(np.concatenate(elsewhere)), alerts, reasons


def _one_server(fleet: Fleet, rows: IntArray, tiers: Sequence[ServerTier]) -> Servers | None:
    """Return the smallest server that holds all, or None."""
    figures = figures_of(fleet, rows, "single")
    demand = direct_demand(fleet, figures)
    asked = demand.amount.sum(axis=0)[None, :]
    tier = next((tier for tier in tiers if tier.holds(asked)[0]), None)
    if tier is None:
        return None
    zeros = np.zeros(len(rows), np.int64)
    return servers(rows, figures, demand, zeros, "single", [tier.name], np.zeros(1, np.int64))


def _overgrown(fleet: Fleet, party: Party, tiers: Sequence[ServerTier]) -> Alert:
    amount = direct_demand(fleet, figures_of(fleet, party.rows, "single")).amount.sum(axis=0)
    limits = np.array(tiers[-1].limits, np.int64)
    r = most_exceeded(amount, limits)
    return Alert(
        level="warning",
        metric=f"PostgreSQL single server: {SERVER_RESOURCES[r]}",
        where=f"region {party.region}, data of {party.group}",
        value=float(outer(r, int(amount[r]))),
        limit=float(outer(r, int(limits[r]))),
        advice="no tier holds these services on one server: they are planned in clusters; "
        "set policy.postgres to clusters to say so",
    )


# --- clusters -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChosenServers:
    """Clusters that were chosen, the proofs of their price, and why some services have none.

    Parameters
    ----------
    bound
        Of all choices together, micros per hour.
    """

    servers: list[Servers]
    certificates: tuple[Certificate, ...]
    bound: int
    reasons: list[Reason]


def chosen_clusters(
    fleet: Fleet,
    rows: IntArray,
    prices: NodePrices,
    options: Options,
    report: Report,
    stop: Stop,
    *,
    cost_only: bool = False,
) -> ChosenServers:
    """Choose clusters for services, region by region and isolation group by group.

    Parameters
    ----------
    rows
        int64[num]: services to be in clusters, ascending.
    options
        `time_limit_s` is that of all choices together.
    cost_only
        Leave the clusters as they were chosen.
    """
    start = time.monotonic()
    found: list[Servers] = []
    certificates: list[Certificate] = []
    reasons: list[Reason] = []
    bound = 0
    waiting = len(rows)
    for party in parties(fleet, rows):
        own = options
        if options.time_limit_s is not None:
            left_s = max(0.0, options.time_limit_s - (time.monotonic() - start))
            own = dataclasses.replace(options, time_limit_s=left_s * len(party.rows) / waiting)
        waiting -= len(party.rows)
        made, chosen, why = _clusters(fleet, party, prices, own, report, stop, cost_only)
        reasons += [reason for reason in why if reason not in reasons]
        if made is not None and chosen is not None:
            found.append(made)
            certificates.append(chosen.certificate)
            bound += chosen.bound
    return ChosenServers(found, tuple(certificates), bound, reasons)


def _clusters(
    fleet: Fleet,
    party: Party,
    prices: NodePrices,
    options: Options,
    report: Report,
    stop: Stop,
    cost_only: bool,
) -> tuple[Servers | None, Chosen | None, list[Reason]]:
    model, end = fleet.model, fleet.policy.demand
    tiers = server_tiers(model, model.postgres.cluster_tiers, end)
    price_of = [prices.of(party.region, tier.node_demand) for tier in tiers]
    to_be_had = [tier for tier, price in zip(tiers, price_of, strict=True) if price is not None]
    if not to_be_had:
        return None, None, [no_tier(fleet, party.region, tiers)]
    figures = figures_of(fleet, party.rows, "clusters")
    through = has_pgbouncers(model, len(fleet.services))
    demand = pooled_demand(fleet, figures) if through else direct_demand(fleet, figures)
    most_clients = client_limit(model, end) if through else None
    fits = np.zeros(len(party.rows), bool)
    for tier in to_be_had:
        fits |= tier.holds(demand.amount)
    if most_clients is not None:
        fits &= demand.amount[:, CLIENTS] <= most_clients
    reasons = _reasons(fleet, party, demand, ~fits, tiers, to_be_had, most_clients)
    here = np.flatnonzero(fits)
    if not len(here):
        return None, None, reasons
    services = fleet.services[party.rows[here]]
    clients = demand.amount[here, CLIENTS]
    offered = cluster_kinds(
        tiers,
        price_of,
        mixtures(model, end),
        most_clients=int(clients.sum()) if most_clients is None else most_clients,
        num_services=len(here),
    )
    amount = with_profiles(demand.amount[here], services["load_profile"].to_list(), offered.profiles)
    order = canonical_order(amount, services["domain"].to_list())
    amount, services = amount[order], services[order]
    names, domains = services["service"].to_list(), services["domain"].to_list()
    chosen = choose_clusters(
        "postgres",
        party.region,
        party.group,
        names,
        amount,
        offered.kinds,
        options,
        report,
        stop,
        cost_only=cost_only,
    )
    even = np.arange(amount.shape[1]) < NUM_SERVER_RESOURCES
    even[CLIENTS] = most_clients is not None
    if not cost_only:
        chosen = brought_together(chosen, amount, offered.kinds, domains, even, options, stop)
    cluster_of = np.empty(len(here), np.int64)
    cluster_of[order] = chosen.cluster_of
    num_before = num_pgbouncers(model, end) if through else 0
    made = servers(
        party.rows[here],
        figures.of(here),
        demand.of(here),
        cluster_of,
        "clusters",
        [tiers[offered.tier_of[kind]].name for kind in chosen.kind_of.tolist()],
        np.full(len(chosen.kind_of), num_before, np.int64),
    )
    return made, chosen, reasons


def _reasons(
    fleet: Fleet,
    party: Party,
    demand: Demand,
    without: BoolArray,
    tiers: Sequence[ServerTier],
    to_be_had: Sequence[ServerTier],
    most_clients: int | None,
) -> list[Reason]:
    reasons = []
    for n in np.flatnonzero(without).tolist():
        amount = demand.amount[n]
        service = fleet.services["service"][int(party.rows[n])]
        limited = [_with_clients(tier, most_clients) for tier in to_be_had]
        every = [_with_clients(tier, most_clients) for tier in tiers]
        holding = next((tier.name for tier in every if tier.holds(amount[None, :])[0]), "")
        reasons.append(too_large(service, amount, limited, "clusters", party.region, holds=holding))
    return reasons


def _with_clients(tier: ServerTier, most_clients: int | None) -> ServerTier:
    """Return a tier with the PgBouncers' limit on clients among its own."""
    if most_clients is None:
        return tier
    limits = tuple(most_clients if r == CLIENTS else limit for r, limit in enumerate(tier.limits))
    return dataclasses.replace(tier, limits=limits)
