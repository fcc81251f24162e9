"""``placement export``: a plan as files for deployment tooling."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from placement.cli import output
from placement.errors import InputError, Problem


def export(
    plan_folder: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    target: Annotated[
        str,
        typer.Option("--to", help="ansible, systemd, env, pgbouncer, registry, terraform or prometheus."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder the files are written to.", metavar="DIR")],
    fleet: Annotated[
        Path | None,
        typer.Option(help="The fleet it was made for; needed for ansible, systemd, terraform and prometheus."),
    ] = None,
    expect: Annotated[
        str | None, typer.Option(help="Export only the plan with this digest, and refuse any other.", metavar="DIGEST")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Write a plan as files that deployment tools take. The plan is checked first, and refused if it breaks a rule."""
    from placement.export import export_plan
    from placement.fleet import fleet_warnings, read_fleet
    from placement.plan.reader import read_plan

    live = output.Live(quiet=quiet or as_json)
    problems: list[Problem] = []
    read: dict[str, Any] = {"fleet": None}
    for name, path, reader in (("plan", plan_folder, read_plan), ("fleet", fleet, read_fleet)):
        try:
            if path is not None:
                read[name] = reader(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    for warning in fleet_warnings(read["fleet"]) if read["fleet"] is not None else ():
        live.say(f"warning: {warning}")
    result = export_plan(read["plan"], cast(Any, target), out, fleet=read["fleet"], expect=expect)
    if as_json:
        output.print_json(result.to_dict())
    elif not quiet:
        typer.echo(f"{result.num_files:,} files for {result.target} in {out}, of the plan {result.plan_digest}")
