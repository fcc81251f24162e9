"""``placement size``: the capacity guide for N services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placement.cli import output
from placement.errors import InputError, Problem, nearest_name

if TYPE_CHECKING:
    from placement.capacity import CapacityModel

_COMMAND_LINE = "command line"
_LONGEST_VALUE = 60


def size(
    services: Annotated[str, typer.Option(help="How many services.", metavar="N")],
    model: Annotated[str, typer.Option(help="A bundled model's name or a model folder.")] = "rithmxo-1.0",
    overlay: Annotated[Path | None, typer.Option(help="A file of overrides laid over the model.")] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Change one number of the model; may be repeated.", metavar="PATH=VALUE"),
    ] = None,
    instances_per_service: Annotated[
        str, typer.Option(help="Instances of a service on average, 1 or more.", metavar="X")
    ] = "1",
    profile: Annotated[
        str, typer.Option(help="Profile of every instance; default: that of the guide's densities.")
    ] = "",
    sizes: Annotated[
        list[str] | None, typer.Option("--size", help="Host size to report; may be repeated; default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The figures alone, without notes on them.")] = False,
) -> None:
    """Print the capacity guide's formulas and tables for a number of services; no fleet is needed."""
    from placement.capacity.sizing import MAX_INSTANCES_PER_SERVICE, MAX_SERVICES, size_by_guide

    problems: list[Problem] = []
    number = _number(services, "--services", MAX_SERVICES, r"\d+", "a whole number", problems)
    per_service = _number(
        instances_per_service,
        "--instances-per-service",
        MAX_INSTANCES_PER_SERVICE,
        r"\d+(\.\d+)?",
        "a number",
        problems,
    )
    changes = _changes(overlay, override or (), problems)
    source = str(overlay) if overlay and not override else "--override"
    loaded = _load(model, changes, source, problems)
    if loaded is not None:
        added = set(re.split(r"[.=]", ".".join(override or ()))) if problems else set()
        names = [("--profile", profile, tuple(loaded.profiles))] if profile else []
        names += [("--size", name, tuple(loaded.hosts.sizes)) for name in sizes or ()]
        problems += [problem for name in names if name[1] not in added for problem in _unknown(*name)]
    if problems or loaded is None:
        raise InputError(problems)
    sizing = size_by_guide(
        loaded,
        int(number),
        instances_per_service=per_service,
        profile=profile or None,
        sizes=tuple(dict.fromkeys(sizes or ())),
    )
    if as_json:
        output.print_json(sizing.to_dict())
    else:
        from placement.cli.size_view import print_sizing

        print_sizing(sizing, notes=not quiet)


def _number(text: str, option: str, most: int, pattern: str, kind: str, problems: list[Problem]) -> Fraction:
    """Return the number that an option states; note a problem, and return 1, where it states none."""
    allowed = f"{kind} from 1 to {most:,}, in digits"
    if re.fullmatch(pattern, text, re.ASCII):
        # longer than any number allowed; int() refuses such texts, too
        number = Fraction(text) if len(text) <= _LONGEST_VALUE else Fraction(most + 1)
        if 1 <= number <= most:
            return number
        message = "too small" if number < 1 else "too large"
    else:
        message = "too small" if re.fullmatch(r"-\d+(\.\d+)?", text, re.ASCII) else f"not {kind}"
    problems.append(Problem(_COMMAND_LINE, message, column=option, value=text[:_LONGEST_VALUE], allowed=allowed))
    return Fraction(1)


def _changes(overlay: Path | None, overrides: Iterable[str], problems: list[Problem]) -> dict[str, Any]:
    """Return the overlay of the model: that of the file, and what the command line changes on top."""
    from placement.capacity import read_overlay
    from placement.capacity.yaml_text import read_yaml

    changes: dict[str, Any] = {}
    if overlay is not None:
        try:
            changes = read_overlay(overlay)
        except InputError as error:
            problems += error.problems
    for text in overrides:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not (equals and path and value.strip()):
            problems.append(
                Problem(
                    _COMMAND_LINE,
                    "not a change of a number",
                    column="--override",
                    value=text[:_LONGEST_VALUE],
                    allowed="PATH=VALUE, e.g. services.profiles.typical.memory_mb=550",
                )
            )
            continue
        try:
            changes[path] = read_yaml(f"value: {value}".encode(), f"--override {path}")["value"]
        except InputError as error:
            problems += error.problems
    return changes


def _load(model: str, changes: Mapping[str, Any], source: str, problems: list[Problem]) -> CapacityModel | None:
    """Return the model with the changes, or without them where they are wrong: names can be checked all the same."""
    from placement.capacity import load_model

    try:
        return load_model(model, changes, source)
    except InputError as error:
        problems += error.problems
    try:
        return load_model(model)
    except InputError:
        return None


def _unknown(option: str, name: str, known: Sequence[str]) -> Iterable[Problem]:
    if name not in known:
        yield Problem(
            _COMMAND_LINE,
            "not in the capacity model",
            column=option,
            value=name[:_LONGEST_VALUE],
            allowed=", ".join(known),
            suggestion=nearest_name(name, known),
        )
