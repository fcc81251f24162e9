"""What CP-SAT finds on a few hosts within so many moves, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from replan_fleets import policy, running

from placement.engine import Options, place
from placement.instance import build_problems
from placement.packing.state import Workspace
from placement.replan.refine import refined
from placement.replan.standing import standing
from placement.replan.today import host_ids, num_staying, today_of

APART = {"a": "h1", "b": "h2", "c": "h3"}


def seated(moves_left, *, is_priced=False, price=0):
    """Seat three instances of a core each anew that stand on three hosts of 4 cores; return (hosts, moves)."""
    fleet = running(
        dict.fromkeys(APART, (1, "1")), dict.fromkeys(APART.values(), "active"),
        [(name, 1, host) for name, host in APART.items()], policy=policy(price=price, price_per_gb=0),
    )  # fmt: skip
    (problem,) = build_problems(fleet)
    today = today_of(fleet, problem)
    packing, workspace = standing(problem, today), Workspace(problem)
    found = refined(
        problem, today, workspace, packing, np.arange(3), moves_left=moves_left, is_priced=is_priced, seed=1
    )
    if found is None:
        return None
    stays = num_staying(today, workspace.service_of, host_ids(problem, found), found.host_of)
    return len(found.host_class), 3 - int(stays.sum())


@pytest.mark.parametrize(("moves_left", "expected"), [(0, None), (1, (2, 1)), (2, (1, 2)), (None, (1, 2))])
def test_hosts_are_saved_as_far_as_moves_are_left(moves_left, expected):
    assert seated(moves_left) == expected


@pytest.mark.parametrize(("price", "expected"), [(719, (1, 2)), (721, (2, 1))])
def test_moves_are_priced(price, expected):
    # a host saves 720 in the 720 hours; of what is cheaper at all, the one that loses least at 721: one move
    assert seated(None, is_priced=True, price=price) == expected


def test_what_must_move_fills_the_room_there_is():
    # p drains: 3, 2, 2 and 2 cores go into the 4 of q and the 5 of r (8 less the 3 that stand there), as 2 + 2 and
    # 3 + 2. The largest first into the least room is 3 into q, and then one of the others finds no place.
    fleet = running(
        {"big": (1, "3"), "mid": (3, "2"), "old": (1, "3")},
        {"p": "large:draining", "p2": "draining", "q": "active", "r": "large:active"},
        [("big", 1, "p"), ("mid", 1, "p"), ("mid", 2, "p"), ("mid", 3, "p2"), ("old", 1, "r")],
        policy=policy(max=0),
    )
    plan = place(fleet, Options(max_moves=0))
    moves = plan.summary.moves
    assert (plan.summary.cost.per_hour, moves.moved, moves.forced) == (3.0, 4, 4)
    assert sorted(plan.hosts["host"]) == ["q", "r"]
