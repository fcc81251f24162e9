"""How many instances and nodes move, start and stop in a plan, counted from its tables."""

from __future__ import annotations

import dataclasses

import polars as pl

from placement.fleet.types import Fleet
from placement.plan.moves import RUNS_SCHEMA, moves_between
from placement.plan.state import runs_of
from placement.plan.types import Moves, Plan


def counted(assignments: pl.DataFrame, nodes: pl.DataFrame, fleet: Fleet) -> tuple[int, int, int]:
    """Return how many move, start and stop against where things run today."""
    no_places = pl.DataFrame(schema={"host": pl.String(), "zone": pl.String(), "segment": pl.String()})
    moves = moves_between(fleet.current.select(list(RUNS_SCHEMA)), runs_of(assignments, nodes), no_places)
    starts, stops = (moves.filter(pl.col(end) == "").height for end in ("from", "to"))
    return len(moves) - starts - stops, starts, stops


def recounted(plan: Plan, fleet: Fleet) -> Plan:
    """Return the plan with its moves counted anew, where something has changed places since they were counted.

    What moves beyond what was counted before had to: for the network's sake, say.
    """
    before = plan.summary.moves
    if before is None:
        return plan
    moved, started, stopped = counted(plan.assignments, plan.nodes, fleet)
    forced = min(moved, before.forced + max(0, moved - before.moved))
    moves = Moves(
        max_moves=before.max_moves, moved=moved, forced=forced, started=started, stopped=stopped, curve=before.curve
    )
    return dataclasses.replace(plan, summary=plan.summary.model_copy(update={"moves": moves}))
