"""Packing one pool in one region: mix, fill, exchange, complete, improve. The best packing so far is always valid.

1. CP-SAT chooses the cheapest mix of hosts that could carry the demand (`mix`).
2. Kernels fill those hosts and exchange instances until nothing, or very little, is left over (`kernels`).
3. What is left over gets the cheapest further hosts, chosen the same way: a valid packing, the incumbent.
4. Where hosts hold few instances or shapes are few, patterns raise the bound and compete: column generation
   (`placement.columns`), diving from its linear program to whole hosts (`diving`), CP-SAT's integer master
   (`patterns`).
5. The incumbent is improved while it costs more than the bound: a host is dropped or replaced by a cheaper one, and
   the exchanges find room for what stood there; a small fleet goes to CP-SAT whole (`exact`).
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from placement.bounds import PoolBound, attainable_at_least, raised_by_patterns
from placement.columns import ColumnGeneration, Shapes, Slots, shapes_of
from placement.errors import InfeasibleError, Reason
from placement.instance import PoolProblem, distinct_rows
from placement.packing.diving import dive
from placement.packing.exact import solve_exactly
from placement.packing.largest_first import pack_largest_first
from placement.packing.mix import MANY_CLASSES, Mix, choose_mix, relaxed_mix
from placement.packing.neighbourhoods import MOST_TRIES, repack
from placement.packing.options import Options, Progress, Report, Stop, Work
from placement.packing.patterns import choose_patterns, pack_slots
from placement.packing.sites import add_hosts, bought_left, stock_left
from placement.packing.state import Exchange, Packing, Workspace, no_hosts
from placement.units import FloatArray, IntArray

_MIX_GAP = 0.0005
_MANY_HOSTS = 300
"""From so many hosts on, the linear relaxation says how many there are of each class of families."""
_STEPS_PER_HOST = 60
_STEPS_PER_HOMELESS = 1_000
_MIN_STEPS = 20_000
_MAX_STEPS = 400_000
_STALL = 0.97
_STALL_QUICK = 0.5
_STALL_TRYING = 0.8
"""A try that is to place everything is given up sooner, in large fleets."""
_STEPS_AT_ONCE = 20_000
"""Exchanges in one call of the kernel, well under a second: the search can be stopped in between."""
_MAX_REPACKED = 5_000
"""With more instances a host more or less is little."""
_FEW_SHAPES = 64
_MANY_PER_HOST = 40
"""Where hosts hold more instances of many shapes they fill well without patterns."""
_NO_LIMIT = 1 << 60
_COLUMN_SHARES = (0.5, 0.65, 0.8, 0.9)
"""Columns are generated until so much of the time (or the work) is used, then come a few dives, then more columns."""
_DIVES = 4
_MAX_BLOCKED = 3
"""Cheaper slots that the rules let not all instances have: so many, and it is the rules that bind."""
_TAIL = 1e-5
"""Share of the cost by which the bound may stay below the linear program's value: the last of it takes longest."""
_JITTER = 0.3
_SLACKS = (0.0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05, 0.1, 0.2)
_SMALL = (0.01, 0.02, 0.005, 0.04)
"""What `largest_first` tries: capacity beyond the demand, and up to which share of a host an item is small."""
_LARGE = 20_000
"""From so many instances on, fewer and longer tries."""


def solve_pool(
    problem: PoolProblem,
    bound: PoolBound,
    options: Options,
    report: Report,
    stop: Stop,
    *,
    with_patterns: bool = True,
    work: Work = Work(),  # noqa: B008 - frozen
) -> tuple[Packing, PoolBound]:
    """Return the cheapest packing found, and the best bound proven; every rule holds.

    Parameters
    ----------
    bound
        What is proven of the cost already.
    with_patterns
        Whether patterns may be used. They raise the bound for the problem as it is given.
    work
        How much of it each step may take.

    Raises
    ------
    InfeasibleError
        Where there are not enough hosts, or none was found that obeys the rules.
    """
    search = _Search(problem, bound, options, report, stop, work)
    packing = search.run(with_patterns=with_patterns)
    return packing, search.bound


