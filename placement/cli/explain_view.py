"""What ``placement explain`` prints: a heading, facts in two columns, tables of costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from placement.explain.types import (
    REASON_TEXTS,
    ClusterExplanation,
    CostParts,
    DomainExplanation,
    Explanation,
    HostAnswer,
    HostExplanation,
    Placed,
    PlanExplanation,
    ServiceExplanation,
    Use,
)
from placement.units import RESOURCES

_MOST_ROWS = 15


def print_explanation(explanation: Explanation, *, notes: bool = True) -> None:
    """Print an explanation; names are text, whatever they look like."""
    console = Console(highlight=False, soft_wrap=False)
    subject = explanation.subject
    console.print(_text(f"{subject.kind} {subject.name}", style="bold"))
    money = f"{explanation.currency}/h"
    if isinstance(subject, ServiceExplanation):
        _service(console, subject, money)
    elif isinstance(subject, HostExplanation):
        _host(console, subject, money)
    elif isinstance(subject, ClusterExplanation):
        _cluster(console, subject, money)
    elif isinstance(subject, DomainExplanation):
        _domain(console, subject, money)
    else:
        _plan(console, subject, money)
    if notes:
        for note in explanation.notes:
            console.print(_text(f"note: {note}"))


def _service(console: Console, service: ServiceExplanation, money: str) -> None:
    owner = ", ".join(filter(None, (service.domain, service.sensitivity, service.region)))
    _facts(
        console,
        [
            ("of", owner),
            ("stands on", _placed(service.instances)),
            ("database", service.database or "none"),
            ("cache", service.cache or "none"),
            ("one asks", ", ".join(_demands(service.demand)) if service.demand else ""),
        ],
    )
    for sentence in service.why:
        console.print(_text(f"- {sentence}"))
    if service.why_not is not None:
        _answer(console, service.why_not)
    if service.num_could_take:
        more = service.num_could_take - len(service.could_take)
        _facts(console, [("could take", ", ".join(service.could_take) + (f" and {more:,} more" if more else ""))])
    if service.excluded:
        _rows(
            console,
            ("hosts", "that cannot"),
            [(f"{number:,}", REASON_TEXTS[kind]) for kind, number in service.excluded.items()],
        )
    if service.short_of:
        short = ", ".join(f"{number:,} of {name.replace('_', ' ')}" for name, number in service.short_of.items())
        _facts(console, [("short", short)])
    if service.cost:
        _costs(console, service.cost, money)


def _host(console: Console, host: HostExplanation, money: str) -> None:
    place = " / ".join(filter(None, (host.region, host.zone, host.segment)))
    worth = "" if host.worth_per_hour is None else f"{host.worth_per_hour:,.3f} {money} at the dual prices"
    number = sum(host.services.values())
    held = [f"{number:,} instances of {len(host.services):,} services"] if number else []
    held += [f"{len(host.nodes):,} nodes"] if host.nodes else []
    _facts(
        console,
        [
            ("is", f"{host.size}, {host.pool}{', spare' if host.spare else ''}, {place}"),
            ("price", f"{host.price_per_hour:,.3f} {money}"),
            ("holds", " and ".join(held) or "nothing"),
            ("is worth", worth),
        ],
    )
    _uses(console, host.use, host.binds)
    loss = host.loss
    shares = ", ".join(f"{share:.1%} of {domain}" for domain, share in list(loss.domains.items())[:5])
    down = ", ".join(loss.services_down[:5]) + (" …" if loss.num_services_down > 5 else "")
    _facts(
        console,
        [
            ("if it fails", f"{loss.num_services_down:,} services are down{': ' if down else ''}{down}"),
            ("", f"{loss.num_services_reduced:,} services run with fewer instances"),
            (
                "",
                f"{loss.num_primaries:,} clusters lose a primary, {loss.num_services_of_primaries:,} services use them"
                if loss.num_primaries
                else "",
            ),
            ("", shares),
            ("", f"{loss.replaced_by:,} spare hosts can take over all of it"),
        ],
    )


def _cluster(console: Console, cluster: ClusterExplanation, money: str) -> None:
    services = ", ".join(cluster.services[:8]) + (" …" if len(cluster.services) > 8 else "")
    _facts(
        console,
        [
            (
                "is",
                ", ".join(filter(None, (cluster.what, f"tier {cluster.tier}" if cluster.tier else "", cluster.region))),
            ),
            ("holds", ", ".join((*cluster.domains[:12], *cluster.sensitivity))),
            ("serves", f"{len(cluster.services):,} services: {services}" if cluster.services else ""),
            ("stands on", _placed(cluster.nodes)),
            ("together", f"several of its nodes share {', '.join(cluster.same_host)}" if cluster.same_host else ""),
        ],
    )
    if cluster.use:
        _uses(console, cluster.use, cluster.binds)
    if cluster.cost is not None:
        _costs(console, {"all nodes": cluster.cost}, money)


def _domain(console: Console, domain: DomainExplanation, money: str) -> None:
    cost = ""
    if domain.total_per_hour is not None and domain.share_of_plan is not None:
        cost = f"{domain.total_per_hour:,.3f} {money}, {domain.share_of_plan:.1%} of the plan"
    _facts(
        console,
        [
            ("has", f"{domain.services:,} services in {domain.instances:,} instances on {domain.hosts:,} hosts"),
            ("uses", f"{domain.databases:,} PostgreSQL and {domain.caches:,} Valkey clusters"),
            ("costs", cost),
            ("", ", ".join(f"{pool} {value:,.3f}" for pool, value in (domain.cost_by_pool or {}).items())),
            (
                "loses",
                f"{domain.worst_share:.1%} of its instances with {domain.worst_host}, {domain.mean_share:.1%} with a "
                "host on average"
                if domain.worst_host
                else "",
            ),
            ("", f"{domain.single_instance:,} of its services are one instance: any failure takes them down"),
        ],
    )
    if domain.dearest:
        _rows(console, (money, "dearest services"), [(f"{cost:,.3f}", name) for name, cost in domain.dearest.items()])


def _plan(console: Console, plan: PlanExplanation, money: str) -> None:
    _costs(console, plan.cost, money)
    _rows(
        console,
        ("saves", "basis", "what to relax"),
        [(f"{item.saves_per_hour:,.3f}", item.basis, item.what) for item in plan.relaxations[:_MOST_ROWS]],
    )


# --- parts ------------------------------------------------------------------------------------------------------


def _text(text: str, style: str = "") -> Text:
    """Return text as it is printed: what a terminal would obey is shown as a box."""
    return Text("".join(char if char.isprintable() else "\N{WHITE SQUARE}" for char in text), style=style)


def _facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1), show_edge=False)
    table.add_column(no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    for name, text in facts:
        if text:
            table.add_row(_text(name), _text(text))
    if table.row_count:
        console.print(table)


def _rows(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for n, head in enumerate(heads):
        table.add_column(_text(head), justify="left" if n else "right", no_wrap=not n, overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    console.print(table)


def _uses(console: Console, use: Mapping[str, Use], binds: str) -> None:
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in ("resource", "used", "limit", "share", ""):
        table.add_column(name, justify="left" if name in ("resource", "") else "right", no_wrap=True)
    for name, item in use.items():
        title = name.replace("_", " ")
        table.add_row(
            title if item.unit in title else f"{title} ({item.unit})",
            f"{item.used:,g}" if item.used < 1e6 else f"{item.used:,.0f}",
            f"{item.limit:,g}" if item.limit < 1e6 else f"{item.limit:,.0f}",
            f"{item.share:.1%}",
            "binds" if name == binds else "",
        )
    console.print(table)


def _costs(console: Console, costs: Mapping[str, CostParts], money: str) -> None:
    """Print what makes a cost: a column for each pool, a row for each resource and for what comes on top."""
    columns = list(costs.values())
    rows = {
        resource.name.replace("_", " "): [cost.resources[resource.name] for cost in columns] for resource in RESOURCES
    }
    rows |= {
        "slack": [cost.slack for cost in columns],
        "gap": [cost.gap for cost in columns],
        "spares": [cost.spares for cost in columns],
        "all": [cost.total for cost in columns],
    }
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    heads = [money, *costs, *(["all"] if len(costs) > 1 else [])]
    for n, head in enumerate(heads):
        table.add_column(head, justify="right" if n else "left", no_wrap=True)
    digits = 6 if sum(cost.total for cost in columns) < 1 else 3
    for title, figures in rows.items():
        if len(costs) > 1:
            figures.append(sum(figures))
        if title in ("all", "slack") or any(abs(figure) >= 0.5 * 10**-digits for figure in figures):
            shown = [f"{figure:,.{digits}f}" for figure in figures]
            table.add_row(title, *shown, style="bold" if title == "all" else "")
    console.print(table)


def _answer(console: Console, answer: HostAnswer) -> None:
    if answer.is_there:
        console.print(_text(f"an instance of it is on {answer.host}"))
    if not answer.reasons:
        console.print(_text(f"{answer.host} could take {'one more' if answer.is_there else 'an instance'}"))
    for reason in answer.reasons:
        console.print(
            _text(f"not {'more ' if answer.is_there else ''}on {answer.host} [{reason.kind}]: {reason.message}")
        )


def _placed(items: Sequence[Placed]) -> str:
    shown = [f"{item.host} ({item.role})" if item.role else item.host for item in items[:12]]
    more = len(items) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _demands(demand: Mapping[str, float]) -> Iterable[str]:
    for resource in RESOURCES:
        value = demand[resource.name]
        title = resource.name.replace("_", " ")
        yield f"{value:,g} {title}" if resource.unit in title else f"{value:,g} {resource.unit} {title}"
