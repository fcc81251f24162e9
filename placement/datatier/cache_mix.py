r"""How many primaries of which tier: the cheapest mix of sharded clusters that could hold so much data, with its proof.

Caches are small beside clusters, so that it is memory all together that decides, not how it is cut up. A cluster of P
primaries of tier t costs P·p_t and holds P·L_t; sets and variables are therefore the tiers t, their primaries n_t and
their clusters X_t::

    min  Σ p_t·n_t
    s.t. Σ L_t·n_t ≥ D,   a·X_t ≤ n_t ≤ b·X_t,   n_t and X_t whole

where clusters have a to b primaries: whole n_t and X_t in these bounds can always be cut up into clusters. With g the
greatest common divisor of the L_t, u_t = L_t / g and U = ⌈D / g⌉, the first row is Σ u_t·n_t ≥ U as soon as n is whole:
the proof's first branch. Below it n_t and X_t are branched on. The relaxation at a node is a continuous knapsack: each
n_t has a lowest and a highest value, the tier of the least p_t / u_t goes first. Its dual is the leaf's proof:

- Of the marginal tier m, d_t = p_t·u_m − p_m·u_t is what a primary of t costs more than the capacity it gives (times
  u_m). Where d_t > 0 the tier is at its lowest value, and what holds it there has a dual: d_t for n_t ≥ l, a·d_t for
  X_t ≥ l. Where d_t < 0 it is at its highest: −d_t for n_t ≤ h, −b·d_t for X_t ≤ h.
- Where not even the highest values reach U, capacity may have any price, and the leaf is above any bound.

A node is left as it is once it is within `_TOLERANCE` of the best mix: prices of nodes are rounded up to whole micros,
so that there are many mixes of nearly the same price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from placement.datatier.cache_kinds import CacheKind
from placement.plan.types import Branch, Certificate, HostClass, Leaf, Node, WeightsProof

_TOLERANCE = 20_000
"""Mixes are told apart by a part in so many."""
_MAX_LEAVES = 2_000
_MAX_DEPTH = 60
_ANY = 1 << 60


@dataclass(frozen=True)
class CacheMix:
    """The cheapest mix.

    Parameters
    ----------
    primaries
        Of each tier, in the order of the kinds; tiers that have none are left out.
    price
        Micros per hour.
    certificate
        The proof of what any clusters for these services cost at least.
    """

    primaries: dict[str, int]
    price: int
    certificate: Certificate


@dataclass(frozen=True)
class _Limit:
    """A condition on the path to a node: n_t (or X_t) ≥ value, or ≤ value."""

    tier: int
    of_clusters: bool
    is_at_least: bool
    value: int


@dataclass(frozen=True)
class _Tier:
    """u_t and p_t, of one primary with its replicas."""

    name: str
    units: int
    price: int


@dataclass(frozen=True)
class _End:
    """The lowest (or highest) n_t at a node, and which condition makes it so: −1 none, with n_t ≥ 0 or without end."""

    value: int
    condition: int = -1
    factor: int = 1  # primaries in one unit of the condition: 1, or a (b) of a condition on clusters


def cheapest_mix(region: str, group: str, total_mb: int, kinds: Sequence[CacheKind]) -> CacheMix:
    """Return the cheapest mix of clusters that holds so much, were it all of one piece.

    Parameters
    ----------
    total_mb
        D, above 0.
    kinds
        All kinds of sharded clusters that can be opened.
    """
    search = _Search(total_mb, kinds)
    tree = search.node(())
    certificate = Certificate(
        pool="valkey",
        region=region,
        group=group,
        bound_micros_per_hour=search.bound,
        classes=tuple(HostClass(buyable=kind.as_choice.name) for kind in kinds),
        tree=Branch(coefficients=search.units_of_kinds, at=search.needed - 1, low=search.too_few(total_mb), high=tree),
    )
    found = {tier.name: number for tier, number in zip(search.tiers, search.best, strict=True) if number}
    return CacheMix(found, search.price, certificate)


class _Search:
    def __init__(self, total_mb: int, kinds: Sequence[CacheKind]) -> None:
        self.kinds = kinds
        self.unit = math.gcd(*(kind.limit_mb // kind.primaries for kind in kinds))
        names = list(dict.fromkeys(kind.tier for kind in kinds))
        one = {kind.tier: kind for kind in kinds}
        self.tiers = [
            _Tier(
                name,
                one[name].limit_mb // one[name].primaries // self.unit,
                one[name].price // one[name].primaries,
            )
            for name in names
        ]
        self.least = min(kind.primaries for kind in kinds)
        self.most = max(kind.primaries for kind in kinds)
        self.needed = -(-total_mb // self.unit)
        self.units_of_kinds = tuple(kind.limit_mb // self.unit for kind in kinds)
        self.divisor = math.gcd(*(kind.price for kind in kinds))
        # of equally cheap tiers the larger one first: fewer nodes
        self.order = sorted(
            range(len(names)),
            key=lambda t: (Fraction(self.tiers[t].price, self.tiers[t].units), -self.tiers[t].units),
        )
        self.price = 0
        self.best: tuple[int, ...] = ()
        for t in range(len(names)):
            alone = [0] * len(names)
            alone[t] = -(-self.needed // self.tiers[t].units)
            self.take(alone)
        self.bound = self.price
        self.num_leaves = 0

    def take(self, primaries: Sequence[int]) -> None:
        """Keep a mix if it is the cheapest so far, with more primaries where they cannot be cut up into clusters."""
        whole = tuple(number + self.missing(number) for number in primaries)
        price = sum(number * tier.price for number, tier in zip(whole, self.tiers, strict=True))
        if not self.best or price < self.price:
            self.best, self.price = whole, price

    def missing(self, primaries: int) -> int:
        """Return how many primaries there must be more so that they can be cut up."""
        return max(0, -(-primaries // self.most) * self.least - primaries)

    def too_few(self, total_mb: int) -> Leaf:
        """Return the leaf of plans whose clusters hold less than there is."""
        worth = -(-self.price // (total_mb - self.unit * (self.needed - 1)))
        proof = WeightsProof(weights=((worth,),) * len(self.kinds))
        return Leaf(proof=proof, conditions=(worth * self.unit,))

    def node(self, limits: tuple[_Limit, ...]) -> Node:
        """Return the tree below the conditions."""
        low = [self.end(limits, t, is_lowest=True) for t in range(len(self.tiers))]
        high = [self.end(limits, t, is_lowest=False) for t in range(len(self.tiers))]
        for t in range(len(self.tiers)):
            if low[t].value > high[t].value:
                return self.leaf(limits, [(low[t], self.price), (high[t], -self.price)], 0, 1)[0]
        primaries = [end.value for end in low]
        missing = self.needed - sum(number * tier.units for number, tier in zip(primaries, self.tiers, strict=True))
        marginal = -1
        for t in self.order:
            if missing <= 0:
                break
            marginal = t
            more = min(high[t].value - low[t].value, -(-missing // self.tiers[t].units))
            primaries[t] += more
            missing -= more * self.tiers[t].units
        if missing > 0:
            full = [(end, -self.price * tier.units) for end, tier in zip(high, self.tiers, strict=True)]
            return self.leaf(limits, full, self.price, 1)[0]
        self.take(primaries)
        # capacity has the price of the tier that was taken last; where the lowest values are enough, none
        price, units = (0, 1) if marginal < 0 else (self.tiers[marginal].price, self.tiers[marginal].units)
        duals = []
        for t, tier in enumerate(self.tiers):
            beyond_worth = tier.price * units - price * tier.units
            duals.append((low[t] if beyond_worth > 0 else high[t], beyond_worth))
        leaf, bound = self.leaf(limits, duals, price, units)
        is_near = bound >= self.price - self.price // _TOLERANCE
        split = self.split(primaries, marginal if missing < 0 else -1)
        if is_near or split is None or len(limits) >= _MAX_DEPTH or self.num_leaves >= _MAX_LEAVES:
            self.bound = min(self.bound, bound)
            return leaf
        t, of_clusters, at = split
        return Branch(
            coefficients=tuple(
                (1 if of_clusters else kind.primaries) if kind.tier == self.tiers[t].name else 0 for kind in self.kinds
            ),
            at=at,
            low=self.node((*limits, _Limit(t, of_clusters, False, at))),
            high=self.node((*limits, _Limit(t, of_clusters, True, at + 1))),
        )

    def end(self, limits: tuple[_Limit, ...], t: int, *, is_lowest: bool) -> _End:
        """Return the lowest or highest number of primaries of a tier that the conditions leave."""
        ends = [_End(0 if is_lowest else _ANY)]
        for number, limit in enumerate(limits):
            if limit.tier == t and limit.is_at_least == is_lowest:
                factor = (self.least if is_lowest else self.most) if limit.of_clusters else 1
                ends.append(_End(limit.value * factor, number, factor))
        return (max if is_lowest else min)(ends, key=lambda end: end.value)

    def split(self, primaries: list[int], rounded: int) -> tuple[int, bool, int] | None:
        """Return what to branch on: the tier, whether its clusters or its primaries, and where; None if all is whole.

        Parameters
        ----------
        rounded
            The tier whose number of primaries had to be rounded up; −1: none.
        """
        if rounded >= 0:
            return rounded, False, primaries[rounded] - 1
        for t, number in enumerate(primaries):
            if self.missing(number):
                # too few for so many clusters, too many for one less
                return t, True, -(-number // self.most) - 1
        return None

    def leaf(
        self, limits: tuple[_Limit, ...], duals: list[tuple[_End, int]], capacity: int, scale: int
    ) -> tuple[Leaf, int]:
        """Return a leaf and the micros per hour that it proves.

        Parameters
        ----------
        duals
            Of ends, above 0 for lowest and below 0 for highest values, in 1/scale micros for a primary.
        capacity
            Dual of the capacity asked for, in 1/scale micros for a unit.
        """
        self.num_leaves += 1
        conditions = [capacity] + [0] * len(limits)
        worth = capacity * self.needed
        for end, dual in duals:
            worth += dual * end.value if end.condition >= 0 else 0
            if end.condition >= 0:
                conditions[1 + end.condition] += abs(dual) * end.factor
        proof = WeightsProof(weights=((0,),) * len(self.kinds))
        bound = max(0, -(-worth // (scale * self.divisor)) * self.divisor)
        return Leaf(scale=scale, proof=proof, conditions=tuple(conditions)), bound
