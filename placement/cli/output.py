"""What the command line prints: a live line, a summary that is read in ten seconds, findings, errors."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from placement.units import RESOURCES

if TYPE_CHECKING:
    from placement.capacity import CapacityModel, Entry
    from placement.engine import FleetProgress
    from placement.plan.types import Choice, Moves, Plan, PlanSummary
    from placement.verify import CheckResult

_MICROS = 1_000_000


def _stdout() -> Console:
    # highlight off: numbers stay as they are; rich itself drops colour off a terminal and under NO_COLOR
    return Console(highlight=False, soft_wrap=False)


def _stderr() -> Console:
    return Console(stderr=True, highlight=False)


class Live:
    """A live line on stderr: phase, best cost, proven bound, gap, seconds. On no terminal, a line per change."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.console = _stderr()
        self.has_plan = False
        self._status: Any = None
        self._line = _Line()
        self._shown: tuple[str, int | None, float] = ("", None, 0.0)

    def __enter__(self) -> Live:
        if not self.quiet and self.console.is_terminal:
            self._status = self.console.status(self._line)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def say(self, text: str) -> None:
        """Print a message."""
        if not self.quiet:
            self.console.print(Text(text))

    def progress(self, progress: FleetProgress, currency: str) -> None:
        """Show where the search stands."""
        self.has_plan = self.has_plan or progress.num_placed > 0
        if self.quiet:
            return
        self._line.show(progress, currency)
        phase, cost, seconds = self._shown
        if self._status is not None or (progress.phase, progress.cost) == (phase, cost):
            return
        # steps that follow one another quickly, or pools side by side: a line every two seconds says enough
        frequent = progress.phase == "improve" or progress.num_pools > 1
        if not frequent or (cost is None and progress.cost is not None) or time.monotonic() - seconds > 2:
            self._shown = (progress.phase, progress.cost, time.monotonic())
            self.console.print(self._line.text(), soft_wrap=True)


class _Line:
    """The live line's text; its seconds go on between two reports."""

    def __init__(self) -> None:
        self._progress: FleetProgress | None = None
        self._currency = ""
        self._since = time.monotonic()

    def show(self, progress: FleetProgress, currency: str) -> None:
        self._progress, self._currency = progress, currency
        self._since = time.monotonic() - progress.seconds

    def text(self) -> Text:
        progress = self._progress
        if progress is None:
            return Text("planning")
        parts = []
        if progress.cost is not None:
            parts.append(f"best {progress.cost / _MICROS:,.3f} {self._currency}/h")
        elif progress.num_pools > 1:
            parts.append(f"{progress.num_placed} of {progress.num_pools} pools placed")
        else:
            parts.append("no plan yet")
        parts.append(f"bound {progress.bound / _MICROS:,.3f}" if progress.bound else "no bound yet")
        if progress.gap is not None:
            parts.append(f"gap {progress.gap:.3%}")
        parts.append(f"{time.monotonic() - self._since:.1f} s")
        # a terminal too narrow for it loses the end of the line, not its place
        return Text(f"{progress.phase:<8} {', '.join(parts)}", no_wrap=True, overflow="ellipsis")

    def __rich__(self) -> Text:
        return self.text()


