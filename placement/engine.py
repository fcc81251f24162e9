"""From a fleet to a plan: the straight line.

::

    fleet ─▶ data tier ─▶ problems ─▶ certain reasons ─▶ pools (an executor's tasks) ─▶ plan ─▶ network ─▶ verify

A region's pool is an independent problem (`pool`): bounds, packing and spares run wherever the executor runs them;
a plan is their union. Only where pools draw on the same limited stock or room one waits for the other.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from placement.alternative import shared_databases
from placement.assemble import Decided, assemble
from placement.bounds import prove
from placement.datatier.tier import DataTier, plan_data_tier
from placement.errors import InfeasibleError, InternalError
from placement.executor import Task, run_tasks
from placement.fleet.types import Fleet
from placement.instance import PoolProblem, build_problems
from placement.network.settle import settle
from placement.packing.options import Options, Progress
from placement.packing.reasons import certain_reasons
from placement.plan.findings import Finding
from placement.plan.types import Plan
from placement.pool import PoolPlan, PoolResult, PoolTask, place_pool, run_pool
from placement.repair import offer_for
from placement.replan.deal import todays
from placement.replan.recount import recounted
from placement.sharing import in_turns, without_taken
from placement.units import exact
from placement.verify import check_plan

__all__ = ["FleetProgress", "Options", "place", "place_pool"]

_SMALL = 100_000
"""Up to so many instances a fleet is planned sooner than processes start."""
_TIER_SHARE = 0.3
"""Of a time limit, at most, goes to the choice of clusters."""
_FINISH_S = 0.2
_FINISH_S_PER_INSTANCE = 1.5e-5
"""What assembling, checking and writing a plan take of a time limit, at least and per instance."""


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
        Proven lower bound; a region that has none yet counts as 0.
    seconds
        Since the run began.
    num_pools, num_placed
        How many pools there are, counted in each region, and how many of them have a packing.
    """

    phase: str
    cost: int | None
    bound: int
    seconds: float
    num_pools: int = 1
    num_placed: int = 0

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
        Seed, time limit, gap at which to stop, mode, and where regions are planned.
    report
        Called with the best cost and the bound whenever they change.
    stop
        Asked often; True ends the search with the best plan so far (and what has none yet gets its first).
    read_s
        Seconds that reading the fleet took, for the plan's record where it keeps seconds.

    Raises
    ------
    InfeasibleError
        No plan exists (or none was found), with the reasons.
    InternalError
        The checker refused the plan, or a worker died: a fault of this package or of the machine it ran on.
    """
    options = options or Options()
    start = time.monotonic()
    watch = _Watch(report, start)
    tier = plan_data_tier(fleet, options, watch.tell, _or_late(stop, options, start))
    problems = build_problems(fleet, tier.workloads)
    watch.expect(problems)
    pools = _place_pools(fleet, problems, tier, options, watch, stop, start)
    if not stop() and options.time_limit_s is None:
        watch.tell("compare")
        tier = shared_databases(fleet, tier, pools, options, stop)
    timed = options.mode == "fast" or any(pool.cut for pool in pools)
    seconds = (read_s, time.monotonic() - start) if timed else (None, None)
    decided = Decided(fleet, tier, tuple(pools), options, seconds, stopped=stop())
    plan = assemble(decided)
    watch.tell("network")
    plan = recounted(settle(plan, fleet), fleet)
    watch.tell("check")
    findings = _undeclared(check_plan(plan, fleet).findings)
    if findings and all(finding.kind == "bound-unverified" for finding in findings):
        # the checker gave up on a pattern proof: claim only what it can verify
        proven = tuple(dataclasses.replace(pool, bound=prove(pool.problem)) for pool in pools)
        plan = recounted(settle(assemble(dataclasses.replace(decided, pools=proven)), fleet), fleet)
        findings = _undeclared(check_plan(plan, fleet).findings)
    if findings:
        shown = "\n".join(f"  {finding}" for finding in findings[:20])
        raise InternalError(f"the checker refuses the plan that was computed ({len(findings)} findings):\n{shown}")
    return plan


def _undeclared(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that refuse a plan: links that are overloaded are its violations, and it says so itself."""
    return [finding for finding in findings if finding.kind != "link-overloaded"]


