"""What the leaves of a certificate consist of: values of items, and why no host is worth more than its price.

Each proof is given the classes' reduced prices k_s (times the leaf's scale) and returns Σ_i d_i·v_i (times the scale).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.plan.types import CountingProof, PatternsProof, WeightsProof
from placement.units import IntArray
from placement.verify.exact import Work, dot, rows_dot
from placement.verify.knapsack import judge_patterns
from placement.verify.view import BoolArray


class ProofError(Exception):
    """A proof that breaks a condition of its own, or cannot be settled."""

    def __init__(self, message: str, kind: str = "certificate-invalid") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class ClassFacts:
    """Host classes of a certificate, from the fleet.

    Parameters
    ----------
    limit
        L: int64[num_classes, num_resources], internal units.
    price
        c: micros per hour.
    stock
        b: how many there are; None: any number.
    """

    limit: IntArray
    price: tuple[int, ...]
    stock: tuple[int | None, ...]


@dataclass(frozen=True)
class ItemFacts:
    """What must be placed: services, workloads, or the services that share clusters.

    Parameters
    ----------
    demand
        D: int64[num_shapes, num_resources], the distinct demand vectors.
    num_instances
        d: int64[num_shapes].
    most_per_host
        m: int64[num_shapes]: instances of the shape that one host may hold under the items' own rules.
    names
        Names of the items.
    alone
        Per item: demand int64[num_items, num_resources], instances and most per host int64[num_items].
    """

    demand: IntArray
    num_instances: IntArray
    most_per_host: IntArray
    names: pl.Series
    alone: tuple[IntArray, IntArray, IntArray]


def item_facts(names: pl.Series, demand: IntArray, instances: IntArray, most_per_host: IntArray) -> ItemFacts:
    """Collect the shapes of items: those of equal demand."""
    columns = [f"resource-{r}" for r in range(demand.shape[1])]
    frame = pl.DataFrame(demand, schema=columns, orient="row").with_columns(
        pl.Series("num_instances", instances),
        pl.Series("most_per_host", np.minimum(most_per_host, instances)),
    )
    # in the order of the items, which is always the same: sorting a million shapes would take seconds
    shapes = frame.group_by(columns, maintain_order=True).agg(
        pl.col("num_instances").sum(), pl.col("most_per_host").sum()
    )
    return ItemFacts(
        demand=np.ascontiguousarray(shapes.select(columns).to_numpy()).reshape(-1, demand.shape[1]),
        num_instances=shapes["num_instances"].to_numpy(),
        most_per_host=shapes["most_per_host"].to_numpy(),
        names=names,
        alone=(demand, instances, most_per_host),
    )


def weights_worth(proof: WeightsProof, reduced: list[int], classes: ClassFacts, items: ItemFacts) -> int:
    """Return the worth of all items at the least price that a class holding them puts on their demand.

    Items on a host of class s each fit it alone, so each is worth at most w_s·D_i, and together at most w_s·L_s.
    An item that no class holds is worth nothing here: there is no plan then, whatever the bound.

    Raises
    ------
    ProofError
        If a weight is negative, or a class is worth more than its price.
    """
    if len(proof.weights) != len(reduced):
        raise ProofError(f"there are {len(proof.weights)} rows of weights for {len(reduced)} classes")
    num_resources = items.demand.shape[1]
    least: IntArray | None = None
    is_held = np.zeros(len(items.demand), dtype=np.bool_)
    for s, weights in enumerate(proof.weights):
        if len(weights) != num_resources or min(weights) < 0:
            raise ProofError(f"class {s + 1} needs {num_resources} weights, none of them negative")
        full = sum(w * limit for w, limit in zip(weights, classes.limit[s].tolist(), strict=True))
        if full > reduced[s]:
            raise ProofError(f"class {s + 1}: a full host is worth {full}, its reduced price is {reduced[s]}")
        worth = rows_dot(items.demand, list(weights))
        fits = _fits(items.demand, classes.limit[s])
        if least is None:
            least = worth
        else:
            least = np.where(fits & is_held, np.minimum(least, worth), np.where(fits, worth, least))
        is_held |= fits
    if least is None:
        return 0
    return dot(np.where(is_held, least, 0), items.num_instances)


def patterns_worth(proof: PatternsProof, reduced: list[int], classes: ClassFacts, items: ItemFacts, work: Work) -> int:
    """Return the worth of all items at the values given, once no pattern of any class is worth too much.

    Raises
    ------
    ProofError
        If a shape is listed twice, a value is negative, a pattern is worth more than its host, or none of that
        could be told within the limits on work.
    """
    if len(proof.demands) != len(proof.values):
        raise ProofError(f"there are {len(proof.values)} values for {len(proof.demands)} shapes")
    num_resources = items.demand.shape[1]
    if any(len(row) != num_resources for row in proof.demands):
        raise ProofError(f"a shape needs {num_resources} demands")
    if min(proof.values, default=0) < 0:
        raise ProofError("a value is negative")
    listed = dict(zip(proof.demands, proof.values, strict=True))
    if len(listed) < len(proof.demands):
        raise ProofError("a shape is listed twice")
    values = [listed.get(row, 0) for row in map(tuple, items.demand.tolist())]
    settled: list[int] = []
    # large hosts first: what no large host is worth, no smaller one at that price or more can be
    share = classes.limit / np.maximum(classes.limit.max(axis=0, initial=0), 1)
    for s in np.argsort(-share.sum(axis=1), kind="stable").tolist():
        price = reduced[s]
        if any(reduced[t] <= price and (classes.limit[s] <= classes.limit[t]).all() for t in settled):
            continue
        verdict = judge_patterns(values, items.demand, items.most_per_host, classes.limit[s], price, work=work)
        if verdict.outcome == "exceeded":
            raise ProofError(f"class {s + 1}: a pattern is worth more than its reduced price of {price}")
        if verdict.outcome == "unsettled":
            raise ProofError(
                f"class {s + 1}: whether a pattern is worth more than its reduced price of {price} could not be "
                f"settled; none is worth more than {verdict.bound}",
                "bound-unverified",
            )
        settled.append(s)
    is_held = np.zeros(len(items.demand), dtype=np.bool_)
    for limit in classes.limit:
        is_held |= _fits(items.demand, limit)
    # what no class holds may have any value: there is no plan then, and the value proves nothing
    return sum(
        value * number
        for value, number, held in zip(values, items.num_instances.tolist(), is_held.tolist(), strict=True)
        if held
    )


def counting_bound(proof: CountingProof, classes: ClassFacts, items: ItemFacts) -> int:
    """Return the price of the `num_hosts` cheapest hosts that hold an instance of the item, micros per hour.

    Raises
    ------
    ProofError
        If there is no such item, or it needs fewer hosts.
    """
    row = next(iter((items.names == proof.service).arg_true().to_list()), None)
    if row is None:
        raise ProofError(f"there is no {proof.service} in the region")
    demand, instances, most_per_host = items.alone
    needed = -(-int(instances[row]) // max(1, int(most_per_host[row])))
    if proof.num_hosts > needed:
        raise ProofError(f"{proof.service} needs {needed:,} hosts, the certificate counts {proof.num_hosts:,}")
    total, left = 0, proof.num_hosts
    order = sorted(range(len(classes.price)), key=lambda s: classes.price[s])
    for s in order:
        if _fits(demand[row : row + 1], classes.limit[s])[0]:
            stock = classes.stock[s]
            number = left if stock is None else min(left, stock)
            total += number * classes.price[s]
            left -= number
    return total


def _fits(demand: IntArray, limit: IntArray) -> BoolArray:
    """Return bool[num_shapes]: whether one item alone fits a host with this limit."""
    return np.asarray((demand <= limit).all(axis=1))
