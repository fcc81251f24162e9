"""Caches: which Valkeys there are, who is in which, and their nodes as workloads.

Services of one region, isolation group and function are planned together. By arrangement they share one server or one
cluster (`cache_rules`), or get as many clusters as the packing engine chooses, with their domains together.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from placement.datatier.cache_bound import one_server_certificate, whole_units_certificate
from placement.datatier.cache_kinds import CacheKind, cache_kinds
from placement.datatier.cache_rules import Decisions, cheapest, decide_by_rule
from placement.datatier.cache_sets import Cache, CacheServices, CacheSet, cache_services, cache_sets
from placement.datatier.cache_tables import cache_names, caches_frame, clusters_frame, workloads_frame
from placement.datatier.cache_words import no_host, too_large
from placement.datatier.choice import choice_of, choose_clusters
from placement.datatier.node_price import NodePrices
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.packing.options import Options, Report, Stop
from placement.plan.types import Alert, Certificate, ValkeySummary
from placement.units import IntArray


@dataclass(frozen=True)
class ValkeyTier:
    """The caches of a fleet.

    Parameters
    ----------
    caches, clusters
        caches.csv and valkey_clusters.csv.
    workloads
        Their nodes, with `placement.workloads.WORKLOADS_SCHEMA`.
    certificates
        Of what their nodes cost at least.
    alerts
        Where services are arranged otherwise than was asked for.
    reasons
        Why there is no plan; the rest is then incomplete.
    """

    caches: pl.DataFrame
    clusters: pl.DataFrame
    workloads: pl.DataFrame
    certificates: tuple[Certificate, ...]
    summary: ValkeySummary
    alerts: tuple[Alert, ...] = ()
    reasons: tuple[Reason, ...] = ()


def plan_valkey(fleet: Fleet, options: Options, report: Report, stop: Stop) -> ValkeyTier:
    """Plan the caches of a fleet.

    Parameters
    ----------
    report, stop
        Told of the progress of choices, and asked whether to end them.
    """
    services = cache_services(fleet)
    prices = NodePrices(fleet, "caches")
    sets = cache_sets(fleet)
    kinds_of = {region: cache_kinds(fleet, prices, region) for region in sorted({these.region for these in sets})}
    reasons = [no_host(region) for region, kinds in kinds_of.items() if not all(kinds.values())]
    decisions: list[Decisions] = []
    if not reasons:
        decisions = [decide_by_rule(these, services, kinds_of[these.region]) for these in sets]
        for these, decided in zip(sets, decisions, strict=True):
            largest = max(kinds_of[these.region]["cluster"], key=lambda kind: kind.limit_mb)
            beyond = decided.left[services.memory_mb[decided.left] > largest.limit_mb].tolist()
            reasons += decided.reasons
            reasons += [too_large(services.names[row], int(services.memory_mb[row]), largest) for row in beyond]
    if not reasons:
        clock = _Clock(options, [len(decided.left) for decided in decisions])
        for these, decided in zip(sets, decisions, strict=True):
            timed = clock.next_slice()
            _decide_sharded(these, decided, services, kinds_of[these.region]["cluster"], timed, report, stop)
    return _tier(fleet, services, decisions, reasons)


class _Clock:
    """Deals the time limit out to the sets, to each by its services that are left, of what is left when it begins."""

    def __init__(self, options: Options, waiting: Sequence[int]) -> None:
        self.options = options
        self.waiting = list(waiting)
        self.start = time.monotonic()

    def next_slice(self) -> Options:
        """Return the options of the next set."""
        limit_s = self.options.time_limit_s
        waiting, number = sum(self.waiting), self.waiting.pop(0)
        if limit_s is None or not number:
            return self.options
        left_s = max(0.0, limit_s - (time.monotonic() - self.start))
        return dataclasses.replace(self.options, time_limit_s=left_s * number / waiting)


def _decide_sharded(
    these: CacheSet,
    decided: Decisions,
    services: CacheServices,
    kinds: Sequence[CacheKind],
    options: Options,
    report: Report,
    stop: Stop,
) -> None:
    """Choose the clusters of the services that are left, and prove what the sharded clusters of the set cost."""
    by_rule = [cache for cache in decided.caches if cache.kind.mode == "cluster"]
    chosen: list[Cache] = []
    if len(decided.left):
        chosen, proof = _choose(these, decided.left, services, kinds, options, report, stop)
        decided.caches += chosen
    if by_rule:
        # one proof for what came by rule and what was chosen
        proof = _proof(these, [*by_rule, *chosen], services, kinds)
    if by_rule or chosen:
        decided.certificates.append(proof)


def _choose(
    these: CacheSet,
    rows: IntArray,
    services: CacheServices,
    kinds: Sequence[CacheKind],
    options: Options,
    report: Report,
    stop: Stop,
) -> tuple[list[Cache], Certificate]:
    """Return clusters for services, and the proof of what they cost at least."""
    total = services.total_mb(rows)
    one = cheapest(kinds, total)
    alone = [] if one is None else [Cache(these, one, rows, total)]
    if one is not None:
        proof = _proof(these, alone, services, kinds)
        if proof.bound_micros_per_hour == one.price:
            return alone, proof
    chosen = choose_clusters(
        "valkey",
        these.region,
        these.name,
        [services.names[row] for row in rows.tolist()],
        services.memory_mb[rows][:, None],
        [kind.as_choice for kind in kinds],
        options,
        report,
        stop,
    )
    caches = alone
    if one is None or chosen.cost < one.price:
        members = [rows[chosen.cluster_of == cluster] for cluster in range(len(chosen.kind_of))]
        caches = [
            Cache(these, kinds[kind], rows_in, services.total_mb(rows_in))
            for kind, rows_in in zip(chosen.kind_of.tolist(), members, strict=True)
        ]
    proofs = (_proof(these, caches, services, kinds), chosen.certificate)
    return caches, max(proofs, key=lambda certificate: certificate.bound_micros_per_hour)


def _proof(
    these: CacheSet, caches: Sequence[Cache], services: CacheServices, kinds: Sequence[CacheKind]
) -> Certificate:
    """Return what can be proven of sharded clusters without the engine."""
    choices = [kind.as_choice for kind in kinds]
    total, cost = sum(cache.used_mb for cache in caches), sum(cache.kind.price for cache in caches)
    if not total:
        return one_server_certificate(these.region, these.name, services.names[int(caches[0].rows[0])], choices)
    return whole_units_certificate(these.region, these.name, total, cost, choices)


def _tier(fleet: Fleet, services: CacheServices, decisions: Sequence[Decisions], reasons: list[Reason]) -> ValkeyTier:
    caches = [cache for decided in decisions for cache in decided.caches]
    certificates = [certificate for decided in decisions for certificate in decided.certificates]
    names = cache_names(caches, services)
    table = caches_frame(caches, names, services)
    clusters = clusters_frame(fleet, caches, names, services)
    domains = fleet.services.select("service", "domain").filter(pl.col("domain") != "")
    summary = ValkeySummary(
        services=dict(clusters.group_by("mode").agg(pl.col("services").sum()).sort("mode").iter_rows()),
        clusters=len(clusters),
        primaries=int(clusters["primaries"].sum()),
        replicas=int(clusters["replicas"].sum()),
        memory_mb_used=int(clusters["memory_mb_used"].sum()),
        memory_mb_limit=int(clusters["memory_mb_limit"].sum()),
        domain_spread=table.join(domains, on="service").select("domain", "cluster").n_unique(),
        choice=choice_of(
            sum(cache.kind.price for cache in caches),
            sum(certificate.bound_micros_per_hour for certificate in certificates),
        ),
    )
    return ValkeyTier(
        caches=table,
        clusters=clusters,
        workloads=workloads_frame(fleet, caches, names),
        certificates=tuple(sorted(certificates, key=lambda certificate: (certificate.region, certificate.group))),
        summary=summary,
        alerts=tuple(alert for decided in decisions for alert in decided.alerts),
        reasons=tuple(reasons),
    )
