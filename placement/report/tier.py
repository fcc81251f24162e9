"""Third part: clusters by domain and sensitivity, and the platform's services."""

from __future__ import annotations

from collections import Counter

import polars as pl

from placement.plan.types import Plan
from placement.report.markup import Child, Html, count, h, join, table

_MOST_DOMAINS = 40
"""Domains with a row of their own; the rest share one."""


def tier_section(plan: Plan) -> Html | None:
    """Return the data tier, None where the plan has none."""
    parts = []
    for title, clusters, noun in (
        ("PostgreSQL", plan.postgres_clusters, "servers and clusters"),
        ("Valkey", plan.valkey_clusters, "clusters"),
    ):
        if not clusters.is_empty():
            parts.append(_matrix(title, clusters, noun))
    platform = plan.summary.data_tier.platform if plan.summary.data_tier else ()
    if platform:
        rows = [
            [
                service.service,
                service.region,
                count(service.nodes),
                "; ".join(_measure(key, value) for key, value in service.measures.items()),
            ]
            for service in platform
        ]
        heads = ["Service", "Region", "Nodes", "What it must take"]
        parts.append(
            h(
                "figure",
                h("figcaption", h("b", "Platform services")),
                table("Platform services", heads, rows, numbers=(2,)),
            )
        )
    if not parts:
        return None
    return h(
        "section",
        h("h2", "Clusters by domain and sensitivity"),
        h(
            "p.note",
            "How many clusters hold data of a domain, by the sensitivity classes that share them. A cluster that "
            "several domains share counts in each of their rows.",
        ),
        parts,
        id="clusters",
    )


def _measure(name: str, value: float) -> str:
    words = name.replace("_", " ").replace(" mb ", " MB ")
    return f"{words.removesuffix(' gb')} {value:,.0f} GB" if words.endswith(" gb") else f"{words} {value:,.0f}"


def _matrix(title: str, clusters: pl.DataFrame, noun: str) -> Html:
    cells: Counter[tuple[str, str]] = Counter()
    for domains, sensitivity in clusters.select("domains", "sensitivity").iter_rows():
        for domain in (domains or "—").split(";"):
            cells[domain, sensitivity.replace(";", " + ")] += 1
    classes = sorted({sensitivity for _, sensitivity in cells})
    total: Counter[str] = Counter()
    for (domain, _), number in cells.items():
        total[domain] += number
    domains = sorted(total, key=lambda domain: (-total[domain], domain))
    shown, rest = domains[:_MOST_DOMAINS], domains[_MOST_DOMAINS:]
    most = max(cells.values(), default=1)

    def cell(number: int) -> Child:
        if not number:
            return h("span.none", "·")
        level = min(5, 1 + int(5 * (number - 1) / most))
        return h(f"span.heat{level}", count(number))

    rows: list[list[Child]] = [
        [domain, *(cell(cells[domain, name]) for name in classes), count(total[domain])] for domain in shown
    ]
    if rest:
        sums = [sum(cells[domain, name] for domain in rest) for name in classes]
        rows.append([f"{len(rest)} more domains", *(count(number) for number in sums), count(sum(sums))])
    services = clusters["services"].sum()
    caption = join([h("b", title), f" {count(len(clusters))} {noun} for {services:,} services"])
    return h(
        "figure",
        h("figcaption", caption),
        table(
            f"{title} by domain and sensitivity",
            ["Domain", *classes, "All"],
            rows,
            numbers=range(1, len(classes) + 2),
            css="matrix",
        ),
    )
