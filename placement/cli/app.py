"""Commands and their options. Heavy packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

from placement.cli import output
from placement.cli.adopt import adopt
from placement.cli.compare import compare
from placement.cli.diff import diff
from placement.cli.explain import explain
from placement.cli.export import export
from placement.cli.forecast import forecast
from placement.cli.move_options import limits_on_moves, needs_current
from placement.cli.network import network
from placement.cli.report import report
from placement.cli.size import size
from placement.cli.waves import waves
from placement.errors import (
    InfeasibleError,
    InputError,
    InternalError,
    PlacementError,
    Problem,
    RefusedError,
    nearest_name,
)

if TYPE_CHECKING:
    from placement.fleet.types import Fleet

_TABLES: tuple[Literal["csv", "parquet"], ...] = ("csv", "parquet")
_FLEET_TABLES: tuple[Literal["csv", "parquet", "jsonl"], ...] = ("csv", "parquet", "jsonl")
_MODES: tuple[Literal["reproducible", "fast"], ...] = ("reproducible", "fast")
_DEMANDS: tuple[Literal["profile", "measured", "mixed"], ...] = ("profile", "measured", "mixed")

_Choice = TypeVar("_Choice", bound=str)

_EXIT_AFTER_INTERRUPT = 130
"""What typer makes of Ctrl-C; the contract has no such code."""

app = typer.Typer(
    name="placement",
    help="Place fleets of services on hosts at the lowest cost, with a proof of how far that is from the cheapest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
model_app = typer.Typer(
    help="Show or check a capacity model: every number, its unit, source, status and owner.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(model_app, name="model")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
FleetArgument = Annotated[Path, typer.Argument(help="Folder with fleet.yaml, or that file.", metavar="FLEET")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"placement {version('placement')}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


@app.command()
def plan(
    fleet: FleetArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder the plan is written to.", metavar="PLAN")],
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 1,
    time_limit: Annotated[
        float | None,
        typer.Option(help="End the search so that planning takes about so many seconds in all."),
    ] = None,
    gap: Annotated[float, typer.Option(help="Stop as soon as (cost - bound) / bound is at most this.", min=0.0)] = 0.0,
    mode: Annotated[
        str,
        typer.Option(
            help="reproducible: the same plan on any number of cores; fast: use every core and the clock.",
        ),
    ] = "reproducible",
    executor: Annotated[
        str,
        typer.Option(help="Where regions are planned: local, dask, ray, dask:ADDRESS or ray:ADDRESS of a cluster."),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Regions planned at a time; default: as many as cores, if that is quicker.", min=1),
    ] = None,
    max_moves: Annotated[
        int | None, typer.Option(help="Most moves away from where things run today (current).", min=0)
    ] = None,
    move_curve: Annotated[
        str, typer.Option(help="Numbers of moves for which to show the cost, e.g. 0,10,100,1000,all.")
    ] = "",
    table_format: Annotated[str, typer.Option("--format", help="Tables as csv or parquet.")] = "csv",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute a placement plan, verify it, and write it."""
    import time

    from placement.executor import check_executor

    tables = _one_of(table_format, _TABLES, "--format")
    wanted_mode = _one_of(mode, _MODES, "--mode")
    _positive(time_limit, "--time-limit")
    check_executor(executor)
    curve = limits_on_moves(move_curve)
    start = time.monotonic()
    live = output.Live(quiet=quiet or as_json)
    live.say(f"reading {fleet}")
    read = _read_fleet(fleet, live)
    needs_current(read, max_moves, curve)
    read_s = time.monotonic() - start

    from placement.engine import Options, place
    from placement.plan.writer import write_plan

    stop = output.StopOnInterrupt(live)
    with live, stop:
        computed = place(
            read,
            Options(
                seed=seed,
                time_limit_s=time_limit,
                target_gap=gap,
                mode=wanted_mode,
                workers=workers,
                executor=executor,
                max_moves=max_moves,
                move_curve=curve,
            ),
            report=lambda progress: live.progress(progress, read.currency),
            stop=stop.requested,
            read_s=read_s,
        )
        write_plan(computed, out, table_format=tables)
    if as_json:
        output.print_json(computed.summary.model_dump(mode="json"))
    elif not quiet:
        output.print_summary(computed, out, time.monotonic() - start)
    if stop.requested():
        live.say("interrupted: the best plan found so far was verified and written")
    if computed.summary.violations:
        live.say(
            f"{len(computed.summary.violations)} links would carry more than they can: see violations in plan.json"
        )
        raise typer.Exit(1)


