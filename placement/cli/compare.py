"""``placement compare``: host-size mixes of one fleet, ranked by cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placement.cli import output
from placement.cli.numbers import number_of
from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from placement.fleet.types import Fleet

_COMMAND_LINE = "command line"
_MAX_SAMPLES = 10_000


def compare(
    fleet: Annotated[Path, typer.Argument(help="Folder with fleet.yaml, or that file.", metavar="FLEET")],
    mix: Annotated[
        list[str] | None,
        typer.Option(
            help="Sizes that may be bought, with commas; or all, singles (each size alone), pairs; may be repeated. "
            "Default: singles and all.",
            metavar="SIZES",
        ),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option(help="Pool that the mixes are for (the others keep the fleet's sizes); may be repeated."),
    ] = None,
    prices: Annotated[
        list[str] | None,
        typer.Option(help="A price list of the model, or a file with size,price_per_hour; may be repeated."),
    ] = None,
    headroom: Annotated[
        list[str] | None, typer.Option(help="Share of a host that may be used; may be repeated.", metavar="SHARE")
    ] = None,
    databases: Annotated[
        list[str] | None, typer.Option(help="auto, single, clusters or dedicated; may be repeated.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A bundled capacity model or a model folder; may be repeated.")
    ] = None,
    rules: Annotated[bool, typer.Option(help="Plan the cheapest mix without each rule, to price the rules.")] = True,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="What the model's estimates do to cost, and which mix regrets least.")
    ] = False,
    samples: Annotated[str, typer.Option(help="Samples of all estimates, for regret.", metavar="N")] = "100",
    spread: Annotated[
        str, typer.Option(help="An estimate without a range may be off by this share.", metavar="SHARE")
    ] = "0.2",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 1,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that each plan's search may take.")] = None,
    gap: Annotated[float, typer.Option(help="End each search at this gap.", min=0.0)] = 0.0,
    executor: Annotated[
        str, typer.Option(help="Where plans are made: local, dask, ray, dask:ADDRESS or ray:ADDRESS.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Plans made at a time; default: as many as cores, if that is quicker.", min=1)
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for pictures (PNG and SVG).", metavar="DIR")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the comparison as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Plan a fleet with each of several mixes of host sizes and rank them by cost."""
    from placement.cli.files import check_folder, check_writable, write_text
    from placement.executor import check_executor

    problems = [*check_writable(out, "--out"), *check_folder(plots, "--plots")]
    if time_limit is not None and not time_limit > 0:
        problems.append(_problem("--time-limit", "must be positive", str(time_limit), "a number > 0"))
    shares = [number_of(text, "--headroom", 0, 1, problems, above=True) for text in headroom or ()]
    shares = [share for share in shares if share > 0]
    num_samples = int(number_of(samples, "--samples", 0, _MAX_SAMPLES, problems, whole=True))
    spread_share = number_of(spread, "--spread", 0, 0.99, problems)
    problems += _caught(lambda: check_executor(executor))
    if plots is not None:
        problems += _caught(_check_plots)
    live = output.Live(quiet=quiet or as_json)
    read = _read(fleet, live, problems)

    from placement.compare.compare import compare_mixes
    from placement.compare.mixes import Asked, resolve
    from placement.compare.sensitivity import Doubt
    from placement.engine import Options

    asked = Asked(mix or (), prices or (), shares, databases or (), model or (), pool or ())
    if read is not None:
        problems += _caught(lambda: resolve(read, asked))
    if problems or read is None:
        raise InputError(problems)
    options = Options(seed=seed, time_limit_s=time_limit, target_gap=gap, workers=workers, executor=executor)
    doubt = Doubt(num_samples, seed, spread_share) if sensitivity else None
    stop = output.StopOnInterrupt(live)

    def told(text: str, num_planned: int) -> None:
        # from the first plan on Ctrl-C ends the searches with the best plans so far
        live.has_plan = live.has_plan or num_planned > 0
        live.say(text)

    with stop:
        result = compare_mixes(read, asked, options, with_rules=rules, doubt=doubt, report=told, stop=stop.requested)
    if out is not None:
        write_text(out, result.model_dump_json(indent=2) + "\n")
    if plots is not None:
        from placement.compare.pictures import draw_comparison

        draw_comparison(result, plots)
    if as_json:
        output.print_json(result.to_dict())
    elif not quiet:
        from placement.cli.compare_view import print_comparison

        print_comparison(result)
    if stop.requested():
        live.say("interrupted: the mixes were compared by the best plans found so far")
    if not result.best:
        raise typer.Exit(1)


def _read(path: Path, live: output.Live, problems: list[Problem]) -> Fleet | None:
    from placement.fleet import fleet_warnings, read_fleet

    try:
        fleet = read_fleet(path)
    except InputError as error:
        problems += error.problems
        return None
    for warning in fleet_warnings(fleet):
        live.say(f"warning: {warning}")
    return fleet


def _check_plots() -> None:
    from placement.pictures import check_installed

    check_installed()


def _caught(call: object) -> Sequence[Problem]:
    """Return the problems that a call finds."""
    try:
        call()  # type: ignore[operator]
    except InputError as error:
        return error.problems
    return ()


def _problem(option: str, message: str, value: str, allowed: str) -> Problem:
    return Problem(_COMMAND_LINE, message, column=option, value=value[:60], allowed=allowed)
