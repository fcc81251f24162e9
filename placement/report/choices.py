"""Comparison of mixes and forecast, drawn where their JSON is given.

They are read by key: what a file lacks is left out, so that a report outlives changes of those files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    months = [month for month in forecast.get("months", ()) if isinstance(month, Mapping)]
    if len(months) < 2:
        return None
    figures = [
        figure
        for name, title in _FORECAST_TITLES.items()
        if (figure := _forecast_figure(months, name, title)) is not None
    ]
    orders = [order for order in forecast.get("orders", ()) if isinstance(order, Mapping)]
    return h(
        "section",
        h("h2", "Forecast"),
        h("p.note", "The line is the typical course; the band reaches from low to high."),
        h("div.columns", figures),
        _rows_as_table("What to order by when", orders[:_MOST_ORDERS]) if orders else None,
        id="forecast",
    )


_FORECAST_TITLES = {
    "services": "Services",
    "cost_per_month": "Cost per month",
    "hosts": "Hosts",
    "databases": "Databases",
    "cache_gb": "Cache memory, GB",
    "bandwidth_gbps": "Bandwidth, Gbps",
    "storage_tb": "Storage, TB",
}


def _forecast_figure(months: Sequence[Mapping[str, Any]], name: str, title: str) -> Html | None:
    ranges = [month.get(name) for month in months]
    if not all(isinstance(item, Mapping) for item in ranges):
        return None
    low, typical, high = ([_figure(month, name, end) for month in months] for end in ("low", "typical", "high"))
    text = f"{title}: {typical[0]:,.0f} to {typical[-1]:,.0f} ({low[-1]:,.0f} to {high[-1]:,.0f})"
    first, last = (str(months[n].get("month", months[n].get("date", n))) for n in (0, -1))
    return h(
        "figure",
        h("figcaption", h("b", title), text.removeprefix(f"{title}:")),
        lines([Line(typical, "f1", text, low, high)], text),
        h("div.axis", h("span", first), h("span", last), aria_hidden="true"),
    )


def _rows_as_table(caption: str, rows: Sequence[Mapping[str, Any]]) -> Html:
    heads = list(dict.fromkeys(name for row in rows for name in row if not isinstance(row[name], (dict, list))))
    return table(caption, [name.replace("_", " ") for name in heads], [list(_cells(row, heads)) for row in rows])


def _cells(row: Mapping[str, Any], heads: Iterable[str]) -> Iterable[Child]:
    for name in heads:
        value = row.get(name)
        yield f"{value:,g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value or "")


def _figure(data: Mapping[str, Any], *names: str) -> float:
    """Return the number under a path of keys, 0 where there is none."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
