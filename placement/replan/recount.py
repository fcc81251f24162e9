"""How many instances and nodes move, start and stop in a plan, counted from its tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import polars as pl

from placement.errors import InfeasibleError, Reason
from placement.fleet.types import Fleet
from placement.plan.moves import RUNS_SCHEMA, moves_between
from placement.plan.state import runs_of
from placement.plan.types import Moves, MovesPoint, Plan
from placement.replan.keep import Moved
from placement.units import price_from_micros


def counted(assignments: pl.DataFrame, nodes: pl.DataFrame, fleet: Fleet) -> tuple[int, int, int]:
    """Return how many move, start and stop against where things run today."""
    no_places = pl.DataFrame(schema={"host": pl.String(), "zone": pl.String(), "segment": pl.String()})
    moves = moves_between(fleet.current.select(list(RUNS_SCHEMA)), runs_of(assignments, nodes), no_places)
    starts, stops = (moves.filter(pl.col(end) == "").height for end in ("from", "to"))
    return len(moves) - starts - stops, starts, stops


def moves_of_fleet(
    fleet: Fleet, assignments: pl.DataFrame, nodes: pl.DataFrame, pools: Sequence[Moved], others: int, most: int | None
) -> Moves:
    """Return what moves in all pools, and what the fleet costs by the limits on moves that were asked for.

    Parameters
    ----------
    pools
        What each pool says that was planned from where it runs.
    others
        Cost of the other pools, micros per hour.
    most
        Most moves; None: as the policy says.

    Raises
    ------
    InfeasibleError
        If more move than may: a pool had to empty hosts that must stand by while others used their part of the limit.
    """
    moved, started, stopped = counted(assignments, nodes, fleet)
    forced = min(moved, sum(pool.forced for pool in pools))
    most = fleet.policy.moves.max if most is None else most
    if most is not None and moved > max(most, forced):
        message = f"the plan found moves {moved:,}, of which {forced:,} must; at most {most:,} may"
        raise InfeasibleError(
            [Reason("moves-short", message, value=float(moved), limit=float(most), repair=f"allow {moved:,} moves")]
        )
    points = tuple(
        MovesPoint(
            max_moves=at[0].limit,
            moves=sum(point.moves for point in at),
            per_hour=price_from_micros(others + sum(point.cost for point in at)),
        )
        for at in zip(*(pool.curve for pool in pools), strict=True)
    )
    return Moves(max_moves=most, moved=moved, forced=forced, started=started, stopped=stopped, curve=points)


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
