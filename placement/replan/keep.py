"""Replanning one pool in one region: what stands stays as far as that pays.

1. What stands on hosts that may be used stays there; what breaks a limit or a rule leaves its host (`Board.evict`).
2. What stands nowhere goes where it leaves least room, then onto further hosts, the cheapest mix as in `packing.solve`.
   Nothing else moves: so far only what had to.
3. Hosts are emptied, dearest per move first, as long as their price pays for the moves and the limit on moves allows
   it: what stood there finds room elsewhere, or on a cheaper host in its place; at last exchanges make room, too, and
   in small fleets CP-SAT seats a few hosts anew (`refine`).
4. The plan that ignores today is packed as well, its hosts matched to those that stand (`match`): it proves the bound,
   and it is taken where it pays, moves included.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from placement.bounds import PoolBound
from placement.errors import InfeasibleError, Reason
from placement.instance import PoolProblem
from placement.packing.mix import choose_mix
from placement.packing.options import Options, Report, Stop, Work
from placement.packing.search import LARGE, Search
from placement.packing.sites import add_hosts, bought_left, stock_left
from placement.packing.solve import solve_pool
from placement.packing.state import Packing
from placement.replan.board import Board
from placement.replan.match import matched
from placement.replan.refine import refined
from placement.replan.standing import standing, standing_first
from placement.replan.today import Today, host_ids, num_staying
from placement.units import BoolArray, IntArray

_MOST_ROUNDS = 60
_PASSES = 4
_MOST_TRIES = 4_000
"""Hosts that are tried to be emptied in one pass."""
_EXCHANGE_TRIES = 24
_EXCHANGE_TRIES_LARGE = 4
_REFINE_INSTANCES = 300
_REFINE_HOSTS = 12
_REFINE_TRIES = 5
_STALL = 0.8
_FREE_SHARE = 0.5
"""Of a time limit, at most, goes to the plan that ignores today."""


@dataclass(frozen=True)
class Moved:
    """What a replanned pool moves.

    Parameters
    ----------
    moved
        Instances that leave a host on which they stand today.
    forced
        Those of them that had to: their host must not be used, is beyond a limit, or they broke a rule there.
    curve
        The cheapest found within each limit on moves that was asked for, in their order.
    """

    moved: int
    forced: int
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True)
class CurvePoint:
    """Moves and cost (micros per hour) of the cheapest found within a limit on the whole fleet's moves."""

    limit: int | None
    moves: int
    cost: int


@dataclass(frozen=True)
class _Point:
    """What a state on the way moves (at most) and costs (micros per hour)."""

    moves: int
    cost: int


@dataclass(frozen=True)
class _Step(_Point):
    """A state worth keeping."""

    packing: Packing


def replan_pool(
    problem: PoolProblem, today: Today, bound: PoolBound, options: Options, report: Report, stop: Stop
) -> tuple[Packing, PoolBound, Moved]:
    """Return the packing that pays best from today's placement, the best bound proven, and what moves.

    Raises
    ------
    InfeasibleError
        Where there are not enough hosts, none was found that obeys the rules, or none within the moves allowed.
    """
    keep = _Keep(problem, today, bound, options, report, stop)
    packing = keep.run()
    return packing, keep.bound, keep.moved(packing)


