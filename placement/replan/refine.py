r"""A few hosts by CP-SAT: fewer or cheaper ones for what stands there, within so many moves.

Variables as in `packing.exact`: u_h host h is used, a_ih instances of service i on h; and z_ih of them that stay,
t_ih of which stand on h today:

    min  Σ_h c_{s(h)}·u_h − Σ p_i·z_ih     s.t.  z_ih ≤ a_ih,  z_ih ≤ t_ih,  Σ z_ih ≥ (staying now) − (moves left)

Exchanges (`Search.exchange`) do not know what a move costs; this does, and so finds what a few moves can save where
exchanges have to turn many. It is for small fleets: a model of a few thousand variables.
"""

from __future__ import annotations

import numpy as np

from placement.instance import PoolProblem
from placement.packing.cpsat import solve_model
from placement.packing.exact import Assignment
from placement.packing.sites import add_hosts, stock_left
from placement.packing.state import Packing, Workspace
from placement.replan.today import Today, host_ids
from placement.units import IntArray

_DETERMINISTIC_TIME = 0.5


def refined(
    problem: PoolProblem,
    today: Today,
    workspace: Workspace,
    packing: Packing,
    hosts: IntArray,
    *,
    moves_left: int | None,
    is_priced: bool,
    seed: int,
) -> Packing | None:
    """Return the packing with what stands on some hosts seated anew, on these or on a cheaper one; None: not found.

    Parameters
    ----------
    hosts
        int64[num]: numbers of the packing's hosts.
    moves_left
        How many more moves there may be than now; None: any number.
    is_priced
        Whether a move must save its price.
    """
    trial = packing.copy()
    here = np.flatnonzero(np.isin(packing.host_of, hosts))
    trial.host_of[here] = -1
    hosts = np.append(hosts, _add_cheaper(problem, trial, hosts))
    num_services = len(problem.names)
    left = np.bincount(workspace.service_of[here], minlength=num_services).astype(np.int64)
    made = Assignment.make(problem, left, trial, hosts, is_optional=True)
    if made is None:
        return None
    model, classes = made.model, problem.classes
    ids = host_ids(problem, trial)[hosts]
    stands = _counts(workspace.service_of, today.host, ids, num_services)
    now = _counts(
        workspace.service_of, packing.host_of, np.where(hosts < len(packing.host_class), hosts, -2), num_services
    )
    staying_now = int(np.minimum(stands, now).sum())
    stays, paid = [], []
    for i, row in zip(made.services, made.a, strict=True):
        for h in np.flatnonzero(stands[i]):
            z = model.new_int_var(0, int(stands[i, h]), f"z{i},{h}")
            model.add(z <= row[h])
            stays.append(z)
            paid.append(int(today.move_price[i]) if is_priced else 0)
    if moves_left is not None:
        model.add(sum(stays) >= staying_now - moves_left)
    price = classes.price[trial.host_class[hosts]].tolist()
    total = sum(p * used for p, used in zip(price, made.u, strict=True))
    before = int(classes.price[packing.host_class[hosts[hosts < len(packing.host_class)]]].sum())
    model.add(total <= before - 1)
    model.minimize(total - sum(p * z for p, z in zip(paid, stays, strict=True)))
    solved = solve_model(model, seed=seed, deterministic_time=_DETERMINISTIC_TIME, optional=True)
    if not solved.has_solution:
        return None
    made.seat(solved, trial)
    return trial.without_empty()


def _add_cheaper(problem: PoolProblem, packing: Packing, hosts: IntArray) -> IntArray:
    """Add a host of each class that is cheaper than one of `hosts`, if there is one to be had; return their numbers."""
    classes = problem.classes
    dearest = int(classes.price[packing.host_class[hosts]].max())
    counts = ((classes.price < dearest) & (stock_left(problem, packing) != 0)).astype(np.int64)
    before = len(packing.host_class)
    if not counts.any() or add_hosts(problem, packing, counts) is None:
        return np.zeros(0, np.int64)
    return np.arange(before, len(packing.host_class))


def _counts(service_of: IntArray, host_of: IntArray, hosts: IntArray, num_services: int) -> IntArray:
    """Return int64[num_services, num_hosts]: instances of each service on each of the hosts; none on negative ones."""
    found = np.zeros((num_services, len(hosts)), np.int64)
    for column, host in enumerate(hosts.tolist()):
        if host >= 0:
            found[:, column] = np.bincount(service_of[host_of == host], minlength=num_services)
    return found
