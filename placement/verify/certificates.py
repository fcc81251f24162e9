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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from placement.plan.types import (
    Bounds,
    Certificate,
    CountingProof,
    Leaf,
    Node,
    PatternsProof,
    WeightsProof,
)
from placement.verify.collector import Collector
from placement.verify.exact import Work
from placement.verify.problems import Key, Problem
from placement.verify.proofs import (
    ClassFacts,
    ItemFacts,
    ProofError,
    counting_bound,
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


def check_certificates(bounds: Bounds, problems: Mapping[Key, Problem], found: Collector) -> None:
    """Report certificates that are missing, faulty, too high, or not to be settled."""
    work = Work(_WORK)
    seen: set[Key] = set()
    for certificate in bounds.certificates:
        key = (certificate.pool, certificate.region, certificate.group)
        name = _name(key)
        if key in seen:
            found.add("certificate-invalid", f"{name}: there are two certificates", file=_FILE)
        elif key not in problems:
            found.add("certificate-invalid", f"{name}: nothing runs there", file=_FILE)
        else:
            _check_certificate(certificate, problems[key], name, work, found)
        seen.add(key)
    for key, problem in sorted(problems.items()):
        if problem.is_required and key not in seen:
            found.add("certificate-missing", f"{_name(key)}: there is no certificate", file=_FILE)


def _name(key: Key) -> str:
    pool, region, group = key
    return f"pool {pool}, region {region}" + (f", group {group}" if group else "")


def _check_certificate(certificate: Certificate, problem: Problem, name: str, work: Work, found: Collector) -> None:
    try:
        classes = problem.classes(certificate)
        items = problem.items()
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
