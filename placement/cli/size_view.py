"""The view that ``placement size`` prints: 80 columns, three numbers for a range."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from placement.capacity.derived import Derived, Number, Tier, counted
from placement.capacity.sizing import AlertRow, GuideSizing
from placement.capacity.sizing_datatier import DedicatedTier, StorageTotal
from placement.capacity.sizing_hosts import ExampleHosts, HostCount
from placement.capacity.sizing_platform import PlatformService

_WIDTH = 80
_LEVEL_STYLES = {"warning": "yellow", "critical": "bold red"}
_LARGER = {"GB": "TB", "TB": "PB", "GB/day": "TB/day", "Mbps": "Gbps", "Gbps": "Tbps", "MB/s": "GB/s", "MB": "GB"}


def print_sizing(sizing: GuideSizing, notes: bool) -> None:
    """Print a sizing; `notes`: also where the guide is off, and what the figures rest on."""
    console = Console(highlight=False, width=min(_WIDTH, Console().width))
    profile = sizing.hosts.profile
    title = counted(sizing.services)
    if sizing.instances != sizing.services:
        title += f", {sizing.instances:,} instances"
    needs = f"{_amount(sizing.hosts.profile_cpu)}, {_amount(sizing.hosts.profile_memory)}"
    console.print(Text(f"{title}, profile {profile} ({needs}); ranges: low/typical/high", style="bold"))
    for part in (_grid(_head(sizing)), _hosts(sizing), _grid(_sections(sizing)), _alerts(sizing)):
        console.print(part)
        console.print()
    if not notes:
        return
    if sizing.notes:
        console.print(Text("Where the guide is off, and what a plan does", style="bold"))
        for note in sizing.notes:
            lines = textwrap.wrap(note, console.width, initial_indent="- ", subsequent_indent="  ")
            console.print(Text("\n".join(lines)))
    num = len(sizing.figures)
    measured = num - sizing.num_estimates
    console.print(
        Text(
            f"{sizing.model}: {num:,} figures used, {sizing.num_estimates:,} of them estimates, "
            f"{measured or 'none'} ever measured; which: --json",
            style="dim",
        )
    )


def _grid(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=11, style="bold")
    table.add_column(overflow="fold")
    for title, text in rows:
        table.add_row(title, Text(text))
    return table


def _head(sizing: GuideSizing) -> Iterator[tuple[str, str]]:
    section = sizing.ecosystem
    hosts = section.hosts_required
    required = f"{hosts.low:,}+" if section.at_least else f"{hosts.low:,}-{hosts.high:,}"
    yield "tier", f"{section.tier.name} ({_span(section.tier)} services): {required} hosts, {section.tier.text}"


def _hosts(sizing: GuideSizing) -> Table:
    currency = sizing.hosts.currency
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("hosts", "size", "per host", "hosts", "low-high", f"{currency}/h", f"{currency}/year"):
        table.add_column(name if table.columns else "", justify="left" if len(table.columns) < 2 else "right")
    for title, of in (("guide", "by_guide"), ("plan", "by_plan")):
        for row in sizing.hosts.sizes:
            count: HostCount | None = getattr(row, of)
            if count is None:
                table.add_row(Text(title, style="bold"), Text(row.size), "does not fit")
                continue
            hosts = count.total_hosts
            table.add_row(
                Text(title, style="bold"),
                Text(row.size),
                _range(count.services_per_host),
                f"{hosts.typical:,}",
                f"{hosts.low:,}-{hosts.high:,}" if hosts.is_range else "",
                f"{count.cost_per_hour.typical:,.2f}",
                f"{count.cost_per_year.typical:,.0f}",
            )
    return table


def _sections(sizing: GuideSizing) -> Iterator[tuple[str, str]]:
    example = sizing.hosts.worked_example
    yield (
        "example",
        f"{example.services:,} on {example.size}: the guide prints {_sum(example.printed)}; its formula gives "
        f"{_sum(example.by_formula)}; a plan's rule {_sum(example.by_plan)}",
    )
    yield from _data_tier(sizing)
    yield "InfraSoT", _platform(sizing.registry, "heartbeats/s")
    yield "SIA", _platform(sizing.sia, "certificate requests/day")
    network = sizing.network
    yield (
        "network",
        f"{network.tier.text}: {network.recommendation}; {_amount(network.per_service)} a service, "
        f"{_amount(network.total)} in all",
    )
    yield from _observability(sizing)
    passed = [row for row in sizing.bottlenecks if row.passed]
    names = ", ".join(f"{row.component} ({row.services_from.typical:,})" for row in passed)
    yield "bottlenecks", f"passed: {names or 'none'}"
    ahead = next((row for row in sizing.bottlenecks if not row.passed), None)
    if ahead is None:
        yield "", "next: none in the guide"
    else:
        yield (
            "",
            f"next: {ahead.component} at {ahead.services_from.typical:,} services, {ahead.services_ahead:,} more: "
            f"{ahead.indicator}; {ahead.solution}",
        )


def _data_tier(sizing: GuideSizing) -> Iterator[tuple[str, str]]:
    postgres = sizing.postgres
    most = f"{postgres.pool_total.typical:,}" if postgres.pool_total else postgres.pool_total_text
    yield (
        "PostgreSQL",
        f"{postgres.pool.text} ({_span(postgres.pool)}); {postgres.connections_per_instance.typical:,} connections an "
        f"instance, {_range(postgres.connections)} in all (guide's pool: {most})",
    )
    yield "", f"{postgres.phase.text} ({_span(postgres.phase)})"
    yield "", f"storage with replicas and growth, {'; '.join(map(_storage, postgres.storage))}"
    since = postgres.dedicated_from.typical
    if sizing.services >= since:
        yield "", f"all dedicated, {'; '.join(_all_dedicated(row) for row in postgres.dedicated)}"
    else:
        yield "", f"dedicated from {since:,} on, {'; '.join(_one_dedicated(row) for row in postgres.dedicated)}"
    bouncer = sizing.pgbouncer
    settings = ", ".join(f"{name} {value}" for name, value in bouncer.settings.items())
    use = "" if bouncer.recommended else f"not before {bouncer.services_from.typical:,} services; "
    yield (
        "PgBouncer",
        f"{use}{_range(bouncer.processes)} processes for {_range(bouncer.clients)} clients "
        f"({_range(bouncer.processes_at_most_clients)} if full); {settings}",
    )
    valkey = sizing.valkey
    tier = f"{_amount(valkey.tier_memory, ends=True)}" if valkey.tier_memory else valkey.tier_memory_text
    yield "Valkey", f"{valkey.tier.text} ({_span(valkey.tier)}); guide's memory: {tier}"
    nodes = f", {valkey.phase_nodes.typical:,}+ nodes" if valkey.phase_nodes else ""
    yield "", f"{valkey.phase.text} ({_span(valkey.phase)}){nodes}"
    verdict = "" if valkey.against_tier == "no range" else f", typically {valkey.against_tier} the tier's"
    yield "", f"{_amount(valkey.per_service)} a service with overhead is {_amount(valkey.memory)}{verdict}"


def _observability(sizing: GuideSizing) -> Iterator[tuple[str, str]]:
    seen = sizing.observability
    yield "logs", f"{_amount(seen.logs_per_day)}, {_amount(seen.logs_per_second)}"
    kept = ", ".join(
        f"{name} to day {days.typical:g} {_amount(amount)}"
        for name, days, amount in (
            ("hot", seen.hot_days, seen.logs_hot),
            ("warm", seen.warm_days, seen.logs_warm),
            ("cold", seen.cold_days, seen.logs_cold),
        )
    )
    yield "", f"kept: {kept}"
    yield (
        "metrics",
        f"{_count(seen.datapoints_per_second)} datapoints/s, {_count(seen.datapoints_per_day)} a day of "
        f"{_count(seen.series)} series; kept: {_amount(seen.metrics_stored)}",
    )
    yield (
        "traces",
        f"{_count(seen.spans_per_second)} spans/s in production, "
        f"{_count(seen.spans_per_second_development)} in development; kept: {_amount(seen.traces_stored)}",
    )


def _alerts(sizing: GuideSizing) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("alert", "warning", "critical", f"at {sizing.services:,}"):
        table.add_column(name)
    for row in sizing.alerts:
        table.add_row(Text(row.metric), Text(row.guide_warning), Text(row.guide_critical), _level(row))
    return table


def _level(row: AlertRow) -> Text:
    if row.value is None or row.level is None:
        return Text("")
    return Text(f"{row.value.typical:.0%} {row.level}", style=_LEVEL_STYLES.get(row.level, ""))


def _platform(service: PlatformService, unit: str) -> str:
    where = " a region" if service.per_region else ""
    said = f" (guide's at the tier's end: {service.guide_rate.typical:,})" if service.guide_rate else ""
    return (
        f"{_range(service.instances)} instances{where}, {service.tier.text} ({_span(service.tier)}); "
        f"{_count(service.rate)} {unit}{said}"
    )


def _storage(row: StorageTotal) -> str:
    return f"all {row.storage_class}{' (default)' if row.is_default else ''}: {_amount(row.total)}"


def _all_dedicated(row: DedicatedTier) -> str:
    cores = _count(row.all_cpu_cores)
    return f"{row.tier.upper()}: {cores} CPU, {_amount(row.all_memory)}, disk {_amount(row.all_storage)}"


def _one_dedicated(row: DedicatedTier) -> str:
    return f"{row.tier.upper()}: {_count(row.cpu_cores)} CPU, {_amount(row.memory)}, disk {_amount(row.storage)}"


def _sum(hosts: ExampleHosts) -> str:
    parts = hosts.hosts_before_spares, hosts.spare_hosts, hosts.total_hosts
    before, spare, total = (f"{part.typical:,}" for part in parts)
    return f"{before} + {spare} = {total}"


def _span(tier: Tier) -> str:
    """Return the services of a tier, both ends in it."""
    if tier.services_below is None:
        return f"{tier.services_from:,}+"
    return f"{tier.services_from:,}-{tier.services_below - 1:,}"


def _range(amount: Derived) -> str:
    """Return the low and high ends of a count, or the count."""
    return f"{_short(amount.low)}-{_short(amount.high)}" if amount.is_range else _short(amount.typical)


def _count(amount: Derived) -> str:
    """Return the three numbers of a count, without a unit."""
    if amount.is_range:
        return "/".join(_short(number) for number in (amount.low, amount.typical, amount.high))
    return _short(amount.typical)


def _amount(amount: Derived, ends: bool = False) -> str:
    """Return the numbers of an amount in the unit in which the highest is readable."""
    numbers, unit = [amount.low, amount.typical, amount.high], amount.unit
    while numbers[2] >= 1000 and unit in _LARGER:
        numbers, unit = [number / 1000 for number in numbers], _LARGER[unit]
    if not amount.is_range:
        return f"{_short(numbers[0])} {unit}"
    if ends:
        return f"{_short(numbers[0])}-{_short(numbers[2])} {unit}"
    return f"{'/'.join(_short(number) for number in numbers)} {unit}"


def _short(number: Number) -> str:
    """Return a number with no more digits than it takes to read it."""
    for least, divisor, word in ((10**9, 10**9, " billion"), (10**7, 10**6, " million")):
        if number >= least:
            return f"{number / divisor:,.3g}{word}"
    if float(number).is_integer() or number >= 1000:
        return f"{round(number):,}"
    return f"{number:.3g}"
