"""Items in clusters, with what the kernels of `cohesion` keep count of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.datatier.cohesion_kernels import Int32Array, seated
from placement.units import BoolArray, FloatArray, IntArray


@dataclass
class Seating:
    """An assignment in work; the arrays are those of `cohesion_kernels` and change in place."""

    demand: IntArray
    domain: IntArray
    limit: IntArray
    cluster_of: IntArray
    slot: IntArray
    members: Int32Array
    num_members: IntArray
    residual: IntArray
    count: Int32Array

    @classmethod
    def of(cls, demand: IntArray, domain: IntArray, limit: IntArray, cluster_of: IntArray) -> Seating:
        """Return the seating of items; `cluster_of` is copied."""
        return cls(demand, domain, limit, *_counted(demand, domain, limit, cluster_of))

    def put(self, cluster_of: IntArray) -> None:
        """Put items into these clusters."""
        found = _counted(self.demand, self.domain, self.limit, cluster_of)
        self.cluster_of, self.slot, self.members, self.num_members, self.residual, self.count = found

    @property
    def arrays(self) -> tuple[IntArray, IntArray, IntArray, IntArray, Int32Array, IntArray, IntArray, Int32Array]:
        """What all kernels begin with."""
        return (
            self.demand, self.domain, self.cluster_of, self.slot, self.members, self.num_members, self.residual,
            self.count,
        )  # fmt: skip

    @property
    def num_pairs(self) -> int:
        """Pairs of a domain and a cluster that it has items in."""
        return int((self.count > 0).sum())

    def shares(self, even: BoolArray) -> FloatArray:
        """Return the largest share used of a resource in each cluster: float64[num_clusters]."""
        counts = even[None, :] & (self.limit > 0)
        used = np.where(counts, (self.limit - self.residual) / np.maximum(self.limit, 1), 0.0)
        shares: FloatArray = used.max(axis=1)
        return shares


def _counted(
    demand: IntArray, domain: IntArray, limit: IntArray, cluster_of: IntArray
) -> tuple[IntArray, IntArray, Int32Array, IntArray, IntArray, Int32Array]:
    members, num_members, slot = seated(cluster_of, len(limit))
    residual = limit.copy()
    np.subtract.at(residual, cluster_of, demand)
    count = np.zeros((int(domain.max(initial=-1)) + 1, len(limit)), np.int32)
    has_one = domain >= 0
    np.add.at(count, (domain[has_one], cluster_of[has_one]), 1)
    return cluster_of.copy(), slot, members, num_members, residual, count
