"""Comparison of mixes, drawn where its JSON is given: cost, fronts, use, what a rule costs, estimates, regret.

It is read by key: what a file lacks is left out, so that a report outlives changes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from placement.report.charts import Part, Point, bar, key, scatter
from placement.report.facts import RESOURCE_TITLES
from placement.report.markup import Child, Html, count, h, money, percent, table
from placement.report.reading import number_in, rows_in

HOURS_PER_YEAR = 8760
_MOST_SWINGS = 15
_MOST_REASONS = 3
_HEAT_STEPS = 5

_Mix = Mapping[str, Any]


def comparison_section(comparison: Mapping[str, Any]) -> Html | None:
    """Return the mixes by cost, and what the choice between them rests on; None where there are no mixes.

    Parameters
    ----------
    comparison
        A `comparison.json`.
    """
    mixes = rows_in(comparison, "mixes")
    if not mixes:
        return None
    planned = [mix for mix in mixes if isinstance(mix.get("cost"), Mapping)]
    currency = str(comparison.get("currency", ""))
    return h(
        "section",
        h("h2", "Comparison of mixes"),
        h("div.legend", h("span", key("p0"), " hosts in use"), h("span", key("spare"), " spare hosts")),
        h("div.rows", _bars(planned)),
        _table(mixes, currency),
        _without_plan(mixes),
        h("div.columns.apart", _fronts(comparison, planned, currency)),
        _use(planned),
        h("div.columns.apart", [part for part in (_margin(planned, currency), _rules(comparison, currency)) if part]),
        _tornado(comparison, currency),
        _regret(comparison, currency),
        id="comparison",
    )


def _bars(planned: Sequence[_Mix]) -> list[Html]:
    most = max((_total(mix) for mix in planned), default=0.0)
    drawn = []
    for mix in planned:
        name, total = str(mix.get("name", "")), _total(mix)
        used, spare = number_in(mix, "cost", "per_hour"), number_in(mix, "cost", "spare_per_hour")
        parts = [Part(used, "p0", f"hosts in use: {money(used)}"), Part(spare, "spare", f"spare hosts: {money(spare)}")]
        shown = bar(parts, most, f"{name}: {money(total)}")
        drawn.append(h("div.row.wide", h("span", name), shown, h("b", money(total))))
    return drawn


def _table(mixes: Sequence[_Mix], currency: str) -> Html:
    rows: list[list[Child]] = []
    for mix in mixes:
        name = str(mix.get("name", ""))
        if not isinstance(mix.get("cost"), Mapping):
            rows.append([name, "no plan", *[""] * 8])
            continue
        radius = mix.get("blast_radius")
        rows.append(
            [
                name,
                money(_total(mix)),
                count(_total(mix) * HOURS_PER_YEAR),
                count(number_in(mix, "above_best_per_hour") * HOURS_PER_YEAR),
                percent(number_in(mix, "cost", "gap"), 3),
                count(number_in(mix, "hosts", "total")),
                count(number_in(mix, "hosts", "spare")),
                percent(number_in(mix, "blast_radius", "domain_share_mean")) if radius else "",
                count(number_in(mix, "network_findings")),
                _resource(mix.get("binds", "")),
            ]
        )
    heads = [
        "Mix", f"{currency}/h in all", "A year", "Above the best", "Gap", "Hosts", "Spare", "Of a domain lost",
        "Network", "Binds",
    ]  # fmt: skip
    note = (
        "Above the best: a year. Of a domain lost: with one host, the mean. Network: links and NICs above a threshold."
    )
    return h("div", table("Mixes, the cheapest first", heads, rows, numbers=range(1, 9)), h("p.note", note))


def _without_plan(mixes: Sequence[_Mix]) -> Html | None:
    """Return why mixes cannot hold the fleet."""
    rows: list[list[Child]] = []
    for mix in mixes:
        reasons = [str(reason.get("message", "")) for reason in rows_in(mix, "reasons")]
        if reasons:
            more = f"; and {count(len(reasons) - _MOST_REASONS)} more" if len(reasons) > _MOST_REASONS else ""
            rows.append([str(mix.get("name", "")), "; ".join(reasons[:_MOST_REASONS]) + more])
    if not rows:
        return None
    shown = table("Mixes that cannot hold the fleet", ["Mix", "Why"], rows, css="small")
    return h("figure", h("figcaption", h("b", "Mixes that cannot hold the fleet")), shown)


def _fronts(comparison: Mapping[str, Any], planned: Sequence[_Mix], currency: str) -> list[Html]:
    """Return the two fronts: cost against what a host's failure takes, and against the number of sizes."""
    drawn = []
    for front, path, title, axis, shown in (
        ("cost_and_blast_radius", ("blast_radius", "domain_share_mean"), "Cost and blast radius",
         "mean share of a domain lost with a host", percent),
        ("cost_and_sizes", ("num_sizes",), "Cost and number of sizes", "different sizes in use", count),
    ):  # fmt: skip
        names = _names(comparison, front)
        points = [
            Point(
                _total(mix),
                number_in(mix, *path),
                str(mix.get("name", "")),
                f"{mix.get('name', '')}: {money(_total(mix))} {currency}/h, {shown(number_in(mix, *path))}",
                str(mix.get("name", "")) in names,
            )
            for mix in planned
            if mix.get(path[0])
        ]
        if len(points) > 1:
            text = f"{title}: {len(points)} mixes, {sum(point.is_marked for point in points)} on the front"
            axes = (f"{currency} per hour, spares included", axis)
            caption = "Mixes on the line are beaten by no other in both respects."
            figure = scatter(points, text, axes, (money, shown))
            drawn.append(h("figure", h("figcaption", h("b", title), f" {caption}"), figure))
    return drawn


