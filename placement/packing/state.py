"""A packing under construction: which hosts there are, and where each instance stands; mutable, owned by the solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.instance import PoolProblem
from placement.packing import kernels
from placement.units import FloatArray, IntArray

_MAX_MEMBERS = 1 << 14


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
        return Packing(self.host_class[keep], self.domain[:, keep], self.site[keep], number[self.host_of])

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
        largest = np.maximum(problem.classes.limit.max(axis=0), 1)
        size = (problem.demand / largest).max(axis=1)
        self.largest_first = np.argsort(-size, kind="stable").astype(np.int64)
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
        window: int,
        num_pairs: int,
        seed: int,
    ) -> None:
        """Fill hosts of `packing`, given as (class, first host, number), with the instances that `left` counts.

        `left` counts down. `share_by_class` (float64[num_services, num_classes]) says which part of a service's
        instances is meant for each class.
        """
        problem = self.problem
        classes = problem.classes
        counts = np.zeros(len(classes), np.int64)
        for s, _, number in new_hosts:
            counts[s] += number
        residual = classes.limit[packing.host_class].copy()
        used = np.zeros((max(self.num_spread, 1), self.num_domains), np.int64)
        placed = np.flatnonzero(packing.host_of >= 0)
        if self.num_spread:
            row = self.spread_row[self.service_of[placed]]
            kind = problem.spread[self.service_of[placed]] - 1
            keep = row >= 0
            np.add.at(used, (row[keep], packing.domain[kind[keep], packing.host_of[placed[keep]]]), 1)
        total = int(left.sum())
        out_service = np.empty(total, np.int64)
        out_host = np.empty(total, np.int64)
        num_out = 0
        assigned = np.zeros(len(left), np.int64)
        for s, base, number in new_hosts:
            # services are dealt to classes by running totals, so that shares hold over groups, not one by one
            share_here = share_by_class[:, s]
            if share_here.min() >= 1.0 - 1e-9 or counts[np.arange(len(counts)) != s].sum() == 0:
                quota = left.copy()
            else:
                want = np.cumsum(share_here * (left + assigned))
                quota = np.minimum(np.diff(np.floor(np.concatenate(([0.0], want)))), left).astype(np.int64)
            before = quota.copy()
            pressure, share = self.pressures(quota, np.where(np.arange(len(classes)) == s, number, 0))
            num_new = kernels.fill(
                problem.demand, quota, problem.max_per_host, problem.demand @ pressure, pressure,
                classes.limit[s], share, self.largest_first, number, base,
                problem.spread, problem.spread_limit, packing.domain, self.spread_row, used,
                *self.rules, window, num_pairs, seed, out_service, out_host, num_out, residual, _MAX_MEMBERS,
            )  # fmt: skip
            done = before - quota
            left -= done
            assigned += done
            num_out = int(num_new)
        self._record(packing, out_service[:num_out], out_host[:num_out])

    def _record(self, packing: Packing, service: IntArray, host: IntArray) -> None:
        """Hand the (service, host) pairs to instances of those services that stand nowhere yet."""
        if not len(service):
            return
        waiting = np.flatnonzero(packing.host_of < 0)
        order = np.argsort(service, kind="stable")
        service, host = service[order], host[order]
        rank = np.arange(len(service)) - np.searchsorted(service, service)
        waiting_service = self.service_of[waiting]
        begin = np.searchsorted(waiting_service, service)
        packing.host_of[waiting[begin + rank]] = host

    def empty_pool(self, packing: Packing, value: FloatArray, *, num_steps: int, seed: int) -> IntArray:
        """Place what stands nowhere by exchanges; return the instances that still stand nowhere.

        Parameters
        ----------
        value
            float64[num_services]: worth of an instance; exchanges lower the worth of what is left over.
        """
        problem = self.problem
        num_hosts = len(packing.host_class)
        host_of = packing.host_of
        placed = np.flatnonzero(host_of >= 0)
        placed = placed[np.argsort(host_of[placed], kind="stable")]
        host = host_of[placed]
        num_members = np.bincount(host, minlength=num_hosts).astype(np.int64)
        capacity = int(num_members.max(initial=0) * 3 // 2 + 16)
        rank = np.arange(len(placed)) - np.searchsorted(host, host)
        members = np.full((num_hosts, capacity), -1, np.int64)
        members[host, rank] = placed
        slot = np.full(len(host_of), -1, np.int64)
        slot[placed] = rank
        residual = self.residual(packing)
        missing = np.flatnonzero(host_of < 0)
        pool = np.empty(len(host_of), np.int64)
        pool[: len(missing)] = missing
        num_pool = kernels.empty_pool(
            problem.demand, value, self.service_of, self.first, host_of, members, num_members, slot, residual,
            problem.max_per_host, problem.spread, problem.spread_limit, packing.domain, *self.rules,
            pool, len(missing), num_steps, seed,
        )  # fmt: skip
        return pool[:num_pool].copy()

    def residual(self, packing: Packing) -> IntArray:
        """Return limit minus use: int64[num_hosts, num_resources]."""
        residual = self.problem.classes.limit[packing.host_class].copy()
        placed = np.flatnonzero(packing.host_of >= 0)
        host = packing.host_of[placed]
        demand = self.problem.demand[self.service_of[placed]]
        for r in range(self.problem.num_resources):
            use = np.bincount(host, weights=demand[:, r], minlength=len(residual))
            residual[:, r] -= use.astype(np.int64)
        return residual

    def cost(self, packing: Packing) -> int:
        """Price of all hosts, micros per hour."""
        return int(self.problem.classes.price[packing.host_class].sum())
