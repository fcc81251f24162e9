r"""How many hosts of each class: the integer program that the packing starts from (SCIP), or its relaxation (GLOP).

Sets: groups g of items of like proportions (total demand T_gr), classes s.
Variables: x_s hosts of class s (integer), y_gs share of group g that goes to class s.

    min  Σ c_s·x_s   (then fewest hosts)
    s.t. Σ_s y_gs = 1,   Σ_g T_gr·y_gs ≤ L_sr·x_s,   x_s ≤ b_s,   Σ_s x_s ≥ most replicas apart

Only x is whole, so a solver of mixed-integer programs needs a fraction of a second, and a limit on its nodes keeps it
reproducible. With thousands of hosts a part of one means little. There the linear relaxation does: its x rounded down,
and what then finds no room gets further hosts by the integer program, which is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from placement.instance import PoolProblem
from placement.units import BoolArray, FloatArray, IntArray

_NUM_GROUPS = 48
_MAX_NODES = 1_000
_PER_HOST = 1e-6
"""Beyond its price, in prices of the dearest: of mixes of equal price the one with the fewest hosts wins."""
_ROUNDING = 1e-7
MANY_CLASSES = 16
"""Of more classes the linear program's mix, rounded up, has to do: the search takes too long to find any."""


@dataclass(frozen=True)
class Mix:
    """A mix of hosts.

    Parameters
    ----------
    hosts
        int64[num_classes]: how many of each class.
    share
        float64[num_services, num_classes]: part of each service's demand meant for each class.
    """

    hosts: IntArray
    share: FloatArray


@dataclass(frozen=True)
class RelaxedMix:
    """The mix of the linear relaxation.

    Parameters
    ----------
    hosts
        float64[num_classes]: how many of each class.
    share
        As in `Mix`.
    price
        Micros per hour.
    """

    hosts: FloatArray
    share: FloatArray
    price: float

    def rounded_down(self) -> Mix:
        """Return the whole part."""
        return Mix(np.floor(self.hosts + 1e-6).astype(np.int64), self.share)

    def rounded_up(self) -> Mix:
        """Return as many hosts as carry everything."""
        return Mix(np.ceil(self.hosts - 1e-6).astype(np.int64), self.share)


def choose_mix(
    problem: PoolProblem,
    left: IntArray,
    stock: IntArray,
    *,
    slack: float,
    min_hosts: int,
    max_bought: int,
    floor: int,
    seed: int,
    grouped: bool,
    num_groups: int = _NUM_GROUPS,
) -> Mix | None:
    """Return the cheapest mix that could hold `left`, or None where no mix can.

    Parameters
    ----------
    left
        int64[num_services]: instances to hold.
    stock
        int64[num_classes]: hosts that may still be used, −1: any number.
    slack
        Extra capacity asked for, as a share of demand.
    max_bought
        Most hosts that can be bought (the segments take no more).
    floor
        Proven lower bound on the mix's price (micros), 0: none; the search stops where it reaches it.
    grouped
        Send items of different proportions to different classes (families of sizes), or every class a like share.
    num_groups
        Most groups by proportion: fewer are quicker, and coarser.
    """
    classes = problem.classes
    is_bought = np.array([not standing for standing in classes.hosts], bool)
    if len(classes) > MANY_CLASSES:
        relaxed = relaxed_mix(problem, left, stock, grouped=grouped, slack=slack, min_hosts=min_hosts)
        mix = None if relaxed is None else relaxed.rounded_up()
        if mix is not None and int(mix.hosts[is_bought].sum()) <= max_bought:
            return mix
    program = _Program(
        problem, left, stock,
        grouped=grouped, slack=slack, min_hosts=min_hosts, is_whole=True, num_groups=num_groups,
    )  # fmt: skip
    program.limit(is_bought, max_bought)
    program.limit_price(floor)
    used, share = program.solve(seed)
    return None if used is None else Mix(np.rint(used).astype(np.int64), share)


def relaxed_mix(
    problem: PoolProblem, left: IntArray, stock: IntArray, *, grouped: bool, slack: float = 0.0, min_hosts: int = 0
) -> RelaxedMix | None:
    """Return the mix of the linear relaxation, or None where there is none; parameters as for `choose_mix`."""
    program = _Program(problem, left, stock, grouped=grouped, slack=slack, min_hosts=min_hosts, is_whole=False)
    used, share = program.solve()
    return None if used is None else RelaxedMix(used, share, float(used @ problem.classes.price))