def _names(comparison: Mapping[str, Any], front: str) -> set[str]:
    fronts = comparison.get("fronts")
    names = fronts.get(front) if isinstance(fronts, Mapping) else None
    return {str(name) for name in names} if isinstance(names, (list, tuple)) else set()


def _use(planned: Sequence[_Mix]) -> Html | None:
    """Return the use of resources by mix."""
    mixes = [mix for mix in planned if isinstance(mix.get("use"), Mapping) and mix["use"]]
    if not mixes:
        return None
    resources = list(mixes[0]["use"])
    rows: list[list[Child]] = []
    for mix in mixes:
        shares = [number_in(mix, "use", name, "share") for name in resources]
        cells = [h(f"span.heat{min(int(share * _HEAT_STEPS) + 1, _HEAT_STEPS)}", percent(share)) for share in shares]
        rows.append([str(mix.get("name", "")), *cells])
    heads = ["Mix", *(_resource(name) for name in resources)]
    shown = table("Use of what may be planned, by mix", heads, rows, css="matrix")
    return h(
        "figure", h("figcaption", h("b", "Use of resources"), " of what may be planned on the hosts in use"), shown
    )


def _margin(planned: Sequence[_Mix], currency: str) -> Html | None:
    """Return what the cheapest mix pays for resources, and what a point of headroom saves."""
    prices = planned[0].get("shadow_prices") if planned else None
    if not isinstance(prices, Mapping):
        return None
    of_unit = {str(row.get("resource", "")): row for row in rows_in(prices, "resources")}
    rows: list[list[Child]] = []
    for row in rows_in(prices, "headroom"):
        name = str(row.get("resource", ""))
        paid = of_unit.get(name)
        share = row.get("share")
        rows.append(
            [
                "All *" if name == "all" else _resource(name),
                percent(float(share), 0) if isinstance(share, (int, float)) else "",
                f"{number_in(row, 'saves_per_hour'):,.4f}",
                f"{number_in(paid, 'per_unit_hour'):.3g} a {_one(paid.get('unit', ''))}" if paid else "",
                percent(number_in(paid, "cost_share")) if paid else "",
            ]
        )
    heads = ["Resource", "Headroom", "A point more", "Price", "Of the cost"]
    text = f" of the cheapest mix, {currency}/h: what a point more headroom saves, what a unit costs"
    shown = table("Prices at the margin", heads, rows, numbers=range(1, 5), css="small")
    note = h("p.note", "* All but the network. Right for small changes, as long as the same resources bind.")
    return h("figure", h("figcaption", h("b", "Prices at the margin"), text), shown, note)


