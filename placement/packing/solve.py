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
from placement.packing.neighbourhoods import repack
from placement.packing.options import Options, Report, Stop, Work
from placement.packing.patterns import choose_patterns, pack_slots
from placement.packing.search import LARGE, STALL, STALL_QUICK, Search
from placement.packing.sites import bought_left
from placement.packing.state import Packing, no_hosts
from placement.units import IntArray

_MIX_GAP = 0.0005
_MANY_HOSTS = 300
"""From so many hosts on, the linear relaxation says how many there are of each class of families."""
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


class _Search(Search):
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
        if self.problem.num_instances > self.work.max_repacked or len(self.problem.classes) > MANY_CLASSES:
            return best
        floor = self.bound.micros_per_hour
        repacked = repack(self.problem, best, self.workspace, floor, random=self.random, is_enough=self.enough)
        self.tell("repacked", repacked)
        return repacked

    def first(self, packing: Packing, *, has_patterns: bool) -> Packing:
        """Return a first valid packing, from hosts filled as the mix says; something else is improved from here on."""
        if has_patterns:  # they do better than long exchanges: any valid packing is all that is wanted before them
            best = self.complete(packing, STALL_QUICK)
            self.tell("valid", best)
            return best
        below = None
        if self.problem.num_instances >= LARGE:
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
            found = self.complete(packing, STALL, below=below)
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

        def is_near(known: int) -> bool:
            # where a small fleet's gap is one cheapest host, it is most likely the bound's, or there to stay
            left = self.workspace.cost(best) - attainable_at_least(known, self.problem)
            is_small = self.problem.num_instances <= self.work.max_repacked and left <= int(
                self.problem.classes.price.min()
            )
            return is_small and columns.work > most_work // 4

        def is_enough(share: float, micros: int, linear: float) -> bool:
            known = max(micros, self.bound.micros_per_hour)
            # the linear program's value is the most that this bound can come to
            can_rise = attainable_at_least(int(linear * (1 - 1e-7)), self.problem) > attainable_at_least(
                known, self.problem
            )
            can_rise = can_rise and linear - known > _TAIL * linear
            is_met = self.workspace.cost(best) <= known * (1 + self.options.target_gap)
            return is_met or not can_rise or self.is_over(share if is_timed else 1.0) or is_near(known)

        linear = None
        num_dives = num_blocked = 0

        def is_dive_over() -> bool:
            return self.is_over() or columns.work > 2 * most_work or is_near(self.bound.micros_per_hour)

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
        is_last = self.work.integer_master and len(shapes) <= _FEW_SHAPES
        if linear is not None and is_last and not self.enough(best):
            chosen = choose_patterns(
                self.problem,
                columns,
                linear,
                self.bound.micros_per_hour,
                self.workspace.cost(best),
                seed=self.options.seed,
                is_quick=not is_timed and self.problem.num_instances <= self.work.max_repacked,
            )
            best = self.better_of(best, shapes, chosen)
        return best

    def better_of(self, best: Packing, shapes: Shapes, slots: Slots | None) -> Packing:
        """Return the packing that these slots give, if it is cheaper."""
        packing = None if slots is None else pack_slots(self.problem, shapes, slots, self.workspace, seed=self.seed())
        if packing is None:
            return best
        try:
            packing = self.complete(packing, STALL_QUICK, below=self.workspace.cost(best))
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

    def stock_short(self, left: IntArray) -> Reason:
        from placement.packing.reasons import stock_reason

        return stock_reason(self.problem, left)
