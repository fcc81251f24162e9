"""A packing is completed, and improved, by exchanges: what the flow in `solve` is made of.

Work is counted in steps of exchanges, never in seconds: the clock may end a search but does not steer it.
"""

from __future__ import annotations

import time

import numpy as np

from placement.bounds import PoolBound
from placement.errors import InfeasibleError, Reason
from placement.instance import PoolProblem
from placement.packing.mix import Mix, choose_mix
from placement.packing.options import Options, Progress, Report, Stop, Work
from placement.packing.sites import add_hosts, bought_left, stock_left
from placement.packing.state import Exchange, Packing, Workspace
from placement.units import FloatArray, IntArray

STALL = 0.97
STALL_QUICK = 0.5
LARGE = 20_000
"""From so many instances on, fewer and longer tries."""
_STEPS_PER_HOST = 60
_STEPS_PER_HOMELESS = 1_000
_MIN_STEPS = 20_000
_MAX_STEPS = 400_000
_STEPS_PER_PAIR = 4
"""Exchanges for each host and each of few instances left over until it is seen whether they help."""
_MOST_ROUNDS = 12
_STALL_TRYING = 0.8
"""A try that is to place everything is given up sooner, in large fleets."""
_STEPS_AT_ONCE = 20_000
"""Exchanges in one call of the kernel, well under a second: the search can be stopped in between."""
_LEAST_IMPROVING = 400_000
_IMPROVING_PER_INSTANCE = 2
"""Steps of exchanges that improvement begins tries for, at least and for each instance of a large fleet."""


