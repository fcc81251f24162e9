"""Fleets for the tests of caches, and a second opinion on certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from placement.datatier.cache_kinds import CacheKind
from placement.datatier.valkey import ValkeyTier, plan_valkey
from placement.fleet import Fleet, fleet_from_frames
from placement.packing.options import Options
from placement.plan.types import Certificate, CountingProof, Leaf


def host_size(memory_mb: int, price: int) -> dict[str, list[str]]:
    """One size of host on which memory decides."""
    return {
        "size": ["host"],
        "cpu_cores": ["100"],
        "memory_mb": [str(memory_mb + 1_000)],
        "os_reserved_mb": ["1000"],
        "max_open_files": ["10000000"],
        "max_threads": ["100000"],
        "disk_gb": ["10000"],
        "nic_mbps": ["100000"],
        "price_per_hour": [str(price)],
    }


def cache_fleet(services: dict[str, list[Any]], valkey: Any = "auto", **others: Any) -> Fleet:
    """A fleet on hosts of which all may be used: a node of v-2 takes 2.5 % and costs 2.50, … v-32 40 % and 40."""
    policy = {"headroom": 1.0, "cpu_overcommit": 1.0, "network_limit": 1.0, "valkey": valkey} | others.pop("policy", {})
    others.setdefault("sizes", host_size(100_000, 100))
    return fleet_from_frames(name="test", services=services, model="rithmxo-1.0", policy=policy, **others)


def caches_of(memory_mb: Sequence[int], valkey: Any = "auto", *, idle: int = 0, **others: Any) -> Fleet:
    """A fleet of services with caches of so many MB, and of `idle` services without a cache."""
    columns = {
        "service": [f"s{n:05d}" for n in range(len(memory_mb) + idle)],
        "valkey_mb": [*(str(mb) for mb in memory_mb), *[""] * idle],
        "needs_valkey": [*["true"] * len(memory_mb), *["false"] * idle],
    }
    return cache_fleet(columns, valkey, **others)


def plan(fleet: Fleet, **options: Any) -> ValkeyTier:
    return plan_valkey(fleet, Options(**options), lambda progress: None, lambda: False)


def proven(certificate: Certificate, kinds: Sequence[CacheKind], memory_mb: Sequence[int]) -> int:
    """What a certificate proves, computed as plan/types.py defines it."""
    by_name = {kind.as_choice.name: kind for kind in kinds}
    classes = [by_name[host_class.buyable] for host_class in certificate.classes]
    divisor = math.gcd(*(kind.price for kind in classes))

    def below(node: Any, conditions: list[tuple[tuple[int, ...], int, int]]) -> int:
        if not isinstance(node, Leaf):
            low = below(node.low, [*conditions, (node.coefficients, -1, node.at)])
            return min(low, below(node.high, [*conditions, (node.coefficients, 1, node.at + 1)]))
        if isinstance(node.proof, CountingProof):
            return node.proof.num_hosts * min(kind.price for kind in classes)
        worth = [kind.price * node.scale for kind in classes]
        fixed = 0
        for dual, (coefficients, sign, value) in zip(node.conditions, conditions, strict=True):
            assert dual >= 0
            fixed += sign * dual * value
            worth = [left - sign * dual * g for left, g in zip(worth, coefficients, strict=True)]
        weights = [row[0] for row in node.proof.weights]
        for weight, left, kind in zip(weights, worth, classes, strict=True):
            assert 0 <= weight * kind.limit_mb <= left
        items = sum(
            min(weight * mb for weight, kind in zip(weights, classes, strict=True) if mb <= kind.limit_mb)
            for mb in memory_mb
        )
        return max(0, -(-(items + fixed) // (node.scale * divisor)) * divisor)

    return below(certificate.tree, [])
