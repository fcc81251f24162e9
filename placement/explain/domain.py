"""A domain: what it costs, and what it loses with one host."""

from __future__ import annotations

import polars as pl

from placement.explain.bills import all_bills
from placement.explain.context import Context
from placement.explain.types import DomainExplanation

_MOST_DEAREST = 10


def explain_domain(context: Context, name: str) -> tuple[DomainExplanation, list[str]]:
    """Return the explanation of a domain, and notes on what could not be said."""
    services = context.services.filter(pl.col("domain") == name)
    placed = context.placed.filter(pl.col("domain") == name)
    by_host = placed.group_by("host").len().sort(["len", "host"], descending=[True, False])
    whole = max(len(placed), 1)
    counts = placed.group_by("service").len()
    notes: list[str] = []
    costs: dict[str, float] | None = None
    dearest: dict[str, float] = {}
    total = share = None
    if context.fleet is None:
        notes.append("with --fleet: cost, and the domain of every service")
    else:
        bills = all_bills(context)
        mine = (context.services["domain"] == name).to_numpy()
        costs = {pool: round(float(bill[mine].sum()), 9) for pool, bill in bills.by_pool.items()}
        total = round(sum(costs.values()), 9)
        plan_total = context.plan.summary.cost.total_per_hour
        share = total / plan_total if plan_total else 0.0
        ranked = services.with_columns(cost=bills.total[mine]).sort(["cost", "service"], descending=[True, False])
        dearest = {
            service: round(cost, 9)
            for service, cost in ranked.select("service", "cost").head(_MOST_DEAREST).iter_rows()
        }
    return (
        DomainExplanation(
            name=name,
            services=len(services),
            instances=len(placed),
            hosts=len(by_host),
            databases=services.filter(pl.col("database") != "")["database"].n_unique(),
            caches=services.filter(pl.col("cache") != "")["cache"].n_unique(),
            cost_by_pool=costs,
            total_per_hour=total,
            share_of_plan=share,
            worst_host=by_host["host"][0] if len(by_host) else "",
            worst_share=by_host["len"][0] / whole if len(by_host) else 0.0,
            mean_share=1 / len(by_host) if len(by_host) else 0.0,
            single_instance=int((counts["len"] == 1).sum()),
            dearest=dearest,
        ),
        notes,
    )
