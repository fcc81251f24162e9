"""What is said of caches for which there is no plan, or another than the policy or the model has: with the figures."""

from __future__ import annotations

from collections.abc import Sequence

from placement.datatier.cache_kinds import CacheKind
from placement.errors import Reason
from placement.plan.types import Alert


def no_host(region: str) -> Reason:
    """Return the reason of a region in which no host can carry a node of any tier."""
    return Reason(
        "too-large",
        f"region {region}: no host that the pool caches may use holds a node of any tier of valkey.node_tiers",
        repair="allow larger sizes in policy.pool_sizes, or give valkey.node_tiers a smaller tier",
    )


def too_small(of: object, mode: str, needed_mb: int, largest: CacheKind) -> Reason:
    """Return the reason of services that policy wants on one server that none is large enough for."""
    return Reason(
        "cache-too-small",
        f"{of}: policy.valkey asks for {mode}, and the caches need {needed_mb:,} MB together; the largest server, of "
        f"tier {largest.tier}, may hold {largest.limit_mb:,} MB",
        resource="memory",
        value=needed_mb,
        limit=largest.limit_mb,
        repair="set policy.valkey to cluster or federated for these services, or to auto",
    )


def too_large(service: str, needed_mb: int, largest: CacheKind) -> Reason:
    """Return the reason of a service whose cache no cluster is large enough for."""
    return Reason(
        "cache-too-large",
        f"{service}: its cache needs {needed_mb:,} MB; the largest cluster, of {largest.primaries} primaries of tier "
        f"{largest.tier}, may hold {largest.limit_mb:,} MB",
        service=service,
        resource="memory",
        value=needed_mb,
        limit=largest.limit_mb,
        repair="split the cache, or raise valkey.clusters.max_primaries or valkey.node_tiers in the model",
    )


def goes_on(of: object, mode: str, to: str, needed_mb: int, kinds: Sequence[CacheKind]) -> Alert:
    """Return the alert on services that are too much for one arrangement and go on to the next."""
    return Alert(
        level="warning",
        metric="cache arrangement",
        where=str(of),
        value=needed_mb,
        limit=max(kind.limit_mb for kind in kinds),
        advice=f"the caches need more MB than the largest {mode} Valkey may hold; they are planned as {to}",
    )
