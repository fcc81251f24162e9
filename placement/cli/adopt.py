"""The command ``placement adopt``: the fleet once a plan is carried out, as the start of the next plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placement.cli import output
from placement.errors import InputError, Problem, nearest_name


def adopt(
    plan: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    fleet: Annotated[Path, typer.Option(help="The fleet it was made for.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder the fleet is written to.", metavar="DIR")],
    drain: Annotated[
        list[str] | None, typer.Option(help="A host that is to be emptied; may be given more than once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Write the fleet as it is once PLAN is carried out: its hosts stand, everything runs where it says."""
    from placement.fleet import read_fleet, write_fleet
    from placement.plan.reader import read_plan
    from placement.replan.adopt import adopted

    stored, known = read_plan(plan), read_fleet(fleet)
    hosts = stored.hosts["host"].to_list()
    unknown = [host for host in drain or () if host not in hosts]
    if unknown:
        raise InputError(
            [
                Problem("command line", "the plan has no such host", column="--drain", value=host,
                        suggestion=nearest_name(host, hosts))
                for host in unknown
            ]
        )  # fmt: skip
    write_fleet(adopted(known, stored, tuple(drain or ())), out)
    if as_json:
        output.print_json({"folder": str(out), "hosts": len(hosts), "instances": len(stored.assignments)})
    elif not quiet:
        typer.echo(f"{len(hosts):,} hosts and {len(stored.assignments):,} instances written to {out}", err=True)
