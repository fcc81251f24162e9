"""A plan's network as it stands: wiring, traffic and loads together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.capacity.sizes import NicPorts
from placement.fleet.types import Fleet
from placement.network.loads import Loads, loads
from placement.network.traffic import Traffic, plan_traffic
from placement.network.wiring import Wiring, host_ports, wiring
from placement.plan.types import Plan
from placement.units import FloatArray, IntArray


@dataclass(frozen=True)
class State:
    """A plan's network.

    Parameters
    ----------
    ports
        The hosts' NICs.
    leaf_of
        int64[num_hosts]: leaf of each host.
    """

    plan: Plan
    fleet: Fleet
    ports: Sequence[NicPorts]
    wiring: Wiring
    leaf_of: IntArray
    traffic: Traffic
    loads: Loads

    def excess(self, share: float) -> tuple[float, float]:
        """Return by how much links are above their capacity, and above a share of it, in kbit/s, all added up."""
        capacity = np.array(
            [[nic.service_kbps for nic in self.ports], [nic.database_kbps for nic in self.ports]], np.int64
        )
        pairs = [(self.loads.sent, capacity), (self.loads.received, capacity)]
        for layer, load in zip(self.wiring.layers, self.loads.bundles, strict=True):
            pairs += [(load, (layer.links * layer.capacity_kbps)[:, None])]
        over, above = ([np.maximum(load - part * most, 0.0).sum() for load, most in pairs] for part in (1.0, share))
        return float(sum(over)), float(sum(above))


def state_of(plan: Plan, fleet: Fleet) -> State:
    """Return the network of a plan whose hosts all have a segment."""
    ports = host_ports(fleet, plan.hosts)
    net = wiring(fleet, plan.hosts, ports)
    leaf_of = net.leaf_of(plan.hosts)
    traffic = plan_traffic(plan, fleet, net.regions)
    return State(plan, fleet, ports, net, leaf_of, traffic, loads(traffic, net, leaf_of, ports))


def utilization(load: IntArray, capacity: IntArray) -> FloatArray:
    """Return loads over capacities; what has no capacity counts as 1 kbit/s."""
    return load / np.maximum(capacity, 1)