class StopOnInterrupt:
    """Ctrl-C ends the search with the best plan so far; where there is none yet, or at the second, the program."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._requested = False
        self._before: Any = None

    def requested(self) -> bool:
        """Whether the search is to stop."""
        return self._requested

    def __enter__(self) -> StopOnInterrupt:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._requested or not self._live.has_plan:
            raise KeyboardInterrupt
        self._requested = True
        self._live.say("interrupted: finishing with the best plan so far (again: give up)")


def print_json(data: Any) -> None:
    """Print JSON on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_summary(plan: Plan, folder: Path, seconds: float) -> None:
    """Print what a person wants to know of a plan."""
    console = _stdout()
    summary = plan.summary
    cost = summary.cost
    money = f"{cost.currency}/h"
    proof = _proof(summary)
    head = Table.grid(padding=(0, 2))
    head.add_row(
        "fleet",
        Text(f"{summary.fleet.name}: {summary.fleet.services:,} services, {summary.fleet.instances:,} instances"),
    )
    head.add_row("cost", f"{cost.per_hour:,.3f} {money}, {proof} (bound {cost.bound_per_hour:,.3f})")
    year = cost.total_per_hour * 8760
    head.add_row(
        "spares",
        f"{cost.spare_per_hour:,.3f} {money}; total {cost.total_per_hour:,.3f} {money}, {year:,.0f} a year",
    )
    by_size = ", ".join(f"{number:,} {size}" for size, number in summary.hosts.by_size.items())
    head.add_row("hosts", Text(f"{summary.hosts.total:,} ({summary.hosts.spare:,} spare): {by_size}"))
    if summary.moves is not None:
        head.add_row("moves", Text(_moves(summary.moves)))
    for title, text in _data_tier_lines(summary):
        head.add_row(title, Text(text))
    console.print(head)
    console.print()
    if len(summary.pools) > 1:
        console.print(_pools(summary))
        console.print()
    if summary.moves is not None and summary.moves.curve:
        console.print(_curve(summary))
        console.print()
    console.print(_utilisation(plan))
    if summary.alerts:
        console.print()
        for alert in summary.alerts:
            # thresholds are shares; what a part of the data tier is too much for is an amount
            is_share = alert.limit <= 1 and alert.value <= 1_000
            sign = ">" if alert.value > alert.limit else "<"
            figures = (
                f"{alert.value:.1%} {sign} {alert.limit:.0%}"
                if is_share
                else f"{alert.value:,g} {sign} {alert.limit:,g}"
            )
            text = f"{alert.level}: {alert.metric} {figures} on {alert.where}"
            style = "red" if alert.level == "critical" else "yellow"
            console.print(Text(f"{text}; {alert.advice}", style=style))
    else:
        console.print("no alerts: every planned figure is within the model's thresholds")
    if summary.estimates_used:
        number = len(summary.estimates_used)
        console.print(f"rests on {number} unvalidated estimates (plan.json: estimates_used)")
    console.print(Text(f"verified and written to {folder} in {seconds:.1f} s"))


def _moves(moves: Moves) -> str:
    limit = "" if moves.max_moves is None else f" (at most {moves.max_moves:,} asked for)"
    counts = [f"{number:,} {word}" for number, word in ((moves.started, "start"), (moves.stopped, "stop")) if number]
    return ", ".join([f"{moves.moved:,}{limit}, {moves.forced:,} of them had to", *counts])


def _curve(summary: PlanSummary) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in ("moves allowed", "moves", f"{summary.cost.currency}/h", "over bound"):
        table.add_column(name, justify="right", no_wrap=True)
    bound = summary.cost.bound_per_hour
    for point in summary.moves.curve if summary.moves is not None else ():
        over = f"{(point.per_hour - bound) / bound:.3%}" if bound else "-"
        allowed = "all" if point.max_moves is None else f"{point.max_moves:,}"
        table.add_row(allowed, f"{point.moves:,}", f"{point.per_hour:,.3f}", over)
    return table


def _proof(summary: PlanSummary) -> str:
    if summary.status == "optimal":
        return "proven optimal"
    if summary.cost.gap == 0:  # what is not proven is the choice of clusters
        return "proven cheapest for these servers"
    return f"at most {summary.cost.gap:.3%} above the cheapest"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share >= 0.0001 else "0.01%"


def _choice(choice: Choice | None) -> str:
    return f" within {_percent(choice.gap)} of the cheapest" if choice is not None and choice.gap > 0 else ""


def _data_tier_lines(summary: PlanSummary) -> Iterator[tuple[str, str]]:
    """Yield title and text of a line for each part of the data tier."""
    tier = summary.data_tier
    if tier is None:
        return
    currency = summary.cost.currency
    if tier.postgres is not None:
        postgres = tier.postgres
        services = ", ".join(f"{number:,} {arrangement}" for arrangement, number in postgres.services.items() if number)
        yield (
            "postgres",
            f"services: {services or 'none'}; {postgres.clusters:,} servers, {postgres.nodes:,} nodes"
            + (f", {postgres.pgbouncers:,} PgBouncers" if postgres.pgbouncers else ""),
        )
        if postgres.choice is not None and postgres.choice.gap > 0:
            yield "", f"clusters{_choice(postgres.choice)}, by the price of their nodes"
        if postgres.alternative is not None:
            other = postgres.alternative
            verb = "save" if other.saves_per_hour >= 0 else "cost more by"
            yield (
                "",
                f"{other.clusters:,} shared clusters instead would {verb} "
                f"{abs(other.saves_per_hour):,.3f} {currency}/h",
            )
    if tier.valkey is not None:
        valkey = tier.valkey
        yield (
            "valkey",
            f"{valkey.clusters:,} clusters, {valkey.primaries:,} primaries + {valkey.replicas:,} replicas; "
            f"{valkey.memory_mb_used / 1000:,.0f} of {valkey.memory_mb_limit / 1000:,.0f} GB",
        )
        if valkey.choice.gap > 0:
            yield "", f"clusters{_choice(valkey.choice)}, by the price of their nodes"
    nodes: dict[str, int] = {}
    for service in tier.platform:
        nodes[service.kind] = nodes.get(service.kind, 0) + service.nodes
    if nodes:
        yield "platform", ", ".join(f"{number:,} {kind}" for kind, number in nodes.items())