class _Search:
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
        self.apart = int((-(-problem.instances // problem.max_per_host)).max())

    # --- control ------------------------------------------------------------------------------------------------

    def tell(self, phase: str, packing: Packing | None) -> None:
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
        return int(self.random.integers(1 << 31))

    # --- the flow -----------------------------------------------------------------------------------------------

    def run(self, *, with_patterns: bool) -> Packing:
        self.tell("mix", None)
        mix, packing = self.largest_first() if self.work.largest_first else self.filled()
        self.tell("fill", None)
        shapes = shapes_of(self.problem) if with_patterns and self.has_few_shapes() else None
        if shapes is not None and not self.suit_patterns(shapes, mix):
            shapes = None
        best = self.first(packing, has_patterns=shapes is not None)
        best = repacked = self.repacked(best)
        if shapes is not None and not self.enough(best):
            best = self.by_patterns(shapes, best)
        best = self.improve(best)
        if best is not repacked:
            best = self.repacked(best)
        if not self.enough(best):
            exact = solve_exactly(
                self.problem,
                self.workspace.cost(best),
                self.bound.micros_per_hour,
                seed=self.options.seed,
                deterministic_time=self.work.exact_time,
            )
            best = exact or best
        self.tell("done", best)
        return best

    def repacked(self, best: Packing) -> Packing:
        """Repack a handful of hosts at a time exactly, where there are not too many."""
        if self.problem.num_instances > _MAX_REPACKED:
            return best
        floor = self.bound.micros_per_hour
        repacked = repack(
            self.problem, best, self.workspace, floor,
            random=self.random, is_enough=self.enough, tries=min(self.work.tries, MOST_TRIES),
        )  # fmt: skip
        self.tell("repacked", repacked)
        return repacked

    def first(self, packing: Packing, *, has_patterns: bool) -> Packing:
        """Return a first valid packing, from hosts filled as the mix says; something else is improved from here on."""
        if has_patterns:  # they do better than long exchanges: any valid packing is all that is wanted before them
            best = self.complete(packing, _STALL_QUICK)
            self.tell("valid", best)
            return best
        below = None
        if self.problem.num_instances >= _LARGE:
            # further hosts for what is left over, at once; then exchanges that may do without them
            try:
                best = self.complete(packing.copy(), None)
            except InfeasibleError:
                pass  # exchanges may find a way
            else:
                self.tell("valid", best)
                below = self.workspace.cost(best)
                if self.enough(best):
                    return best
        try:
            found = self.complete(packing, _STALL, below=below)
        except InfeasibleError:
            if below is None:
                raise
            return best
        self.tell("valid", found)
        return found

    def has_few_shapes(self) -> bool:
        """Whether patterns come into question; a sample tells of most fleets that they do not."""
        return len(distinct_rows(self.problem.demand[: 4 * self.work.max_shapes])[0]) <= self.work.max_shapes

    def filled(self) -> tuple[Mix, Packing]:
        """Return the mix to start with, and its hosts filled."""
        mix = self.cheapest_mix()
        packing = no_hosts(self.problem)
        self.extend(packing, self.problem.instances.copy(), mix)
        return mix, packing

    def largest_first(self) -> tuple[Mix, Packing]:
        """Return the cheapest mix whose hosts, filled largest first, hold everything, or else the dearest tried."""
        problem, classes = self.problem, self.problem.classes
        mix = packing = None
        for slack in _SLACKS:
            tried = choose_mix(
                problem, problem.instances, classes.stock,
                slack=slack, min_hosts=self.apart, max_bought=bought_left(problem, no_hosts(problem)),
                floor=self.bound.micros_per_hour, seed=self.options.seed, grouped=False,
            )  # fmt: skip
            if tried is None or (mix is not None and (tried.hosts == mix.hosts).all()):
                continue
            mix = tried
            for small in _SMALL:
                packing = pack_largest_first(self.workspace, mix.hosts, small)
                if packing is not None and not packing.num_waiting:
                    return mix, packing
        return self.filled() if mix is None or packing is None else (mix, packing)

    def suit_patterns(self, shapes: Shapes, mix: Mix) -> bool:
        """Whether patterns can be expected to do better than filling hosts one by one."""
        per_host = self.problem.num_instances / max(int(mix.hosts.sum()), 1)
        return len(shapes) <= _FEW_SHAPES or (len(shapes) <= self.work.max_shapes and per_host <= _MANY_PER_HOST)

    def by_patterns(self, shapes: Shapes, best: Packing) -> Packing:
        """Raise the bound by column generation, and look for cheaper packings among its patterns."""
        value = np.zeros(len(shapes))
        value[shapes.of_service] = self.bound.value
        columns = ColumnGeneration(shapes, self.problem.classes, value)

        # in the reproducible mode a time limit may end the search, but must not steer it
        is_timed = self.options.mode == "fast" and self.options.time_limit_s is not None
        most_work = _NO_LIMIT if is_timed else self.work.columns

        def is_enough(share: float, micros: int, linear: float) -> bool:
            known = max(micros, self.bound.micros_per_hour)
            # the linear program's value is the most that this bound can come to
            can_rise = attainable_at_least(int(linear * (1 - 1e-7)), self.problem) > attainable_at_least(
                known, self.problem
            )
            can_rise = can_rise and linear - known > _TAIL * linear
            is_met = self.workspace.cost(best) <= known * (1 + self.options.target_gap)
            return is_met or not can_rise or self.is_over(share if is_timed else 1.0)

        linear = None
        num_dives = num_blocked = 0

        def is_dive_over() -> bool:
            is_near = self.workspace.cost(best) - self.bound.micros_per_hour <= int(self.problem.classes.price.min())
            # where a small fleet's gap is one cheapest host, it is most likely the bound's
            most = most_work // 2 if is_near and self.problem.num_instances <= _MAX_REPACKED else 2 * most_work
            return self.is_over() or columns.work > most

        for share in _COLUMN_SHARES:
            linear = columns.run(int(share * most_work), partial(is_enough, share))
            if columns.bound is not None:
                self.bound = raised_by_patterns(self.bound, self.problem, shapes, columns.bound)
            self.tell("patterns", best)
            if columns.cover is not None and columns.cover.price(self.problem.classes) < self.workspace.cost(best):
                best = self.better_of(best, shapes, columns.cover)
            for _ in range(_DIVES):
                if self.enough(best) or is_dive_over():
                    break
                slots = dive(
                    columns,
                    self.bound.micros_per_hour,
                    self.workspace.cost(best),
                    jitter=_JITTER if num_dives else 0.0,
                    random=self.random,
                    is_stopped=is_dive_over,
                )
                before, best = best, self.better_of(best, shapes, slots)
                num_dives += 1
                num_blocked += int(slots is not None and best is before)
                if num_blocked == _MAX_BLOCKED:
                    return best
        if linear is not None and len(shapes) <= _FEW_SHAPES and not self.enough(best):
            chosen = choose_patterns(
                self.problem,
                columns,
                linear,
                self.bound.micros_per_hour,
                self.workspace.cost(best),
                seed=self.options.seed,
            )
            best = self.better_of(best, shapes, chosen)
        return best

    def better_of(self, best: Packing, shapes: Shapes, slots: Slots | None) -> Packing:
        """Return the packing that these slots give, if it is cheaper."""
        packing = None if slots is None else pack_slots(self.problem, shapes, slots, self.workspace, seed=self.seed())
        if packing is None:
            return best
        try:
            packing = self.complete(packing, _STALL_QUICK, below=self.workspace.cost(best))
        except InfeasibleError:
            return best  # its slots do not go together with the rules
        if self.workspace.cost(packing) < self.workspace.cost(best):
            best = packing
            self.tell("patterns", best)
        return best

    def cheapest_mix(self) -> Mix:
        """Return the mix to start with: alike in every class, or by families of sizes where that is cheaper."""
        left, stock = self.problem.instances, self.problem.classes.stock
        nothing = no_hosts(self.problem)
        found: list[Mix] = []
        num_classes = len(self.problem.classes)
        alike = relaxed_mix(self.problem, left, stock, grouped=False)
        if (
            num_classes <= MANY_CLASSES
            and alike is not None
            and alike.price > self.bound.micros_per_hour * (1 + _MIX_GAP)
        ):
            families = relaxed_mix(self.problem, left, stock, grouped=True)
            if families is not None and families.hosts.sum() >= _MANY_HOSTS:
                return families.rounded_down()
        for grouped in (False, True) if 1 < num_classes <= MANY_CLASSES else (False,):
            mix = choose_mix(
                self.problem, left, stock,
                slack=0.0, min_hosts=self.apart, max_bought=bought_left(self.problem, nothing),
                floor=self.bound.micros_per_hour, seed=self.options.seed, grouped=grouped,
            )  # fmt: skip
            if mix is not None:
                found.append(mix)
                if int(mix.hosts @ self.problem.classes.price) <= self.bound.micros_per_hour * (1 + _MIX_GAP):
                    break
        if not found:
            raise InfeasibleError([self.stock_short(left)])
        return min(found, key=lambda mix: int(mix.hosts @ self.problem.classes.price))

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

        It stalls where more than the share `stall` of the pool's worth is still there after a round.
        """
        pool = np.flatnonzero(packing.host_of < 0)
        if not len(packing.host_class):
            return pool
        exchange = Exchange(self.workspace, packing, self.value(packing))
        worth = np.inf
        for _ in range(12):
            for done in range(0, num_steps, _STEPS_AT_ONCE):
                exchange.run(min(_STEPS_AT_ONCE, num_steps - done), self.seed())
                if not len(exchange.pool) or self.is_over():
                    return exchange.pool.copy()
            now = exchange.worth
            if now > stall * worth:
                break
            worth = now
        return exchange.pool.copy()

    def steps(self, packing: Packing) -> int:
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
                pool = self.exchange(packing, _MIN_STEPS if stall == _STALL_QUICK else self.steps(packing), stall)
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
        """Drop hosts, or replace them by cheaper ones, as long as exchanges find room for what stood there."""
        classes = self.problem.classes
        large = self.problem.num_instances >= _LARGE
        tries = self.work.tries // 8 if large else self.work.tries
        failures = 0
        while failures < tries and not self.enough(best):
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
            pool = self.exchange(trial, steps, _STALL_TRYING if large else _STALL)
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

    # --- reasons ------------------------------------------------------------------------------------------------

    def stock_short(self, left: IntArray) -> Reason:
        from placement.packing.reasons import stock_reason

        return stock_reason(self.problem, left)

    def not_placed(self, packing: Packing) -> Reason:
        from placement.packing.reasons import not_placed_reason

        return not_placed_reason(self.problem, packing, self.workspace.service_of)
