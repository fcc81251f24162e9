"""The view that ``placement forecast`` prints: 80 columns; every year, thresholds, the next orders."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from placement.forecast.types import Ends, Forecast, Month

_WIDTH = 80
_MOST_ORDERS = 12
_MOST_CROSSINGS = 12
_MOST_ROWS = 8
_MOST_NAMES = 3


def print_forecast(forecast: Forecast) -> None:
    """Print a forecast."""
    console = Console(highlight=False, width=min(_WIDTH, Console().width))
    title = f"{forecast.fleet}: {forecast.services:,} services on {forecast.start}, {forecast.months} months"
    console.print(Text(title, style="bold"))
    growth = f"growth, % a year, low/typical/high: {'; '.join(_growth(forecast))}"
    console.print(Text("\n".join(textwrap.wrap(growth, console.width))))
    console.print()
    for part in (_needs(forecast), _hosts(forecast), _crossings(forecast), _orders(forecast)):
        console.print(part)
        console.print()
    more = max(0, len(forecast.orders) - _MOST_ORDERS)
    if more:
        console.print(f"{more:,} more orders: --orders FILE")
    if forecast.orders:
        standing = "; ".join(f"{amount:,.4g} {item}" for item, amount in forecast.in_place.items())
        text = (
            f"orders are for {forecast.orders_for} growth; late, early: what a month costs (-: saves), short: "
            f"unit-months that lack if late; !: should have been ordered before; in place now: {standing}"
        )
        console.print(Text("\n".join(textwrap.wrap(text, console.width))))
    console.print(Text("\n".join(textwrap.wrap(forecast.method, console.width)), style="dim"))


def _growth(forecast: Forecast) -> Iterator[str]:
    """Yield rates, domains of equal ones together."""
    alike: dict[tuple[float, float, float], list[str]] = {}
    for name, rates in forecast.growth.items():
        alike.setdefault(rates, []).append(name.removeprefix("domain:") or "without a domain")
    for (low, typical, high), names in alike.items():
        who = ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names):,} domains"
        yield f"{who} {low:g}/{typical:g}/{high:g}"


def _years(forecast: Forecast) -> Iterator[Month]:
    """Yield the months that are shown: now, the years, the end; every other year where there are many."""
    step = 12
    while forecast.months / step > _MOST_ROWS:
        step *= 2
    last = forecast.timeline[-1]
    for month in forecast.timeline[:-1]:
        if month.month % step == 0:
            yield month
    yield last


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table


def _needs(forecast: Forecast) -> Table:
    table = _table(
        "month", "services", "low-high", "hosts", f"{forecast.currency} a month", "DB TB", "cache GB", "Gbps"
    )
    for month in _years(forecast):
        of = month.quantities
        table.add_row(
            month.date[:7],
            _count(month.services.typical),
            _range(month.services),
            f"{math.ceil(of['hosts'].typical):,}",
            _count(of["cost_per_month"].typical),
            _count(of["database_storage_gb"].typical / 1000),
            _count(of["cache_memory_gb"].typical),
            _count(of["bandwidth_mbps"].typical / 1000),
        )
    return table


def _hosts(forecast: Forecast) -> Table:
    sizes = list(forecast.timeline[0].hosts_by_size)
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("month", no_wrap=True)
    table.add_column("hosts by size, typical", overflow="fold")
    for month in _years(forecast):
        texts = (f"{math.ceil(ends.typical):,} {size}" for size, ends in _of(month, sizes))
        table.add_row(month.date[:7], Text(", ".join(texts)))
    return table


def _of(month: Month, sizes: list[str]) -> Iterator[tuple[str, Ends]]:
    for size in sizes:
        if month.hosts_by_size[size].typical > 0:
            yield size, month.hosts_by_size[size]


def _crossings(forecast: Forecast) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("threshold", "crossed", "samples"):
        table.add_column(name, no_wrap=True)
    table.add_column("what changes", overflow="fold")
    crossed = [row for row in forecast.crossings if row.high is not None]
    for row in crossed[:_MOST_CROSSINGS]:
        share = "" if row.share is None else f"{row.share:.0%}"
        when = row.date[:7] if row.date is not None else "if high"
        table.add_row(f"{row.services:,}", when, share, Text(f"{row.title}: {row.change}"))
    if not crossed:
        table.add_row("none", "", "", "no threshold of the guide is crossed")
    if len(crossed) > _MOST_CROSSINGS:
        table.add_row("", "", "", f"and {len(crossed) - _MOST_CROSSINGS} more (--json)")
    return table


def _orders(forecast: Forecast) -> Table:
    currency = forecast.currency
    table = _table("order by", "there by", "item", "units", f"late, {currency}", "short", f"early, {currency}")
    for column in table.columns[:3]:
        column.justify = "left"
    table.columns[2].no_wrap, table.columns[2].overflow = False, "fold"
    for order in forecast.orders[:_MOST_ORDERS]:
        short = order.a_month_late.unit_months_short
        table.add_row(
            order.order_by + ("!" if order.is_late else ""),
            order.arrives_by,
            Text(order.item),
            f"{order.quantity:,}",
            f"{order.a_month_late.costs:,.0f}",
            f"{short:,.1f}" if short else "",
            f"{order.a_month_early.costs:,.0f}",
        )
    return table


def _range(ends: Ends) -> str:
    return f"{_count(ends.low)}-{_count(ends.high)}" if ends.low != ends.high else ""


def _count(number: float) -> str:
    if number >= 1e6:
        return f"{number / 1e6:,.4g}M"
    return f"{number:,.0f}" if number >= 100 or float(number).is_integer() else f"{number:,.3g}"
