"""A plan and its fleet as commands read them: what is wrong with both is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from placement.fleet.types import Fleet
    from placement.plan.types import Plan


def read_both(plan_folder: Path, fleet: Path | None, problems: list[Problem]) -> tuple[Plan | None, Fleet | None]:
    """Return the plan, and the fleet where one is named; what is wrong with either is added to `problems`."""
    from placement.fleet import read_fleet
    from placement.plan.reader import read_plan

    read: Fleet | None = None
    stored: Plan | None = None
    try:
        read = read_fleet(fleet) if fleet is not None else None
    except InputError as error:
        problems += error.problems
    try:
        stored = read_plan(plan_folder)
    except InputError as error:
        problems += error.problems
    return stored, read
