"""The command ``placement adopt``: the fleet once a plan is carried out, as the start of the next plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placement.cli import output
from placement.cli.states import read_state
from placement.errors import InputError, Problem, nearest_name


def adopt(
    plan: Annotated[
        Path,
        typer.Argument(help="A plan; or what runs: an Ansible inventory, a registry.jsonl.", metavar="PLAN"),
    ],
    fleet: Annotated[Path, typer.Option(help="The fleet it was made for.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder the fleet is written to.", metavar="DIR")],
    drain: Annotated[
        list[str] | None, typer.Option(help="A host that is to be emptied; may be given more than once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Write the fleet as it is once PLAN is carried out: its hosts stand, everything runs where it says."""
    import polars as pl

    from placement.fleet import read_fleet, write_fleet
    from placement.replan.adopt import adopted

    (state, _), known = read_state(plan), read_fleet(fleet)
    frames = adopted(known, state, tuple(drain or ()))
    hosts = [] if frames.hosts is None else frames.hosts["host"].to_list()
    unknown = [host for host in drain or () if host not in hosts]
    if unknown:
        raise InputError(
            [
                Problem("command line", "the plan has no such host", column="--drain", value=host,
                        suggestion=nearest_name(host, hosts))
                for host in unknown
            ]
        )  # fmt: skip
    write_fleet(frames, out)
    num_instances = state.runs.filter(pl.col("pool") == "services").height
    if as_json:
        output.print_json({"folder": str(out), "hosts": len(hosts), "instances": num_instances})
    elif not quiet:
        typer.echo(f"{len(hosts):,} hosts and {num_instances:,} instances written to {out}", err=True)
