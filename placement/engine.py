"""From a fleet to a plan: the straight line.

::

    fleet ─▶ problems ─▶ certain reasons ─▶ bounds ─▶ packing ─▶ spares ─▶ plan ─▶ verify

Regions are independent problems; a plan is their union.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from placement.assemble import PoolPlan, assemble
from placement.bounds import PoolBound, prove
from placement.errors import InfeasibleError, InternalError, Reason
from placement.fleet.types import Fleet
from placement.instance import PoolProblem, build_problems
from placement.packing.reasons import certain_reasons
from placement.packing.solve import Options, Progress, solve_pool
from placement.packing.spares import add_spares, num_spares, spare_counts
from placement.packing.state import Packing, Workspace, no_hosts
from placement.plan.types import Plan
from placement.repair import with_repair
from placement.units import exact
from placement.verify import check_plan

__all__ = ["FleetProgress", "Options", "place"]


@dataclass(frozen=True)
class FleetProgress:
    """Where a run stands, all regions together, in micros per hour.

    Parameters
    ----------
    phase
        What is being done.
    cost
        Cost of the best packings so far; None until every region has one.
    bound
        Proven lower bound.
    seconds
        Since the run began.
    """

    phase: str
    cost: int | None
    bound: int
    seconds: float

    @property
    def gap(self) -> float | None:
        """(cost − bound) / bound, or None where there is none yet."""
        return None if self.cost is None or not self.bound else (self.cost - self.bound) / self.bound


def place(
    fleet: Fleet,
    options: Options | None = None,
    *,
    report: Callable[[FleetProgress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    read_s: float | None = None,
) -> Plan:
    """Compute a plan and have the independent checker verify it.

    Parameters
    ----------
    fleet
        What must run, on what.
    options
        Seed, time limit, gap at which to stop.
    report
        Called with the best cost and the bound whenever they change.
    stop
        Asked often; True ends the search with the best plan so far.
    read_s
        Seconds that reading the fleet took, for the plan's record where it keeps seconds.

    Raises
    ------
    InfeasibleError
        No plan exists (or none was found), with the reasons.
    InternalError
        The checker refused the plan: a fault of this package.
    """
    options = options or Options()
    start = time.monotonic()
    problems = build_problems(fleet)
    reasons: list[Reason] = []
    for problem in problems:
        certain = certain_reasons(problem)
        reasons += with_repair(fleet, problem, certain, options, stop) if certain else []
    if reasons:
        raise InfeasibleError(reasons)
    bounds = [prove(problem) for problem in problems]
    watch = _Watch(bounds, report, start)
    pools = []
    failures: list[Reason] = []
    for number, (problem, bound) in enumerate(zip(problems, bounds, strict=True)):
        try:
            pools.append(_place_pool(fleet, problem, bound, options, watch.of(number), stop, start))
        except InfeasibleError as error:
            failures += with_repair(fleet, problem, list(error.reasons), options, stop)
    if failures:
        raise InfeasibleError(failures)
    seconds = (read_s, time.monotonic() - start) if options.time_limit_s is not None else (None, None)
    plan = assemble(fleet, pools, options, seconds, stopped=stop())
    watch.tell("check")
    findings = check_plan(plan, fleet).findings
    if findings and all(finding.kind == "bound-unverified" for finding in findings):
        # the checker gave up on a pattern proof: claim only what it can verify
        pools = [dataclasses.replace(pool, bound=prove(pool.problem, with_patterns=False)) for pool in pools]
        plan = assemble(fleet, pools, options, seconds, stopped=stop())
        findings = check_plan(plan, fleet).findings
    if findings:
        shown = "\n".join(f"  {finding}" for finding in findings[:20])
        raise InternalError(f"the checker refuses the plan that was computed ({len(findings)} findings):\n{shown}")
    return plan


def _place_pool(
    fleet: Fleet,
    problem: PoolProblem,
    bound: PoolBound,
    options: Options,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
    start: float,
) -> PoolPlan:
    if options.time_limit_s is not None:
        left_s = max(0.0, options.time_limit_s - (time.monotonic() - start))
        options = dataclasses.replace(options, time_limit_s=left_s)
    share = exact(fleet.policy.spare)
    packing = solve_pool(problem, bound.micros_per_hour, bound.columns, options, report, stop)
    try:
        spares = _spares(problem, packing, share)
    except InfeasibleError:
        # the packing used what should stand by: pack again with the largest hosts kept back
        held_back = _hold_back(problem, packing, share)
        if held_back is None:
            raise
        packing = solve_pool(held_back, bound.micros_per_hour, None, options, report, stop)
        spares = _spares(problem, packing, share)
    return PoolPlan(problem, packing, spares, bound)


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


class _Watch:
    """Adds up the regions' progress."""

    def __init__(self, bounds: list[PoolBound], report: Callable[[FleetProgress], None], start: float) -> None:
        self.bound = sum(bound.micros_per_hour for bound in bounds)
        self.costs: list[int | None] = [None] * len(bounds)
        self.report = report
        self.start = start

    def of(self, number: int) -> Callable[[Progress], None]:
        def told(progress: Progress) -> None:
            if progress.cost is not None:
                self.costs[number] = progress.cost
            self.tell(progress.phase)

        return told

    def tell(self, phase: str) -> None:
        known = [cost for cost in self.costs if cost is not None]
        cost = sum(known) if len(known) == len(self.costs) else None
        self.report(FleetProgress(phase, cost, self.bound, time.monotonic() - self.start))