@app.command()
def check(
    plan_folder: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    fleet: Annotated[
        Path | None, typer.Option(help="The fleet it was made for: everything is then recomputed from it.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Verify a plan from its files and the fleet alone, sharing no code with the planner."""
    from placement.plan.reader import read_plan
    from placement.verify import check_plan

    live = output.Live(quiet=quiet or as_json)
    problems: list[Problem] = []
    read: Fleet | None = None
    try:
        read = _read_fleet(fleet, live) if fleet is not None else None
    except InputError as error:
        problems += error.problems
    try:
        stored = read_plan(plan_folder)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    result = check_plan(stored, read)
    if as_json:
        output.print_json(
            {
                "clean": not result.findings,
                "findings": [finding.to_dict() for finding in result.findings],
                "notes": list(result.notes),
            }
        )
    elif not quiet:
        output.print_findings(result)
    if result.findings:
        raise typer.Exit(1)


app.command()(compare)
app.command()(forecast)
app.command()(size)
app.command()(network)
app.command()(export)
app.command()(report)
app.command()(explain)
app.command()(diff)
app.command()(adopt)
app.command()(waves)


@app.command()
def generate(
    services: Annotated[int, typer.Option(help="How many services.", min=1, max=10_000_000)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder the fleet is written to.", metavar="DIR")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.", min=0)] = 1,
    demands: Annotated[str, typer.Option(help="Where demands come from: profile, measured or mixed.")] = "mixed",
    regions: Annotated[int, typer.Option(help="How many regions.", min=1, max=100)] = 1,
    zones: Annotated[int, typer.Option(help="Zones per region; 0: none.", min=0, max=26)] = 0,
    rules_density: Annotated[
        float,
        typer.Option(help="Share of ordered pairs of services with an interference rule.", min=0, max=0.5),
    ] = 0.0,
    table_format: Annotated[str, typer.Option("--format", help="Tables as csv, parquet or jsonl.")] = "csv",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Generate a synthetic fleet in the input format."""
    from placement.fleet import generate_fleet, write_generated

    made = generate_fleet(
        services,
        seed,
        demands=_one_of(demands, _DEMANDS, "--demands"),
        regions=regions,
        zones=zones,
        rules_density=rules_density,
    )
    write_generated(made, out, table_format=_one_of(table_format, _FLEET_TABLES, "--format"))
    if as_json:
        output.print_json({"folder": str(out), "services": services, "seed": seed})
    elif not quiet:
        typer.echo(f"{services:,} services written to {out}", err=True)


@model_app.command("show")
def model_show(
    model: Annotated[str, typer.Argument(help="A bundled model's name or a model folder.")] = "rithmxo-1.0",
    overlay: Annotated[Path | None, typer.Option(help="A file of overrides laid over the model.")] = None,
    find: Annotated[str, typer.Option(help="Only figures whose path contains this.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print every number of the model in force with its unit, source, status and owner."""
    from placement.capacity import load_model, read_overlay

    override = read_overlay(overlay) if overlay else None
    loaded = load_model(model, override, str(overlay)) if overlay else load_model(model)
    entries = [entry for entry in loaded.entries() if find in entry.path]
    if as_json:
        output.print_json(
            {"model": loaded.name, "digest": loaded.digest, "entries": [entry.to_dict() for entry in entries]}
        )
    else:
        output.print_model(loaded, entries)


@model_app.command("check")
def model_check(
    model: Annotated[str, typer.Argument(help="A bundled model's name or a model folder.")] = "rithmxo-1.0",
    overlay: Annotated[Path | None, typer.Option(help="A file of overrides laid over the model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a model: its schema, and what must hold between its numbers."""
    from placement.capacity import check_model, read_overlay

    problems = check_model(model, read_overlay(overlay), str(overlay)) if overlay else check_model(model)
    if problems:
        raise InputError(problems)
    if as_json:
        output.print_json({"model": model, "clean": True, "problems": []})
    else:
        typer.echo(f"{model}: no problems")


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="What to describe; without a name: the list of names.")] = "",
) -> None:
    """Print the JSON Schema of an input or output."""
    from placement.capacity import model_schema
    from placement.capacity.sizing import size_schema
    from placement.compare.types import comparison_schema
    from placement.explain import explanation_schema
    from placement.export.schemas import SCHEMAS as EXPORTS
    from placement.fleet.schemas import SCHEMAS as INPUTS
    from placement.forecast.types import forecast_schema
    from placement.plan.schemas import SCHEMAS as OUTPUTS

    # a name that is both an input and an output table keeps the input under it, the output as plan-NAME
    known: dict[str, Any] = {("plan-" + key if key in INPUTS else key): make for key, make in OUTPUTS.items()}
    known |= dict(INPUTS) | dict(EXPORTS) | {"model": model_schema, "size": size_schema}
    known |= {"comparison": comparison_schema, "forecast": forecast_schema}
    known |= {"explanation": explanation_schema}
    if not name:
        typer.echo("\n".join(sorted(known)))
        return
    _one_of(name, tuple(sorted(known)), "NAME")
    output.print_json(known[name]())


# --- shared -----------------------------------------------------------------------------------------------------


def _read_fleet(path: Path, live: output.Live) -> Fleet:
    from placement.fleet import fleet_warnings, read_fleet

    fleet = read_fleet(path)
    for warning in fleet_warnings(fleet):
        live.say(f"warning: {warning}")
    return fleet


def _one_of(value: str, allowed: tuple[_Choice, ...], option: str) -> _Choice:
    """Return the value as one of the allowed ones, or say what is."""
    for choice in allowed:
        if value == choice:
            return choice
    raise InputError(
        Problem(
            file="command line",
            column=option,
            message="unknown value",
            value=value,
            allowed=", ".join(allowed),
            suggestion=nearest_name(value, allowed),
        )
    )


def _positive(value: float | None, option: str) -> None:
    if value is not None and not value > 0:
        raise InputError(
            Problem(
                file="command line",
                column=option,
                message="must be positive",
                value=str(value),
                allowed="a number > 0",
            )
        )


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the contract's code; no traceback reaches a user."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    try:
        app(args=arguments)
    except SystemExit as error:
        if error.code == _EXIT_AFTER_INTERRUPT:
            _interrupted()
        raise
    except PlacementError as error:
        _fail(error, as_json)
    except KeyboardInterrupt:
        _interrupted()
    except BrokenPipeError:
        # whoever read our output has gone, which is their right; spare the interpreter's complaint at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("PLACEMENT_DEBUG"):
            raise
        _fail(InternalError(f"{type(error).__name__}: {error} (PLACEMENT_DEBUG=1 shows where)"), as_json)


def _status(error: PlacementError) -> str:
    if isinstance(error, InfeasibleError):
        return "infeasible"
    return "refused" if isinstance(error, RefusedError) else "error"


def _interrupted() -> NoReturn:
    typer.echo("interrupted: there was no plan yet, nothing was written", err=True)
    sys.exit(1)


def _fail(error: PlacementError, as_json: bool) -> None:
    if isinstance(error, InputError):
        items = [problem.to_dict() for problem in error.problems]
        title, key, lines = "bad input", "problems", [str(problem) for problem in error.problems]
    elif isinstance(error, InfeasibleError):
        items = [reason.to_dict() for reason in error.reasons]
        title, key, lines = "no plan exists", "reasons", [str(reason) for reason in error.reasons]
        if all(reason.kind == "not-found" for reason in error.reasons):
            title = "no plan was found"
    elif isinstance(error, RefusedError):
        items = [{"message": reason} for reason in error.reasons]
        title, key, lines = "the plan is refused", "reasons", list(error.reasons)
    else:
        items = [{"message": str(error)}]
        title, key, lines = "internal error", "errors", [str(error)]
    if as_json:
        status = {"status": _status(error), key: items}
        typer.echo(json.dumps(status, indent=2))
    else:
        output.print_error(title, lines)
    sys.exit(error.exit_code)
