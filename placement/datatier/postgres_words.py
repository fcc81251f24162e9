"""What is said of databases for which there is no plan, or another than the model has: with the figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from placement.capacity import CapacityModel
from placement.datatier.postgres_figures import CLIENTS, SERVER_RESOURCES, SERVER_UNITS, ServerTier
from placement.errors import Reason
from placement.plan.types import Alert
from placement.units import IntArray

_CHANGES = {
    "connections": "lower db_connections or instances, or set policy.postgres to clusters, whose PgBouncers pool them",
    "clients": "lower db_connections or instances, or raise pgbouncer.max_client_conn in the model",
    "storage": "lower db_storage_gb or db_rows by splitting the service, or give the model a larger tier",
    "cpu": "split the service, or give the model a larger tier",
    "memory": "lower db_connections, or give the model a larger tier",
    "network": "split the service, or give the model a larger tier",
}


def _excess(
    amount: IntArray, tiers: Sequence[ServerTier], prices: Sequence[int | None]
) -> tuple[ServerTier, int, int, int] | None:
    """Return the largest tier to be had, the column most beyond it, what is asked for and the limit; None: no tier."""
    there = [tier for tier, price in zip(tiers, prices, strict=True) if price is not None]
    if not there:
        return None
    limits = np.array(there[-1].limits, np.int64)
    worst = int(np.argmax(amount / np.maximum(limits, 1)))
    return there[-1], worst, int(amount[worst]), int(limits[worst])


def _outer(column: int, amount: int) -> str:
    unit, factor = SERVER_UNITS[column]
    return f"{amount / factor:,g} {unit}"


def database_too_large(
    service: str,
    amount: IntArray,
    tiers: Sequence[ServerTier],
    prices: Sequence[int | None],
    most_clients: int,
) -> Reason:
    """Return the reason of a service that no server is large enough for.

    Parameters
    ----------
    amount
        int64[num_server_resources]: what it asks for.
    most_clients
        What PgBouncers in front of one server take.
    """
    found = _excess(amount, tiers, prices)
    if found is None:
        return no_host(service, tiers)
    tier, worst, asked, limit = found
    if amount[CLIENTS] > most_clients:
        worst, asked, limit = CLIENTS, int(amount[CLIENTS]), most_clients
    factor = SERVER_UNITS[worst][1]
    return Reason(
        "database-too-large",
        f"{service}: its database needs {_outer(worst, asked)} ({SERVER_RESOURCES[worst]}); the largest tier, "
        f"{tier.name}, may give {_outer(worst, limit)}",
        service=service,
        resource=SERVER_RESOURCES[worst],
        value=asked / factor,
        limit=limit / factor,
        repair=_CHANGES[SERVER_RESOURCES[worst]],
    )


def no_host(service: str, tiers: Sequence[ServerTier]) -> Reason:
    """Return the reason of a service in a region in which no host can carry a server of any tier."""
    names = ", ".join(tier.name for tier in tiers)
    return Reason(
        "too-large",
        f"{service}: no host that the pool databases may use holds a node of any tier ({names})",
        service=service,
        repair="allow larger sizes in policy.pool_sizes, or give the model a smaller tier",
    )


def server_too_small(
    region: str, group: str, total: IntArray, tiers: Sequence[ServerTier], prices: Sequence[int | None]
) -> Reason:
    """Return the reason of services that policy wants on one server that none is large enough for."""
    found = _excess(total, tiers, prices)
    where = f"region {region}, sensitivity {group}"
    if found is None:
        return no_host(where, tiers)
    tier, worst, asked, limit = found
    factor = SERVER_UNITS[worst][1]
    return Reason(
        "server-too-small",
        f"{where}: policy.postgres asks for single, and the databases need {_outer(worst, asked)} "
        f"({SERVER_RESOURCES[worst]}) together; the largest server, of tier {tier.name}, may give "
        f"{_outer(worst, limit)}",
        resource=SERVER_RESOURCES[worst],
        value=asked / factor,
        limit=limit / factor,
        repair="set policy.postgres to clusters for these services, or to auto",
    )


def goes_on(region: str, group: str, num_services: int) -> Alert:
    """Return the alert on services that are too much for one server and get clusters."""
    return Alert(
        level="warning",
        metric="PostgreSQL arrangement",
        where=f"region {region}, sensitivity {group}",
        value=num_services,
        limit=0,
        advice="one server is too small for these services, so they get clusters; set policy.postgres to say so",
    )


def full_alerts(model: CapacityModel, clusters: pl.DataFrame) -> tuple[Alert, ...]:
    """Return alerts on servers whose planned connections are beyond the model's thresholds, the fullest one named."""
    threshold = model.alert_thresholds.get("postgres-connections")
    if threshold is None or clusters.is_empty():
        return ()
    share = (clusters["connections_used"] / clusters["max_connections"]).to_numpy()
    worst = int(share.argmax())
    levels = (("critical", threshold.critical), ("warning", threshold.warning))
    for level, limit in levels:
        over = int((share > limit + 1e-9).sum())
        if over:
            more = f" and {over - 1} more servers" if over > 1 else ""
            return (
                Alert(
                    level="critical" if level == "critical" else "warning",
                    metric=threshold.metric,
                    where=f"{clusters['cluster'][worst]}{more}",
                    value=round(float(share[worst]), 6),
                    limit=float(limit),
                    advice="lower postgres.limits.connections in the model, or the pools of these services",
                ),
            )
    return ()
