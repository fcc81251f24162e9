"""Pictures of a forecast: services, hosts by size, cost, orders; ranges as bands."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placement.forecast.types import Ends, Forecast
from placement.pictures import COLOURS, MARKERS, save_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CROSSINGS = 6


def draw_forecast(forecast: Forecast, folder: Path) -> list[Path]:
    """Write a forecast's pictures as PNG and SVG; return the files written."""
    return save_pictures(
        {
            "forecast-services": lambda: services(forecast),
            "forecast-hosts": lambda: hosts(forecast),
            "forecast-cost": lambda: cost(forecast),
            "forecast-orders": lambda: orders(forecast),
        },
        folder,
    )


def services(forecast: Forecast) -> Figure:
    """Return services over time, with the thresholds that the typical scenario crosses."""
    figure, axes = _axes()
    _band(axes, forecast, [month.services for month in forecast.timeline], COLOURS[0], "services")
    first_day: Any = _dates(forecast)[0]
    crossed = [row for row in forecast.crossings if row.typical is not None]
    for row in list({row.services: row for row in crossed}.values())[:_MOST_CROSSINGS]:
        axes.axhline(row.services, color="#999999", linewidth=0.8, linestyle="--")
        axes.annotate(
            f"{row.services:,}: {row.title}", (first_day, row.services), xytext=(2, 3),
            textcoords="offset points", fontsize=8, color="#555555",
        )  # fmt: skip
    axes.set_ylabel("services")
    if forecast.timeline[-1].services.high > 10 * forecast.services:
        axes.set_yscale("log")
    return _finished(figure, axes)


def hosts(forecast: Forecast) -> Figure:
    """Return hosts by size, one on top of the other: typical growth."""
    figure, axes = _axes()
    sizes = list(forecast.timeline[0].hosts_by_size)
    series = [[month.hosts_by_size[size].typical for month in forecast.timeline] for size in sizes]
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(sizes))]
    if series:
        days: Any = _dates(forecast)
        axes.stackplot(days, series, labels=sizes, colors=colours, alpha=0.85)
    axes.set_ylabel("hosts, typical growth")
    return _finished(figure, axes)


def cost(forecast: Forecast) -> Figure:
    """Return cost a month."""
    figure, axes = _axes()
    ends = [month.quantities["cost_per_month"] for month in forecast.timeline]
    _band(axes, forecast, ends, COLOURS[1], "cost")
    axes.set_ylabel(f"{forecast.currency} a month")
    return _finished(figure, axes)


def orders(forecast: Forecast) -> Figure | None:
    """Return a mark per order of hosts: when, and how many."""
    placed = [order for order in forecast.orders if order.item.endswith(" hosts")]
    if not placed:
        return None
    figure, axes = _axes()
    for number, item in enumerate(sorted({order.item for order in placed})):
        of_item = [order for order in placed if order.item == item]
        days: Any = [datetime.date.fromisoformat(order.order_by) for order in of_item]
        amounts = [order.quantity for order in of_item]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.plot(days, amounts, color=colour, marker=marker, linewidth=0.8, markersize=5, label=item)
    axes.set_ylabel(f"hosts to order ({forecast.orders_for} growth)")
    axes.set_ylim(bottom=0)
    return _finished(figure, axes)


def _axes() -> tuple[Figure, Axes]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
    return figure, axes


def _dates(forecast: Forecast) -> list[datetime.date]:
    return [datetime.date.fromisoformat(month.date) for month in forecast.timeline]


def _band(axes: Axes, forecast: Forecast, ends: Sequence[Ends], colour: str, label: str) -> None:
    """Draw low to high as a band, the tenth to ninetieth percentile as a darker one, typical as a line."""
    days: Any = _dates(forecast)  # matplotlib takes dates, its types do not say so
    low, high = [end.low for end in ends], [end.high for end in ends]
    axes.fill_between(days, low, high, color=colour, alpha=0.15, label="low to high")
    if ends[0].p10 is not None:
        low, high = [end.p10 or 0.0 for end in ends], [end.p90 or 0.0 for end in ends]
        axes.fill_between(days, low, high, color=colour, alpha=0.3, label="80 % of samples")
    axes.plot(days, [end.typical for end in ends], color=colour, linewidth=1.8, label=f"{label}, typical")


def _finished(figure: Figure, axes: Axes) -> Figure:
    from matplotlib.ticker import FuncFormatter

    shown: Callable[[float, int], str] = lambda value, _: f"{value:,.0f}"  # noqa: E731
    axes.yaxis.set_major_formatter(FuncFormatter(shown))
    axes.legend(frameon=False, loc="upper left")
    figure.autofmt_xdate()
    return figure
