"""Certificates of the bound: each a tree of proofs, followed leaf by leaf in exact integers.

A plan uses x_s hosts of class s and pays Σ_s c_s·x_s. A leaf gives every item i a value v_i such that no set of items
that fits a host of class s is worth more than k_s (`proofs`). All hosts together are then worth at least the items
they hold: Σ_s k_s·x_s ≥ Σ_i d_i·v_i. With k_s as `types.Leaf` defines it, and the conditions and stocks that x keeps
to, the bound of the leaf follows. A branch splits the plans at an integer, so one of its sides holds for every plan.

This presumes that every host that may be used is in a class, which is therefore checked first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from placement.plan.types import (
    Bounds,
    Certificate,
    CountingProof,
    HostClass,
    Leaf,
    Node,
    PatternsProof,
    WeightsProof,
)
from placement.units import NUM_RESOURCES
from placement.verify.collector import Collector
from placement.verify.exact import Work
from placement.verify.facts import FleetFacts
from placement.verify.inventory import POOLS
from placement.verify.proofs import (
    ClassFacts,
    ItemFacts,
    ProofError,
    counting_bound,
    item_facts,
    patterns_worth,
    weights_worth,
)
from placement.verify.words import money

_FILE = "bounds.json"
MAX_DEPTH = 100
"""Branches above a leaf: bounds.json cannot be read if it is nested much deeper."""
MAX_LEAVES = 10_000
_WORK = 1_500_000_000
"""Steps that all dynamic programs of one check may take together: some seconds."""


@dataclass(frozen=True)
class _Condition:
    """Σ_s g_s·x_s ≤ h, or ≥ h."""

    coefficients: tuple[int, ...]
    is_at_least: bool
    value: int


def claimed_bounds(bounds: Bounds) -> dict[str, int]:
    """Return the sum of the certificates' bounds by pool, micros per hour, as they claim them."""
    claimed: dict[str, int] = defaultdict(int)
    for certificate in bounds.certificates:
        claimed[certificate.pool] += certificate.bound_micros_per_hour
    return dict(claimed)


def check_certificates(bounds: Bounds, facts: FleetFacts, found: Collector) -> None:
    """Report certificates that are missing, faulty, too high, or not to be settled."""
    work = Work(_WORK)
    wanted = {facts.regions[code] for code in np.unique(facts.region_idx).tolist()}
    seen: set[tuple[str, str]] = set()
    for certificate in bounds.certificates:
        name = f"pool {certificate.pool}, region {certificate.region}"
        key = (certificate.pool, certificate.region)
        if key in seen:
            found.add("certificate-invalid", f"{name}: there are two certificates", file=_FILE)
        elif certificate.pool not in POOLS or certificate.region not in wanted:
            found.add("certificate-invalid", f"{name}: nothing runs there", file=_FILE)
        else:
            _check_certificate(certificate, name, facts, work, found)
        seen.add(key)
    for region in sorted(wanted):
        if (POOLS[0], region) not in seen:
            message = f"pool {POOLS[0]}, region {region}: there is no certificate"
            found.add("certificate-missing", message, file=_FILE)


def _check_certificate(certificate: Certificate, name: str, facts: FleetFacts, work: Work, found: Collector) -> None:
    try:
        classes = _class_facts(certificate, facts)
        items = item_facts(facts, certificate.region)
        proven = min(
            _leaf_bound(leaf, conditions, classes, items, work)
            for leaf, conditions in _leaves(certificate.tree, len(classes.price))
        )
    except ProofError as fault:
        found.add(fault.kind, f"{name}: {fault}", file=_FILE)
        return
    claimed = certificate.bound_micros_per_hour
    if claimed > proven:
        found.add(
            "bound-too-high",
            f"{name}: the certificate claims {money(claimed)}, it proves {money(proven)}",
            value=claimed / 1e6,
            limit=proven / 1e6,
            file=_FILE,
        )


# --- classes ------------------------------------------------------------------------------------------------


