"""What explanations share: a plan, its fleet where it is given, and what is computed from them once, when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import polars as pl

from placement.errors import InputError, Problem, nearest_name
from placement.explain.prices import PoolPrices, price_pools
from placement.explain.types import CostParts, Use
from placement.fleet.types import Fleet
from placement.plan.services import same_fleet, service_table
from placement.plan.types import Plan
from placement.units import RESOURCES

KINDS = ("service", "host", "cluster", "domain", "plan")
_ARGUMENT = "NAME"


class Context:
    """A plan that is asked about.

    Parameters
    ----------
    plan
        The plan.
    fleet
        The fleet it was made for, None where it is not given.

    Raises
    ------
    InputError
        The fleet is another one.
    """

    def __init__(self, plan: Plan, fleet: Fleet | None) -> None:
        if fleet is not None and not same_fleet(plan, fleet):
            raise InputError(
                Problem(
                    file=str(fleet.path or fleet.name),
                    message="is not the fleet that the plan was made for",
                    value=fleet.digest,
                    allowed=plan.summary.fleet.digest,
                )
            )
        self.plan = plan
        self.fleet = fleet

    @cached_property
    def services(self) -> pl.DataFrame:
        """A row per service, see `service_table`."""
        return service_table(self.plan, self.fleet)

    @cached_property
    def service_row(self) -> dict[str, int]:
        """Row of each service in `services`."""
        return {name: row for row, name in enumerate(self.services["service"].to_list())}

    @cached_property
    def prices(self) -> dict[tuple[str, str], PoolPrices]:
        """Prices by pool and region."""
        return {(prices.pool, prices.region): prices for prices in price_pools(self.plan, self.fleet)}

    @cached_property
    def placed(self) -> pl.DataFrame:
        """Assignments with the domain of each service."""
        domains = self.services.select("service", "domain")
        return self.plan.assignments.join(domains, on="service", how="left", maintain_order="left")

    def names(self, kind: str) -> Sequence[str]:
        """Return all names of a kind."""
        if kind == "service":
            return self.services["service"].to_list()
        if kind == "host":
            return self.plan.hosts["host"].to_list()
        if kind == "cluster":
            plan = self.plan
            clusters = [plan.postgres_clusters["cluster"], plan.valkey_clusters["cluster"], plan.nodes["workload"]]
            return sorted(set().union(*(column.to_list() for column in clusters)))
        if kind == "domain":
            return sorted(set(self.services["domain"]) - {""})
        return ["plan"]

    def resolve(self, text: str) -> tuple[str, str]:
        """Return kind and name of what a text means: ``NAME``, or ``KIND:NAME``.

        Raises
        ------
        InputError
            Nothing has the name (the nearest one is suggested), or things of several kinds have it.
        """
        kind, colon, name = text.partition(":")
        asked: Iterable[str] = (kind,) if colon and kind in KINDS else KINDS
        wanted = name if colon and kind in KINDS else text
        found = [kind for kind in asked if wanted in set(self.names(kind))]
        if len(found) == 1:
            return found[0], wanted
        if found:
            choices = ", ".join(f"{kind}:{wanted}" for kind in found)
            raise InputError(
                Problem(
                    "command line", "several things have this name", column=_ARGUMENT, value=text[:60], allowed=choices
                )
            )
        kinds = " or ".join(asked)
        suggestion = next((near for kind in asked if (near := nearest_name(wanted, self.names(kind)))), "")
        raise InputError(
            Problem(
                "command line", f"no {kinds} of the plan has this name", column=_ARGUMENT, value=text[:60],
                suggestion=suggestion,
            )
        )  # fmt: skip


def host_use(host: dict[str, object]) -> dict[str, Use]:
    """Return the use of each resource of a row of hosts.csv."""
    found = {}
    for resource in RESOURCES:
        used, limit = (float(str(host[f"{resource.column}_{end}"])) for end in ("used", "limit"))
        found[resource.name] = Use(unit=resource.unit, used=used, limit=limit, share=used / limit if limit else 0.0)
    return found


def fullest(use: dict[str, Use]) -> str:
    """Return the name of what is used most, blank where nothing is."""
    return max(use, key=lambda name: use[name].share) if any(item.share > 0 for item in use.values()) else ""


def rounded(cost: CostParts) -> CostParts:
    """Return a cost in nanos, so that what is printed does not show how a machine adds."""
    return CostParts(
        resources={name: _nano(value) for name, value in cost.resources.items()},
        slack=_nano(cost.slack),
        gap=_nano(cost.gap),
        spares=_nano(cost.spares),
        total=_nano(cost.total),
    )


def _nano(value: float) -> float:
    return round(value, 9) + 0.0  # no −0.0
