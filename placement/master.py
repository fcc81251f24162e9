r"""The linear master over patterns, solved again and again by GLOP as patterns are added and demands fall.

    min Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,  Σ_{p of s} x_p ≤ b_s,  x ≥ 0

Every host costs a millionth of the dearest one more than its price, so that of equally cheap solutions those with few
hosts are found: spares are counted in hosts. Bounds are made with the true prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from placement.instance import HostClasses
from placement.units import FloatArray, IntArray

_MISSING = 10.0
"""Price of an instance that no pattern covers, in the dearest host's: keeps the master feasible under short stocks."""
_PER_HOST = 1e-6


@dataclass(frozen=True)
class MasterSolution:
    """A solution of the linear master, in micros.

    Parameters
    ----------
    objective
        Its value.
    dual
        float64[num_shapes]: value of an instance of each shape.
    stock_dual
        float64[num_classes] ≥ 0: what one more host of a class in stock would save.
    times
        float64[num_patterns]: how often each pattern is used.
    missing
        Instances that no pattern covers.
    """

    objective: float
    dual: FloatArray
    stock_dual: FloatArray
    times: FloatArray
    missing: float


class Master:
    """The linear program and its patterns.

    Parameters
    ----------
    num_instances
        int64[num_shapes]: d, to be covered.
    classes
        Prices and stocks.
    """

    def __init__(self, num_instances: IntArray, classes: HostClasses) -> None:
        from ortools.math_opt.python import mathopt  # heavy: only where patterns are wanted

        self._unit = float(max(int(classes.price.max()), 1))
        self._price = classes.price / self._unit + _PER_HOST
        self._model = mathopt.Model()
        self._rows = [self._model.add_linear_constraint(lb=float(d)) for d in num_instances]
        self._missing = [self._model.add_variable(lb=0.0) for _ in num_instances]
        for row, missing in zip(self._rows, self._missing, strict=True):
            row.set_coefficient(missing, 1.0)
            self._model.objective.set_linear_coefficient(missing, _MISSING)
        self._stock_rows = {
            int(s): self._model.add_linear_constraint(ub=float(classes.stock[s]))
            for s in np.flatnonzero(classes.stock >= 0)
        }
        self._num_classes = len(classes)
        self._x: list[Any] = []
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
        self._optimal = mathopt.TerminationReason.OPTIMAL
        self._known: set[tuple[int, bytes]] = set()
        self.patterns: list[IntArray] = []
        """int64[num_shapes] each: a."""
        self.class_of: list[int] = []

    def add(self, s: int, pattern: IntArray) -> bool:
        """Add a pattern of class s; False where it is known already or empty."""
        key = (s, pattern.tobytes())
        if key in self._known or not pattern.any():
            return False
        self._known.add(key)
        x = self._model.add_variable(lb=0.0)
        self._model.objective.set_linear_coefficient(x, float(self._price[s]))
        for i in np.flatnonzero(pattern):
            self._rows[i].set_coefficient(x, float(pattern[i]))
        if s in self._stock_rows:
            self._stock_rows[s].set_coefficient(x, 1.0)
        self._x.append(x)
        self.patterns.append(pattern.copy())
        self.class_of.append(s)
        return True

    def set_left(self, num_instances: IntArray, stock: IntArray) -> None:
        """Cover so many instances only, out of so many hosts in stock (from the next solution on)."""
        for row, d in zip(self._rows, num_instances, strict=True):
            row.lower_bound = float(d)
        for s, row in self._stock_rows.items():
            row.upper_bound = float(stock[s])

    def solve(self) -> MasterSolution | None:
        """Return the optimum, None where the solver did not find it."""
        result = self._solver.solve()
        if result.termination.reason != self._optimal:
            return None
        stock_dual = np.zeros(self._num_classes)
        for s, row in self._stock_rows.items():
            stock_dual[s] = max(0.0, -result.dual_values(row)) * self._unit
        return MasterSolution(
            objective=result.objective_value() * self._unit,
            dual=np.array(result.dual_values(self._rows)) * self._unit,
            stock_dual=stock_dual,
            times=np.array(result.variable_values(self._x)),
            missing=float(sum(result.variable_values(self._missing))),
        )