class Search:
    """One pool's search: its problem, bound, clock and randomness, and the steps that every way of packing shares."""

    def __init__(
        self,
        problem: PoolProblem,
        bound: PoolBound,
        options: Options,
        report: Report,
        stop: Stop,
        work: Work,
    ) -> None:
        self.work = work
        self.problem = problem
        self.bound = bound
        self.options = options
        self.stop = stop
        self.report = report
        self.workspace = Workspace(problem)
        self.random = np.random.default_rng(options.seed)
        self.start = time.monotonic()
        self.steps_done = 0  # of exchanges so far: what improvement may take is measured in them
        self.apart = int((-(-problem.instances // problem.max_per_host)).max())

    # --- control ------------------------------------------------------------------------------------------------

    def tell(self, phase: str, packing: Packing | None) -> None:
        """Report where the search stands."""
        cost = None if packing is None else self.workspace.cost(packing)
        micros = self.bound.micros_per_hour
        self.report(
            Progress(self.problem.pool, self.problem.region, phase, cost, micros, time.monotonic() - self.start)
        )

    def enough(self, packing: Packing) -> bool:
        """Whether to stop with this packing."""
        cost = self.workspace.cost(packing)
        return cost <= self.bound.micros_per_hour * (1 + self.options.target_gap) or self.is_over()

    def is_over(self, share: float = 1.0) -> bool:
        """Whether someone wants to stop, or this share of the time is up."""
        limit = self.options.time_limit_s
        return self.stop() or (limit is not None and time.monotonic() - self.start > share * limit)

    def seed(self) -> int:
        """Return a seed for a kernel."""
        return int(self.random.integers(1 << 31))

    # --- completing ---------------------------------------------------------------------------------------------

    def extend(self, packing: Packing, left: IntArray, mix: Mix) -> bool:
        """Add the hosts of a mix and fill them; False where the segments have no room for them."""
        new_hosts = add_hosts(self.problem, packing, mix.hosts)
        if new_hosts is None:
            return False
        self.workspace.fill(
            packing, left, mix.share, new_hosts,
            seed=self.seed(), is_over=self.is_over, tell=lambda: self.tell("fill", None),
        )  # fmt: skip
        return True

    def value(self, packing: Packing) -> FloatArray:
        """Worth of an instance of each service, in hosts, by how scarce each resource is in this packing."""
        hosts = np.bincount(packing.host_class, minlength=len(self.problem.classes))
        pressure, _ = self.workspace.pressures(self.problem.instances, hosts)
        return self.problem.demand @ pressure

    def exchange(self, packing: Packing, num_steps: int, stall: float) -> IntArray:
        """Place what is left over by exchanges, `num_steps` at a time, until that stalls; return what still is.

        It stalls where more than the share `stall` of the pool's worth is still there after a round: `num_steps`, or
        as many as try each of what is left over on every host.
        """
        pool = np.flatnonzero(packing.host_of < 0)
        if not len(packing.host_class):
            return pool
        exchange = Exchange(self.workspace, packing, self.value(packing))
        num_hosts = len(packing.host_class)
        worth, since = exchange.worth, 0
        for _ in range(0, _MOST_ROUNDS * num_steps, _STEPS_AT_ONCE):
            exchange.run(_STEPS_AT_ONCE, self.seed())
            self.steps_done += _STEPS_AT_ONCE
            since += _STEPS_AT_ONCE
            if not len(exchange.pool) or self.is_over():
                break
            # few instances have soon been tried on every host
            if since >= min(num_steps, _STEPS_PER_PAIR * num_hosts * len(exchange.pool)):
                if exchange.worth > stall * worth:
                    break
                worth, since = exchange.worth, 0
        return exchange.pool.copy()

    def steps(self, packing: Packing) -> int:
        """Return how many exchanges a round has."""
        return int(np.clip(_STEPS_PER_HOST * len(packing.host_class), _MIN_STEPS, _MAX_STEPS))

    def complete(self, packing: Packing, stall: float | None, below: int | None = None) -> Packing:
        """Place everything, with the cheapest further hosts where exchanges are not enough.

        Parameters
        ----------
        stall
            As for `exchange`; None: no exchanges.
        below
            Give up as soon as the hosts cost so much (micros).
        """
        problem = self.problem
        slack = 0.0
        extra = 0
        for attempt in range(60):
            if stall is None:
                pool = np.flatnonzero(packing.host_of < 0)
            else:
                pool = self.exchange(packing, _MIN_STEPS if stall == STALL_QUICK else self.steps(packing), stall)
            if not len(pool):
                return packing.without_empty()
            left = np.bincount(self.workspace.service_of[pool], minlength=len(problem.names))
            stock = stock_left(problem, packing)
            bought = bought_left(problem, packing)
            apart = int((-(-left // problem.max_per_host)).max()) if attempt else 1
            mix = choose_mix(
                problem, left, stock,
                slack=slack, min_hosts=max(1, apart, extra), max_bought=bought, floor=0,
                seed=self.options.seed, grouped=False,
            )  # fmt: skip
            if mix is None and attempt:
                mix = choose_mix(
                    problem, left, stock,
                    slack=0.0, min_hosts=1, max_bought=bought, floor=0, seed=self.options.seed, grouped=False,
                )  # fmt: skip
            if mix is None:
                break
            before = len(pool)
            if not self.extend(packing, left, mix) or (below is not None and self.workspace.cost(packing) >= below):
                break
            slack += 0.02
            if int(left.sum()) >= before:  # rules, not room: more hosts at a time
                extra = max(2 * extra, 2)
        raise InfeasibleError([self.not_placed(packing)])

    def improve(self, best: Packing) -> Packing:
        """Drop hosts, or replace them by cheaper ones, as long as exchanges find room for what stood there.

        In large fleets a gain is a hundredth of a percent or less: few tries that fail end it, and the work may grow no
        faster than the fleet.
        """
        classes = self.problem.classes
        large = self.problem.num_instances >= LARGE
        tries = self.work.tries // 8 if large else self.work.tries
        most_steps = self.steps_done + max(_LEAST_IMPROVING, _IMPROVING_PER_INSTANCE * self.problem.num_instances)
        failures = 0
        while failures < tries and not self.enough(best) and not (large and self.steps_done > most_steps):
            options = self.replacements(best)
            if not len(options):
                break
            h, s = (
                options[min(failures % 8, len(options) - 1)]
                if failures < 8
                else options[int(self.random.integers(len(options)))]
            )
            trial = best.without(np.array([h]))
            if s >= 0:
                counts = np.zeros(len(classes), np.int64)
                counts[s] = 1
                if add_hosts(self.problem, trial, counts) is None:
                    failures += 1
                    continue
            homeless = int((trial.host_of < 0).sum())
            steps = min(self.steps(trial), max(_MIN_STEPS, _STEPS_PER_HOMELESS * homeless))
            pool = self.exchange(trial, steps, _STALL_TRYING if large else STALL)
            if len(pool):
                failures += 1
                continue
            best = trial.without_empty()
            self.tell("improve", best)
            failures = 0
        return best

    def replacements(self, packing: Packing) -> list[tuple[int, int]]:
        """Return (host, cheaper class or −1 for none) that the gap allows, those that free least value first."""
        classes = self.problem.classes
        cost = self.workspace.cost(packing)
        residual = self.workspace.residual(packing)
        hosts = np.bincount(packing.host_class, minlength=len(classes))
        pressure, _ = self.workspace.pressures(self.problem.instances, hosts)
        used = (classes.limit[packing.host_class] - residual) @ pressure
        stock = stock_left(self.problem, packing)
        found: list[tuple[float, int, int]] = []
        for s in range(-1, len(classes)):
            if s >= 0 and stock[s] == 0:
                continue
            price = 0 if s < 0 else int(classes.price[s])
            room = 0.0 if s < 0 else float(classes.limit[s] @ pressure)
            saving = classes.price[packing.host_class] - price
            allowed = np.flatnonzero((saving > 0) & (cost - saving >= self.bound.micros_per_hour))
            lost = used[allowed] - room
            cheapest = allowed[np.argsort(lost, kind="stable")[:32]]
            found += [(float(used[h] - room), int(h), s) for h in cheapest]
        found.sort()
        return [(h, s) for _, h, s in found]

    def not_placed(self, packing: Packing) -> Reason:
        """Return why it is not placed."""
        from placement.packing.reasons import not_placed_reason

        return not_placed_reason(self.problem, packing, self.workspace.service_of)
