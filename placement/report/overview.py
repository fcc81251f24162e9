"""First part of the page: what the plan costs, what is proven, what deserves a look, hosts by size and pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from placement.plan.types import Plan
from placement.report.charts import Part, bar, key
from placement.report.facts import POOL_TITLES, RESOURCE_TITLES, PoolUse, resource_word
from placement.report.markup import Child, Html, amount, count, h, join, money, percent, table

HOURS_PER_YEAR = 8760
_MOST_STRANDED = 2
"""Pools, the dearest first, of which the most stranded resource is told."""


def header(plan: Plan) -> Html:
    """Return the page's head: the fleet, and the plan in one sentence."""
    summary = plan.summary
    cost = summary.cost
    used = summary.hosts.total - summary.hosts.spare
    sentence = (
        f"{count(summary.fleet.services)} services in {count(summary.fleet.instances)} instances on "
        f"{count(used)} hosts for {money(cost.per_hour)} {cost.currency} per hour, {_proof(plan)}."
    )
    return h("header.head", h("p.kicker", "Placement plan"), h("h1", summary.fleet.name), h("p.lead", sentence))


def _proof(plan: Plan) -> str:
    if plan.summary.status == "optimal":
        return "proven to be the cheapest there is"
    if plan.summary.cost.gap == 0:
        return "proven cheapest for the servers and clusters it chose"
    of_what = "possible" if plan.summary.data_tier is None else "for the servers and clusters it chose"
    return f"at most {percent(plan.summary.cost.gap, 3)} above the cheapest {of_what}"


def figures(plan: Plan, uses: Sequence[PoolUse]) -> Html:
    """Return the key figures."""
    cost, hosts = plan.summary.cost, plan.summary.hosts
    per_hour = f"{cost.currency} per hour"
    tiles: list[tuple[str, str, str, str]] = [
        ("Cost", money(cost.per_hour), per_hour, f"{count(cost.per_hour * HOURS_PER_YEAR)} a year"),
        ("Proven bound", money(cost.bound_per_hour), per_hour, "no packing of these servers costs less"),
        ("Gap", percent(cost.gap, 3), "", f"at most {money(cost.per_hour - cost.bound_per_hour)} per hour to save"),
        (
            "With spares",
            money(cost.total_per_hour),
            per_hour,
            f"{count(cost.total_per_hour * HOURS_PER_YEAR)} a year, spares included",
        ),
        ("Hosts", count(hosts.total - hosts.spare), "in use", f"and {count(hosts.spare)} spare"),
    ]
    dearest = _dearest(plan, uses)
    if dearest is not None:
        scarce = dearest.binding
        title = RESOURCE_TITLES[scarce.name]
        tiles.append(
            ("Scarcest", title, percent(scarce.used_share), f"of what {POOL_TITLES[dearest.pool].lower()} may use")
        )
    return h(
        "dl.figures",
        [
            h("div", h("dt", title), h("dd", h("strong", value), " ", h("span.unit", unit), h("span.note", note)))
            for title, value, unit, note in tiles
        ],
    )


def _dearest(plan: Plan, uses: Sequence[PoolUse]) -> PoolUse | None:
    pools = plan.summary.pools
    known = [use for use in uses if use.pool in pools]
    return max(known, key=lambda use: pools[use.pool].per_hour, default=None)


def remarks(plan: Plan, uses: Sequence[PoolUse]) -> Html | None:
    """Return what deserves a look: what breaks a rule, what would save, what is stranded."""
    items = [h(f"li.{css}", text) for css, text in _remarks(plan, uses)]
    return h("section.remarks", h("h2", "Worth a look"), h("ul", items), aria_label="Worth a look") if items else None


def _remarks(plan: Plan, uses: Sequence[PoolUse]) -> Iterator[tuple[str, str]]:
    summary = plan.summary
    if summary.violations:
        yield "critical", f"The plan breaks {_several(len(summary.violations), 'rule')}; see the alerts below."
    levels = [alert.level for alert in summary.alerts]
    if levels:
        critical = levels.count("critical")
        text = f"{_several(len(levels), 'alert')} against the model's thresholds" + (
            f", {critical} critical" if critical else ""
        )
        yield ("critical" if critical else "warning"), f"{text}; see below."
    tier = summary.data_tier
    other = tier.postgres.alternative if tier and tier.postgres else None
    if other is not None and other.saves_per_hour > 0:
        share = other.saves_per_hour / summary.cost.per_hour if summary.cost.per_hour else 0.0
        yield (
            "saving",
            f"{count(other.clusters)} shared PostgreSQL clusters instead of dedicated servers would save "
            f"{money(other.saves_per_hour)} {summary.cost.currency} per hour, {percent(share)} of the cost.",
        )
    pools = summary.pools
    dearest = sorted((use for use in uses if use.pool in pools), key=lambda use: -pools[use.pool].per_hour)
    lost_most = [use for use in dearest if use.most_stranded.stranded_share >= 0.2 and len(use.utilisation) > 1]
    for use in lost_most[:_MOST_STRANDED]:
        lost = use.most_stranded
        yield (
            "stranded",
            f"{POOL_TITLES[use.pool]}: {resource_word(use.binding.name)} fills the hosts first; "
            f"{amount(lost.stranded, lost.unit)} of {resource_word(lost.name)} "
            f"({percent(lost.stranded_share, 0)}) is stranded on hosts that are full.",
        )