def _class_facts(certificate: Certificate, facts: FleetFacts) -> ClassFacts:
    """Look up the classes' limits, prices and stocks in the fleet, and that they cover every host there is."""
    fleet, region = facts.fleet, certificate.region
    active = {
        host: facts.host_idx[host]
        for host in fleet.hosts.filter((fleet.hosts["region"] == region) & (fleet.hosts["state"] == "active"))[
            "host"
        ].to_list()
    }
    left_hosts = dict(active)
    left_sizes = set(fleet.buyable)
    limits, prices, stocks = [], [], []
    for number, host_class in enumerate(certificate.classes, start=1):
        if bool(host_class.buyable) == bool(host_class.hosts):
            raise ProofError(f"class {number} must be either a size or a list of hosts")
        if host_class.buyable:
            if host_class.buyable not in left_sizes:
                raise ProofError(f"class {number}: size {host_class.buyable} cannot be bought, or has a class already")
            left_sizes.remove(host_class.buyable)
            size = fleet.sizes[host_class.buyable]
            limits.append(list(facts.size_limits[size.name]))
            prices.append(size.price_micros_per_hour)
            stocks.append(size.stock)
        else:
            rows = _take_hosts(host_class, number, active, left_hosts)
            first = rows[0]
            if (facts.host_limits[rows] != facts.host_limits[first]).any():
                raise ProofError(f"class {number}: its hosts have different limits")
            if (facts.host_prices[rows] != facts.host_prices[first]).any():
                raise ProofError(f"class {number}: its hosts have different prices")
            limits.append(facts.host_limits[first].tolist())
            prices.append(int(facts.host_prices[first]))
            stocks.append(len(rows))
    can_buy = any(location.region == region and location.max_hosts != 0 for location in fleet.topology.locations)
    missing = sorted(size for size in left_sizes if can_buy and fleet.sizes[size].stock != 0)
    if missing:
        raise ProofError(f"no class covers size {missing[0]}, which can be bought")
    if left_hosts:
        raise ProofError(f"no class covers host {min(left_hosts)}, which stands there ({len(left_hosts):,} such hosts)")
    return ClassFacts(
        limit=np.array(limits, dtype=np.int64).reshape(-1, NUM_RESOURCES),
        price=tuple(prices),
        stock=tuple(stocks),
    )


def _take_hosts(host_class: HostClass, number: int, active: dict[str, int], left: dict[str, int]) -> list[int]:
    rows = []
    for host in host_class.hosts:
        if host not in active:
            raise ProofError(f"class {number}: {host} is no active host of the region")
        if host not in left:
            raise ProofError(f"class {number}: {host} is in a class already")
        rows.append(left.pop(host))
    return rows


# --- tree ---------------------------------------------------------------------------------------------------


def _leaves(tree: Node, num_classes: int) -> Iterator[tuple[Leaf, tuple[_Condition, ...]]]:
    """Yield every leaf with the conditions above it, from the root down."""
    stack: list[tuple[Node, tuple[_Condition, ...]]] = [(tree, ())]
    num_leaves = 0
    while stack:
        node, conditions = stack.pop()
        if isinstance(node, Leaf):
            num_leaves += 1
            if num_leaves > MAX_LEAVES:
                raise ProofError(f"the tree has more than {MAX_LEAVES:,} leaves", "bound-unverified")
            yield node, conditions
            continue
        if len(conditions) >= MAX_DEPTH:
            raise ProofError(f"the tree is deeper than {MAX_DEPTH} branches", "bound-unverified")
        if len(node.coefficients) != num_classes:
            raise ProofError("a branch has not one coefficient per class")
        low = _Condition(node.coefficients, False, node.at)
        high = _Condition(node.coefficients, True, node.at + 1)
        stack.append((node.high, (*conditions, high)))
        stack.append((node.low, (*conditions, low)))


def _leaf_bound(
    leaf: Leaf, conditions: tuple[_Condition, ...], classes: ClassFacts, items: ItemFacts, work: Work
) -> int:
    """Return the micros per hour that the leaf proves: a multiple of the prices' common divisor, at least 0."""
    divisor = math.gcd(*classes.price)
    if isinstance(leaf.proof, CountingProof):
        if any(leaf.conditions) or any(leaf.stock):
            raise ProofError("a counting proof uses no duals of conditions or stocks")
        return counting_bound(leaf.proof, classes, items)
    scale = leaf.scale
    if scale < 1:
        raise ProofError(f"scale is {scale}, it must be at least 1")
    duals = _duals(leaf.conditions, len(conditions), "condition")
    stock_duals = _duals(leaf.stock, len(classes.price), "class")
    reduced = [price * scale for price in classes.price]
    fixed = 0
    for dual, condition in zip(duals, conditions, strict=True):
        sign = 1 if condition.is_at_least else -1
        fixed += sign * dual * condition.value
        for s, coefficient in enumerate(condition.coefficients):
            reduced[s] -= sign * dual * coefficient
    for s, (dual, stock) in enumerate(zip(stock_duals, classes.stock, strict=True)):
        if dual and stock is None:
            raise ProofError(f"class {s + 1} has no stock, but a stock dual of {dual}")
        reduced[s] += dual
        fixed -= dual * (stock or 0)
    worth = _worth(leaf.proof, reduced, classes, items, work)
    if divisor == 0:
        return 0  # every host is free
    # every cost is a whole multiple of the divisor: round the bound up to the next
    return max(0, -(-(worth + fixed) // (scale * divisor)) * divisor)


def _worth(
    proof: WeightsProof | PatternsProof, reduced: list[int], classes: ClassFacts, items: ItemFacts, work: Work
) -> int:
    if isinstance(proof, PatternsProof):
        return patterns_worth(proof, reduced, classes, items, work)
    return weights_worth(proof, reduced, classes, items)


def _duals(duals: tuple[int, ...], number: int, noun: str) -> tuple[int, ...]:
    if not duals:
        return (0,) * number
    if len(duals) != number:
        raise ProofError(f"a leaf has {len(duals)} duals, not one per {noun} ({number})")
    if min(duals) < 0:
        raise ProofError(f"the dual of a {noun} is negative: {min(duals)}")
    return duals
