"""A service: where it is, why there, who else could take it, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from placement.errors import InputError, Problem, nearest_name
from placement.explain.bills import service_bill
from placement.explain.context import Context, fullest, host_use, rounded
from placement.explain.rooms import Rooms
from placement.explain.types import REASON_TEXTS, HostAnswer, Placed, ServiceExplanation, WhyNot
from placement.units import RESOURCES

_MOST_HOSTS = 10


def explain_service(context: Context, name: str, why_not: str | None) -> tuple[ServiceExplanation, list[str]]:
    """Return the explanation of a service, and notes on what could not be said.

    Parameters
    ----------
    why_not
        A host that is asked about.
    """
    row = context.services.row(context.service_row[name], named=True)
    mine = context.plan.assignments.filter(pl.col("service") == name).sort("instance")
    instances = tuple(
        Placed(name=str(number), host=host) for number, host in mine.select("instance", "host").iter_rows()
    )
    told = ServiceExplanation(
        name=name,
        domain=row["domain"],
        sensitivity=row["sensitivity"],
        region=row["region"],
        instances=instances,
        database=row["database"],
        cache=row["cache"],
    )
    if why_not is not None:
        why_not = _known_host(context, why_not)
    if context.fleet is None:
        note = "with --fleet: demand, cost, and which hosts could take the service"
        return told.model_copy(update={"why_not": _plain_answer(context, row["region"], why_not, instances)}), [note]
    if not instances:  # services are not planned
        bill = {pool: rounded(cost) for pool, cost in service_bill(context, name).items()}
        return told.model_copy(update={"cost": bill, "total_per_hour": sum(cost.total for cost in bill.values())}), []
    rooms = Rooms(context, name)
    could, excluded, short = rooms.survey()
    bill = {pool: rounded(cost) for pool, cost in service_bill(context, name).items()}
    demand = {resource.name: rooms.demand[r] / resource.factor for r, resource in enumerate(RESOURCES)}
    return (
        told.model_copy(
            update={
                "demand": {key: float(value) for key, value in demand.items()},
                "why": tuple(_why(context, instances, could, dict(excluded))),
                "could_take": tuple(could[:_MOST_HOSTS]),
                "num_could_take": len(could),
                "excluded": {kind: excluded[kind] for kind in REASON_TEXTS if excluded[kind]},
                "short_of": {r.name: short[r.name] for r in RESOURCES if short[r.name]},
                "cost": bill,
                "total_per_hour": round(sum(cost.total for cost in bill.values()), 9),
                "why_not": rooms.answer(why_not) if why_not is not None else None,
            }
        ),
        [],
    )


def _why(context: Context, instances: tuple[Placed, ...], could: list[str], excluded: dict[str, int]) -> Iterator[str]:
    hosts = context.plan.hosts.filter(pl.col("host").is_in(sorted({placed.host for placed in instances})))
    uses = [host_use(host) for host in hosts.sort("host").iter_rows(named=True)]
    firsts = sorted({fullest(use) for use in uses} - {""})
    shares = [use[first].share for use in uses if (first := fullest(use))]
    if shares:
        low, high = f"{min(shares):.1%}", f"{max(shares):.1%}"
        full = low if low == high else f"{low} to {high}"
        of_it = "its host is" if len(uses) == 1 else f"its {len(uses):,} hosts are"
        first_of_all = " and ".join(first.replace("_", " ") for first in firsts)
        yield f"hosts are filled so that few are needed: {of_it} {full} full, first of all with {first_of_all}"
    total = len(context.plan.hosts.filter((pl.col("pool") == "services") & ~pl.col("spare")))
    there = len({placed.host for placed in instances})
    yield (
        f"{len(could):,} of the {total - there:,} other hosts in use could take an instance; that saves nothing, "
        "since the host it leaves stays in use"
        if could
        else "no other host in use could take an instance as things stand"
    )
    if excluded.get("interference"):
        yield f"rules between services keep it off {excluded['interference']:,} hosts"


def _plain_answer(context: Context, region: str, host: str | None, instances: tuple[Placed, ...]) -> HostAnswer | None:
    """Return what the plan alone says about a host: nothing of demand, spread and rules."""
    if host is None:
        return None
    row = context.plan.hosts.row(by_predicate=pl.col("host") == host, named=True)
    reasons = []
    if row["pool"] != "services":
        reasons.append(WhyNot(kind="other-pool", message=f"the host serves {row['pool']}"))
    elif row["region"] != region:
        text = f"the host stands in {row['region']}, the service is of {region}"
        reasons.append(WhyNot(kind="other-region", message=text))
    elif row["spare"]:
        reasons.append(WhyNot(kind="spare", message="the host stands by for one that fails"))
    return HostAnswer(host=host, is_there=any(placed.host == host for placed in instances), reasons=tuple(reasons))


def _known_host(context: Context, name: str) -> str:
    name = name.removeprefix("host:")
    hosts = context.names("host")
    if name not in set(hosts):
        raise InputError(
            Problem(
                "command line",
                "the plan has no such host",
                column="--why-not",
                value=name[:60],
                suggestion=nearest_name(name, hosts),
            )
        )
    return name
