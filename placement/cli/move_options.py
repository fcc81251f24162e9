"""Options of ``placement plan`` that say how much may move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from placement.fleet.types import Fleet


def limits_on_moves(text: str) -> tuple[int | None, ...]:
    """Return the limits of ``0,10,all``; None: no limit."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if all(part == "all" or (part.isdecimal() and part.isascii() and len(part) < 10) for part in parts):
        return tuple(dict.fromkeys(None if part == "all" else int(part) for part in parts))
    raise InputError(
        Problem(
            file="command line",
            column="--move-curve",
            message="not numbers of moves",
            value=text[:60],
            allowed="whole numbers and the word all, separated by commas",
        )
    )


def needs_current(fleet: Fleet, max_moves: int | None, curve: tuple[int | None, ...]) -> None:
    """Raise InputError where moves are to be counted of a fleet that does not say what runs where."""
    options = [option for option, given in (("--max-moves", max_moves is not None), ("--move-curve", curve)) if given]
    if options and fleet.current.is_empty():
        message = "the fleet does not say where its instances run, so there are no moves to count"
        allowed = "a fleet with the tables hosts and current"
        raise InputError([Problem("command line", message, column=option, allowed=allowed) for option in options])
