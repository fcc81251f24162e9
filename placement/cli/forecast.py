"""``placement forecast``: growth, what is needed over time, what to order by which date."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placement.cli import output
from placement.cli.numbers import number_of
from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from placement.fleet.types import Fleet

_COMMAND_LINE = "command line"
_MAX_SERVICES = 1_000_000
_MAX_SAMPLES = 100_000
_MAX_YEARS = 50


def forecast(
    fleet: Annotated[Path | None, typer.Argument(help="Folder with fleet.yaml, or that file.", metavar="FLEET")] = None,
    years: Annotated[str, typer.Option(help="Horizon.", metavar="Y")] = "3",
    services: Annotated[
        str, typer.Option(help="Instead of a fleet: a generated one of so many services.", metavar="N")
    ] = "",
    growth: Annotated[
        list[str] | None,
        typer.Option(
            help="Percent a year: RATE or LOW:TYPICAL:HIGH, for all or as DOMAIN=…; may be repeated. Default: by the "
            "model's phases.",
            metavar="RATE",
        ),
    ] = None,
    samples: Annotated[str, typer.Option(help="Samples of growth, for quantiles.", metavar="N")] = "0",
    start: Annotated[str, typer.Option(help="The first day; default: today.", metavar="YYYY-MM-DD")] = "",
    orders_for: Annotated[str, typer.Option(help="Growth that orders are for: low, typical or high.")] = "typical",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 1,
    executor: Annotated[
        str, typer.Option(help="Where checkpoints are planned: local, dask, ray, dask:ADDRESS or ray:ADDRESS.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Plans made at a time; default: as many as cores, if that is quicker.", min=1)
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for pictures (PNG and SVG).", metavar="DIR")] = None,
    orders: Annotated[Path | None, typer.Option(help="File for the dated orders as CSV.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the forecast as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Forecast growth, the hosts and the data tier it needs, thresholds, and what to order by which date."""
    from placement.cli.files import check_folder, check_writable, write_text
    from placement.executor import check_executor

    problems = [*check_writable(out, "--out"), *check_writable(orders, "--orders"), *check_folder(plots, "--plots")]
    horizon = number_of(years, "--years", 0, _MAX_YEARS, problems, above=True)
    num_samples = int(number_of(samples, "--samples", 0, _MAX_SAMPLES, problems, whole=True))
    if orders_for not in ("low", "typical", "high"):
        problems.append(_problem("--orders-for", "unknown value", orders_for, "low, typical, high"))
    first_day = _date(start, problems)
    live = output.Live(quiet=quiet or as_json)
    try:
        check_executor(executor)
        if plots is not None:
            from placement.pictures import check_installed

            check_installed()
    except InputError as error:
        problems += error.problems
    read = _fleet(fleet, services, seed, live, problems)

    from placement.engine import Options
    from placement.forecast.forecast import forecast_fleet
    from placement.forecast.rates import rates_of

    rates = {}
    try:
        domains = [] if read is None else sorted(read.services["domain"].unique().to_list())
        rates = rates_of(growth or (), domains)
    except InputError as error:
        # without a fleet nobody knows its domains
        problems += [found for found in error.problems if read is not None or "domain" not in found.message]
    if problems or read is None:
        raise InputError(problems)
    stop = output.StopOnInterrupt(live)
    with stop:
        result = forecast_fleet(
            read,
            horizon,
            rates=rates,
            samples=num_samples,
            start=first_day,
            orders_for=orders_for,
            options=Options(seed=seed, workers=workers, executor=executor),
            report=live.say,
            stop=stop.requested,
        )
    if out is not None:
        write_text(out, result.model_dump_json(indent=2) + "\n")
    if orders is not None:
        write_text(orders, result.orders_frame().write_csv())
    if plots is not None:
        from placement.forecast.pictures import draw_forecast

        draw_forecast(result, plots)
    if as_json:
        output.print_json(result.to_dict())
    elif not quiet:
        from placement.cli.forecast_view import print_forecast

        print_forecast(result)


def _fleet(path: Path | None, services: str, seed: int, live: output.Live, problems: list[Problem]) -> Fleet | None:
    """Return the fleet that is named, or one generated; None after noting what is wrong."""
    from placement.fleet import fleet_warnings, generate_fleet, read_fleet

    if (path is None) == (not services):
        message = "name a fleet or a number of services, one of them"
        problems.append(_problem("FLEET", message, "" if path is None else str(path), "FLEET or --services N"))
        if services:
            number_of(services, "--services", 1, _MAX_SERVICES, problems, whole=True)
        return None
    if path is None:
        before = len(problems)
        num = number_of(services, "--services", 1, _MAX_SERVICES, problems, whole=True)
        if len(problems) > before:
            return None
        live.say(f"generating {int(num):,} services")
        return generate_fleet(int(num), seed).build()
    try:
        fleet = read_fleet(path)
    except InputError as error:
        problems += error.problems
        return None
    for warning in fleet_warnings(fleet):
        live.say(f"warning: {warning}")
    return fleet


def _date(text: str, problems: list[Problem]) -> datetime.date | None:
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        problems.append(_problem("--start", "not a date", text, "YYYY-MM-DD"))
        return None
    if not 1900 <= day.year <= 9000:
        problems.append(_problem("--start", "out of range", text, "1900-01-01 to 9000-12-31"))
        return None
    return day


def _problem(option: str, message: str, value: str, allowed: str) -> Problem:
    return Problem(_COMMAND_LINE, message, column=option, value=value[:60], allowed=allowed)
