"""Why a database has no place, as data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placement.datatier.postgres_figures import SERVER_RESOURCES, SERVER_UNITS, ServerTier
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.units import IntArray

_LOWER = {
    "connections": "lower db_connections or instances",
    "clients": "lower db_connections or instances",
    "storage": "lower db_storage_gb or db_rows",
    "cpu": "lower instances",
    "memory": "lower db_storage_gb, db_connections or instances",
    "network": "lower instances",
}
_ELSEWHERE = {
    "dedicated": "split the service, or add a larger tier to the model's postgres.tiers",
    "clusters": "split the service, set policy.postgres.services to dedicated for it, or add a larger tier to the "
    "model's postgres.cluster_tiers",
    "single": "set policy.postgres to clusters, or add a larger tier to the model's postgres.cluster_tiers",
}


def most_exceeded(amount: IntArray, limits: IntArray) -> int:
    """Return the server resource that is over its limit by the largest factor.

    Parameters
    ----------
    amount, limits
        int64[`NUM_SERVER_RESOURCES`].
    """
    return int((amount / np.maximum(limits, 1)).argmax())


def outer(resource: int, amount: int) -> float:
    """Return an internal amount of a server resource in the unit that people read."""
    factor = SERVER_UNITS[resource][1]
    return amount // factor if amount % factor == 0 else amount / factor


def too_large(
    service: str, amount: IntArray, tiers: Sequence[ServerTier], arrangement: str, region: str, *, holds: str
) -> Reason:
    """Return why a service's database fits no tier, or none that a host holds.

    Parameters
    ----------
    amount
        int64[`NUM_SERVER_RESOURCES`]: what it asks for.
    tiers
        Those that can be had in its region.
    holds
        A tier of the model that would hold it, had it a host; "": none would.
    """
    if holds:
        return Reason(
            kind="no-tier",
            service=service,
            message=f"service {service}: its database needs a server of tier {holds}, and no host of the pool "
            f"databases in region {region} can hold one of its nodes",
            repair=f"allow a size that holds a node of tier {holds} (policy.pool_sizes.databases)",
        )
    limits = np.array(tiers[-1].limits, np.int64)
    r = most_exceeded(amount, limits)
    unit = SERVER_UNITS[r][0]
    value, limit = outer(r, int(amount[r])), outer(r, int(limits[r]))
    resource = SERVER_RESOURCES[r]
    return Reason(
        kind="database-too-large",
        service=service,
        resource=resource,
        value=value,
        limit=limit,
        message=f"service {service}: its database asks for {value:,} {unit} ({resource}), the largest tier "
        f"({tiers[-1].name}) may give {limit:,}",
        repair=f"{_LOWER[resource]}, {_ELSEWHERE[arrangement]}",
    )


def no_tier(fleet: Fleet, region: str, tiers: Sequence[ServerTier]) -> Reason:
    """Return that no host of a region can hold a node of any tier."""
    sizes = ", ".join(fleet.policy.pool_sizes.get("databases", list(fleet.buyable))) or "none"
    return Reason(
        kind="no-tier",
        message=f"region {region}: no host of the pool databases can hold a node of any tier of PostgreSQL "
        f"({', '.join(tier.name for tier in tiers)}); sizes that may be bought: {sizes}",
        repair=f"allow a size that holds a node of tier {tiers[0].name} (policy.pool_sizes.databases, sizes)",
    )


def server_too_small(
    region: str, group: str, num_services: int, amount: IntArray, tiers: Sequence[ServerTier]
) -> Reason:
    """Return that a single server, as the policy wants it, cannot hold all services of a region and isolation group."""
    limits = np.array(tiers[-1].limits, np.int64)
    r = most_exceeded(amount, limits)
    unit = SERVER_UNITS[r][0]
    value, limit = outer(r, int(amount[r])), outer(r, int(limits[r]))
    return Reason(
        kind="server-too-small",
        resource=SERVER_RESOURCES[r],
        value=value,
        limit=limit,
        message=f"region {region}, data of {group}: {num_services:,} services on a single server ask for {value:,} "
        f"{unit} ({SERVER_RESOURCES[r]}), the largest tier ({tiers[-1].name}) may give {limit:,}",
        repair=_ELSEWHERE["single"],
    )
