"""What a comparison says: comparison.json, and data frames of it.

Money is in the fleet's currency per hour, shares are shares (0.7, not 70 %), resources in the contract's outer units.
"""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from placement.plan.types import Cost, HostCounts, PoolCost

COMPARISON_FORMAT = "placement/comparison/1"
HOURS_PER_YEAR = 8_760


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Use(_Frozen):
    """How much of a resource the used hosts' services and nodes ask for.

    Parameters
    ----------
    used, usable
        In `unit`: asked for, and what may be planned.
    share
        used / usable.
    fullest
        The same of the host where it is highest.
    """

    unit: str
    used: float
    usable: float
    share: float
    fullest: float


class BlastRadius(_Frozen):
    """What one host of the pool `services` takes with it.

    Parameters
    ----------
    services_per_host, most_services
        Services with an instance on a host: the mean of used hosts, and the most.
    domain_share_mean
        Of each host the largest share of any one domain's instances that is lost with it; the mean of these.
    domain_share_worst
        The largest of these; `worst_host` and `worst_domain` say where. Without domains the fleet is one.
    """

    services_per_host: float
    most_services: int
    domain_share_mean: float
    domain_share_worst: float
    worst_host: str = ""
    worst_domain: str = ""


class HeadroomPrice(_Frozen):
    """What one point more of a resource may be used for saves: a change of headroom, of one resource or of all.

    Parameters
    ----------
    resource
        Name of a resource, or ``all`` (CPU, memory, open files, threads and disk together; the network apart).
    share
        Its headroom now.
    saves_per_hour
        What a headroom one point higher saves; one point lower costs about as much.
    """

    resource: str
    share: float | None
    saves_per_hour: float


class ResourcePrice(_Frozen):
    """Dual price of a resource: what one unit more of demand costs, and which share of all hosts' cost it pays."""

    resource: str
    unit: str
    per_unit_hour: float
    cost_share: float


class RulePrice(_Frozen):
    """What a rule costs: the plan's cost less that of a plan without it.

    Parameters
    ----------
    how
        ``planned``: the pool `services` was planned once more without the rule; ``plan``: the plan itself says it.
        A planned price may be off by the two plans' gaps, and be below 0 for that.
    """

    rule: str
    text: str
    costs_per_hour: float
    how: Literal["planned", "plan"]


class ShadowPrices(_Frozen):
    """Prices at the margin, from the weights that prove the bound (`placement.compare.shadow`)."""

    headroom: tuple[HeadroomPrice, ...]
    resources: tuple[ResourcePrice, ...]
    spare_point_per_hour: float = Field(description="Mean price of one point of `policy.spare`.")


class MixPlan(_Frozen):
    """One mix and its plan, or the reasons why there is none.

    Parameters
    ----------
    name
        As the mix was asked for.
    sizes
        Sizes that may be bought.
    total_per_year
        Total cost per hour × 8,760.
    above_best_per_hour, above_best_per_year
        Total cost less that of the cheapest mix.
    binds
        The resource of which the largest share is used.
    network_findings
        Links above the warning level, by direction (those beyond their capacity among them), and alerts about NICs.
    violations
        Links, by direction, that would carry more than they can.
    databases
        Services by arrangement of their database.
    """

    name: str
    sizes: tuple[str, ...]
    prices: str
    headroom: float | dict[str, float]
    databases: str
    model: str
    status: Literal["optimal", "feasible", "infeasible"]
    cost: Cost | None = None
    total_per_year: float | None = None
    above_best_per_hour: float | None = None
    above_best_per_year: float | None = None
    hosts: HostCounts | None = None
    num_sizes: int | None = None
    pools: dict[str, PoolCost] = Field(default_factory=dict)
    use: dict[str, Use] = Field(default_factory=dict)
    binds: str = ""
    blast_radius: BlastRadius | None = None
    alerts: dict[str, int] = Field(default_factory=dict)
    network_findings: int = 0
    violations: int = 0
    databases_by_arrangement: dict[str, int] = Field(default_factory=dict)
    saved_by_sharing_per_hour: float | None = Field(
        None, description="What shared clusters would save of dedicated databases; null: not planned."
    )
    shadow_prices: ShadowPrices | None = None
    reasons: tuple[dict[str, Any], ...] = ()


