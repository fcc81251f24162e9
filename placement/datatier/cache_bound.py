r"""Lower bounds on the price of caches that the general ones miss: nodes are whole, and few kinds are in question.

Sets: kinds s of clusters with limit L_s, price c_s and x_s clusters in a plan; services that need D MB together. Limits
are multiples u_s of a unit g, their greatest common divisor (of one tier: what a node holds).

Whole units: Σ L_s·x_s ≥ D, and the left side is a multiple of g, so Σ u_s·x_s ≥ U = ⌈D / g⌉. The proof branches there::

    Σ u_s·x_s ≤ U − 1:  impossible. Every MB is worth w: Σ_i v_i = w·D, no kind is worth more than w·g·u_s, and the
                        condition gives back w·g·(U − 1) < w·D; with w as large as needed this leaf is above any bound.
    Σ u_s·x_s ≥ U:      at least U·min_s c_s / u_s.

Kinds as dear as the plan: where clusters cost C together, a plan with any cluster of a kind with c_s ≥ C costs C or
more; of all others the minimum is taken over the cheaper kinds only. That is a branch above.

One server: where everything must be in one, at least the cheapest kind that holds it is paid (a counting proof).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from placement.datatier.choice import Kind
from placement.plan.types import Branch, Certificate, CountingProof, HostClass, Leaf, Node, WeightsProof


def one_server_certificate(region: str, group: str, service: str, kinds: Sequence[Kind]) -> Certificate:
    """Return the proof for caches that must be in one server.

    Parameters
    ----------
    service
        Any of them.
    kinds
        All that hold all of them together.
    """
    proof = CountingProof(service=service, num_hosts=1)
    return _certificate(region, group, min(kind.price for kind in kinds), kinds, Leaf(proof=proof))


def whole_units_certificate(region: str, group: str, total_mb: int, cost: int, kinds: Sequence[Kind]) -> Certificate:
    """Return the proof by whole units for caches in any number of clusters.

    Parameters
    ----------
    total_mb
        D, above 0.
    cost
        C, micros per hour.
    kinds
        All that can be opened; each with a limit above 0.
    """
    unit = math.gcd(*(kind.limits[0] for kind in kinds))
    units = tuple(kind.limits[0] // unit for kind in kinds)
    needed = -(-total_mb // unit)
    is_dear = tuple(int(kind.price >= cost) for kind in kinds)
    cheap = [s for s, dear in enumerate(is_dear) if not dear]
    divisor = math.gcd(*(kind.price for kind in kinds))
    if cheap:
        best = cheap[0]
        for s in cheap:
            if kinds[s].price * units[best] < kinds[best].price * units[s]:
                best = s
        price, scale = kinds[best].price, units[best]
        proven = -(-price * needed // (scale * divisor)) * divisor
    else:
        price, scale, proven = 0, 1, cost
    bound = min(proven, cost)
    # a dear kind may be worth anything below the first branch, where there is none: its dual is as large as needed
    most = max(price * amount for amount in units)
    above = (most,) if any(is_dear) else ()
    enough = Leaf(
        scale=scale,
        proof=WeightsProof(weights=((0,),) * len(kinds)),
        conditions=(*above, price),
    )
    worth = -(-bound // (total_mb - unit * (needed - 1)))
    too_few = Leaf(
        proof=WeightsProof(weights=((worth,),) * len(kinds)),
        conditions=(*(0 for _ in above), worth * unit),
    )
    tree: Node = Branch(coefficients=units, at=needed - 1, low=too_few, high=enough)
    if above:
        dearest = Leaf(
            proof=WeightsProof(weights=((0,),) * len(kinds)),
            conditions=(min(kind.price for kind, dear in zip(kinds, is_dear, strict=True) if dear),),
        )
        tree = Branch(coefficients=is_dear, at=0, low=tree if cheap else _nothing(total_mb, bound, kinds), high=dearest)
    return _certificate(region, group, bound, kinds, tree)


def _nothing(total_mb: int, bound: int, kinds: Sequence[Kind]) -> Leaf:
    """Return the leaf of plans without a single cluster, all kinds being too dear: impossible, so above any bound."""
    worth = -(-bound // total_mb)
    most = max(worth * kind.limits[0] for kind in kinds)
    return Leaf(proof=WeightsProof(weights=((worth,),) * len(kinds)), conditions=(most,))


def _certificate(region: str, group: str, bound: int, kinds: Sequence[Kind], tree: Node) -> Certificate:
    return Certificate(
        pool="valkey",
        region=region,
        group=group,
        bound_micros_per_hour=bound,
        classes=tuple(HostClass(buyable=kind.name) for kind in kinds),
        tree=tree,
    )
