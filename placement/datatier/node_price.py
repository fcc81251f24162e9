"""What a node costs before it has a host: the largest share of a host that it takes, at the host that suits it best."""

from __future__ import annotations

import numpy as np

from placement.capacity.datatier_tables import DatabaseTier, NodeFootprint
from placement.capacity.figures import End
from placement.fleet.types import Fleet, Pool
from placement.instance import HostClasses, pool_classes
from placement.units import RESOURCES, IntArray, scale_up


def node_demand(tier: NodeFootprint | DatabaseTier, end: End) -> IntArray:
    """Return what a node needs of its host: int64[num_resources], rounded up, in the order of `RESOURCES`.

    A database's storage is its disk.
    """
    names = {resource.name: resource.column for resource in RESOURCES}
    if isinstance(tier, DatabaseTier):
        names["disk"] = "storage_gb"
    return np.array(
        [int(scale_up(getattr(tier, names[resource.name]).at(end), resource.factor)) for resource in RESOURCES],
        np.int64,
    )


class NodePrices:
    """Prices of nodes in a pool, region by region.

    Parameters
    ----------
    fleet
        Whose hosts are meant.
    pool
        The pool they run in.
    """

    def __init__(self, fleet: Fleet, pool: Pool) -> None:
        self._fleet = fleet
        self._pool = pool
        self._classes: dict[str, HostClasses] = {}

    def of(self, region: str, demand: IntArray) -> int | None:
        """Return the price of a node in micros per hour, or None where no host of the region holds it.

        Parameters
        ----------
        demand
            int64[num_resources].
        """
        if region not in self._classes:
            self._classes[region] = pool_classes(self._fleet, self._pool, region)
        return node_price(self._classes[region], demand)


def node_price(classes: HostClasses, demand: IntArray) -> int | None:
    """Return the least of ⌈price × max_r demand_r / limit_r⌉, at least 1, over the classes that hold the node.

    Of a size whose stock is 0 there is no host. None where no class holds it.
    """
    found = []
    for limits, price, stock in zip(
        classes.limit.tolist(), classes.price.tolist(), classes.stock.tolist(), strict=True
    ):
        pairs = list(zip(demand.tolist(), limits, strict=True))
        if stock != 0 and all(amount <= limit for amount, limit in pairs):
            found.append(max(1, *(-(-price * amount // limit) for amount, limit in pairs if amount)))
    return min(found, default=None)