def _rules(comparison: Mapping[str, Any], currency: str) -> Html | None:
    rules = rows_in(comparison, "rules")
    if not rules:
        return None
    rows: list[list[Child]] = [
        [
            str(rule.get("rule", "")),
            str(rule.get("text", "")),
            money(number_in(rule, "costs_per_hour")),
            count(number_in(rule, "costs_per_hour") * HOURS_PER_YEAR),
        ]
        for rule in rules
    ]
    heads = ["Rule", "Without it", f"It costs {currency}/h", "A year"]
    text = " the cheapest mix against plans without it"
    shown = table("What rules cost", heads, rows, numbers=(2, 3), css="small")
    return h("figure", h("figcaption", h("b", "What rules cost"), text), shown)


def _tornado(comparison: Mapping[str, Any], currency: str) -> Html | None:
    swings = rows_in(comparison, "sensitivity", "tornado")
    if not swings:
        return None
    shown = swings[:_MOST_SWINGS]
    costs = [number_in(swing, f"cost_{end}_per_hour") for swing in shown for end in ("low", "high")]
    of = str(comparison["sensitivity"].get("of", ""))
    typical = next((_total(mix) for mix in rows_in(comparison, "mixes") if mix.get("name") == of), costs[0])
    least, most = min(*costs, typical), max(*costs, typical)
    drawn = []
    for swing in shown:
        low, high = sorted((number_in(swing, "cost_low_per_hour"), number_in(swing, "cost_high_per_hour")))
        path = str(swing.get("path", ""))
        title = (
            f"{path} from {number_in(swing, 'low'):g} to {number_in(swing, 'high'):g}: {money(low)} to {money(high)}"
        )
        parts = [Part(low - least, "clear", ""), Part(high - low, "p1", title)]
        shown_swing = bar(parts, most - least, title, mark=typical - least, mark_title=f"typical: {money(typical)}")
        drawn.append(h("div.row.wide", h("span", path), shown_swing, h("b", money(high - low))))
    caption = f"{money(least)} to {money(most)} {currency}/h; the mark is the plan of {of}"
    return h(
        "figure",
        h(
            "figcaption",
            h("b", "Which estimates matter most"),
            f" cost, spares included, at the low and the high end of each, {caption}",
        ),
        h("div.rows", drawn),
    )


def _regret(comparison: Mapping[str, Any], currency: str) -> Html | None:
    """Return what each mix costs more than the best one of each sample of the estimates."""
    regrets = rows_in(comparison, "sensitivity", "regrets")
    if not regrets:
        return None
    most = max(number_in(row, "max_per_hour") for row in regrets)
    drawn: list[Html] = []
    rows: list[list[Child]] = []
    for row in regrets:
        name, mean, worst = str(row.get("name", "")), number_in(row, "mean_per_hour"), number_in(row, "max_per_hour")
        title = f"{name}: {money(mean)} on average, {money(worst)} at most"
        parts = [Part(mean, "p0", f"mean: {money(mean)}"), Part(worst - mean, "p2", f"greatest: {money(worst)}")]
        drawn.append(h("div.row.wide", h("span", name), bar(parts, most, title), h("b", money(mean))))
        ends = row.get("cost_per_hour")
        costs = [money(float(end)) for end in ends] if isinstance(ends, (list, tuple)) else []
        rows.append(
            [
                name, money(mean), money(worst), " · ".join(costs), percent(number_in(row, "best_in"), 0),
                count(number_in(row, "infeasible")),
            ]
        )  # fmt: skip
    samples = number_in(comparison, "sensitivity", "samples")
    heads = ["Mix", "Mean regret", "Greatest", "Cost: 10 %, median, 90 %", "Cheapest in", "Samples it cannot hold"]
    caption = f" {currency}/h above the cheapest mix of each of {count(samples)} samples of all estimates"
    legend = h("div.legend", h("span", key("p0"), " mean"), h("span", key("p2"), " greatest"))
    return h(
        "figure",
        h("figcaption", h("b", "Which mix regrets least"), caption),
        legend,
        h("div.rows", drawn),
        table("Regret by mix", heads, rows, numbers=range(1, 6), css="small"),
    )


def _total(mix: _Mix) -> float:
    return number_in(mix, "cost", "total_per_hour")


def _resource(name: object) -> str:
    return RESOURCE_TITLES.get(str(name), str(name))


def _one(unit: object) -> str:
    return {"cores": "core", "files": "file", "threads": "thread"}.get(str(unit), str(unit))
