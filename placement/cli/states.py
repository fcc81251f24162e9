"""Folders named on the command line that hold a plan or a fleet: read as what runs there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from placement.fleet.types import Fleet
    from placement.plan.state import State


def is_fleet(path: Path) -> bool:
    """Whether a path names a fleet, and not a plan."""
    return path.is_file() or (path / "fleet.yaml").exists()


def read_state(path: Path) -> tuple[State, Fleet | None]:
    """Return what a plan, a fleet, a registry's file or an inventory says of where things run; the fleet if it is one.

    Raises
    ------
    InputError
        If it can be read as neither, or the fleet does not say where its instances run.
    """
    from placement.plan.live import inventory_folder, is_registry, state_of_inventory, state_of_registry
    from placement.plan.reader import read_plan
    from placement.plan.state import state_of_fleet, state_of_plan

    if is_registry(path):
        return state_of_registry(path), None
    inventory = inventory_folder(path)
    if inventory is not None:
        return state_of_inventory(inventory), None
    if not is_fleet(path):
        return state_of_plan(read_plan(path)), None
    from placement.fleet import read_fleet

    fleet = read_fleet(path)
    if fleet.current.is_empty():
        message = "the fleet does not say where its instances run"
        raise InputError(
            Problem(str(path), message, column="current", allowed="a fleet with the tables hosts and current")
        )
    return state_of_fleet(fleet), fleet
