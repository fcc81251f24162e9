"""``placement report``: a plan as one HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from placement.cli import output
from placement.cli.reading import read_both
from placement.errors import InputError, Problem


def report(
    plan_folder: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page that is written.", metavar="FILE")],
    fleet: Annotated[
        Path | None, typer.Option(help="The fleet it was made for: adds every service's domain and sensitivity.")
    ] = None,
    comparison: Annotated[
        Path | None, typer.Option(help="comparison.json of placement compare, to be drawn.", metavar="FILE")
    ] = None,
    forecast: Annotated[
        Path | None, typer.Option(help="forecast.json of placement forecast, to be drawn.", metavar="FILE")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for the charts as pictures (PNG and SVG).", metavar="DIR")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No messages.")] = False,
) -> None:
    """Write a plan as one HTML page that loads nothing: pictures first, tables and search below."""
    from placement.cli.files import check_folder
    from placement.pictures import check_installed
    from placement.report import write_report

    problems = check_folder(plots, "--plots")
    if plots is not None:
        try:
            check_installed()
        except InputError as error:
            problems += error.problems
    stored, read = read_both(plan_folder, fleet, problems)
    extras = {
        "comparison": _read_json(comparison, "comparison", problems, is_drawn=plots is not None),
        "forecast": _read_json(forecast, "forecast", problems, is_drawn=plots is not None),
    }
    if problems or stored is None:
        raise InputError(problems)
    size = write_report(stored, out, read, comparison=extras["comparison"], forecast=extras["forecast"])
    drawn: list[Path] = []
    if plots is not None:
        from placement.report.pictures import draw_report

        drawn = draw_report(stored, plots, comparison=extras["comparison"], forecast=extras["forecast"])
    if as_json:
        output.print_json({"file": str(out), "bytes": size, "pictures": [str(path) for path in drawn]})
    elif not quiet:
        typer.echo(f"{out}: {size / 1e6:,.1f} MB", err=True)
        if plots is not None:
            typer.echo(f"{plots}: {len(drawn)} pictures", err=True)


def _read_json(path: Path | None, kind: str, problems: list[Problem], *, is_drawn: bool) -> dict[str, Any] | None:
    """Return a file's content if it is what is wanted; note a problem where it is not.

    The page leaves out what a file lacks; pictures need all of it.
    """
    if path is None:
        return None
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        problems.append(Problem(str(path), f"cannot be read as JSON: {error}"))
        return None
    found = data.get("format") if isinstance(data, dict) else None
    wanted = f"placement/{kind}/1"
    if found != wanted:
        value = str(found)[:60] if found is not None else ""
        problems.append(Problem(str(path), "unknown or missing format", column="format", value=value, allowed=wanted))
        return None
    if is_drawn:
        from placement.report.reading import shape_problems

        problems += shape_problems(kind, data, str(path))
    return dict(data)