def _pools(summary: PlanSummary) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    money = f"{summary.cost.currency}/h"
    for name in ("pool", "hosts", money, "bound", "gap", "share"):
        table.add_column(name, justify="left" if name == "pool" else "right", no_wrap=True)
    whole = summary.cost.per_hour or 1.0
    for name, pool in summary.pools.items():
        table.add_row(
            name,
            f"{pool.hosts:,}",
            f"{pool.per_hour:,.3f}",
            f"{pool.bound_per_hour:,.3f}",
            f"{pool.gap:.3%}",
            f"{pool.per_hour / whole:.1%}",
        )
    return table


def _utilisation(plan: Plan) -> Table:
    import polars as pl

    busy = plan.hosts.filter(~pl.col("spare"))
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in ("resource", "used", "usable", "share", "fullest", ""):
        table.add_column(name, justify="right" if name not in ("resource", "") else "left", no_wrap=True)
    shares = {}
    for resource in RESOURCES:
        used = busy[f"{resource.column}_used"]
        limit = busy[f"{resource.column}_limit"]
        total = float(limit.sum())
        shares[resource.name] = (
            float(used.sum()),
            total,
            float(used.sum()) / total if total else 0.0,
            float((used / limit).fill_nan(0).max() or 0.0),  # type: ignore[arg-type]
        )
    binding = max(shares, key=lambda name: shares[name][2])
    for resource in RESOURCES:
        used_sum, total, share, fullest = shares[resource.name]
        # a fleet's memory is read in GB; 1 GB is 1,000 MB, as everywhere in the model
        unit, divisor = ("GB", 1000) if resource.unit == "MB" else (resource.unit, 1)
        label = resource.name.replace("_", " ")
        table.add_row(
            label if unit in label else f"{label} ({unit})",
            f"{used_sum / divisor:,.0f}",
            f"{total / divisor:,.0f}",
            f"{share:.1%}",
            f"{fullest:.1%}",
            "binds" if resource.name == binding else "",
        )
    return table


def print_findings(result: CheckResult) -> None:
    """Print the checker's findings, grouped where there are many of a kind."""
    console = _stdout()
    for note in result.notes:
        console.print(Text(f"note: {note}"))
    if not result.findings:
        console.print("clean: no findings")
        return
    shown: dict[str, int] = {}
    for finding in result.findings:
        shown[finding.kind] = shown.get(finding.kind, 0) + 1
        if shown[finding.kind] <= 10:
            console.print(Text(str(finding)))
    for kind, number in shown.items():
        if number > 10:
            console.print(f"… and {number - 10:,} more [{kind}]", markup=False)
    console.print(Text(f"{len(result.findings):,} findings"))


def print_model(model: CapacityModel, entries: Sequence[Entry]) -> None:
    """Print a model's figures as a table."""
    console = _stdout()
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in ("path", "value", "unit", "status", "owner"):
        table.add_column(name, overflow="fold", justify="right" if name == "value" else "left")
    for entry in entries:
        value = f"{entry.low:g}…{entry.typical:g}…{entry.high:g}" if entry.is_range else f"{entry.typical:g}"
        table.add_row(Text(entry.path), value, Text(entry.unit), entry.status, Text(entry.owner))
    console.print(table)
    estimates = sum(entry.status == "estimate" for entry in entries)
    console.print(Text(f"{model.name}: {len(entries)} figures, {estimates} of them estimates; sources with --json"))


def print_error(title: str, lines: Sequence[str]) -> None:
    """Print what went wrong on stderr."""
    console = _stderr()
    console.print(Text(f"placement: {title}", style="bold red"))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
