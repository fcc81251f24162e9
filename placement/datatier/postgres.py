"""The databases of a fleet: which server each service uses, what the servers are, and their nodes as workloads.

Region by region: services of one server (`single`), services with a server of their own (`dedicated`), and services
that share servers chosen at lowest price (`clusters`). A single server too small for an `auto` fleet becomes clusters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from placement.datatier import postgres_words as words
from placement.datatier.arrangement import Arrangements, postgres_arrangements
from placement.datatier.choice import choice_of, choose_clusters
from placement.datatier.groups import group_of_services, isolation_groups
from placement.datatier.node_price import NodePrices
from placement.datatier.postgres_clusters import cluster_kinds, mixtures, with_profiles
from placement.datatier.postgres_figures import (
    CLIENTS,
    UNLIMITED,
    Demand,
    Figures,
    ServerTier,
    client_limit,
    direct_demand,
    figures_of,
    has_pgbouncers,
    pooled_demand,
    server_tiers,
)
from placement.datatier.postgres_servers import Servers
from placement.datatier.postgres_tables import clusters_frame, databases_frame, named, summary_of, workloads_frame
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.packing.options import Options, Report, Stop
from placement.plan.types import Alert, Certificate, PostgresSummary
from placement.units import BoolArray, IntArray


@dataclass(frozen=True)
class PostgresTier:
    """The databases of a fleet.

    Parameters
    ----------
    databases, clusters
        databases.csv and postgres_clusters.csv.
    workloads
        Nodes of the servers (`placement.workloads`).
    certificates
        A proof per region and isolation group of what shared clusters cost at least, by the price of their nodes.
    reasons
        Why there is no plan; the rest is then of no use.
    """

    databases: pl.DataFrame
    clusters: pl.DataFrame
    workloads: pl.DataFrame
    certificates: tuple[Certificate, ...]
    summary: PostgresSummary
    alerts: tuple[Alert, ...] = ()
    reasons: tuple[Reason, ...] = ()


def plan_postgres(fleet: Fleet, options: Options, report: Report, stop: Stop) -> PostgresTier:
    """Plan the databases of a fleet.

    Parameters
    ----------
    report, stop
        Told of the progress of choices, and asked whether to end them.
    """
    planner = _Planner(fleet, options, report, stop)
    for region in sorted(set(fleet.services.filter("needs_postgres")["region"])):
        planner.plan_region(region)
    servers = named(fleet, planner.servers)
    clusters = clusters_frame(servers)
    bound = sum(certificate.bound_micros_per_hour for certificate in planner.certificates)
    choice = choice_of(planner.cost, bound) if planner.certificates else None
    return PostgresTier(
        databases=databases_frame(servers),
        clusters=clusters,
        workloads=workloads_frame(servers),
        certificates=tuple(planner.certificates),
        summary=summary_of(servers, clusters, choice),
        alerts=(*planner.alerts, *words.full_alerts(fleet.model, clusters)),
        reasons=tuple(planner.reasons),
    )


@dataclass
class _Planner:
    """Collects servers, proofs and what is to be said, region by region."""

    fleet: Fleet
    options: Options
    report: Report
    stop: Stop
    servers: list[Servers] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    cost: int = 0

    def __post_init__(self) -> None:
        model, end = self.fleet.model, self.fleet.policy.demand
        self.start = time.monotonic()
        self.arrangements: Arrangements = postgres_arrangements(self.fleet)
        self.groups = isolation_groups(model.grouping)
        self.group_of = group_of_services(self.fleet, self.groups)
        self.prices = NodePrices(self.fleet, "databases")
        self.own_tiers = server_tiers(model, model.postgres.tiers, end)
        self.shared_tiers = server_tiers(model, model.postgres.cluster_tiers, end)
        self.client_limit = client_limit(model, end)

    def plan_region(self, region: str) -> None:
        """Plan the databases of one region."""
        services = self.fleet.services
        here = ((services["region"] == region) & services["needs_postgres"]).to_numpy()
        rows_of = {word: np.flatnonzero(here & self.arrangements.are(word)) for word in self.arrangements.words}
        shared = rows_of["clusters"]
        for group in np.unique(self.group_of[rows_of["single"]]).tolist():
            rows = rows_of["single"][self.group_of[rows_of["single"]] == group]
            shared = np.concatenate((shared, self._single(region, group, rows)))
        if len(rows_of["dedicated"]):
            self._dedicated(region, rows_of["dedicated"])
        shared = np.sort(shared)
        for group in np.unique(self.group_of[shared]).tolist():
            self._clusters(region, group, shared[self.group_of[shared] == group])

    def _prices_of(self, region: str, tiers: Sequence[ServerTier]) -> list[int | None]:
        return [self.prices.of(region, tier.node_demand) for tier in tiers]

    def _add(
        self,
        arrangement: str,
        region: str,
        rows: IntArray,
        server_of: IntArray,
        tier_of: IntArray,
        figures: Figures,
        demand: Demand,
        is_pooled: BoolArray,
    ) -> None:
        tiers = self.own_tiers if arrangement == "dedicated" else self.shared_tiers
        prices = tuple(price or 0 for price in self._prices_of(region, tiers))
        self.servers.append(
            Servers(arrangement, region, rows, server_of, tier_of, tiers, prices, figures, demand, is_pooled)
        )

    def _single(self, region: str, group: int, rows: IntArray) -> IntArray:
        """Put services on one server; return those that go on to clusters because they are too much for one."""
        is_forced = self.arrangements.is_forced[rows]
        tier = self._smallest(region, rows)
        passed_on = rows[:0]
        if tier is None and not is_forced.all():
            passed_on, rows = rows[~is_forced], rows[is_forced]
            self.alerts.append(words.goes_on(region, self.groups[group].name, len(passed_on)))
            tier = self._smallest(region, rows) if len(rows) else None
        if len(rows) and tier is None:
            figures = figures_of(self.fleet, rows, "single")
            total = direct_demand(self.fleet, figures).amount.sum(axis=0)
            name = self.groups[group].name
            prices = self._prices_of(region, self.shared_tiers)
            self.reasons.append(words.server_too_small(region, name, total, self.shared_tiers, prices))
        elif len(rows) and tier is not None:
            figures = figures_of(self.fleet, rows, "single")
            demand = direct_demand(self.fleet, figures)
            none = np.zeros(len(rows), np.int64)
            self._add("single", region, rows, none, np.array([tier]), figures, demand, np.zeros(1, bool))
        return passed_on

    def _smallest(self, region: str, rows: IntArray) -> int | None:
        """Return the smallest tier of shared servers that holds all of these services, or None."""
        total = direct_demand(self.fleet, figures_of(self.fleet, rows, "single")).amount.sum(axis=0)
        prices = self._prices_of(region, self.shared_tiers)
        fitting = (
            position
            for position, (tier, price) in enumerate(zip(self.shared_tiers, prices, strict=True))
            if price is not None and (total <= np.array(tier.limits, np.int64)).all()
        )
        return next(fitting, None)

    def _dedicated(self, region: str, rows: IntArray) -> None:
        """Give each service the smallest server that holds it, through PgBouncers where it has too many clients."""
        figures = figures_of(self.fleet, rows, "dedicated")
        direct, pooled = direct_demand(self.fleet, figures), pooled_demand(self.fleet, figures)
        prices = self._prices_of(region, self.own_tiers)
        tier_of = _smallest_tiers(direct.amount, self.own_tiers, prices)
        through = (tier_of < 0) & (figures.clients <= self.client_limit)
        tier_of[through] = _smallest_tiers(pooled.amount[through], self.own_tiers, prices)
        too_large = np.flatnonzero(tier_of < 0)
        for at in too_large.tolist():
            name = self.fleet.services["service"][int(rows[at])]
            amount = direct.amount[at] if figures.clients[at] > self.client_limit else pooled.amount[at]
            self.reasons.append(words.database_too_large(name, amount, self.own_tiers, prices, self.client_limit))
        if len(too_large):
            return
        demand = Demand(
            np.where(through[:, None], pooled.amount, direct.amount),
            np.where(through, pooled.pool_size, 0),
            np.where(through, pooled.reserve_size, 0),
        )
        self._add("dedicated", region, rows, np.arange(len(rows)), tier_of, figures, demand, through)

    def _clusters(self, region: str, group: int, rows: IntArray) -> None:
        """Choose shared servers for services of one isolation group."""
        fleet, model, end = self.fleet, self.fleet.model, self.fleet.policy.demand
        is_pooled = has_pgbouncers(model, len(fleet.services))
        figures = figures_of(fleet, rows, "clusters")
        demand = (pooled_demand if is_pooled else direct_demand)(fleet, figures)
        most_clients = self.client_limit if is_pooled else UNLIMITED
        prices = self._prices_of(region, self.shared_tiers)
        kinds = cluster_kinds(
            self.shared_tiers, prices, mixtures(model, end), most_clients=most_clients, num_services=len(rows)
        )
        alone = _smallest_tiers(demand.amount, self.shared_tiers, prices)
        too_large = np.flatnonzero((alone < 0) | (demand.amount[:, CLIENTS] > most_clients))
        for at in too_large.tolist():
            name = fleet.services["service"][int(rows[at])]
            self.reasons.append(
                words.database_too_large(name, demand.amount[at], self.shared_tiers, prices, most_clients)
            )
        if len(too_large):
            return
        services = fleet.services[rows]
        amount = with_profiles(demand.amount, services["load_profile"].to_list(), kinds.profiles)
        # what is more than all services together never binds
        limits = amount.sum(axis=0)
        clipped = [
            replace(kind, limits=tuple(np.minimum(np.array(kind.limits, np.int64), limits).tolist()))
            for kind in kinds.kinds
        ]
        chosen = choose_clusters(
            "postgres",
            region,
            self.groups[group].name,
            services["service"].to_list(),
            amount,
            clipped,
            self._timed(),
            self.report,
            self.stop,
        )
        self.cost += chosen.cost
        self.certificates.append(chosen.certificate)
        cluster_of = _together(chosen.kind_of, chosen.cluster_of, amount, services, clipped, self)
        tier_of = np.array(kinds.tier_of, np.int64)[chosen.kind_of]
        pooled = np.full(len(chosen.kind_of), is_pooled)
        self._add("clusters", region, rows, cluster_of, tier_of, figures, demand, pooled)

    def _timed(self) -> Options:
        limit_s = self.options.time_limit_s
        if limit_s is None:
            return self.options
        return replace(self.options, time_limit_s=max(0.0, limit_s - (time.monotonic() - self.start)))


def _smallest_tiers(amount: IntArray, tiers: Sequence[ServerTier], prices: Sequence[int | None]) -> IntArray:
    """Return the first tier to be had that holds each demand alone, −1: none (int64[num])."""
    found = np.full(len(amount), -1, np.int64)
    for position in reversed(range(len(tiers))):
        if prices[position] is not None:
            found[tiers[position].holds(amount)] = position
    return found


def _together(
    kind_of: IntArray,
    cluster_of: IntArray,
    amount: IntArray,
    services: pl.DataFrame,
    kinds: Sequence[object],
    planner: object,
) -> IntArray:
    del kind_of, amount, services, kinds, planner
    return cluster_of


_Unused = Callable[[], None]
