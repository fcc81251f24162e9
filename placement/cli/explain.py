"""``placement explain``: why something is where it is, what binds, what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placement.cli import output
from placement.cli.reading import read_both
from placement.errors import InputError, Problem


def explain(
    plan_folder: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    name: Annotated[
        str,
        typer.Argument(
            help="A service, host, cluster or domain (KIND:NAME where several have the name), or: plan.", metavar="NAME"
        ),
    ],
    fleet: Annotated[
        Path | None, typer.Option(help="The fleet it was made for: adds demands, costs and rules of services.")
    ] = None,
    why_not: Annotated[str | None, typer.Option(help="Why is the service not on this host?", metavar="HOST")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The figures alone, without notes on them.")] = False,
) -> None:
    """Explain a service, a host, a cluster, a domain, or what makes the plan's cost."""
    from placement.explain import explain_plan

    problems: list[Problem] = []
    stored, read = read_both(plan_folder, fleet, problems)
    if problems or stored is None:
        raise InputError(problems)
    result = explain_plan(stored, name, read, why_not=why_not)
    if as_json:
        output.print_json(result.to_dict())
    else:
        from placement.cli.explain_view import print_explanation

        print_explanation(result, notes=not quiet)
