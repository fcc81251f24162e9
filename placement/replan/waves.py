"""From today to a plan in steps, each of which can be carried out as a whole and leaves a fleet that works.

Within a step everything that moves stands in both places. A step takes what has room and breaks no rule, first what has
failed, then what others wait for. Where everything waits for something else, some step aside to a third host
(`detours`). Where that cannot be, it is said who waits for what.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from placement.errors import InfeasibleError, Reason
from placement.plan.state import State
from placement.replan.crossing import Crossing, Who
from placement.replan.detours import Move, choose_detours
from placement.units import RESOURCES

WAVES_SCHEMA: dict[str, pl.DataType] = {
    "wave": pl.Int64(),
    "service": pl.String(),
    "instance": pl.Int64(),
    "from": pl.String(),  # "": it starts
    "to": pl.String(),  # "": it stops
    "pool": pl.String(),
}
"""Columns of waves.csv, sorted by wave, pool, service, instance."""

_MOST_DETOURS = 3
_MOST_TOLD = 5


@dataclass(frozen=True)
class WaveOptions:
    """What a step may be.

    Parameters
    ----------
    size
        Most moves in one step.
    max_unavailable
        Most instances of one service, or nodes of one cluster, that move or stop in one step; of a cluster never more
        than leave a majority.
    """

    size: int = 200
    max_unavailable: int = 1


def plan_waves(state: Crossing, moves: pl.DataFrame, old: State, options: WaveOptions) -> pl.DataFrame:
    """Return the steps.

    Parameters
    ----------
    state
        The start; afterwards the end.
    moves
        With `placement.plan.moves.MOVES_SCHEMA`.
    old
        The start, for the number of nodes of each cluster.

    Returns
    -------
    pl.DataFrame
        With `WAVES_SCHEMA`.

    Raises
    ------
    InfeasibleError
        Where moves wait for one another and none can step aside.
    """
    pending = [Move((pool, service), n, source, to) for pool, service, n, source, to in moves.iter_rows()]
    counts = {(pool, name): n for pool, name, n in old.runs.group_by("pool", "service").len().iter_rows()}
    most = {move.who: _most_at_once(move.who, counts.get(move.who, 1), options.max_unavailable) for move in pending}
    steps: list[list[Move]] = []
    hosts = sorted(state.room)
    while pending:
        step = _next_step(state, pending, most, options.size)
        if not step:
            step = _detour_step(state, pending, most, options.size, hosts)
            if not step:
                raise InfeasibleError([_deadlock(state, pending)])
        _finish(state, step)
        steps.append(step)
        done = {id(move) for move in step}
        pending = [move for move in pending if id(move) not in done]
    rows = [
        (wave, move.who[1], move.instance, move.source, move.target, move.who[0])
        for wave, step in enumerate(steps, start=1)
        for move in step
    ]
    return pl.DataFrame(rows, schema=WAVES_SCHEMA, orient="row").sort("wave", "pool", "service", "instance", "from")


def _most_at_once(who: Who, number: int, max_unavailable: int) -> int:
    """Return how many of a service or cluster may move at once: a majority of a cluster's nodes stays where it is."""
    return max_unavailable if who[0] == "services" else max(1, min(max_unavailable, (number - 1) // 2))


def _next_step(state: Crossing, pending: list[Move], most: dict[Who, int], size: int) -> list[Move]:
    """Return moves that can be made together; `state` then has them in both places."""
    wanted = Counter(move.target for move in pending)
    order = sorted(
        pending,
        key=lambda move: (move.source not in state.failed, -wanted[move.source], move.who, move.instance),
    )
    moving: Counter[Who] = Counter()
    step: list[Move] = []
    for move in order:
        if len(step) >= size:
            break
        # what runs no more, or not yet, cannot become unavailable
        counts = bool(move.source) and move.source not in state.failed
        if counts and moving[move.who] >= most[move.who]:
            continue
        if move.target:
            if state.obstacle(move.who, move.target, move.source):
                continue
            _begin(state, move)
        moving[move.who] += counts
        step.append(move)
    return step


def _begin(state: Crossing, move: Move) -> None:
    state.put(move.who, move.target)
    if move.who in state.rules.spread and move.source and move.source not in state.failed:
        place = state.place_of(move.who, move.source)
        if place == state.place_of(move.who, move.target):
            state.in_place[move.who][place] -= 1  # one instance, though it stands there twice


def _finish(state: Crossing, step: list[Move]) -> None:
    for move in step:
        if not move.source or move.source in state.failed:
            continue
        state.take(move.who, move.source)
        if move.who in state.rules.spread and move.target:
            place = state.place_of(move.who, move.source)
            if place == state.place_of(move.who, move.target):
                state.in_place[move.who][place] += 1


def _detour_step(state: Crossing, pending: list[Move], most: dict[Who, int], size: int, hosts: list[str]) -> list[Move]:
    """Return moves aside that let others go on; the moves themselves then begin where these end."""
    waiting = [move for move in pending if move.num_detours < _MOST_DETOURS]

    def fullness(host: str) -> tuple[float, str]:
        pairs = zip(state.room[host], state.limit[host], strict=True)
        return -min(room / max(1, limit) for room, limit in pairs), host

    roomy = sorted((host for host in hosts if host not in state.closed), key=fullness)
    moving: Counter[Who] = Counter()
    step: list[Move] = []
    for move, host in choose_detours(state, waiting, roomy):
        if len(step) >= size or moving[move.who] >= most[move.who]:
            continue
        if state.obstacle(move.who, host, move.source):
            continue
        aside = Move(move.who, move.instance, move.source, host)
        _begin(state, aside)
        moving[move.who] += 1
        step.append(aside)
        move.source = host
        move.num_detours += 1
    return step


def _deadlock(state: Crossing, pending: list[Move]) -> Reason:
    """Return who waits for what."""
    told = []
    for move in pending[:_MOST_TOLD]:
        lacks = state.lacks(move.who, move.target) if move.target else {}
        what = ", ".join(
            f"{amount / RESOURCES[r].factor:,g} {RESOURCES[r].unit} of {RESOURCES[r].name}"
            for r, amount in lacks.items()
        )
        why = f"lacks {what}" if what else state.obstacle(move.who, move.target, move.source)
        told.append(f"{move.who[1]} {move.instance} from {move.source or 'nowhere'} to {move.target}, which {why}")
    more = f"; and {len(pending) - _MOST_TOLD:,} more" if len(pending) > _MOST_TOLD else ""
    return Reason(
        kind="waves-stuck",
        service=pending[0].who[1],
        value=float(len(pending)),
        limit=0.0,
        details={"moves": [[move.who[1], move.instance, move.source, move.target] for move in pending[:100]]},
        message=f"{len(pending):,} moves wait for one another and no third host has room for any of them: "
        f"{'; '.join(told)}{more}",
        repair="plan with more spare hosts (policy.spare), or add a host until the moves are done",
    )