class _Keep(Search):
    def __init__(
        self, problem: PoolProblem, today: Today, bound: PoolBound, options: Options, report: Report, stop: Stop
    ) -> None:
        super().__init__(problem, bound, options, report, stop, Work())
        self.today = today
        self.forced = 0
        self.price = today.move_price[self.workspace.service_of]
        self.curve: tuple[CurvePoint, ...] = ()

    # --- the flow -----------------------------------------------------------------------------------------------

    def run(self) -> Packing:
        self.tell("keep", None)
        kept = self.kept()
        if kept is not None:
            self.tell("kept", kept.packing)
        # a placement that costs no more than the bound needs no comparison
        free = None if kept is not None and self.enough(kept.packing) else self.free(is_needed=kept is None)
        most = self.today.max_moves
        allowed = None if most is None else max(most, self.forced)
        candidates = [step for step in (kept, free) if step is not None and (allowed is None or step.moves <= allowed)]
        if kept is not None and any(step is kept for step in candidates) and not self.enough(kept.packing):
            candidates.append(self.emptied(kept, allowed, is_priced=True)[0])
        if not candidates:
            raise InfeasibleError([self.too_few_moves(most, free)])
        best = min(candidates, key=lambda step: (self.worth(step), step.moves))
        self.draw_curve(kept, free)
        self.tell("done", best.packing)
        return best.packing

    def kept(self) -> _Step | None:
        """Return today's placement, repaired and completed; None where that was not found."""
        packing = standing(self.problem, self.today)
        board = Board(self.workspace, packing)
        board.evict()
        running = self.today.host >= 0
        self.forced = int((running & (packing.host_of < 0)).sum())
        try:
            return self.step(self.completed(packing))
        except InfeasibleError:
            pass
        try:
            return self.step(self.complete(packing, _STALL))
        except InfeasibleError:
            return None

    def completed(self, packing: Packing) -> Packing:
        """Place what stands nowhere, with further hosts where there is no room, and move nothing else."""
        problem = self.problem
        slack, extra = 0.0, 1
        for _ in range(_MOST_ROUNDS):
            waiting = np.flatnonzero(packing.host_of < 0)
            if len(waiting):
                Board(self.workspace, packing).insert(waiting, np.ones(len(packing.host_class), bool))
                waiting = np.flatnonzero(packing.host_of < 0)
            if not len(waiting):
                return packing.without_empty()
            left = np.bincount(self.workspace.service_of[waiting], minlength=len(problem.names))
            mix = choose_mix(
                problem, left, stock_left(problem, packing),
                slack=slack, min_hosts=extra, max_bought=bought_left(problem, packing), floor=0,
                seed=self.options.seed, grouped=False,
            )  # fmt: skip
            mix = None if mix is None else standing_first(problem, stock_left(problem, packing), mix)
            if mix is None or not self.extend(packing, left, mix):
                break
            slack += 0.02
            # what rules keep off the hosts there are gets more of them at a time
            extra = 2 * extra if int(left.sum()) >= len(waiting) else 1
        raise InfeasibleError([self.not_placed(packing)])

    def free(self, *, is_needed: bool) -> _Step | None:
        """Return the plan that ignores today, on the hosts that stand as far as may be; the bound may rise."""
        limit_s = self.options.time_limit_s
        options = self.options if limit_s is None else dataclasses.replace(
            self.options, time_limit_s=_FREE_SHARE * limit_s
        )  # fmt: skip
        try:
            packing, self.bound = solve_pool(self.problem, self.bound, options, self.report, self.stop)
        except InfeasibleError:
            if is_needed:
                raise
            return None
        return self.step(matched(self.problem, self.today, self.workspace, packing))

    # --- emptying hosts -----------------------------------------------------------------------------------------

    def emptied(self, start: _Step, most: int | None, *, is_priced: bool) -> tuple[_Step, list[_Point]]:
        """Return the cheapest state found from `start`, as far as it pays and moves are left, and those on the way.

        Parameters
        ----------
        is_priced
            Whether a move must save its price; else any saving will do.
        """
        step, points = start, [_Point(start.moves, start.cost)]
        for _ in range(_PASSES):
            emptier = _Emptier(self, step, most, points, is_priced=is_priced)
            emptier.into_room()
            emptier.onto_cheaper()
            if emptier.num_emptied == 0:
                break
            step = self.step(emptier.packing.without_empty())
            if self.is_cheap(step.cost):
                return step, points
        step = self.empty_by_exchange(step, most, points, is_priced=is_priced)
        return self.refine(step, most, points, is_priced=is_priced), points

    def empty_by_exchange(self, step: _Step, most: int | None, points: list[_Point], *, is_priced: bool) -> _Step:
        """Drop or replace hosts as `Search.improve` does, as long as the exchanges' moves pay."""
        is_large = self.problem.num_instances >= LARGE
        tries = _EXCHANGE_TRIES_LARGE if is_large else _EXCHANGE_TRIES
        failures = 0
        while failures < tries and not self.is_cheap(step.cost):
            options = self.replacements(step.packing)
            if not options:
                break
            h, s = options[min(failures, len(options) - 1)]
            trial = step.packing.without(np.array([h]))
            failures += 1
            if s >= 0 and add_hosts(self.problem, trial, self.one_of(s)) is None:
                continue
            if len(self.exchange(trial, self.steps(trial), _STALL)):
                continue
            found = self.step(trial.without_empty())
            is_better = self.worth(found) < self.worth(step) if is_priced else found.cost < step.cost
            if is_better and (most is None or found.moves <= most):
                step = found
                points.append(_Point(step.moves, step.cost))
                failures = 0
        return step

    def refine(self, step: _Step, most: int | None, points: list[_Point], *, is_priced: bool) -> _Step:
        """Seat what stands on a few hosts anew by CP-SAT, where a few moves save more than exchanges find."""
        if self.problem.num_instances > _REFINE_INSTANCES:
            return step
        failures, size = 0, _REFINE_HOSTS
        while failures < _REFINE_TRIES and not self.is_cheap(step.cost):
            packing = step.packing
            staying = np.bincount(packing.host_of[self.staying(packing)], minlength=len(packing.host_class))
            # where few stay much is free to go anywhere; which of the others have room for it is a matter of luck
            score = staying * (self.random.random(len(staying)) if failures else 1.0)
            trial = refined(
                self.problem, self.today, self.workspace, packing, np.sort(np.argsort(score, kind="stable")[:size]),
                moves_left=None if most is None else most - step.moves, is_priced=is_priced, seed=self.seed(),
            )  # fmt: skip
            found = None if trial is None else self.step(trial)
            is_better = found is not None and (
                self.worth(found) < self.worth(step) if is_priced else found.cost < step.cost
            )
            if found is not None and is_better and (most is None or found.moves <= most):
                step, failures = found, 0
                points.append(_Point(step.moves, step.cost))
                continue
            if size >= len(packing.host_class):
                break  # nothing is left to add
            failures, size = failures + 1, 2 * size
        return step

    def one_of(self, s: int) -> IntArray:
        """Return the counts of one host of class s: int64[num_classes]."""
        counts = np.zeros(len(self.problem.classes), np.int64)
        counts[s] = 1
        return counts

    def is_cheap(self, cost: int) -> bool:
        """Whether nothing cheaper is wanted."""
        return cost <= self.bound.micros_per_hour * (1 + self.options.target_gap) or self.is_over()

    # --- counting -----------------------------------------------------------------------------------------------

    def staying(self, packing: Packing, instances: IntArray | None = None) -> BoolArray:
        """Return whether each instance (default: all) stands where it stands today, by its own number."""
        ids = host_ids(self.problem, packing)
        host_of = packing.host_of if instances is None else packing.host_of[instances]
        today = self.today.host if instances is None else self.today.host[instances]
        stays: BoolArray = (today >= 0) & (host_of >= 0) & (ids[host_of] == today)
        return stays

    def step(self, packing: Packing) -> _Step:
        """Return a packing with its figures."""
        stays = num_staying(self.today, self.workspace.service_of, host_ids(self.problem, packing), packing.host_of)
        return _Step(self.today.num_running - int(stays.sum()), self.workspace.cost(packing), packing)

    def worth(self, step: _Step) -> float:
        """Return what a state costs per hour, its moves included, in micros."""
        packing = step.packing
        stays = num_staying(self.today, self.workspace.service_of, host_ids(self.problem, packing), packing.host_of)
        running = np.bincount(self.workspace.service_of[self.today.host >= 0], minlength=len(stays))
        return step.cost + float(self.today.move_price @ (running - stays))

    def moved(self, packing: Packing) -> Moved:
        """Return what the packing moves."""
        moves = self.step(packing).moves
        return Moved(moves, min(self.forced, moves), self.curve)

    def draw_curve(self, kept: _Step | None, free: _Step | None) -> None:
        """Note the cost for each limit on moves that is asked for."""
        if not self.today.curve:
            return
        points: list[_Point] = [] if kept is None else self.emptied(kept, None, is_priced=False)[1]
        if free is not None:
            points.append(free)
        if not points:
            return
        found = []
        for limit, most in self.today.curve:
            # where nothing keeps to the limit, the fewest moves found are what there is
            least = min(point.moves for point in points)
            within = [point for point in points if most is None or point.moves <= max(most, self.forced, least)]
            best = min(within, key=lambda point: (point.cost, point.moves))
            found.append(CurvePoint(limit, best.moves, best.cost))
        self.curve = tuple(found)

    def too_few_moves(self, most: int | None, free: _Step | None) -> Reason:
        """Return why no plan keeps to the limit on moves."""
        needs = "" if free is None else f"; the cheapest found moves {free.moves:,}"
        return Reason(
            kind="moves-short",
            value=None if free is None else float(free.moves),
            limit=None if most is None else float(most),
            message=f"{self.problem.where}: no plan was found that moves at most {most or 0:,} instances "
            f"beside what must leave its host{needs}",
            repair="allow more moves",
        )