class Fronts(_Frozen):
    """Mixes that no other mix beats in both respects, the cheapest first."""

    cost_and_blast_radius: tuple[str, ...] = Field(description="Total cost, and the mean share of a domain lost.")
    cost_and_sizes: tuple[str, ...] = Field(description="Total cost, and the number of sizes in use.")


class Swing(_Frozen):
    """One estimate of the model: the cost bound at the low and at the high end of its range.

    Parameters
    ----------
    is_stated
        Whether the model states the range; else the typical value ± the comparison's `spread`.
    swing_per_hour
        |cost at high − cost at low|.
    """

    path: str
    unit: str
    owner: str
    low: float
    typical: float
    high: float
    is_stated: bool
    cost_low_per_hour: float
    cost_high_per_hour: float
    swing_per_hour: float


class Regret(_Frozen):
    """How much dearer a mix is than the best one of each sample.

    Parameters
    ----------
    cost_per_hour
        Tenth percentile, median and ninetieth percentile over the samples.
    infeasible
        Samples in which the mix cannot hold the fleet; they count with the dearest mix's cost of that sample.
    best_in
        Share of the samples in which it is (one of) the cheapest.
    """

    name: str
    max_per_hour: float
    mean_per_hour: float
    cost_per_hour: tuple[float, float, float]
    best_in: float
    infeasible: int


class Sensitivity(_Frozen):
    """What the plan's unvalidated estimates may do to its cost.

    Parameters
    ----------
    of
        The mix whose tornado it is: the cheapest.
    method
        In words, how costs were computed.
    services_planned
        Services of the fleet, or of the sample of it, that each evaluation took.
    tornado
        The largest swing first; estimates that change nothing are left out, `unmoved` counts them.
    least_max_regret, least_mean_regret
        The mix to buy without knowing the estimates.
    """

    of: str
    method: str
    spread: float
    samples: int
    seed: int
    services_planned: int
    tornado: tuple[Swing, ...]
    unmoved: int
    regrets: tuple[Regret, ...] = ()
    least_max_regret: str = ""
    least_mean_regret: str = ""


class Comparison(_Frozen):
    """comparison.json: the mixes, the cheapest first, those without a plan last."""

    format: Literal["placement/comparison/1"] = "placement/comparison/1"
    fleet: str
    services: int
    instances: int
    currency: str
    best: str = Field(description="The cheapest mix; blank where none has a plan.")
    mixes: tuple[MixPlan, ...]
    fronts: Fronts
    rules: tuple[RulePrice, ...] = Field((), description="Of the cheapest mix.")
    sensitivity: Sensitivity | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready data."""
        return self.model_dump(mode="json")

    def to_frame(self) -> pl.DataFrame:
        """Return a row per mix in the order of the ranking; costs are null where there is no plan."""
        return pl.DataFrame([_row(rank, mix) for rank, mix in enumerate(self.mixes, 1)], infer_schema_length=None)

    def tornado_frame(self) -> pl.DataFrame:
        """Return a row per estimate, the largest swing first; empty without a sensitivity."""
        rows = [] if self.sensitivity is None else [swing.model_dump() for swing in self.sensitivity.tornado]
        return pl.DataFrame(rows, infer_schema_length=None)


def comparison_schema() -> dict[str, Any]:
    """Return the JSON Schema of comparison.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Comparison.model_json_schema()


def _row(rank: int, mix: MixPlan) -> dict[str, Any]:
    cost, radius, hosts = mix.cost, mix.blast_radius, mix.hosts
    row: dict[str, Any] = {
        "rank": rank,
        "mix": mix.name,
        "status": mix.status,
        "total_per_hour": None if cost is None else cost.total_per_hour,
        "total_per_year": mix.total_per_year,
        "above_best_per_hour": mix.above_best_per_hour,
        "gap": None if cost is None else cost.gap,
        "spare_per_hour": None if cost is None else cost.spare_per_hour,
        "hosts": None if hosts is None else hosts.total,
        "num_sizes": mix.num_sizes,
        "binds": mix.binds,
        "services_per_host": None if radius is None else radius.services_per_host,
        "domain_share_mean": None if radius is None else radius.domain_share_mean,
        "domain_share_worst": None if radius is None else radius.domain_share_worst,
        "network_findings": mix.network_findings,
    }
    return row | {f"{name}_share": use.share for name, use in mix.use.items()}
