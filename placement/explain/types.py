"""What an explanation says, as data: explanation.json, and what the command prints.

Money is in the plan's currency per hour, amounts of resources in the outer units of the contract.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

EXPLANATION_FORMAT = "placement/explanation/1"

ReasonKind = Literal[
    "other-pool",
    "other-region",
    "spare",
    "resource-short",
    "max-per-host",
    "spread",
    "interference",
]
"""Why a host cannot take an instance, in the order in which reasons are looked for."""

REASON_TEXTS: dict[ReasonKind, str] = {
    "other-pool": "serves another pool",
    "other-region": "stands in another region",
    "spare": "stands by for a host that fails",
    "resource-short": "has too little left of a resource",
    "max-per-host": "holds as many of its instances as one host may",
    "spread": "is in a zone or segment that holds as many of its instances as it may",
    "interference": "runs a service that it must not stand with",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WhyNot(_Frozen):
    """One reason why a host cannot take an instance.

    Parameters
    ----------
    resource, other
        The resource that is short; the service that is in the way.
    value, limit
        What is asked for (or there would be), and what is left (or may be).
    """

    kind: ReasonKind
    message: str
    resource: str = ""
    other: str = ""
    value: float | None = None
    limit: float | None = None


class HostAnswer(_Frozen):
    """Whether a host can take one more instance; no reasons: it can."""

    host: str
    is_there: bool = Field(description="Whether an instance stands there already.")
    reasons: tuple[WhyNot, ...] = ()


class CostParts(_Frozen):
    """What something costs per hour; the parts add up to the total, and the totals of all services to the plan's.

    Parameters
    ----------
    resources
        Value at the dual prices that prove the bound, by resource.
    slack
        Its share of what the bound claims beyond these values: costs come in whole hosts, a stock has a price.
    gap
        Its share of what the plan costs beyond the bound.
    spares
        Its share of the spare hosts.
    """

    resources: dict[str, float]
    slack: float
    gap: float
    spares: float
    total: float


class Use(_Frozen):
    """Use of a resource: in `unit`, and as a share of what may be planned."""

    unit: str
    used: float
    limit: float
    share: float


class Placed(_Frozen):
    """An instance or node and its host."""

    name: str
    host: str
    role: str = ""


class ServiceExplanation(_Frozen):
    """Why a service is where it is.

    Parameters
    ----------
    demand
        Of one instance; None without the fleet.
    why
        In sentences.
    could_take
        Hosts that could take one more instance (or one of its instances from where it stands), the first few.
    num_could_take
        How many there are.
    excluded
        How many hosts are excluded by each first reason.
    cost
        By pool: of its instances, its part of its database and cache, its part of the platform; None without the fleet.
    """

    kind: Literal["service"] = "service"
    name: str
    domain: str
    sensitivity: str
    region: str
    instances: tuple[Placed, ...]
    database: str
    cache: str
    demand: dict[str, float] | None = None
    why: tuple[str, ...] = ()
    could_take: tuple[str, ...] = ()
    num_could_take: int | None = None
    excluded: dict[ReasonKind, int] = Field(default_factory=dict)
    short_of: dict[str, int] = Field(default_factory=dict, description="Hosts that are short of each resource.")
    cost: dict[str, CostParts] | None = None
    total_per_hour: float | None = None
    why_not: HostAnswer | None = None


class Loss(_Frozen):
    """What fails with a host.

    Parameters
    ----------
    services_down
        Services all of whose instances stand there.
    services_reduced
        Services that lose some instances.
    primaries
        Clusters whose primary (or a shard's) stands there, and how many services use them.
    domains
        Share of each domain's instances that is lost, the largest first, the first few.
    replaced_by
        Spare hosts that could take over its whole load.
    """

    services_down: tuple[str, ...]
    num_services_down: int
    num_services_reduced: int
    primaries: tuple[str, ...]
    num_primaries: int
    num_services_of_primaries: int
    domains: dict[str, float]
    replaced_by: int


class HostExplanation(_Frozen):
    """What a host holds, what binds, what its failure loses.

    Parameters
    ----------
    worth_per_hour
        Value at the dual prices of what stands there: a host that is worth its price is well filled. None without the
        fleet on a host of the pool `services`.
    """

    kind: Literal["host"] = "host"
    name: str
    size: str
    pool: str
    region: str
    zone: str
    segment: str
    spare: bool
    price_per_hour: float
    use: dict[str, Use]
    binds: str
    services: dict[str, int] = Field(description="Instances by service.")
    nodes: tuple[Placed, ...]
    worth_per_hour: float | None
    loss: Loss


class ClusterExplanation(_Frozen):
    """A cluster of PostgreSQL or Valkey, or a platform service: who uses it, where it is, what it costs."""

    kind: Literal["cluster"] = "cluster"
    name: str
    what: str
    region: str
    tier: str
    domains: tuple[str, ...]
    sensitivity: tuple[str, ...]
    services: tuple[str, ...]
    nodes: tuple[Placed, ...]
    use: dict[str, Use] = Field(description="Of the server's own limits: connections, storage, memory …")
    binds: str
    cost: CostParts | None
    same_host: tuple[str, ...] = Field(description="Hosts that hold more than one of its nodes.")


class DomainExplanation(_Frozen):
    """A domain: what it costs, and what it loses with one host.

    Parameters
    ----------
    cost_by_pool
        None without the fleet.
    worst_host, worst_share
        The host with the largest share of the domain's instances.
    single_instance
        Services of one instance: any host's failure takes them down.
    """

    kind: Literal["domain"] = "domain"
    name: str
    services: int
    instances: int
    hosts: int
    databases: int
    caches: int
    cost_by_pool: dict[str, float] | None
    total_per_hour: float | None
    share_of_plan: float | None
    worst_host: str
    worst_share: float
    mean_share: float
    single_instance: int
    dearest: dict[str, float] = Field(description="Its dearest services and their cost.")


class Relaxation(_Frozen):
    """A change and what it would save per hour.

    Parameters
    ----------
    basis
        ``dual``: by the dual prices, right for small changes; ``planned``: by a plan that was made; ``bound``: no more
        than this can be saved.
    """

    what: str
    saves_per_hour: float
    basis: Literal["dual", "planned", "bound"]


class PlanExplanation(_Frozen):
    """What makes a plan's cost, and what to relax to save most.

    Parameters
    ----------
    cost
        Of each pool, by resource.
    relaxations
        The largest saving first.
    """

    kind: Literal["plan"] = "plan"
    name: str
    total_per_hour: float
    cost: dict[str, CostParts]
    relaxations: tuple[Relaxation, ...]


Subject = Annotated[
    ServiceExplanation | HostExplanation | ClusterExplanation | DomainExplanation | PlanExplanation,
    Field(discriminator="kind"),
]


class Explanation(_Frozen):
    """explanation.json.

    Parameters
    ----------
    notes
        What could not be said, and why.
    """

    format: Literal["placement/explanation/1"] = "placement/explanation/1"
    currency: str
    subject: Subject
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON-ready data."""
        return self.model_dump(mode="json")


def explanation_schema() -> dict[str, Any]:
    """Return the JSON Schema of an explanation."""
    schema = TypeAdapter(Explanation).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
