"""From a name to its explanation."""

from __future__ import annotations

from placement.errors import InputError, Problem
from placement.explain.cluster import explain_cluster
from placement.explain.context import Context
from placement.explain.domain import explain_domain
from placement.explain.host import explain_host
from placement.explain.service import explain_service
from placement.explain.types import Explanation, Subject
from placement.explain.whole import explain_whole
from placement.fleet.types import Fleet
from placement.plan.types import Plan


def explain_plan(plan: Plan, name: str, fleet: Fleet | None = None, *, why_not: str | None = None) -> Explanation:
    """Explain a service, a host, a cluster, a domain, or the plan.

    Parameters
    ----------
    plan
        The plan.
    name
        A name, ``KIND:NAME`` where things of several kinds have it, or ``plan``.
    fleet
        The fleet it was made for. Without it nothing is known of demands and rules of services.
    why_not
        Name of a host: why is the service not there?

    Raises
    ------
    InputError
        Nothing has the name, or several things have it; the fleet is another one; `why_not` is no host, or `name` no
        service.
    """
    context = Context(plan, fleet)
    kind, found = context.resolve(name)
    if why_not is not None and kind != "service":
        raise InputError(
            Problem(
                "command line",
                f"is about a service, and this is a {kind}",
                column="--why-not",
                value=found[:60],
            )
        )
    subject: Subject
    if kind == "service":
        subject, notes = explain_service(context, found, why_not)
    elif kind == "host":
        subject, notes = explain_host(context, found)
    elif kind == "cluster":
        subject, notes = explain_cluster(context, found)
    elif kind == "domain":
        subject, notes = explain_domain(context, found)
    else:
        subject, notes = explain_whole(context)
    return Explanation(currency=plan.summary.cost.currency, subject=subject, notes=tuple(notes))
