"""One pool in one region, from its problem to its packing: bounds, packing, spares, and advice where nothing fits.

Regions × pools are independent tasks. Everything here works on arrays alone, goes to another process and comes back
as data, reasons included, so that an executor can run it anywhere.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from threadpoolctl import threadpool_limits

from placement.bounds import PoolBound, prove
from placement.branching import raised_by_branching
from placement.errors import InfeasibleError, Reason
from placement.instance import PoolProblem
from placement.packing.cpsat import Effort, effort
from placement.packing.options import Options, Progress, Report, Stop
from placement.packing.reasons import certain_reasons
from placement.packing.solve import solve_pool
from placement.packing.spares import add_spares, num_spares, spare_counts
from placement.packing.state import Packing, Workspace, no_hosts
from placement.repair import Offer, with_repair
from placement.replan.keep import Moved, replan_pool
from placement.replan.today import Today


@dataclass(frozen=True)
class PoolPlan:
    """What was decided for one pool in one region.

    Parameters
    ----------
    packing, spares
        Hosts in use with what stands on them, and hosts that stand by.
    bound
        Proven lower bound on the packing's cost.
    cut
        Whether the time limit ended the search: with more time the plan might be another.
    moved
        What moves; None where nothing runs today.
    """

    problem: PoolProblem
    packing: Packing
    spares: Packing
    bound: PoolBound
    cut: bool = False
    moved: Moved | None = None


@dataclass(frozen=True)
class PoolTask:
    """A pool as an executor gets it.

    Parameters
    ----------
    spare_share
        The policy's share of spare hosts.
    offer
        What could be bought beyond the fleet's stock, for advice where there is no plan.
    certain
        Reasons why there certainly is no plan; only advice is then wanted.
    whole
        The problem with all the stock and room there is, where other pools have taken of it what `problem` lacks: the
        bound must hold for it. None: `problem` is whole.
    today
        Where its instances run today; None: nowhere yet.
    """

    problem: PoolProblem
    spare_share: Fraction
    offer: Offer
    options: Options
    certain: tuple[Reason, ...] = ()
    whole: PoolProblem | None = None
    today: Today | None = None


@dataclass(frozen=True)
class PoolResult:
    """A pool as an executor gives it back: `PoolPlan` without its problem, or the reasons why there is none."""

    packing: Packing | None
    spares: Packing | None
    bound: PoolBound | None
    cut: bool
    reasons: tuple[Reason, ...] = ()
    moved: Moved | None = None

    def plan(self, problem: PoolProblem) -> PoolPlan:
        """Return the plan; there must be one."""
        assert self.packing is not None
        assert self.spares is not None
        assert self.bound is not None
        return PoolPlan(problem, self.packing, self.spares, self.bound, self.cut, self.moved)


def run_pool(task: PoolTask, *, cores: int, report: Report, stop: Stop) -> PoolResult:
    """Run a task of an executor.

    Parameters
    ----------
    cores
        How many cores the task may use (the mode `fast` does).
    """
    if task.certain:
        return _explain(task, task.certain, stop)
    try:
        plan = place_pool(
            task.problem, task.spare_share, task.options, report, stop, cores=cores, whole=task.whole, today=task.today
        )
    except InfeasibleError as error:
        return _explain(task, error.reasons, stop)
    return PoolResult(plan.packing, plan.spares, plan.bound, plan.cut, moved=plan.moved)


def _explain(task: PoolTask, reasons: tuple[Reason, ...], stop: Stop) -> PoolResult:
    """Return the reasons why there is no plan, with the hosts that would make one possible."""
    repaired = with_repair(task.problem, task.offer, task.spare_share, list(reasons), task.options, stop)
    return PoolResult(None, None, None, cut=False, reasons=tuple(repaired))


def place_pool(
    problem: PoolProblem,
    spare_share: Fraction,
    options: Options,
    report: Report = lambda _: None,
    stop: Stop = lambda: False,
    *,
    cores: int = 1,
    whole: PoolProblem | None = None,
    today: Today | None = None,
) -> PoolPlan:
    """Bound, pack and back up one pool in one region.

    Parameters
    ----------
    spare_share
        Share of the used hosts to stand by, as the policy states it.
    options
        `time_limit_s` is this pool's own.
    stop
        Asked often; True ends the search with the best packing so far.
    cores
        How many cores CP-SAT may use in the mode `fast`.
    whole, today
        As in `PoolTask`.

    Raises
    ------
    InfeasibleError
        Where the pool cannot be placed (or no way was found).
    """
    start = time.monotonic()
    limit_s = options.time_limit_s

    def left() -> Options:
        # solving begins a clock of its own: what bounds and an earlier packing took is off its time
        if limit_s is None:
            return options
        return dataclasses.replace(options, time_limit_s=max(0.0, limit_s - (time.monotonic() - start)))

    def over() -> bool:
        return stop() or (limit_s is not None and time.monotonic() - start >= limit_s)

    # BLAS adds up in another order for every number of threads: the last bit of a sum would depend on the cores
    with threadpool_limits(1, user_api="blas"), effort(Effort(mode=options.mode, cores=cores, over=over)):
        report(Progress(problem.pool, problem.region, "bound", None, 0, 0.0))
        stated = whole or problem
        bound = raised_by_branching(prove(stated), stated)
        # patterns raise the bound for what the problem has: not for what others have taken of it
        packing, raised, moved = _packed(problem, today, bound, left(), report, stop)
        bound = bound if whole else raised
        try:
            spares = _spares(problem, packing, spare_share)
        except InfeasibleError:
            # the packing used what should stand by: pack again with the largest hosts kept back
            held_back = _hold_back(problem, packing, spare_share)
            if held_back is None:
                raise
            if today is not None:
                packing, _, moved = _packed(held_back, today, bound, left(), report, stop)
            else:
                packing, _ = solve_pool(held_back, bound, left(), report, stop, with_patterns=False)
            spares = _spares(problem, packing, spare_share)
    is_cut = limit_s is not None and time.monotonic() - start >= limit_s
    return PoolPlan(problem, packing, spares, bound, is_cut, moved)


def _packed(
    problem: PoolProblem, today: Today | None, bound: PoolBound, options: Options, report: Report, stop: Stop
) -> tuple[Packing, PoolBound, Moved | None]:
    if today is not None:
        return replan_pool(problem, today, bound, options, report, stop)
    return *solve_pool(problem, bound, options, report, stop), None


def _spares(problem: PoolProblem, packing: Packing, share: Fraction) -> Packing:
    counts = spare_counts(problem, packing, Workspace(problem).residual(packing), share)
    return add_spares(problem, packing, counts) if counts.any() else no_hosts(problem)


def _hold_back(problem: PoolProblem, packing: Packing, share: Fraction) -> PoolProblem | None:
    """Return the problem with as many of its most capable hosts in stock held back as spares are needed."""
    classes = problem.classes
    wanted = num_spares(len(packing.host_class) + 1, share)
    capable = (classes.limit[:, None, :] >= classes.limit[None, :, :]).all(axis=2).sum(axis=1)
    stock = classes.stock.copy()
    for s in np.argsort(-capable, kind="stable"):
        take = min(wanted, int(stock[s])) if stock[s] >= 0 else 0
        stock[s] -= take
        wanted -= take
    if wanted:
        return None
    held_back = dataclasses.replace(problem, classes=dataclasses.replace(classes, stock=stock))
    return None if certain_reasons(held_back) else held_back
