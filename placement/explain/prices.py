r"""Cost of every service and node at the dual prices of the plan's certificates.

A certificate says what an instance i is worth: v_i. For weights it is Σ_r w_sr·D_ir at the class s that suits it best,
which divides it by resource. For patterns v_i is the value of its shape; it is divided in proportion to u_r·D_ir, u ≥ 0
being the resource prices whose values Σ_r u_r·D_ir are nearest to all v_i (least squares). Where counting proves the
bound, an instance is worth what it takes of the resource that its pool uses most.

With V = Σ_i d_i·v_i, a pool of cost C, bound B and spares S is shared out in proportion to the values::

    C + S  =  V  +  (B − V)  +  (C − B)  +  S
              resources  slack    gap      spares

so the parts of all instances add up to the pool's cost, whatever the bound proves. Where all values are 0, shares are
those of the demand.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.explain.types import CostParts
from placement.fleet.types import Fleet
from placement.instance import build_problems, pool_classes
from placement.plan.types import Branch, Certificate, Leaf, PatternsProof, Plan, WeightsProof
from placement.units import MICROS, NUM_RESOURCES, RESOURCES, BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Items:
    """What stands in one pool and region.

    Parameters
    ----------
    names
        Services, or nodes.
    demand
        int64[num_items, num_resources]: of one instance.
    count
        int64[num_items]: instances.
    """

    names: tuple[str, ...]
    demand: IntArray
    count: IntArray


@dataclass(frozen=True)
class PoolPrices:
    """One pool in one region, priced; money per hour.

    Parameters
    ----------
    value
        float64[num_items, num_resources]: value of one instance by resource.
    share
        float64[num_items]: share of the pool's cost that all instances of an item bear; sums to 1.
    slack, gap, spares
        Of the whole pool.
    stock_value
        What one more host of a class with a stock saves, by the class's size or first host.
    """

    pool: str
    region: str
    items: Items
    value: FloatArray
    share: FloatArray
    slack: float
    gap: float
    spares: float
    stock_value: dict[str, float]

    @property
    def total(self) -> float:
        """Cost of the pool, spares included."""
        return float((self.value.sum(axis=1) * self.items.count).sum()) + self.slack + self.gap + self.spares

    def parts(self, rows: IntArray | slice, part: float = 1.0) -> CostParts:
        """Return the cost of some items, or a part of it."""
        by_resource = (self.value[rows] * self.items.count[rows, None]).sum(axis=0) * part
        share = float(self.share[rows].sum()) * part
        rest = (self.slack * share, self.gap * share, self.spares * share)
        return CostParts(
            resources={resource.name: float(by_resource[r]) for r, resource in enumerate(RESOURCES)},
            slack=rest[0],
            gap=rest[1],
            spares=rest[2],
            total=float(by_resource.sum()) + sum(rest),
        )


def added(parts: list[CostParts]) -> CostParts:
    """Return the sum of costs."""
    return CostParts(
        resources={resource.name: sum(part.resources[resource.name] for part in parts) for resource in RESOURCES},
        slack=sum(part.slack for part in parts),
        gap=sum(part.gap for part in parts),
        spares=sum(part.spares for part in parts),
        total=sum(part.total for part in parts),
    )


def price_pools(plan: Plan, fleet: Fleet | None) -> tuple[PoolPrices, ...]:
    """Return the prices of every pool and region of a plan; the pool `services` only where the fleet is given."""
    costs = {
        (pool, region, spare): cost
        for pool, region, spare, cost in plan.hosts.group_by("pool", "region", "spare")
        .agg(pl.col("price_per_hour").sum())
        .iter_rows()
    }
    items = _node_items(plan) | (_service_items(fleet) if fleet is not None else {})
    priced = []
    for certificate in plan.bounds.certificates:
        key = (certificate.pool, certificate.region)
        if certificate.group or key not in items:
            continue
        priced.append(
            _priced(plan, fleet, certificate, items[key], costs.get((*key, False), 0.0), costs.get((*key, True), 0.0))
        )
    return tuple(priced)


def _service_items(fleet: Fleet) -> dict[tuple[str, str], Items]:
    return {
        (problem.pool, problem.region): Items(problem.names, problem.demand, problem.instances)
        for problem in build_problems(fleet)
    }


def _node_items(plan: Plan) -> dict[tuple[str, str], Items]:
    found = {}
    for (pool, region), nodes in plan.nodes.sort("node").group_by(["pool", "region"], maintain_order=True):
        demand = np.stack([np.rint(nodes[r.column].to_numpy() * r.factor).astype(np.int64) for r in RESOURCES], axis=1)
        count = np.ones(len(nodes), np.int64)
        found[str(pool), str(region)] = Items(tuple(nodes["node"].to_list()), demand, count)
    return found


def _priced(
    plan: Plan, fleet: Fleet | None, certificate: Certificate, items: Items, cost: float, spares: float
) -> PoolPrices:
    leaf = _deciding_leaf(certificate)
    limits = _limits(plan, fleet, certificate)
    if isinstance(leaf.proof, WeightsProof):
        weights = np.array(leaf.proof.weights, dtype=float) / leaf.scale / MICROS
        value = _weights_value(items.demand, weights, limits)
    elif isinstance(leaf.proof, PatternsProof):
        value = _patterns_value(items, leaf.proof, leaf.scale)
    else:
        value = _scarcest_value(items, limits, cost)
    whole = value.sum(axis=1) * items.count
    if whole.sum() <= 0:
        value = np.zeros_like(value)
        weight = items.count * (items.demand / np.maximum(items.demand.max(axis=0, initial=1), 1)).sum(axis=1)
        share = weight / weight.sum() if weight.sum() > 0 else items.count / max(items.count.sum(), 1)
    else:
        share = whole / whole.sum()
    bound = min(certificate.bound_micros_per_hour / MICROS, cost)
    return PoolPrices(
        pool=certificate.pool,
        region=certificate.region,
        items=items,
        value=value,
        share=share,
        slack=bound - float(whole.sum()),
        gap=cost - bound,
        spares=spares,
        stock_value=_stock_values(certificate, leaf),
    )


def _deciding_leaf(certificate: Certificate) -> Leaf:
    """Return the leaf of a proof without branches, or the first of the tree: shares need prices, not a proof."""
    node = certificate.tree
    while isinstance(node, Branch):
        node = node.low
    return node


def _limits(plan: Plan, fleet: Fleet | None, certificate: Certificate) -> FloatArray:
    """Return what a host of each class may hold: float64[num_classes, num_resources].

    Without the fleet it is known of the sizes that the plan uses; others count as large enough.
    """
    if fleet is not None:
        classes = pool_classes(fleet, certificate.pool, certificate.region)  # type: ignore[arg-type]
        if len(classes) == len(certificate.classes):
            return classes.limit.astype(float)
    found = np.full((len(certificate.classes), NUM_RESOURCES), np.inf)
    for s, host_class in enumerate(certificate.classes):
        is_class = (
            pl.col("size") == host_class.buyable if host_class.buyable else pl.col("host").is_in(host_class.hosts)
        )
        hosts = plan.hosts.filter((pl.col("pool") == certificate.pool) & is_class)
        if not hosts.is_empty():
            found[s] = [float(hosts[f"{r.column}_limit"].max() or 0) * r.factor for r in RESOURCES]  # type: ignore[arg-type]
    return found


def _weights_value(demand: IntArray, weights: FloatArray, limits: FloatArray) -> FloatArray:
    holds: BoolArray = np.asarray((demand[:, None, :] <= limits[None, :, :]).all(axis=2))
    worth = np.where(holds | ~np.asarray(holds.any(axis=1))[:, None], demand @ weights.T, np.inf)
    value: FloatArray = demand * weights[worth.argmin(axis=1)]
    return value


def _patterns_value(items: Items, proof: PatternsProof, scale: int) -> FloatArray:
    worth = {row: value / scale / MICROS for row, value in zip(proof.demands, proof.values, strict=True)}
    values = np.array([worth.get(tuple(row), 0.0) for row in items.demand.tolist()])
    prices = nearest_prices(items.demand, values, items.count)
    return _divided(items.demand, prices, values)


def _divided(demand: IntArray, prices: FloatArray, values: FloatArray) -> FloatArray:
    """Divide each value in proportion to prices × demand, or to the demand alone where that is nothing."""
    parts = demand * prices
    plain = demand / np.maximum(demand.max(axis=0, initial=1), 1)
    parts = np.where(parts.sum(axis=1, keepdims=True) > 0, parts, plain)
    whole = parts.sum(axis=1, keepdims=True)
    divided: FloatArray = np.divide(parts, whole, out=np.zeros(parts.shape), where=whole > 0) * values[:, None]
    return divided


def nearest_prices(demand: IntArray, values: FloatArray, count: IntArray) -> FloatArray:
    """Return prices u ≥ 0 per resource that minimise Σ_i count_i·(values_i − Σ_r u_r·demand_ir)².

    With six resources the sets of resources that may have a price are few: each is tried.
    """
    largest = np.maximum(demand.max(axis=0, initial=1), 1)
    root = np.sqrt(count)[:, None]
    A, b = demand / largest * root, values * root[:, 0]
    normal, right = A.T @ A, A.T @ b
    best, best_error = np.zeros(NUM_RESOURCES), float(b @ b)
    for size in range(1, NUM_RESOURCES + 1):
        for chosen in itertools.combinations(range(NUM_RESOURCES), size):
            rows = list(chosen)
            found = np.linalg.lstsq(normal[np.ix_(rows, rows)], right[rows], rcond=1e-9)[0]
            if (found < 0).any():
                continue
            error = float(b @ b - 2 * found @ right[rows] + found @ normal[np.ix_(rows, rows)] @ found)
            if error < best_error * (1 - 1e-6) - 1e-12:  # fewer resources, if they explain as much
                best, best_error = np.zeros(NUM_RESOURCES), error
                best[rows] = found
    prices: FloatArray = best / largest
    return prices


def _scarcest_value(items: Items, limits: FloatArray, cost: float) -> FloatArray:
    total = (items.demand * items.count[:, None]).sum(axis=0).astype(float)
    known = limits[np.isfinite(limits).all(axis=1)]
    per_host = known.max(axis=0) if len(known) else np.maximum(total, 1)
    r = int((total / np.maximum(per_host, 1)).argmax())
    value = np.zeros(items.demand.shape)
    value[:, r] = items.demand[:, r] * (cost / total[r] if total[r] else 0.0)
    return value


def _stock_values(certificate: Certificate, leaf: Leaf) -> dict[str, float]:
    if not leaf.stock:
        return {}
    return {
        host_class.buyable or host_class.hosts[0]: beta / leaf.scale / MICROS
        for host_class, beta in zip(certificate.classes, leaf.stock, strict=True)
        if beta
    }
