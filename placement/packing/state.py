"""A packing under construction: which hosts there are, and where each instance stands; mutable, owned by the solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from placement.instance import PoolProblem
from placement.packing import kernels
from placement.packing.filling import Filling, Hosts, RuleRows, Services
from placement.units import FloatArray, IntArray

_DRAWS_PER_HOST = 50
_WINDOW = (2, 8)
"""Fewest and most items drawn for a place."""
_NUM_DRAWS = 60
"""Items drawn for the closing pair."""
_QUICK = (1, 1)
"""The same where time is up."""


@dataclass
class Packing:
    """Hosts and assignment of one pool in one region.

    Parameters
    ----------
    host_class
        int64[num_hosts]: class of each host.
    domain
        int64[2, num_hosts]: zone and segment number of each host.
    site
        int64[num_hosts]: which standing host of its class a host is, or in which of the problem's locations it is
        bought.
    host_of
        int64[num_instances]: host of each instance, −1: none yet. Instances of a service are contiguous.
    """

    host_class: IntArray
    domain: IntArray
    site: IntArray
    host_of: IntArray

    @property
    def num_waiting(self) -> int:
        """Instances that stand nowhere yet."""
        return int((self.host_of < 0).sum())

    def copy(self) -> Packing:
        """Return an independent copy."""
        return Packing(self.host_class.copy(), self.domain.copy(), self.site.copy(), self.host_of.copy())

    def without(self, gone: IntArray) -> Packing:
        """Return the packing without some hosts; what stood there stands nowhere."""
        keep = np.ones(len(self.host_class), bool)
        keep[gone] = False
        number = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)
        domain = np.ascontiguousarray(self.domain[:, keep])  # kernels are compiled for one layout only
        return Packing(self.host_class[keep], domain, self.site[keep], number[self.host_of])

    def without_empty(self) -> Packing:
        """Return the packing without hosts that hold nothing."""
        used = np.bincount(self.host_of[self.host_of >= 0], minlength=len(self.host_class))
        return self.without(np.flatnonzero(used == 0))


def no_hosts(problem: PoolProblem) -> Packing:
    """Return the packing without a host."""
    none = np.zeros(0, np.int64)
    return Packing(none, np.zeros((2, 0), np.int64), none, np.full(problem.num_instances, -1, np.int64))


class Workspace:
    """What the kernels need of a problem, prepared once."""

    def __init__(self, problem: PoolProblem) -> None:
        self.problem = problem
        num = len(problem.names)
        self.first = np.concatenate(([0], np.cumsum(problem.instances))).astype(np.int64)
        self.service_of = np.repeat(np.arange(num, dtype=np.int64), problem.instances)
        spreading = problem.spread > 0
        self.spread_row = np.where(spreading, np.cumsum(spreading) - 1, -1).astype(np.int64)
        self.num_spread = int(spreading.sum())
        self.num_domains = max(len(problem.zones), len(problem.segments)) + 1
        rules = problem.rules
        self.rules = (rules.start, rules.other, rules.most_other, rules.most_self)

    def pressures(self, left: IntArray, hosts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return (pressure, share): worth of a unit of each resource in hosts, and the part of capacity in demand.

        A resource that binds is worth as much as the host; one that is half used next to nothing, but not nothing,
        or what is left over at the end would all want the resource that nobody minded.
        """
        classes = self.problem.classes
        capacity = np.maximum((classes.limit * hosts[:, None]).sum(axis=0), 1)
        share = np.clip((left @ self.problem.demand) / capacity, 1e-3, 1.0)
        return share**6 / capacity * max(int(hosts.sum()), 1), share

    def fill(
        self,
        packing: Packing,
        left: IntArray,
        share_by_class: FloatArray,
        new_hosts: list[tuple[int, int, int]],
        *,
        seed: int,
        is_over: Callable[[], bool] = lambda: False,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        """Fill hosts of `packing`, given as (class, first host, number), with the instances that `left` counts.

        `left` counts down.

        Parameters
        ----------
        share_by_class
            float64[num_services, num_classes]: which part of a service's instances is meant for each class.
        is_over
            Asked after some tenths of a second each time; once True the rest is filled with little choice.
        tell
            Called as often.
        """
        problem = self.problem
        classes = problem.classes
        counts = np.zeros(len(classes), np.int64)
        for s, _, number in new_hosts:
            counts[s] += number
        used = self.used_domains(packing)
        services = Services(
            problem.demand, problem.max_per_host, problem.spread, problem.spread_limit, self.spread_row
        )  # fmt: skip
        assigned = np.zeros(len(left), np.int64)
        for s, base, number in new_hosts:
            # services are dealt to classes by running totals, so that shares hold over groups, not one by one
            share_here = share_by_class[:, s]
            if share_here.min() >= 1.0 - 1e-9 or counts[np.arange(len(counts)) != s].sum() == 0:
                quota = left
            else:
                want = np.cumsum(share_here * (left + assigned))
                quota = np.minimum(np.diff(np.floor(np.concatenate(([0.0], want)))), left).astype(np.int64)
            pressure, share = self.pressures(quota, np.where(np.arange(len(classes)) == s, number, 0))
            hosts = Hosts(classes.limit[s], pressure, share, base, number, packing.domain, used)
            filling = Filling(services, RuleRows(*self.rules), hosts, quota, seed)
            # the more instances a host holds, the less choice there may be at each place: it wears out what it likes
            per_host = int(quota.sum()) / max(number, 1)
            window = int(np.clip(_DRAWS_PER_HOST / max(per_host, 1.0), *_WINDOW))
            while not filling.is_done:
                filling.run(*(_QUICK if is_over() else (window, _NUM_DRAWS)))
                tell()
            service, host = filling.placed
            kernels.hand_out(service, host, self.first, packing.host_of)
            done = np.bincount(service, minlength=len(left))
            left -= done
            assigned += done

    def used_domains(self, packing: Packing) -> IntArray:
        """Count instances of services with a spread in each zone or segment: int64[num_spread, num_domains]."""
        used = np.zeros((max(self.num_spread, 1), self.num_domains), np.int64)
        if self.num_spread:
            placed = np.flatnonzero(packing.host_of >= 0)
            row = self.spread_row[self.service_of[placed]]
            kind = self.problem.spread[self.service_of[placed]] - 1
            keep = row >= 0
            np.add.at(used, (row[keep], packing.domain[kind[keep], packing.host_of[placed[keep]]]), 1)
        return used

    def residual(self, packing: Packing) -> IntArray:
        """Return limit minus use: int64[num_hosts, num_resources]."""
        residual = self.problem.classes.limit[packing.host_class].copy()
        kernels.subtract_loads(self.problem.demand, self.service_of, packing.host_of, residual)
        return residual

    def cost(self, packing: Packing) -> int:
        """Price of all hosts, micros per hour."""
        return int(self.problem.classes.price[packing.host_class].sum())


class Exchange:
    """Exchanges between the hosts of a packing and the pool of instances that stand nowhere, in bounded runs.

    Parameters
    ----------
    value
        float64[num_services]: worth of an instance; exchanges lower the worth of what is left over.
    """

    def __init__(self, workspace: Workspace, packing: Packing, value: FloatArray) -> None:
        self.workspace = workspace
        self.packing = packing
        self.value = value
        num_hosts = len(packing.host_class)
        num_instances = len(packing.host_of)
        most = np.bincount(packing.host_of + 1, minlength=num_hosts + 1)[1:].max(initial=0)
        self.members = np.full((num_hosts, int(most * 3 // 2 + 16)), -1, np.int64)
        self.num_members = np.zeros(num_hosts, np.int64)
        self.slot = np.full(num_instances, -1, np.int64)
        self.waiting = np.empty(num_instances, np.int64)
        self.num_waiting = int(kernels.seat(packing.host_of, self.members, self.num_members, self.slot, self.waiting))
        self.residual = workspace.residual(packing)

    @property
    def pool(self) -> IntArray:
        """Instances that stand nowhere."""
        return self.waiting[: self.num_waiting]

    @property
    def worth(self) -> float:
        """What they are worth."""
        return float(self.value[self.workspace.service_of[self.pool]].sum())

    def run(self, num_steps: int, seed: int) -> None:
        """Try so many exchanges; the packing changes in place and obeys every rule afterwards."""
        problem = self.workspace.problem
        self.num_waiting = int(
            kernels.empty_pool(
                problem.demand, self.value, self.workspace.service_of, self.workspace.first, self.packing.host_of,
                self.members, self.num_members, self.slot, self.residual,
                problem.max_per_host, problem.spread, problem.spread_limit, self.packing.domain,
                *self.workspace.rules, self.waiting, self.num_waiting, num_steps, seed,
            )
        )  # fmt: skip
