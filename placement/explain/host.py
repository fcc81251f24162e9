"""A host: what it holds, what binds, what its failure loses."""

from __future__ import annotations

from typing import Any

import polars as pl

from placement.explain.context import Context, fullest, host_use
from placement.explain.types import HostExplanation, Loss, Placed
from placement.units import RESOURCES

_MOST_SHOWN = 20


def explain_host(context: Context, name: str) -> tuple[HostExplanation, list[str]]:
    """Return the explanation of a host, and notes on what could not be said."""
    plan = context.plan
    row = plan.hosts.row(by_predicate=pl.col("host") == name, named=True)
    use = host_use(row)
    held = plan.assignments.filter(pl.col("host") == name).group_by("service").len().sort("service")
    nodes = plan.nodes.filter(pl.col("host") == name).sort("node")
    worth = _worth(context, row, held, nodes)
    notes = [] if worth is not None else ["with --fleet: what the services on it are worth"]
    return (
        HostExplanation(
            name=name,
            size=row["size"],
            pool=row["pool"],
            region=row["region"],
            zone=row["zone"],
            segment=row["segment"],
            spare=row["spare"],
            price_per_hour=row["price_per_hour"],
            use=use,
            binds=fullest(use),
            services=dict(held.iter_rows()),
            nodes=tuple(
                Placed(name=node, host=name, role=role) for node, role in nodes.select("node", "role").iter_rows()
            ),
            worth_per_hour=worth,
            loss=_loss(context, row, held, nodes),
        ),
        notes,
    )


def _worth(context: Context, row: dict[str, Any], held: pl.DataFrame, nodes: pl.DataFrame) -> float | None:
    """Return the value at the dual prices of what stands there, None where it is not known."""
    prices = context.prices.get((str(row["pool"]), str(row["region"])))
    if prices is None:
        return None if row["pool"] == "services" and not held.is_empty() else 0.0
    value = dict(zip(prices.items.names, prices.value.sum(axis=1).tolist(), strict=True))
    worth = sum(value.get(service, 0.0) * number for service, number in held.iter_rows())
    worth += sum(value.get(node, 0.0) for node in nodes["node"])
    return float(round(worth, 9))


def _loss(context: Context, row: dict[str, Any], held: pl.DataFrame, nodes: pl.DataFrame) -> Loss:
    plan = context.plan
    totals = plan.assignments.filter(pl.col("service").is_in(held["service"].implode())).group_by("service").len("all")
    lost = held.join(totals, on="service", how="left").sort("service")
    down = lost.filter(pl.col("len") == pl.col("all"))["service"].to_list()
    primaries = sorted(set(nodes.filter(pl.col("role") == "primary")["workload"]))
    users = context.services.filter(
        pl.col("database").is_in(primaries) | pl.col("cache").is_in(primaries) if primaries else pl.lit(False)
    )
    return Loss(
        services_down=tuple(down[:_MOST_SHOWN]),
        num_services_down=len(down),
        num_services_reduced=len(lost) - len(down),
        primaries=tuple(primaries[:_MOST_SHOWN]),
        num_primaries=len(primaries),
        num_services_of_primaries=len(users),
        domains=domain_shares(context, str(row["host"])),
        replaced_by=_replacements(plan.hosts, row),
    )


def domain_shares(context: Context, host: str) -> dict[str, float]:
    """Return the share of each domain's instances that stands on a host, the largest first, the first few."""
    here = context.placed.filter((pl.col("host") == host) & (pl.col("domain") != "")).group_by("domain").len("here")
    whole = context.placed.group_by("domain").len("all")
    shares = here.join(whole, on="domain").select("domain", (pl.col("here") / pl.col("all")).alias("share"))
    ordered = shares.sort(["share", "domain"], descending=[True, False]).head(_MOST_SHOWN)
    return {domain: round(share, 9) for domain, share in ordered.iter_rows()}


def _replacements(hosts: pl.DataFrame, row: dict[str, Any]) -> int:
    """Return how many spares could take the whole load of a host."""
    spares = hosts.filter(
        pl.col("spare")
        & (pl.col("pool") == row["pool"])
        & (pl.col("region") == row["region"])
        & (pl.col("host") != row["host"])
    )
    for resource in RESOURCES:
        spares = spares.filter(pl.col(f"{resource.column}_limit") >= row[f"{resource.column}_used"])
    return len(spares)
