"""A plan in memory: tables, a summary (plan.json) and the certificates of its bound (bounds.json).

Tables are Polars frames in the outer units of the contract (cores, MB, GB, Mbps), ready to be written. The
certificate types say what a proof consists of; `docs/mathematics.md` says why it proves the bound. The planner
makes them, the checker re-verifies them, and neither uses the other's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from placement.units import RESOURCES

PLAN_FORMAT = "placement/plan/1"
BOUNDS_FORMAT = "placement/bounds/1"

HOSTS_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "size": pl.String(),
    "pool": pl.String(),
    "region": pl.String(),
    "zone": pl.String(),
    "segment": pl.String(),
    "spare": pl.Boolean(),
    "price_per_hour": pl.Float64(),
    "instances": pl.Int64(),
}
for _resource in RESOURCES:
    _type = pl.Float64() if _resource.factor > 1 else pl.Int64()
    HOSTS_SCHEMA[f"{_resource.column}_used"] = _type
    HOSTS_SCHEMA[f"{_resource.column}_limit"] = _type
"""Columns of hosts.csv, sorted by host."""

ASSIGNMENTS_SCHEMA: dict[str, pl.DataType] = {
    "service": pl.String(),
    "instance": pl.Int64(),
    "host": pl.String(),
}
"""Columns of assignments.csv, sorted by service and instance (1, 2, …)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- certificates -----------------------------------------------------------------------------------------------


class HostClass(_Frozen):
    """Hosts that the proof treats alike: equal limits, equal price.

    Either a size that may be bought (`buyable` is its name; `stock` as in the fleet) or existing active hosts
    (`hosts` lists them, and their number is the stock), never both.
    """

    buyable: str = ""
    hosts: tuple[str, ...] = ()


class WeightsProof(_Frozen):
    """Linear prices of resources per host class: v_i = min over the classes that hold item i of Σ_r w_sr·D_ir.

    Valid if Σ_r w_sr·L_sr ≤ k_s (the reduced price, see `Leaf`) for every class s: no set of items that fits a
    host of class s is then worth more than k_s.

    Parameters
    ----------
    weights
        w_sr × `Leaf.scale`, integers ≥ 0: a row per class, a column per resource in the order of `RESOURCES`.
    """

    kind: Literal["weights"] = "weights"
    weights: tuple[tuple[int, ...], ...]


class PatternsProof(_Frozen):
    """A value per shape such that no pattern of class s is worth more than k_s (Gilmore–Gomory).

    Valid if for every class s the bounded knapsack max {Σ v_i·a_i : Σ a_i·D_i ≤ L_s, 0 ≤ a_i ≤ m_i} is ≤ k_s, m_i
    being the sum of min(max_per_host, instances) over the services of the shape. Who checks it solves that knapsack
    (or bounds it from above) on its own. Shapes that are not listed are worth 0.

    Parameters
    ----------
    demands
        A row per shape: its demand vector in internal units, in the order of `RESOURCES`. A shape is all services
        of the pool and region that have this demand vector.
    values
        v_i × `Leaf.scale`, integers ≥ 0.
    """

    kind: Literal["patterns"] = "patterns"
    demands: tuple[tuple[int, ...], ...]
    values: tuple[int, ...]


class CountingProof(_Frozen):
    """At least `num_hosts` hosts are needed, because one service's replicas must keep apart.

    Valid if ⌈instances / max_per_host⌉ of `service` ≥ num_hosts; the cost is then at least that of the num_hosts
    cheapest hosts there are (stock respected).
    """

    kind: Literal["counting"] = "counting"
    service: str
    num_hosts: int = Field(ge=0)


