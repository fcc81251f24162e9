"""A packing laid out for replanning: who stands on which host, and what room each host has."""

from __future__ import annotations

import numpy as np

from placement.packing import kernels as packing_kernels
from placement.packing.state import Packing, Workspace
from placement.replan import kernels
from placement.units import BoolArray, FloatArray, IntArray

_MORE_MEMBERS = 16


class Board:
    """A packing and what the kernels need of it; they change `packing.host_of` in place."""

    def __init__(self, workspace: Workspace, packing: Packing) -> None:
        self.workspace = workspace
        self.packing = packing
        num_hosts = len(packing.host_class)
        num_instances = len(packing.host_of)
        most = np.bincount(packing.host_of + 1, minlength=num_hosts + 1)[1:].max(initial=0)
        self.members = np.full((num_hosts, int(2 * most + _MORE_MEMBERS)), -1, np.int64)
        self.num_members = np.zeros(num_hosts, np.int64)
        slot = np.full(num_instances, -1, np.int64)
        waiting = np.empty(num_instances, np.int64)
        packing_kernels.seat(packing.host_of, self.members, self.num_members, slot, waiting)
        self.residual = workspace.residual(packing)
        problem = workspace.problem
        self._rules = (
            problem.max_per_host, problem.spread, problem.spread_limit, packing.domain, *workspace.rules,
        )  # fmt: skip
        self._state = (
            problem.demand, workspace.service_of, workspace.first, packing.host_of, self.members, self.num_members,
            self.residual,
        )  # fmt: skip
        limit = np.maximum(problem.classes.limit.max(axis=0, initial=1), 1)
        self.scale: FloatArray = 1.0 / limit
        hosts = np.bincount(packing.host_class, minlength=len(problem.classes))
        self.weight = workspace.pressures(problem.instances, hosts)[0] + 1e-9 * self.scale

    def by_size(self, instances: IntArray) -> IntArray:
        """Return instances, the largest first."""
        size = self.workspace.problem.demand[self.workspace.service_of[instances]] @ self.weight
        return instances[np.argsort(-size, kind="stable")]

    def evict(self) -> int:
        """Take off their hosts what breaks a rule or a limit; return how many went."""
        standing = np.flatnonzero(self.packing.host_of >= 0)
        # of two that do not go together the smaller one leaves
        order = self.by_size(standing)[::-1].copy()
        return int(kernels.evict(order, *self._state, *self._rules, self.scale))

    def insert(self, instances: IntArray, is_open: BoolArray) -> int:
        """Place instances where they leave least room, moving nothing else; return how many found none."""
        order = self.by_size(instances)
        return int(kernels.insert(order, *self._state, *self._rules, self.weight, is_open))

    def on(self, h: int) -> IntArray:
        """Return what stands on a host."""
        return self.members[h, : self.num_members[h]].copy()

    def empty_host(self, h: int, is_open: BoolArray) -> bool:
        """Move everything on a host elsewhere if there is room (`is_open` is then False there), or do nothing."""
        order = self.by_size(self.on(h))
        return bool(kernels.empty_host(h, order, *self._state, *self._rules, self.weight, is_open))
