"""The command ``placement diff``: what changes between two plans, or between what runs and a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placement.cli import output
from placement.cli.states import read_state
from placement.errors import InputError, Problem, nearest_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from placement.plan.diff import Diff

_CHANGED = 4
_SHOWN = 10
_WIDTH = 160


def diff(
    old: Annotated[
        Path,
        typer.Argument(
            help="A plan; or what runs: a fleet with hosts and current, a registry.jsonl, an Ansible inventory.",
            metavar="OLD",
        ),
    ],
    new: Annotated[Path, typer.Argument(help="The same.", metavar="NEW")],
    fleet: Annotated[Path | None, typer.Option(help="The fleet, for the services' domains.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="hosts, services, databases, caches, platform or clusters; may be given more than once."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Rows shown of each table; 0: none.", min=0)] = _SHOWN,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all moves, as CSV.", metavar="CSV")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 4 if anything changes, 0 if not.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Show what changes from OLD to NEW: hosts, moves, databases and caches, cost."""
    from placement.plan.diff import KINDS, diff_states

    problems = [
        Problem(
            "command line", "unknown value", column="--only", value=kind, allowed=", ".join(KINDS),
            suggestion=nearest_name(kind, KINDS),
        )
        for kind in only or ()
        if kind not in KINDS
    ]  # fmt: skip
    states = []
    known = None
    for path in (old, new):
        try:
            state, of_state = read_state(path)
            states.append(state)
            known = of_state or known
        except InputError as error:
            problems += error.problems
    try:
        if fleet is not None:
            from placement.fleet import read_fleet

            known = read_fleet(fleet)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    domains = None if known is None else known.services.select("service", "domain")
    whole = diff_states(states[0], states[1], domains)
    found = whole.only(tuple(only)) if only else whole
    if out is not None:
        _write(found, out)
    if as_json:
        output.print_json(_data(found, limit))
    elif not quiet:
        _print(found, limit)
    if exit_code and not found.is_empty:
        raise typer.Exit(_CHANGED)


def _write(found: Diff, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        found.moves.write_csv(out, line_terminator="\n")
    except OSError as error:
        raise InputError(Problem(str(out), f"cannot be written: {error.strerror or error}")) from error


def _data(found: Diff, limit: int) -> dict[str, Any]:
    tables = {"hosts": found.hosts, "moves": found.moves, "clusters": found.clusters, "roles": found.roles}
    shown = {name: frame.head(limit).to_dicts() for name, frame in tables.items()}
    return {"changed": not found.is_empty, "summary": found.summary(), **shown}


def _print(found: Diff, limit: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH  # names are what it is about, and a pipe has no width to keep to
    summary = found.summary()
    old, new = (summary["cost"][name] for name in ("old", "new"))
    money = f"{found.currency}/h"
    before, after = (f"{cost['per_hour']:,.3f}" if cost else "not known" for cost in (old, new))
    change = f" ({new['per_hour'] - old['per_hour']:+,.3f})" if old and new else ""
    console.print(Text(f"cost   {before} -> {after} {money}{change}"))
    before, after = (f"{cost['total_per_hour']:,.3f}" if cost else "not known" for cost in (old, new))
    console.print(Text(f"       with spares {before} -> {after}"))
    for note in found.notes:
        console.print(Text(f"note: {note}"))
    if found.is_empty:
        console.print("no changes")
        return
    console.print(Text(f"hosts  {_words(summary['hosts']) or 'none changes'}"))
    for what, sizes in summary["hosts_by_size"].items():
        if sizes:
            console.print(Text(f"       {what}: {_words(sizes)}"))
    console.print(Text(f"moves  {_words(summary['moves']) or 'none'}"))
    for title, part in (("by risk", summary["by_risk"]), ("by domain", summary["by_domain"]),
                        ("by size", summary["by_size"])):  # fmt: skip
        if part:
            console.print(Text(f"       {title}: {_words(part)}"))
    for kind, changes in summary["by_kind"].items():
        console.print(Text(f"       {kind}: {_words(changes)}"))
    if summary["clusters"] or summary["roles"]:
        roles = {"change of role": summary["roles"]} if summary["roles"] else {}
        console.print(Text(f"data   {_words(summary['clusters'] | roles)}"))
    moves = found.moves.select("change", "kind", "service", "instance", "from", "to", "risk")
    tables = {"hosts": found.hosts, "moves": moves, "clusters": found.clusters, "roles": found.roles}
    for title, frame in tables.items():
        if limit and frame.height:
            _print_rows(console, title, frame, limit)


def _words(counts: dict[str, int]) -> str:
    largest = sorted(counts.items(), key=lambda item: -item[1])
    more = f", {len(largest) - _SHOWN:,} more" if len(largest) > _SHOWN else ""
    return ", ".join(f"{number:,} {name}" for name, number in largest[:_SHOWN]) + more


def _print_rows(console: Console, title: str, frame: Any, limit: int) -> None:
    from rich.text import Text

    console.print()
    console.print(_table(frame.head(limit)))
    if frame.height > limit:
        console.print(Text(f"… and {frame.height - limit:,} more {title} (--limit, or -o moves.csv)"))


def _table(frame: Any) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in frame.columns:
        table.add_column(name, no_wrap=True)
    for row in frame.iter_rows():
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