def _or_late(stop: Callable[[], bool], options: Options, start: float) -> Callable[[], bool]:
    """Return a stop for the data tier: it is over at the latest at a part of the time limit."""
    limit_s = options.time_limit_s
    if limit_s is None:
        return stop
    end = start + _TIER_SHARE * limit_s
    return lambda: stop() or time.monotonic() > end


def _place_pools(
    fleet: Fleet,
    problems: Sequence[PoolProblem],
    tier: DataTier,
    options: Options,
    watch: _Watch,
    stop: Callable[[], bool],
    start: float,
) -> list[PoolPlan]:
    """Run a task for each problem; the reasons of all that cannot be placed are raised together."""
    share = exact(fleet.policy.spare)
    clock = _Clock(problems, options, start)
    certain = [tuple(certain_reasons(problem)) for problem in problems]
    # where a pool certainly has no plan the others are not tried
    chosen = [n for n, reasons in enumerate(certain) if reasons]
    if tier.reasons and not chosen:
        raise InfeasibleError(tier.reasons)
    today = todays(fleet, problems, options.max_moves, options.move_curve)
    small = options.workers is None and sum(problem.num_instances for problem in problems) <= _SMALL
    result_of: dict[int, PoolResult] = {}
    plans: dict[int, PoolPlan] = {}
    for turn in in_turns(problems, chosen or range(len(problems))):
        now = {n: without_taken(problems[n], plans.values()) for n in turn}

        def prepare(n: int, slots: int, now: Mapping[int, PoolProblem] = now) -> PoolTask:
            whole = problems[n] if now[n] is not problems[n] else None
            limited = certain[n] or tuple(certain_reasons(now[n]) if whole else ())
            return PoolTask(now[n], share, offer_for(fleet, now[n]), clock.slice(n, slots), limited, whole, today[n])

        results: list[PoolResult] = run_tasks(
            [Task(problems[n].where, run_pool, partial(prepare, n)) for n in turn],
            executor=options.executor,
            workers=1 if small else options.workers,
            report=lambda k, progress, turn=turn: watch.take(turn[k], progress),  # type: ignore[misc]
            stop=stop,
        )
        result_of |= dict(zip(turn, results, strict=True))
        plans |= {n: result_of[n].plan(now[n]) for n in turn if not result_of[n].reasons}
    failures = [reason for n in sorted(result_of) for reason in result_of[n].reasons]
    if failures or tier.reasons:
        raise InfeasibleError([*tier.reasons, *failures])
    return [plans[n] for n in range(len(problems))]


class _Clock:
    """Deals the time limit out to the regions: to each by its size, of what is left when it begins."""

    def __init__(self, problems: Sequence[PoolProblem], options: Options, start: float) -> None:
        self.options = options
        self.waiting = {n: problem.num_instances for n, problem in enumerate(problems)}
        finish_s = _FINISH_S + _FINISH_S_PER_INSTANCE * sum(self.waiting.values())
        self.end = start + max(0.0, (options.time_limit_s or 0.0) - finish_s)

    def slice(self, n: int, slots: int) -> Options:
        """Return the options of a region that begins now, as one of so many at a time."""
        if self.options.time_limit_s is None:
            return self.options
        part = min(1.0, slots * self.waiting[n] / sum(self.waiting.values()))
        del self.waiting[n]
        return dataclasses.replace(self.options, time_limit_s=part * max(0.0, self.end - time.monotonic()))


class _Watch:
    """Adds up the pools' progress."""

    def __init__(self, report: Callable[[FleetProgress], None], start: float) -> None:
        self.costs: list[int | None] = []
        self.bounds: list[int] = []
        self.report = report
        self.start = start

    def expect(self, problems: Sequence[PoolProblem]) -> None:
        """Say what is to be placed."""
        self.costs = [None] * len(problems)
        self.bounds = [0] * len(problems)

    def take(self, n: int, progress: Progress) -> None:
        """Take in a pool's progress and tell the fleet's."""
        if progress.cost is not None:
            self.costs[n] = progress.cost
        self.bounds[n] = max(self.bounds[n], progress.bound)
        self.tell(progress.phase)

    def tell(self, phase: str) -> None:
        """Report the sums."""
        known = [cost for cost in self.costs if cost is not None]
        cost = sum(known) if known and len(known) == len(self.costs) else None
        seconds = time.monotonic() - self.start
        self.report(FleetProgress(phase, cost, sum(self.bounds), seconds, len(self.costs), len(known)))
