"""Forecast, drawn where its JSON is given.

It is read by key: what a file lacks is left out, so that a report outlives changes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from placement.report.charts import Line, lines
from placement.report.markup import Child, Html, count, h, table
from placement.report.reading import number_in, rows_in

_MOST_ORDERS = 60
_REASONS = {"order-at": "level to order at", "lead-time": "lead time"}


def forecast_section(forecast: Mapping[str, Any]) -> Html | None:
    """Return cost and hosts over time with their ranges, and what to order by when; None where there is no time.

    Parameters
    ----------
    forecast
        A `forecast.json`.
    """
    months = rows_in(forecast, "timeline")
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
    low, typical, high = ([number_in(month, *path, end) for month in months] for end in ("low", "typical", "high"))
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
    orders = rows_in(forecast, "orders")
    if not orders:
        return None
    rows: list[list[Child]] = [
        [
            str(order.get("order_by", "")),
            str(order.get("item", "")),
            count(number_in(order, "quantity")),
            str(order.get("arrives_by", "")),
            "late already" if order.get("is_late") else _REASONS.get(str(order.get("reason", "")), ""),
            count(number_in(order, "a_month_late", "costs")),
            count(number_in(order, "a_month_early", "costs")),
        ]
        for order in orders[:_MOST_ORDERS]
    ]
    heads = ["Order by", "Item", "Quantity", "Arrives by", "Because of", "A month late costs", "A month early costs"]
    more = f" the first {_MOST_ORDERS} of {count(len(orders))}" if len(orders) > _MOST_ORDERS else ""
    shown = table("Orders", heads, rows, numbers=(2, 5, 6))
    return h("figure", h("figcaption", h("b", "What to order by when"), more), shown)


def _crossings(forecast: Mapping[str, Any]) -> Html | None:
    crossings = [row for row in rows_in(forecast, "crossings") if row.get("date")]
    if not crossings:
        return None
    rows: list[list[Child]] = [
        [
            str(row.get("date", "")),
            count(number_in(row, "services")),
            str(row.get("title", "")),
            str(row.get("change", "")),
        ]
        for row in crossings
    ]
    heads = ["Date", "Services", "Threshold", "What changes"]
    return h("figure", h("figcaption", h("b", "Thresholds ahead")), table("Thresholds", heads, rows, numbers=(1,)))
