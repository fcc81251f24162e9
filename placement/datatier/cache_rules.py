"""Arrangements that leave no choice but the size: a single server, a replicated one, one sharded cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placement.datatier.arrangement import VALKEY_ARRANGEMENTS
from placement.datatier.cache_kinds import CacheKind
from placement.datatier.cache_sets import Cache, CacheServices, CacheSet
from placement.datatier.cache_words import goes_on, too_small
from placement.errors import Reason
from placement.plan.types import Alert, Certificate, CountingProof, HostClass, Leaf
from placement.units import IntArray


@dataclass
class Decisions:
    """What has been decided on a set of services so far.

    Parameters
    ----------
    left
        int64: rows of the services that get as many clusters as are best.
    """

    left: IntArray
    caches: list[Cache] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def open(
        self,
        these: CacheSet,
        services: CacheServices,
        kind: CacheKind,
        rows: IntArray,
        fitting: Sequence[CacheKind],
    ) -> None:
        """Put services into one Valkey; `fitting` are all kinds that hold them together."""
        self.caches.append(Cache(these, kind, rows, services.total_mb(rows)))
        first = services.names[int(rows[0])]
        group = f"{these.name}/{kind.mode}"
        self.certificates.append(one_server_certificate(these.region, group, first, fitting))


def decide_by_rule(these: CacheSet, services: CacheServices, kinds: dict[str, tuple[CacheKind, ...]]) -> Decisions:
    """Decide on the services that share one Valkey.

    Of more services than one server holds those go on to a cluster whose arrangement the policy leaves open; of more
    than one cluster holds, all do.

    Parameters
    ----------
    kinds
        By mode, as `cache_kinds.cache_kinds` has them; none empty.
    """
    code = services.arrangements.code[these.rows]
    rows_of = {word: these.rows[code == number] for number, word in enumerate(VALKEY_ARRANGEMENTS)}
    decided = Decisions(rows_of["federated"])
    for mode in ("single", "replicated"):
        rows = rows_of[mode]
        largest = max(kinds[mode], key=lambda kind: kind.limit_mb)
        if services.total_mb(rows) > largest.limit_mb:
            is_forced = services.arrangements.is_forced[rows]
            if not is_forced.all():
                rows_of["cluster"] = merged(rows_of["cluster"], rows[~is_forced])
                decided.alerts.append(goes_on(these, mode, "a cluster", services.total_mb(rows), kinds[mode]))
            rows = rows[is_forced]
        total = services.total_mb(rows)
        if total > largest.limit_mb:
            decided.reasons.append(too_small(these, mode, total, largest))
        elif len(rows):
            fitting = [kind for kind in kinds[mode] if kind.limit_mb >= total]
            decided.open(these, services, fitting[0], rows, fitting)
    rows = rows_of["cluster"]
    total = services.total_mb(rows)
    fitting = [kind for kind in kinds["cluster"] if kind.limit_mb >= total]
    if not fitting:
        decided.left = merged(decided.left, rows)
        decided.alerts.append(goes_on(these, "cluster", "several clusters", total, kinds["cluster"]))
    elif len(rows):
        # of equally cheap kinds the first: that of fewest nodes, then that of the smaller tier
        decided.open(these, services, min(fitting, key=lambda kind: kind.price), rows, fitting)
    return decided


def one_server_certificate(region: str, group: str, service: str, kinds: Sequence[CacheKind]) -> Certificate:
    """Return the proof that one Valkey at least is paid, of the cheapest kind.

    Parameters
    ----------
    service
        Any that needs one.
    kinds
        All kinds that it may be in.
    """
    return Certificate(
        pool="valkey",
        region=region,
        group=group,
        bound_micros_per_hour=min(kind.price for kind in kinds),
        classes=tuple(HostClass(buyable=kind.as_choice.name) for kind in kinds),
        tree=Leaf(proof=CountingProof(service=service, num_hosts=1)),
    )


def merged(rows: IntArray, more: IntArray) -> IntArray:
    """Return the rows of both, ascending."""
    return np.sort(np.concatenate([rows, more]))
