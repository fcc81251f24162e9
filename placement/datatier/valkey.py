"""Caches: which Valkeys there are, who is in which, and their nodes as workloads.

Services of one region, isolation group and function are planned together. By arrangement they share one server or one
cluster (`cache_rules`), or get as many clusters as are best: the cheapest mix of them (`cache_mix`, `cache_cut`),
filled with domains together (`cache_fill`), or what the packing engine chooses where caches are few or large.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier.arrangement import VALKEY_ARRANGEMENTS
from placement.datatier.cache_cut import cut_up
from placement.datatier.cache_fill import fill_clusters
from placement.datatier.cache_kinds import CacheKind, cache_kinds
from placement.datatier.cache_mix import CacheMix, cheapest_mix
from placement.datatier.cache_rules import Decisions, decide_by_rule, one_server_certificate
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

_NEAR = 1e-3
"""Clusters that cost so little more than is proven are not searched any further."""
_TRIES = 3
"""Where caches do not fit into the cheapest mix, mixes of a node's capacity more are tried, so many in all."""


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
            if len(decided.left):
                kinds = kinds_of[these.region]["cluster"]
                caches, proof = _choose(these, decided.left, services, kinds, timed, report, stop)
                decided.caches += caches
                decided.certificates.append(proof)
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


def _choose(
    these: CacheSet,
    rows: IntArray,
    services: CacheServices,
    kinds: Sequence[CacheKind],
    options: Options,
    report: Report,
    stop: Stop,
) -> tuple[list[Cache], Certificate]:
    """Return as many sharded clusters as are best for services, and the proof of what they cost at least."""
    total = services.total_mb(rows)
    if not total:  # nothing is kept: any cluster will do
        kind = min(kinds, key=lambda kind: kind.price)
        proof = one_server_certificate(these.region, these.name, services.names[int(rows[0])], kinds)
        return [Cache(these, kind, rows, total)], proof
    memory_mb = services.memory_mb[rows]
    mix = cheapest_mix(these.region, these.name, total, kinds)
    proof = mix.certificate
    filled = _filled(these, mix, total, memory_mb, services.domain_codes[rows], kinds, options.seed)
    if filled is not None and filled.price <= proof.bound_micros_per_hour * (1 + max(_NEAR, options.target_gap)):
        return _caches(these, rows, services, kinds, filled), proof
    # few or large caches: it matters how they are cut up
    chosen = choose_clusters(
        "valkey",
        these.region,
        these.name,
        [services.names[row] for row in rows.tolist()],
        memory_mb[:, None],
        [kind.as_choice for kind in kinds],
        options,
        report,
        stop,
    )
    proof = max(proof, chosen.certificate, key=lambda certificate: certificate.bound_micros_per_hour)
    if filled is None or chosen.cost < filled.price:
        filled = _Filled(chosen.kind_of.tolist(), chosen.cluster_of, chosen.cost)
    return _caches(these, rows, services, kinds, filled), proof


@dataclass(frozen=True)
class _Filled:
    """Clusters as positions in the kinds, int64[num_services] the cluster of each service, micros per hour."""

    kind_of: list[int]
    cluster_of: IntArray
    price: int


def _filled(
    these: CacheSet,
    mix: CacheMix,
    total_mb: int,
    memory_mb: IntArray,
    domain: IntArray,
    kinds: Sequence[CacheKind],
    seed: int,
) -> _Filled | None:
    """Return services in the clusters of a mix, or of one that holds a little more; None where they did not fit in."""
    unit_mb = min(kind.limit_mb // kind.primaries for kind in kinds)
    for wanted_mb in range(total_mb, total_mb + _TRIES * unit_mb, unit_mb):
        if wanted_mb > total_mb:
            mix = cheapest_mix(these.region, these.name, wanted_mb, kinds)
        kind_of = cut_up(wanted_mb, mix.price, mix.primaries, kinds, seed)
        cluster_of = fill_clusters(memory_mb, domain, [kinds[kind].limit_mb for kind in kind_of])
        if cluster_of is not None:
            used = np.unique(cluster_of)
            kind_of = [kind_of[cluster] for cluster in used.tolist()]
            return _Filled(kind_of, np.searchsorted(used, cluster_of), sum(kinds[kind].price for kind in kind_of))
    return None


def _caches(
    these: CacheSet, rows: IntArray, services: CacheServices, kinds: Sequence[CacheKind], filled: _Filled
) -> list[Cache]:
    members = [rows[filled.cluster_of == cluster] for cluster in range(len(filled.kind_of))]
    return [
        Cache(these, kinds[kind], of_cluster, services.total_mb(of_cluster))
        for kind, of_cluster in zip(filled.kind_of, members, strict=True)
    ]


def _tier(fleet: Fleet, services: CacheServices, decisions: Sequence[Decisions], reasons: list[Reason]) -> ValkeyTier:
    caches = [cache for decided in decisions for cache in decided.caches]
    certificates = [certificate for decided in decisions for certificate in decided.certificates]
    names = cache_names(caches, services)
    table = caches_frame(caches, names, services)
    clusters = clusters_frame(fleet, caches, names, services)
    domains = fleet.services.select("service", "domain").filter(pl.col("domain") != "")
    by_mode = dict(clusters.group_by("mode").agg(pl.col("services").sum()).iter_rows())
    num_federated = sum(len(decided.left) for decided in decisions)
    by_mode |= {"cluster": by_mode.get("cluster", 0) - num_federated, "federated": num_federated}
    summary = ValkeySummary(
        services={mode: by_mode[mode] for mode in VALKEY_ARRANGEMENTS if by_mode.get(mode)},
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