class Leaf(_Frozen):
    """A leaf of the proof tree: a bound on the cost of every plan that satisfies the conditions on its path.

    With v from the proof, λ_j ≥ 0 per condition j on the path (Σ_s g_js·x_s ≥ h_j, or ≤ h_j) and β_s ≥ 0 per
    class with a stock b_s, the reduced price is

        k_s = c_s − Σ_{j: ≥} λ_j·g_js + Σ_{j: ≤} λ_j·g_js + β_s

    and the cost is at least Σ_i d_i·v_i + Σ_{j: ≥} λ_j·h_j − Σ_{j: ≤} λ_j·h_j − Σ_s β_s·b_s. A counting proof uses
    neither λ nor β.

    Parameters
    ----------
    scale
        All duals below and in the proof are integers in 1/scale micros.
    conditions
        λ × scale, one per condition on the path from the root; empty: all 0.
    stock
        β × scale, one per class; empty: all 0. Must be 0 for a class without stock.
    """

    kind: Literal["leaf"] = "leaf"
    scale: int = Field(1, ge=1)
    proof: Annotated[WeightsProof | PatternsProof | CountingProof, Field(discriminator="kind")]
    conditions: tuple[int, ...] = ()
    stock: tuple[int, ...] = ()


class Branch(_Frozen):
    """A split of all plans in two: Σ_s g_s·x_s ≤ at, or ≥ at + 1, x_s being the number of hosts used of class s."""

    kind: Literal["branch"] = "branch"
    coefficients: tuple[int, ...]
    at: int
    low: Node
    high: Node


Node = Annotated[Leaf | Branch, Field(discriminator="kind")]


class Certificate(_Frozen):
    """Proof that hosts for one pool in one region cost at least `bound_micros_per_hour`.

    The bound of a tree is the least bound of its leaves, each rounded up to a multiple of the greatest common
    divisor of the prices (every cost is one), and no leaf counts for less than 0.
    """

    pool: str
    region: str
    bound_micros_per_hour: int = Field(ge=0)
    classes: tuple[HostClass, ...]
    tree: Node


class Bounds(_Frozen):
    """bounds.json: a certificate per pool and region; the plan's bound is their sum."""

    format: Literal["placement/bounds/1"] = "placement/bounds/1"
    certificates: tuple[Certificate, ...]


# --- plan.json --------------------------------------------------------------------------------------------------


class FleetRef(_Frozen):
    """Which fleet a plan is for."""

    name: str
    services: int
    instances: int
    digest: str


class Cost(_Frozen):
    """Cost per hour: used hosts, proven lower bound on it, gap = (cost − bound) / bound, spare hosts on top."""

    currency: str
    per_hour: float
    bound_per_hour: float
    gap: float
    spare_per_hour: float
    total_per_hour: float


class HostCounts(_Frozen):
    """How many hosts, spares among them."""

    total: int
    spare: int
    by_size: dict[str, int]


class PoolCost(_Frozen):
    """Cost, bound and gap of one pool; `hosts` are the used ones (spares are not)."""

    per_hour: float
    bound_per_hour: float
    gap: float
    hosts: int


class Alert(_Frozen):
    """A planned value beyond one of the model's alert thresholds."""

    level: Literal["warning", "critical"]
    metric: str
    where: str
    value: float
    limit: float
    advice: str


class Seconds(_Frozen):
    """Wall-clock seconds; null in a reproducible plan, whose bytes must not depend on the machine's speed."""

    read: float | None = None
    solve: float | None = None


class PlanSummary(_Frozen):
    """plan.json."""

    format: Literal["placement/plan/1"] = "placement/plan/1"
    fleet: FleetRef
    status: Literal["optimal", "feasible", "infeasible"]
    cost: Cost
    hosts: HostCounts
    pools: dict[str, PoolCost]
    alerts: tuple[Alert, ...] = ()
    violations: tuple[dict[str, Any], ...] = ()
    estimates_used: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: Seconds = Seconds()


@dataclass(frozen=True)
class Plan:
    """A plan: summary, tables, certificates.

    Parameters
    ----------
    summary
        plan.json.
    hosts, assignments
        Frames with the schemas above, sorted.
    bounds
        bounds.json.
    """

    summary: PlanSummary
    hosts: pl.DataFrame
    assignments: pl.DataFrame
    bounds: Bounds
