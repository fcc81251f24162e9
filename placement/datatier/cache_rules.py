"""Arrangements that leave no choice but the size: a single server, a replicated one, one sharded cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placement.datatier.arrangement import VALKEY_ARRANGEMENTS
from placement.datatier.cache_bound import one_server_certificate
from placement.datatier.cache_kinds import CacheKind
from placement.datatier.cache_sets import Cache, CacheServices, CacheSet
from placement.datatier.cache_words import goes_on, too_small
from placement.errors import Reason
from placement.plan.types import Alert, Certificate
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
            decided.caches.append(Cache(these, fitting[0], rows, total))
            decided.certificates.append(
                one_server_certificate(
                    these.region,
                    f"{these.name}/{mode}",
                    services.names[int(rows[0])],
                    [kind.as_choice for kind in fitting],
                )
            )
    rows = rows_of["cluster"]
    total = services.total_mb(rows)
    kind = cheapest(kinds["cluster"], total)
    if kind is None:
        decided.left = merged(decided.left, rows)
        decided.alerts.append(goes_on(these, "cluster", "several clusters", total, kinds["cluster"]))
    elif len(rows):
        decided.caches.append(Cache(these, kind, rows, total))
    return decided


def cheapest(kinds: Sequence[CacheKind], total_mb: int) -> CacheKind | None:
    """Return the cheapest kind that holds so much: of equals that of fewest nodes, then that of the smaller tier."""
    return min((kind for kind in kinds if kind.limit_mb >= total_mb), key=lambda kind: kind.price, default=None)


def merged(rows: IntArray, more: IntArray) -> IntArray:
    """Return the rows of both, ascending."""
    return np.sort(np.concatenate([rows, more]))
