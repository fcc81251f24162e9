"""What caches ask for and what a Valkey holds: memory of services, and the kinds of single servers and clusters.

Memory of data is what decides; CPU and network come with the tier.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from placement.capacity import CapacityModel
from placement.capacity.figures import End
from placement.datatier.choice import Kind
from placement.datatier.node_price import NodePrices, node_demand
from placement.fleet.types import Fleet
from placement.units import IntArray, exact

MODES = ("single", "replicated", "cluster")


@dataclass(frozen=True)
class CacheKind:
    """A kind of Valkey that can be opened in a region.

    Parameters
    ----------
    mode
        One of `MODES`.
    tier
        Of its nodes.
    primaries, nodes
        How many it has; `nodes` counts replicas, too.
    limit_mb
        Memory of data that may be planned.
    price
        Of all nodes, micros per hour.
    """

    mode: str
    tier: str
    primaries: int
    nodes: int
    limit_mb: int
    price: int

    @property
    def max_per_host(self) -> int:
        """Most nodes on one host: no more than a shard has, so that primaries can keep apart, and one of a shard."""
        return min(self.nodes // self.primaries, self.primaries)

    @property
    def as_choice(self) -> Kind:
        """As the choice of clusters and its certificate know it."""
        return Kind(f"{self.tier}/{self.primaries}", (self.limit_mb,), self.price)


def memory_of_services(fleet: Fleet) -> IntArray:
    """Return the memory of each service's cache, int64[num_services] in MB: as given, else the model's estimate."""
    estimate = model_memory_mb(fleet.model, fleet.policy.demand)
    return fleet.services["valkey_mb"].fill_null(estimate).to_numpy().copy()


def model_memory_mb(model: CapacityModel, end: End) -> int:
    """Return the memory of a service that states none, in MB, rounded up: the sum of the terms × the overhead."""
    memory = model.valkey.memory_per_service
    total = sum((exact(term.memory_mb.at(end)) for term in memory.terms.values()), Fraction(0))
    return -(-total * exact(memory.overhead_factor.at(end)) // 1)


def replicas_per_primary(model: CapacityModel, end: End) -> int:
    """Return R, rounded up."""
    return -(-exact(model.valkey.clusters.replicas_per_primary.at(end)) // 1)


def node_limit_mb(model: CapacityModel, tier: str, end: End) -> int:
    """Return the memory of data that may be planned on a node of a tier, in MB, rounded down."""
    share = exact(model.valkey.clusters.memory_share.at(end))
    return exact(model.valkey.node_tiers[tier].max_memory_mb.at(end)) * share // 1


def cache_kinds(fleet: Fleet, prices: NodePrices, region: str) -> dict[str, tuple[CacheKind, ...]]:
    """Return the kinds of each mode that some host of the region can carry, fewest nodes first, then by tier.

    Parameters
    ----------
    prices
        Of nodes in the pool `caches`.
    """
    end = fleet.policy.demand
    clusters = fleet.model.valkey.clusters
    replicas = replicas_per_primary(fleet.model, end)
    least, most = -(-exact(clusters.min_primaries.at(end)) // 1), exact(clusters.max_primaries.at(end)) // 1
    shapes = {
        "single": [(1, 1)],
        "replicated": [(1, 1 + replicas)],
        "cluster": [(primaries, primaries * (1 + replicas)) for primaries in range(max(least, 1), most + 1)],
    }
    kinds: dict[str, list[CacheKind]] = {mode: [] for mode in MODES}
    for tier, row in fleet.model.valkey.node_tiers.items():
        price = prices.of(region, node_demand(row, end))
        limit = node_limit_mb(fleet.model, tier, end)
        if price is None or limit <= 0:
            continue
        for mode in MODES:
            kinds[mode] += [
                CacheKind(mode, tier, primaries, nodes, primaries * limit, nodes * price)
                for primaries, nodes in shapes[mode]
            ]
    return {mode: tuple(sorted(of_mode, key=lambda kind: kind.nodes)) for mode, of_mode in kinds.items()}
