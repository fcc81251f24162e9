"""The view that ``placement compare`` prints: 80 columns, the cheapest mix first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from placement.compare.types import Comparison, MixPlan, Sensitivity
from placement.units import RESOURCES

_WIDTH = 80
_NAME_WIDTH = 24
_MOST_REASONS = 2
_MOST_SWINGS = 12
_SHORT = {"memory": "mem", "open_files": "files", "network": "net"}
"""What resources are called where six of them, and names of mixes, share 80 columns."""


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison."""
    console = Console(highlight=False, width=min(_WIDTH, Console().width))
    title = f"{comparison.fleet}: {comparison.services:,} services, {comparison.instances:,} instances"
    console.print(Text(title, style="bold"))
    console.print()
    planned = [mix for mix in comparison.mixes if mix.cost is not None]
    if planned:
        for part in (_costs(comparison, planned), _hosts(planned), _uses(planned)):
            console.print(part)
            console.print()
    for mix in comparison.mixes:
        if mix.cost is None:
            _print_reasons(console, mix)
    if planned:
        console.print(_grid(_fronts(comparison)))
        console.print()
        console.print(_grid(_prices(comparison, planned[0])))
    if comparison.sensitivity is not None:
        _print_sensitivity(console, comparison.sensitivity, comparison.currency)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        if number:
            table.add_column(name, justify="right", no_wrap=True)
        else:
            table.add_column(name, overflow="fold", max_width=_NAME_WIDTH)
    return table


def _grid(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=13, style="bold")
    table.add_column(overflow="fold")
    for title, text in rows:
        table.add_row(title, Text(text))
    return table


def _costs(comparison: Comparison, planned: list[MixPlan]) -> Table:
    currency = comparison.currency
    table = _table("mix", f"{currency}/h", "a year", "more a year", "gap", "hosts", "alerts")
    for mix in planned:
        cost, hosts = mix.cost, mix.hosts
        if cost is None or hosts is None:
            continue
        more = mix.above_best_per_year or 0.0
        alerts = sum(mix.alerts.values())
        table.add_row(
            Text(mix.name),
            f"{cost.total_per_hour:,.3f}",
            f"{mix.total_per_year or 0:,.0f}",
            f"{more:,.0f}" if more else "best",
            f"{cost.gap:.2%}",
            f"{hosts.total:,}",
            f"{alerts}{f' ({mix.network_findings} net)' if mix.network_findings else ''}",
        )
    return table


