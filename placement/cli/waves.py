"""The command ``placement waves``: the steps from what runs today to a plan, replayed by the checker and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placement.cli import output
from placement.cli.states import is_fleet, read_state
from placement.errors import InputError, InternalError, Problem

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 12


def waves(
    start: Annotated[
        Path, typer.Argument(help="What runs today: a plan, or a fleet with hosts and current.", metavar="OLD")
    ],
    plan: Annotated[
        Path | None,
        typer.Argument(help="The plan to carry out. Left out: OLD is the plan, and the fleet says what runs today."),
    ] = None,
    fleet: Annotated[Path | None, typer.Option(help="The fleet that the plan was made for.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder the steps are written to.", metavar="DIR")
    ] = None,
    wave_size: Annotated[int, typer.Option(help="Most moves in one step.", min=1)] = 200,
    max_unavailable: Annotated[
        int, typer.Option(help="Most instances of one service, or nodes of one cluster, that move in one step.", min=1)
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Plan the steps from what runs today to a plan: each safe by itself, each with a limit file for Ansible."""
    from placement.fleet import read_fleet
    from placement.plan.diff import diff_states
    from placement.plan.moves import MOVES_SCHEMA
    from placement.plan.reader import read_plan
    from placement.plan.state import state_of_plan
    from placement.replan.crossing import crossing
    from placement.replan.waves import WaveOptions, plan_waves
    from placement.replan.waves_writer import write_waves
    from placement.verify.waves import check_waves

    if fleet is None:
        message = "is needed: demands, rules and limits are the fleet's"
        raise InputError(Problem("command line", message, column="--fleet", allowed="a fleet"))
    old_path, new_path = (fleet, start) if plan is None else (start, plan)
    known = read_fleet(fleet)
    old, _ = read_state(old_path)
    if not old.is_priced:
        message = "says nothing of its hosts' sizes"
        raise InputError(Problem(str(old_path), message, allowed="a plan, or a fleet with hosts and current"))
    goal = read_plan(new_path)
    new = state_of_plan(goal)
    if goal.summary.fleet.digest != known.digest:
        message = f"was made for another fleet than {fleet}"
        raise InputError(Problem(str(new_path), message, column="fleet", allowed="a plan of this fleet"))
    old_plan = None if is_fleet(old_path) else read_plan(old_path)
    found = diff_states(old, new)
    state = crossing(known, old, new, goal, old_plan)
    options = WaveOptions(wave_size, max_unavailable)
    steps = plan_waves(state, found.moves.select(list(MOVES_SCHEMA)), old, options)
    findings = check_waves(steps, known, (old, new), (old_plan, goal), size=wave_size, max_unavailable=max_unavailable)
    if findings:
        shown = "\n".join(f"  {finding}" for finding in findings[:20])
        raise InternalError(f"the checker refuses the steps ({len(findings)} findings):\n{shown}")
    if out is not None:
        write_waves(steps, out, frozenset(known.hosts.filter(known.hosts["state"] == "failed")["host"]))
    if as_json:
        output.print_json(
            {"waves": len(_by_wave(steps)), "moves": len(steps), "by_wave": _by_wave(steps).to_dicts(),
             "notes": list(found.notes)}
        )  # fmt: skip
    elif not quiet:
        for note in found.notes:
            typer.echo(f"note: {note}")
        _print(steps, out)


def _by_wave(steps: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    hosts = pl.concat_list("from", "to").list.explode()
    return steps.group_by("wave", maintain_order=True).agg(
        pl.len().alias("moves"),
        pl.col("service").n_unique().alias("services"),
        hosts.filter(hosts != "").n_unique().alias("hosts"),
    )


def _print(steps: pl.DataFrame, out: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if steps.is_empty():
        console.print("nothing moves")
        return
    table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
    for name in ("wave", "moves", "services", "hosts"):
        table.add_column(name, justify="right")
    by_wave = _by_wave(steps)
    for row in by_wave.head(_SHOWN).iter_rows():
        table.add_row(*(f"{number:,}" for number in row))
    console.print(table)
    if by_wave.height > _SHOWN:
        console.print(f"… and {by_wave.height - _SHOWN:,} more waves")
    where = "" if out is None else f", written to {out}"
    console.print(Text(f"{len(steps):,} moves in {by_wave.height:,} waves, replayed step by step: clean{where}"))