class _Program:
    """The integer program, or its linear relaxation; parameters as for `choose_mix`."""

    def __init__(
        self,
        problem: PoolProblem,
        left: IntArray,
        stock: IntArray,
        *,
        grouped: bool,
        slack: float,
        min_hosts: int,
        is_whole: bool,
        num_groups: int = _NUM_GROUPS,
    ) -> None:
        from ortools.math_opt.python import mathopt

        classes = problem.classes
        self.is_whole = is_whole
        self.price = classes.price
        self.group, total, holds = _grouped(problem, left, grouped, num_groups)
        num_rows, num_classes = holds.shape
        largest = np.maximum(classes.limit.max(axis=0), 1)
        demand, limit = total * (1.0 + slack) / largest, classes.limit / largest
        self.model = model = mathopt.Model()
        self.x = [model.add_variable(lb=0, ub=float(b) if b >= 0 else np.inf, is_integer=is_whole) for b in stock]
        self.y = [
            [model.add_variable(lb=0, ub=float(holds[g, s])) for s in range(num_classes)] for g in range(num_rows)
        ]
        for g in np.flatnonzero(total.any(axis=1)):
            model.add_linear_constraint(mathopt.LinearSum(self.y[g]) == 1.0)
        for r in range(problem.num_resources):
            for s in range(num_classes):
                load = mathopt.LinearSum(self.y[g][s] * float(demand[g, r]) for g in np.flatnonzero(demand[:, r]))
                model.add_linear_constraint(load - self.x[s] * float(limit[s, r]) <= 0.0)
        model.add_linear_constraint(mathopt.LinearSum(self.x) >= float(min_hosts))
        # of mixes of one price the one with the fewest hosts: large hosts waste least at their edges
        self.unit = float(max(int(classes.price.max()), 1))
        model.minimize(self._cost(self.price / self.unit + _PER_HOST))

    def _cost(self, price: FloatArray) -> Any:
        from ortools.math_opt.python import mathopt

        return mathopt.LinearSum(x * float(c) for x, c in zip(self.x, price, strict=True))

    def limit(self, is_bought: BoolArray, max_bought: int) -> None:
        """Buy no more hosts than this."""
        from ortools.math_opt.python import mathopt

        bought = [x for x, of_class in zip(self.x, is_bought, strict=True) if of_class]
        if bought:
            self.model.add_linear_constraint(mathopt.LinearSum(bought) <= float(max_bought))

    def limit_price(self, floor: int) -> None:
        """State what the price is at least, in micros: the search ends where it reaches that."""
        self.model.add_linear_constraint(self._cost(self.price / self.unit) >= floor / self.unit - _ROUNDING)

    def solve(self, seed: int = 0) -> tuple[FloatArray | None, FloatArray]:
        """Return the hosts of each class (None: no mix was found) and each service's share of each class."""
        from ortools.math_opt.python import mathopt

        nothing = None, np.zeros((0, 0))
        try:
            result = mathopt.solve(
                self.model,
                mathopt.SolverType.GSCIP if self.is_whole else mathopt.SolverType.GLOP,
                params=_whole_parameters(seed) if self.is_whole else mathopt.SolveParameters(),
            )
        except AttributeError:  # what mathopt makes of numerical trouble
            return nothing
        if not result.has_primal_feasible_solution():
            return nothing
        used = np.array(result.variable_values(self.x))
        share = np.clip(np.array([result.variable_values(row) for row in self.y]), 0.0, 1.0)
        return used, share[self.group]


def _whole_parameters(seed: int) -> Any:
    """Return how the integer program is solved: a limit on nodes, none on seconds."""
    from ortools.math_opt.python import mathopt
    from ortools.math_opt.solvers.gscip import gscip_pb2

    return mathopt.SolveParameters(
        threads=1,
        random_seed=seed % (2**31),
        node_limit=_MAX_NODES,
        # its own handler would stay behind as the default one: Ctrl-C would then kill the process, plan and all
        gscip=gscip_pb2.GScipParameters(bool_params={"misc/catchctrlc": False}),
    )


def _grouped(problem: PoolProblem, left: IntArray, grouped: bool, most: int) -> tuple[IntArray, FloatArray, BoolArray]:
    """Return each service's group, the groups' demand [group, resource] and which class holds all of a group."""
    group = _groups(problem, left, grouped, most)
    num_groups = int(group.max()) + 1
    total = np.zeros((num_groups, problem.num_resources))
    for r in range(problem.num_resources):
        total[:, r] = np.bincount(group, weights=problem.demand[:, r] * left, minlength=num_groups)
    fits = problem.holds
    holds = np.ones((num_groups, len(problem.classes)), bool)
    for s in range(len(problem.classes)):
        holds[:, s] = np.bincount(group, weights=(~fits[:, s]) & (left > 0), minlength=num_groups) == 0
    return group, total, holds


def _groups(problem: PoolProblem, left: IntArray, grouped: bool, most: int) -> IntArray:
    """Number items by which classes hold them and, if asked, by their proportion of CPU to memory and so on."""
    fits = problem.holds
    code: IntArray = fits @ (1 << np.minimum(np.arange(fits.shape[1], dtype=np.int64), 40))
    if grouped:
        largest = np.maximum(problem.classes.limit.max(axis=0), 1)
        relative = problem.demand / largest
        use = (relative * left[:, None]).sum(axis=0)
        first, second = np.argsort(-use)[[0, min(1, len(use) - 1)]]
        ratio = relative[:, first] / np.maximum(relative[:, first] + relative[:, second], 1e-12)
        order = np.argsort(ratio, kind="stable")
        weight = np.cumsum((relative.sum(axis=1) * left)[order])
        bucket = np.empty(len(order), np.int64)
        bucket[order] = np.minimum(weight / max(weight[-1], 1e-12) * most, most - 1)
        code = code * most + bucket
    numbers: IntArray = np.unique(code, return_inverse=True)[1].ravel().astype(np.int64)
    return numbers
