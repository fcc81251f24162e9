"""PostgreSQL: from what services ask for to servers, dedicated and shared, and the workloads that their nodes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier.arrangement import POSTGRES_ARRANGEMENTS, postgres_arrangements
from placement.datatier.choice import choice_of
from placement.datatier.dedicated import dedicated_servers
from placement.datatier.node_price import NodePrices
from placement.datatier.postgres_servers import ServerTables, all_servers, tables
from placement.datatier.shared import chosen_clusters, single_servers
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.packing.options import Options, Report, Stop
from placement.plan.types import Alert, Certificate, PostgresSummary

_THRESHOLD = "postgres-connections"
_SLACK = 1e-9
"""Shares are quotients: one at a threshold is not beyond it."""


@dataclass(frozen=True)
class PostgresTier:
    """PostgreSQL of a fleet.

    Parameters
    ----------
    databases, clusters
        Frames with `DATABASES_SCHEMA` and `POSTGRES_CLUSTERS_SCHEMA`, sorted.
    workloads
        A frame with `WORKLOADS_SCHEMA`, sorted: the nodes of each server, pool `databases`. How many PgBouncers
        stand before a cluster is in `clusters`; they run in another pool.
    certificates
        Proofs of the choice of clusters, by region and isolation group.
    alerts
        Connections beyond the model's thresholds, and services that `auto` had to arrange in another way.
    reasons
        Why there is no plan; empty: there is one.
    """

    databases: pl.DataFrame
    clusters: pl.DataFrame
    workloads: pl.DataFrame
    certificates: tuple[Certificate, ...]
    summary: PostgresSummary
    alerts: tuple[Alert, ...]
    reasons: tuple[Reason, ...]


def plan_postgres(
    fleet: Fleet, options: Options, report: Report, stop: Stop, *, cost_only: bool = False
) -> PostgresTier:
    """Arrange the databases of a fleet.

    Parameters
    ----------
    fleet
        What needs databases, by which policy.
    options
        `time_limit_s` is that of choosing clusters, all together.
    report
        Called with the best price of clusters and its bound, for each region.
    stop
        Asked often; True ends the search with the best so far.
    cost_only
        Leave clusters as they were chosen: domains are not brought together, fills not evened.
    """
    arranged = postgres_arrangements(fleet)
    takes_part = fleet.services["needs_postgres"].to_numpy()
    rows = {word: np.flatnonzero(arranged.are(word) & takes_part) for word in POSTGRES_ARRANGEMENTS}
    prices = NodePrices(fleet, "databases")
    single, elsewhere, alerts, reasons = single_servers(fleet, rows["single"], arranged.is_forced, prices)
    in_clusters = np.sort(np.concatenate((rows["clusters"], elsewhere)))
    chosen = chosen_clusters(fleet, in_clusters, prices, options, report, stop, cost_only=cost_only)
    dedicated, too_large = dedicated_servers(fleet, rows["dedicated"], prices)
    every = {reason.message: reason for reason in (*reasons, *chosen.reasons, *too_large)}
    made = tables(fleet, all_servers([*single, *chosen.servers, dedicated]), prices)
    return PostgresTier(
        databases=made.databases,
        clusters=made.clusters,
        workloads=made.workloads,
        certificates=chosen.certificates,
        summary=_summary(fleet, made, chosen.bound),
        alerts=(*alerts, *_connection_alerts(fleet, made.clusters)),
        reasons=(*every.values(), *_clashes(made)),
    )


def _summary(fleet: Fleet, made: ServerTables, bound: int) -> PostgresSummary:
    clusters = made.clusters
    counts = dict(made.databases["arrangement"].value_counts().iter_rows())
    shared = made.databases.filter(pl.col("arrangement") != "dedicated").join(
        fleet.services.select("service", "domain"), on="service", maintain_order="left"
    )
    pairs = shared.filter(pl.col("domain") != "").select("domain", "cluster").unique()
    nodes = clusters["nodes"].to_numpy()
    is_chosen = (clusters["arrangement"] == "clusters").to_numpy()
    cost = int((made.node_price_micros * nodes)[is_chosen].sum())
    return PostgresSummary(
        services={word: int(counts[word]) for word in POSTGRES_ARRANGEMENTS if word in counts},
        clusters=len(clusters),
        nodes=int(nodes.sum()),
        pgbouncers=int(clusters["pgbouncers"].sum()),
        storage_gb=int((np.rint(clusters["storage_gb_used"].to_numpy() * 1000).astype(np.int64) * nodes).sum()) / 1000,
        domain_spread=len(pairs),
        choice=choice_of(cost, bound) if is_chosen.any() else None,
    )


def _connection_alerts(fleet: Fleet, clusters: pl.DataFrame) -> list[Alert]:
    """Servers with more connections than the model's thresholds: an alert per level, the worst server named."""
    threshold = fleet.model.alert_thresholds.get(_THRESHOLD)
    if threshold is None or clusters.is_empty():
        return []
    share = clusters["connections_used"].to_numpy() / np.maximum(clusters["max_connections"].to_numpy(), 1)
    worst = int(share.argmax())
    alerts = []
    for level, limit in (("critical", threshold.critical), ("warning", threshold.warning)):
        over = int((share > limit + _SLACK).sum())
        if over:
            more = f" and {over - 1} more servers" if over > 1 else ""
            alerts.append(
                Alert(
                    level="critical" if level == "critical" else "warning",
                    metric=threshold.metric,
                    where=f"{clusters['cluster'][worst]}{more}",
                    value=round(float(share[worst]), 6),
                    limit=float(limit),
                    advice=f"lower postgres.limits.connections in the model to {limit:g}, or db_connections",
                )
            )
    return alerts


def _clashes(made: ServerTables) -> list[Reason]:
    return [
        Reason(
            kind="name-clash",
            message=f"two servers or databases would be called {name}",
            repair="rename one of the services",
        )
        for name in made.repeated
    ]