class _Emptier:
    """Empties the hosts of one packing, one after another; its hosts keep their numbers, emptied ones are listed on.

    Parameters
    ----------
    keep
        The search it belongs to.
    most
        Most moves in all; None: any number.
    points
        Takes what every state on the way moves and costs.
    is_priced
        Whether a move must save its price.
    """

    def __init__(self, keep: _Keep, start: _Step, most: int | None, points: list[_Point], *, is_priced: bool) -> None:
        self.keep = keep
        self.packing = start.packing.copy()
        self.board = Board(keep.workspace, self.packing)
        self.is_open = np.ones(len(self.packing.host_class), bool)
        self.most = most
        self.points = points
        self.is_priced = is_priced
        self.moves, self.cost = start.moves, start.cost
        self.num_emptied = 0
        self.blocked: list[int] = []

    def into_room(self) -> None:
        """Empty hosts into the room that others have, the most saved per move first."""
        keep, packing = self.keep, self.packing
        price = keep.problem.classes.price[packing.host_class]
        staying = keep.staying(packing)
        stays = np.bincount(packing.host_of[staying], minlength=len(price))
        paid = np.bincount(packing.host_of[staying], keep.price[staying], minlength=len(price))
        saved = price - (paid if self.is_priced else 0)
        order = np.argsort(-(saved / np.maximum(stays, 0.5)), kind="stable")
        for h in order[saved[order] > 0][:_MOST_TRIES].tolist():
            if keep.is_cheap(self.cost):
                return
            # counted anew: what came here meanwhile has moved already
            moves, _ = self.moves_from(h)
            if self.most is not None and self.moves + moves > self.most:
                continue
            if self.board.empty_host(h, self.is_open):
                self.done(moves, int(price[h]))
            else:
                self.blocked.append(h)

    def onto_cheaper(self) -> None:
        """Move all that stands on a host that could not be emptied onto a cheaper one, where that pays."""
        keep, classes = self.keep, self.keep.problem.classes
        cheapest = int(classes.price.min())
        for h in self.blocked:
            if keep.is_cheap(self.cost):
                return
            price = int(classes.price[self.packing.host_class[h]])
            if price <= cheapest:
                continue
            moves, paid = self.moves_from(h)
            s = self.cheaper_class(h, price - (paid if self.is_priced else 0.0))
            if s < 0 or (self.most is not None and self.moves + moves > self.most):
                continue
            trial = self.packing.copy()
            if add_hosts(keep.problem, trial, keep.one_of(s)) is None:
                continue
            only = np.zeros(len(trial.host_class), bool)
            only[-1] = True
            board = Board(keep.workspace, trial)
            if board.empty_host(h, only):
                self.packing, self.board = trial, board
                self.done(moves, price - int(classes.price[s]))

    def cheaper_class(self, h: int, price: float) -> int:
        """Return the cheapest class that holds what stands on a host and costs less than `price`, −1: none does."""
        classes = self.keep.problem.classes
        used = classes.limit[self.packing.host_class[h]] - self.board.residual[h]
        stock = stock_left(self.keep.problem, self.packing)
        can = (classes.limit >= used).all(axis=1) & (stock != 0) & (classes.price < price)
        return int(np.where(can, classes.price, classes.price.max() + 1).argmin()) if can.any() else -1

    def moves_from(self, h: int) -> tuple[int, float]:
        """Return how many of a host's instances stand where they stand today, and what moving them is worth."""
        here = self.board.on(h)
        stays = here[self.keep.staying(self.packing, here)]
        return len(stays), float(self.keep.price[stays].sum())

    def done(self, moves: int, saved: int) -> None:
        """Count a host that was emptied."""
        self.moves += moves
        self.cost -= saved
        self.num_emptied += 1
        self.points.append(_Point(self.moves, self.cost))