def _several(number: int, what: str) -> str:
    return f"{count(number)} {what}" if number == 1 else f"{count(number)} {what}s"


def cost_section(plan: Plan) -> Html:
    """Return cost, bound and gap by pool."""
    cost = plan.summary.cost
    pools = [(name, plan.summary.pools[name]) for name in POOL_TITLES if name in plan.summary.pools]
    parts = [
        Part(pool.per_hour, f"p{n}", f"{POOL_TITLES[name]}: {money(pool.per_hour)}")
        for n, (name, pool) in enumerate(pools)
    ]
    spare = Part(cost.spare_per_hour, "spare", f"Spare hosts: {money(cost.spare_per_hour)}")
    whole = max(cost.total_per_hour, cost.per_hour)
    money_head = f"{cost.currency}/h"
    rows: list[list[Child]] = [
        [
            join([key(f"p{n}"), " ", POOL_TITLES[name]]),
            money(pool.per_hour),
            money(pool.bound_per_hour),
            percent(pool.gap, 3) if pool.gap else "0",
            percent(pool.per_hour / cost.per_hour) if cost.per_hour else "",
            count(pool.hosts),
        ]
        for n, (name, pool) in enumerate(pools)
    ]
    rows.append(
        [
            join([key("spare"), " Spare hosts"]),
            money(cost.spare_per_hour),
            "",
            "",
            "on top",
            count(plan.summary.hosts.spare),
        ]
    )
    rows.append(
        [
            "All",
            money(cost.total_per_hour),
            money(cost.bound_per_hour),
            percent(cost.gap, 3) if cost.gap else "0",
            "",
            count(plan.summary.hosts.total),
        ]
    )
    heads = ["Pool", money_head, "Bound", "Gap", "Share", "Hosts"]
    return h(
        "section",
        h("h2", "Cost"),
        bar(
            [*parts, spare],
            whole,
            "Cost by pool",
            mark=cost.bound_per_hour,
            mark_title=f"Bound: {money(cost.bound_per_hour)}",
        ),
        table("Cost, proven bound and gap by pool", heads, rows, numbers=range(1, 6), css="total"),
        h(
            "p.note",
            "The line across the bar is the proven bound. Bound and gap are about the hosts in use; spare hosts come "
            "on top, the fewest that the policy allows.",
        ),
        id="cost",
    )


def hosts_section(plan: Plan) -> Html:
    """Return hosts by size and pool, spares included."""
    sizes = sorted(plan.hosts["size"].unique(), key=lambda size: (-_price(plan, size), size))
    counts = {
        (pool, size, spare): number
        for pool, size, spare, number in plan.hosts.group_by("pool", "size", "spare").len().iter_rows()
    }
    pools = [pool for pool in POOL_TITLES if any((pool, size, s) in counts for size in sizes for s in (False, True))]

    def number(pool: str, size: str) -> int:
        bought, spare = counts.get((pool, size, False), 0), counts.get((pool, size, True), 0)
        return int(bought + spare)

    most = max((sum(number(pool, size) for size in sizes) for pool in pools), default=1)
    drawn = []
    for pool in pools:
        parts = [
            Part(number(pool, size), f"s{min(n, 7)}", f"{size}: {count(number(pool, size))}")
            for n, size in enumerate(sizes)
        ]
        total = sum(number(pool, size) for size in sizes)
        drawn.append(
            h(
                "div.row",
                h("span", POOL_TITLES[pool]),
                bar(parts, most, f"{POOL_TITLES[pool]} by size"),
                h("b", count(total)),
            )
        )
    rows = [
        [
            join([key(f"s{min(n, 7)}"), " ", size]),
            money(_price(plan, size)),
            *(count(number(pool, size)) if number(pool, size) else "·" for pool in pools),
            count(sum(counts.get((pool, size, True), 0) for pool in pools)),
            count(sum(number(pool, size) for pool in pools)),
        ]
        for n, size in enumerate(sizes)
    ]
    heads = [
        "Size",
        f"{plan.summary.cost.currency}/h",
        *(POOL_TITLES[pool] for pool in pools),
        "Spare",
        "All",
    ]
    return h(
        "section",
        h("h2", "Hosts by size and pool"),
        h("div.rows", drawn),
        table("Hosts by size and pool, spares included", heads, rows, numbers=range(1, len(heads))),
        id="hosts",
    )


def _price(plan: Plan, size: str) -> float:
    prices = plan.hosts.filter(pl.col("size") == size)["price_per_hour"]
    value = prices.max()
    return float(value) if isinstance(value, float) else 0.0
