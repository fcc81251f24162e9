r"""The linear master over patterns, solved again and again by GLOP as patterns are added and demands fall.

    min Σ_p c_s(p)·x_p   s.t.  Σ_p a_ip·x_p ≥ d_i,  Σ_{p of s} x_p ≤ b_s,  x ≥ 0

Every host costs a millionth of the dearest one more than its price, so that of equally cheap solutions those with few
hosts are found: spares are counted in hosts. Bounds are made with the true prices.

MathOpt's solver is used by its messages, without the Python model around it: with some thousand patterns, turning
values into objects and back took four fifths of the time.
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

    Rows: one per shape, then one per class (free where it has no stock). Columns: one per shape for what is missing,
    then one per pattern.

    Parameters
    ----------
    num_instances
        int64[num_shapes]: d, to be covered.
    classes
        Prices and stocks.
    """

    def __init__(self, num_instances: IntArray, classes: HostClasses) -> None:
        self._num_shapes = len(num_instances)
        self._has_stock = classes.stock >= 0
        self._unit = float(max(int(classes.price.max()), 1))
        self._price = classes.price / self._unit + _PER_HOST
        self._num_instances = num_instances
        self._stock = classes.stock
        self._solver: Any = None
        self._pending: list[tuple[int, IntArray]] = []
        self._num_solved = 0
        self._is_less = False
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
        self.patterns.append(pattern.copy())
        self.class_of.append(s)
        return True

    def set_left(self, num_instances: IntArray, stock: IntArray) -> None:
        """Cover so many instances only, out of so many hosts in stock (from the next solution on)."""
        self._is_less = bool((num_instances != self._num_instances).any() or (stock != self._stock).any())
        self._num_instances = num_instances.copy()
        self._stock = stock.copy()

    def solve(self) -> MasterSolution | None:
        """Return the optimum, None where the solver did not find it."""
        from ortools.math_opt import callback_pb2, model_parameters_pb2, parameters_pb2, result_pb2
        from pybind11_abseil.status import StatusNotOk

        # new patterns leave the last solution feasible, new demands its duals
        has_new = self._num_solved < len(self.patterns)
        by_primal = has_new or not self._is_less
        parameters = parameters_pb2.SolveParametersProto(
            presolve=parameters_pb2.EMPHASIS_OFF,  # or nothing is left to start from
            lp_algorithm=parameters_pb2.LP_ALGORITHM_PRIMAL_SIMPLEX
            if by_primal
            else parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX,
        )
        self._is_less = False
        for _ in range(2):
            try:
                self._update()
                result = self._solver.solve(
                    parameters,
                    model_parameters_pb2.ModelSolveParametersProto(),
                    None,
                    callback_pb2.CallbackRegistrationProto(),
                    None,
                    None,
                )
            except StatusNotOk:
                # numerical trouble with the basis it started from: once more, from nothing
                self._solver, self._num_solved = None, 0
                continue
            if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
                self._solver, self._num_solved = None, 0
                continue
            return self._solution(result)
        return None

    def _solution(self, result: Any) -> MasterSolution:
        primal = result.solutions[0].primal_solution
        dual = result.solutions[0].dual_solution
        n = self._num_shapes
        x = np.zeros(n + len(self.patterns))
        x[np.fromiter(primal.variable_values.ids, np.int64)] = np.fromiter(primal.variable_values.values, np.float64)
        y = np.zeros(n + len(self._price))
        y[np.fromiter(dual.dual_values.ids, np.int64)] = np.fromiter(dual.dual_values.values, np.float64)
        return MasterSolution(
            objective=float(primal.objective_value) * self._unit,
            dual=np.maximum(y[:n], 0.0) * self._unit,
            stock_dual=np.maximum(-y[n:], 0.0) * self._unit,
            times=np.maximum(x[n:], 0.0),
            missing=float(x[:n].sum()),
        )

    def _update(self) -> None:
        """Bring the solver's model up to date: new patterns, demands and stocks."""
        from ortools.math_opt import model_pb2, model_update_pb2, parameters_pb2, sparse_containers_pb2
        from ortools.math_opt.core.python import solver as core

        n, num_rows = self._num_shapes, self._num_shapes + len(self._price)
        lower = np.concatenate((self._num_instances.astype(np.float64), np.full(len(self._price), -np.inf)))
        upper = np.concatenate((np.full(n, np.inf), np.where(self._has_stock, self._stock, np.inf)))
        if self._solver is None:
            model = model_pb2.ModelProto(
                variables=model_pb2.VariablesProto(
                    ids=np.arange(n), lower_bounds=np.zeros(n), upper_bounds=np.full(n, np.inf), integers=[False] * n
                ),
                objective=model_pb2.ObjectiveProto(
                    linear_coefficients=sparse_containers_pb2.SparseDoubleVectorProto(
                        ids=np.arange(n), values=np.full(n, _MISSING)
                    )
                ),
                linear_constraints=model_pb2.LinearConstraintsProto(
                    ids=np.arange(num_rows), lower_bounds=lower, upper_bounds=upper
                ),
                linear_constraint_matrix=sparse_containers_pb2.SparseDoubleMatrixProto(
                    row_ids=np.arange(n), column_ids=np.arange(n), coefficients=np.ones(n)
                ),
            )
            self._solver = core.new(parameters_pb2.SOLVER_TYPE_GLOP, model, parameters_pb2.SolverInitializerProto())
            self._num_solved = 0
        update = model_update_pb2.ModelUpdateProto(
            linear_constraint_updates=model_update_pb2.LinearConstraintUpdatesProto(
                lower_bounds=sparse_containers_pb2.SparseDoubleVectorProto(ids=np.arange(num_rows), values=lower),
                upper_bounds=sparse_containers_pb2.SparseDoubleVectorProto(ids=np.arange(num_rows), values=upper),
            )
        )
        new = len(self.patterns) - self._num_solved
        if new:
            first = n + self._num_solved
            class_of = np.array(self.class_of[self._num_solved :])
            a = np.array(self.patterns[self._num_solved :])
            columns, shapes = np.nonzero(a)
            stocked = np.flatnonzero(self._has_stock[class_of])
            row = np.concatenate((shapes, n + class_of[stocked]))
            column = np.concatenate((columns, stocked)) + first
            value = np.concatenate((a[columns, shapes].astype(np.float64), np.ones(len(stocked))))
            order = np.lexsort((column, row))
            ids = np.arange(first, first + new)
            update.new_variables.CopyFrom(
                model_pb2.VariablesProto(
                    ids=ids, lower_bounds=np.zeros(new), upper_bounds=np.full(new, np.inf), integers=[False] * new
                )
            )
            update.objective_updates.linear_coefficients.CopyFrom(
                sparse_containers_pb2.SparseDoubleVectorProto(ids=ids, values=self._price[class_of])
            )
            update.linear_constraint_matrix_updates.CopyFrom(
                sparse_containers_pb2.SparseDoubleMatrixProto(
                    row_ids=row[order], column_ids=column[order], coefficients=value[order]
                )
            )
            self._num_solved = len(self.patterns)
        if not self._solver.update(update):
            raise RuntimeError("the linear solver takes no updates")