def _hosts(planned: list[MixPlan]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("mix", overflow="fold", max_width=_NAME_WIDTH)
    table.add_column("hosts by size (spares)", overflow="fold")
    table.add_column("spares/h", justify="right", no_wrap=True)
    for mix in planned:
        if mix.cost is None or mix.hosts is None:
            continue
        by_size = ", ".join(f"{number:,} {size}" for size, number in mix.hosts.by_size.items())
        table.add_row(Text(mix.name), Text(f"{by_size} ({mix.hosts.spare:,})"), f"{mix.cost.spare_per_hour:,.3f}")
    return table


def _uses(planned: list[MixPlan]) -> Table:
    """Return use of each resource and what one host's failure takes, resources left out that are hardly used."""
    shown = [
        resource.name
        for resource in RESOURCES
        if any(mix.use[resource.name].share >= 0.1 or mix.binds == resource.name for mix in planned)
    ]
    table = _table("mix", *(_SHORT.get(name, name) for name in shown), "binds", "svc/host", "domain lost")
    for mix in planned:
        radius = mix.blast_radius
        lost = ""
        if radius is not None:
            digits = 0 if radius.domain_share_worst >= 0.1 else 2
            lost = f"{radius.domain_share_mean:.{digits or 1}%}-{radius.domain_share_worst:.{digits}%}"
        table.add_row(
            Text(mix.name),
            *(f"{mix.use[name].share:.0%}" for name in shown),
            _SHORT.get(mix.binds, mix.binds),
            "" if radius is None else f"{radius.services_per_host:,.1f}",
            lost,
        )
    return table


def _print_reasons(console: Console, mix: MixPlan) -> None:
    console.print(Text(f"{mix.name}: cannot hold the fleet", style="yellow"))
    for reason in mix.reasons[:_MOST_REASONS]:
        lines = textwrap.wrap(str(reason["message"]), console.width, initial_indent="  ", subsequent_indent="  ")
        console.print(Text("\n".join(lines)))
    if len(mix.reasons) > _MOST_REASONS:
        console.print(Text(f"  and {len(mix.reasons) - _MOST_REASONS:,} more (--json)"))
    console.print()


def _fronts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    names = ", ".join(comparison.fronts.cost_and_blast_radius) or "none"
    yield "undominated", f"cost, mean share of a domain lost with a host: {names}"
    yield "", f"cost, number of sizes: {', '.join(comparison.fronts.cost_and_sizes)}"


def _prices(comparison: Comparison, best: MixPlan) -> Iterator[tuple[str, str]]:
    """Yield the prices at the margin of the cheapest mix."""
    money = f"{comparison.currency}/h"
    prices = best.shadow_prices
    if prices is not None:
        yield "at the margin", f"of {best.name}:"
        worth = [price for price in prices.headroom if price.saves_per_hour > 0]
        texts = [f"{price.resource.replace('_', ' ')} {price.saves_per_hour:,.3f}" for price in worth]
        yield "headroom", f"a point more saves, {money}: {', '.join(texts) or 'nothing'}"
        paying = [price for price in prices.resources if price.cost_share >= 0.001]
        texts = [_resource_text(price.resource, price.unit, price.per_unit_hour, price.cost_share) for price in paying]
        yield "resources", f"{', '.join(texts) or 'free'} ({comparison.currency} a year each; share of cost)"
        yield "spares", f"a point more costs {prices.spare_point_per_hour:,.3f} {money}"
    for rule in comparison.rules:
        yield "rule", f"{rule.text}: {_saved(rule.costs_per_hour)} {money}"


def _saved(costs_per_hour: float) -> str:
    if costs_per_hour >= 0:
        return f"saves {costs_per_hour:,.3f}"
    return f"costs {-costs_per_hour:,.3f} more"


def _resource_text(resource: str, unit: str, per_unit_hour: float, cost_share: float) -> str:
    scale, word = (1000, "GB") if unit == "MB" else (1, unit)
    one = {"cores": "core", "files": "file", "threads": "thread"}.get(word, word)
    return f"{resource.replace('_', ' ')} {per_unit_hour * scale * 8760:,.2f} a {one} ({cost_share:.0%})"


def _print_sensitivity(console: Console, found: Sensitivity, currency: str) -> None:
    money = f"{currency}/h"
    console.print()
    console.print(Text(f"estimates that move the cost of {found.of} most, {money}", style="bold"))
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("estimate", overflow="fold", max_width=36)
    for name in ("low", "high", "at low", "at high"):
        table.add_column(name, justify="right", no_wrap=True)
    for swing in found.tornado[:_MOST_SWINGS]:
        table.add_row(
            Text(swing.path),
            f"{swing.low:g}",
            f"{swing.high:g} {'' if swing.is_stated else '*'}",
            f"{swing.cost_low_per_hour:,.3f}",
            f"{swing.cost_high_per_hour:,.3f}",
        )
    console.print(table)
    hidden = max(0, len(found.tornado) - _MOST_SWINGS)
    notes = [
        f"{hidden} more move it less" if hidden else "",
        f"{found.unmoved} do not move it" if found.unmoved else "",
    ]
    if any(not swing.is_stated for swing in found.tornado):
        notes.append(f"*: no range in the model, +-{found.spread:.0%} taken")
    lines = textwrap.wrap("; ".join([note for note in notes if note] + [found.method]), console.width)
    console.print(Text("\n".join(lines), style="dim"))
    if not found.regrets:
        return
    console.print()
    console.print(Text(f"regret over {found.samples:,} samples of all estimates, {money}", style="bold"))
    regrets = _table("mix", "mean", "greatest", "best in", "cost: 10%", "50%", "90%")
    for row in found.regrets:
        low, middle, high = row.cost_per_hour
        regrets.add_row(
            Text(row.name + (f" (cannot hold {row.infeasible})" if row.infeasible else "")),
            f"{row.mean_per_hour:,.3f}",
            f"{row.max_per_hour:,.3f}",
            f"{row.best_in:.0%}",
            *(f"{cost:,.3f}" for cost in (low, middle, high)),
        )
    console.print(regrets)
    console.print(
        Text(f"least mean regret: {found.least_mean_regret}; least greatest regret: {found.least_max_regret}")
    )
