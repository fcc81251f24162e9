"""A limit on moves is the whole fleet's; pools and regions are planned apart, so each gets its part beforehand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from placement.fleet.types import Fleet
from placement.instance import PoolProblem
from placement.replan.standing import num_forced
from placement.replan.today import Today, today_of


def todays(
    fleet: Fleet, problems: Sequence[PoolProblem], max_moves: int | None = None, curve: Sequence[int | None] = ()
) -> tuple[Today | None, ...]:
    """Return where the instances of each problem run today; None where none of them runs anywhere.

    Limits on moves are those of the whole fleet. They are dealt to the problems: to each what must move, the
    rest by how much runs there.

    Parameters
    ----------
    max_moves
        Most moves; None: as the policy says.
    curve
        Further limits for which the cost is wanted.
    """
    most = fleet.policy.moves.max if max_moves is None else max_moves
    found = [today_of(fleet, problem) for problem in problems]
    forced = [0] * len(found)
    if most is not None or any(limit is not None for limit in curve):
        pairs = zip(problems, found, strict=True)
        forced = [0 if today is None else num_forced(problem, today) for problem, today in pairs]
    limits = {limit: _dealt(limit, found, forced) for limit in (most, *curve)}
    return tuple(
        None
        if today is None
        else dataclasses.replace(
            today,
            max_moves=limits[most][n],
            curve=tuple((limit, limits[limit][n]) for limit in curve),
        )
        for n, today in enumerate(found)
    )


def _dealt(most: int | None, found: Sequence[Today | None], forced: list[int]) -> list[int | None]:
    """Deal a limit on moves out to the problems."""
    if most is None:
        return [None] * len(found)
    running = [0 if today is None else today.num_running for today in found]
    rest, total = max(0, most - sum(forced)), max(1, sum(running))
    # running totals: the parts add up to the whole
    ends = [rest * end // total for end in np.cumsum(running).tolist()]
    return [must + end - start for must, start, end in zip(forced, [0, *ends[:-1]], ends, strict=True)]
