"""Comparison of mixes and forecast, drawn where their JSON is given.

They are read by key: what a file lacks is left out, so that a report outlives changes of those files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from placement.report.charts import Line, Part, bar, key, lines
from placement.report.facts import RESOURCE_TITLES
from placement.report.markup import Child, Html, count, h, money, percent, table

_MOST_SWINGS = 15
_MOST_ORDERS = 60


def comparison_section(comparison: Mapping[str, Any]) -> Html | None:
    """Return the mixes by cost, and which estimates matter most; None where the comparison has no mixes.

    Parameters
    ----------
    comparison
        A `comparison.json`.
    """
    mixes = [mix for mix in comparison.get("mixes", ()) if isinstance(mix, Mapping)]
    if not mixes:
        return None
    currency = str(comparison.get("currency", ""))
    most = max((_figure(mix, "cost", "total_per_hour") for mix in mixes), default=0.0)
    drawn, rows = [], []
    for mix in mixes:
        name = str(mix.get("name", ""))
        if not isinstance(mix.get("cost"), Mapping):
            reasons = "; ".join(str(reason.get("message", "")) for reason in mix.get("reasons", ()))
            rows.append([name, "no plan", "", "", "", "", reasons])
            continue
        total = _figure(mix, "cost", "total_per_hour")
        used, spare = _figure(mix, "cost", "per_hour"), _figure(mix, "cost", "spare_per_hour")
        parts = [Part(used, "p0", f"hosts in use: {money(used)}"), Part(spare, "spare", f"spare hosts: {money(spare)}")]
        drawn.append(
            h("div.row.wide", h("span", name), bar(parts, most, f"{name}: {money(total)}"), h("b", money(total)))
        )
        rows.append(
            [
                name,
                money(total),
                money(_figure(mix, "above_best_per_hour")),
                percent(_figure(mix, "cost", "gap"), 3),
                count(_figure(mix, "hosts", "total")),
                percent(_figure(mix, "blast_radius", "domain_share_mean")) if mix.get("blast_radius") else "",
                RESOURCE_TITLES.get(str(mix.get("binds", "")), str(mix.get("binds", ""))),
            ]
        )
    heads = ["Mix", f"{currency}/h in all", "Above the best", "Gap", "Hosts", "Of a domain lost with a host", "Binds"]
    return h(
        "section",
        h("h2", "Comparison of mixes"),
        h("div.legend", h("span", key("p0"), " hosts in use"), h("span", key("spare"), " spare hosts")),
        h("div.rows", drawn),
        table("Mixes, the cheapest first", heads, rows, numbers=range(1, 6)),
        _tornado(comparison, currency),
        id="comparison",
    )


def _tornado(comparison: Mapping[str, Any], currency: str) -> Html | None:
    sensitivity = comparison.get("sensitivity")
    swings = [swing for swing in sensitivity.get("tornado", ()) if isinstance(swing, Mapping)] if sensitivity else []
    if not swings:
        return None
    shown = swings[:_MOST_SWINGS]
    costs = [_figure(swing, f"cost_{end}_per_hour") for swing in shown for end in ("low", "high")]
    least, most = min(costs), max(costs)
    drawn = []
    for swing in shown:
        low, high = sorted((_figure(swing, "cost_low_per_hour"), _figure(swing, "cost_high_per_hour")))
        path = str(swing.get("path", ""))
        title = f"{path} from {_figure(swing, 'low'):g} to {_figure(swing, 'high'):g}: {money(low)} to {money(high)}"
        parts = [Part(low - least, "clear", ""), Part(high - low, "p1", title)]
        drawn.append(h("div.row.wide", h("span", path), bar(parts, most - least, title), h("b", money(high - low))))
    caption = f"{money(least)} to {money(most)} {currency}/h"
    return h(
        "figure",
        h("figcaption", h("b", "Which estimates matter most"), f" cost at the low and the high end of each, {caption}"),
        h("div.rows", drawn),
    )


def forecast_section(forecast: Mapping[str, Any]) -> Html | None:
    """Return cost and hosts over time with their ranges, and what to order by when; None where there is no time.

    Parameters
    ----------
    forecast
        A `forecast.json`.
    """
    months = [month for month in forecast.get("timeline", ()) if isinstance(month, Mapping)]
    if len(months) < 2:
        return None
    figures = [
        figure
        for path, title in _FORECAST_TITLES.items()
        if (figure := _forecast_figure(months, path, title)) is not None
    ]
    return h(
        "section",
        h("h2", "Forecast"),
        h(
            "p.note",
            "The line is the typical course; the band reaches from low to high. Money is in the fleet's currency.",
        ),
        h("div.columns", figures),
        _orders(forecast),
        _crossings(forecast),
        id="forecast",
    )


_FORECAST_TITLES = {
    ("services",): "Services",
    ("quantities", "cost_per_month"): "Cost per month",
    ("quantities", "hosts"): "Hosts",
    ("quantities", "databases"): "PostgreSQL servers",
    ("quantities", "cache_memory_gb"): "Cache memory, GB",
    ("quantities", "database_storage_gb"): "Database storage, GB",
    ("quantities", "bandwidth_mbps"): "Bandwidth, Mbps",
}


def _forecast_figure(months: Sequence[Mapping[str, Any]], path: tuple[str, ...], title: str) -> Html | None:
    low, typical, high = ([_figure(month, *path, end) for month in months] for end in ("low", "typical", "high"))
    if not any(high):
        return None
    text = f"{title}: {typical[0]:,.0f} to {typical[-1]:,.0f} ({low[-1]:,.0f} to {high[-1]:,.0f})"
    first, last = (str(months[n].get("date", "")) for n in (0, -1))
    return h(
        "figure",
        h("figcaption", h("b", title), text.removeprefix(f"{title}:")),
        lines([Line(typical, "f1", text, low, high)], text),
        h("div.axis", h("span", first), h("span", last), aria_hidden="true"),
    )


def _orders(forecast: Mapping[str, Any]) -> Html | None:
    orders = [order for order in forecast.get("orders", ()) if isinstance(order, Mapping)]
    if not orders:
        return None
    rows: list[list[Child]] = [
        [
            str(order.get("order_by", "")),
            str(order.get("item", "")),
            count(_figure(order, "quantity")),
            str(order.get("arrives_by", "")),
            "late already" if order.get("is_late") else str(order.get("reason", "")),
        ]
        for order in orders[:_MOST_ORDERS]
    ]
    heads = ["Order by", "Item", "Quantity", "Arrives by", "Because of"]
    return h("figure", h("figcaption", h("b", "What to order by when")), table("Orders", heads, rows, numbers=(2,)))


def _crossings(forecast: Mapping[str, Any]) -> Html | None:
    crossings = [row for row in forecast.get("crossings", ()) if isinstance(row, Mapping) and row.get("date")]
    if not crossings:
        return None
    rows: list[list[Child]] = [
        [
            str(row.get("date", "")),
            count(_figure(row, "services")),
            str(row.get("title", "")),
            str(row.get("change", "")),
        ]
        for row in crossings
    ]
    heads = ["Date", "Services", "Threshold", "What changes"]
    return h("figure", h("figcaption", h("b", "Thresholds ahead")), table("Thresholds", heads, rows, numbers=(1,)))


def _figure(data: Mapping[str, Any], *names: str) -> float:
    """Return the number under a path of keys, 0 where there is none."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
