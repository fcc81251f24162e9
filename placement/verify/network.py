"""The check of the network, step by step."""

from __future__ import annotations

import numpy as np

from placement.plan.types import NetworkSummary
from placement.units import FloatArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.network_cuts import check_cuts
from placement.verify.network_flows import Flows, end_loads
from placement.verify.network_hosts import all_regions, check_nics, check_segments, plan_fabric, right_ports
from placement.verify.network_links import carried, check_links
from placement.verify.network_mends import Mendable, check_mends
from placement.verify.network_summary import (
    NetworkFigures,
    check_alerts,
    check_link_figures,
    check_tier,
    check_topology_figures,
    check_violations,
)
from placement.verify.network_traffic import plan_flows
from placement.verify.view import PlanView

_UNSETTLING = frozenset({
    "fleet-differs", "unknown-service", "unknown-instance", "unknown-host", "instance-twice", "instance-missing",
    "wrong-region", "wrong-pool", "host-twice", "host-differs", "host-not-active", "unknown-pool", "pool-not-planned",
    "unknown-size", "unknown-location", "used-wrong", "instances-wrong", "unknown-workload", "node-twice",
    "node-missing", "node-surplus", "node-differs", "node-name-wrong", "role-wrong", "shard-wrong", "database-missing",
    "database-unneeded", "database-twice", "cache-missing", "cache-unneeded", "cache-twice", "unknown-cluster",
    "cluster-twice", "cluster-unused", "cluster-region", "arrangement-wrong", "cluster-name-wrong", "segment-unknown",
    "nic-unknown", "nic-wrong",
})  # fmt: skip
"""Findings after which nobody knows what the links should carry: they are told, and not once more for every link."""

UNSETTLED = (
    "links, their alerts, violations, cuts and mends: not checked, because hosts, assignments, nodes or clusters "
    "contradict the fleet or each other"
)


def check_network(plan: PlanView, facts: FleetFacts, found: Collector) -> bool:
    """Check NICs, segments, links, and what plan.json says of them; return whether links could be checked.

    Parameters
    ----------
    plan
        The plan with the segments that it says.
    facts
        The fleet.
    found
        Takes the findings, and has those of everything before.
    """
    if not plan.num_hosts and not plan.plan.links.height and plan.plan.summary.network is None:
        return True
    ports = right_ports(plan, facts)
    check_nics(plan, ports, facts, found)
    fabric = plan_fabric(plan.plan, ports, facts)
    check_segments(plan.plan, fabric, facts, found)
    if _UNSETTLING & found.counts.keys():
        return False
    model, summary = facts.fleet.model, plan.plan.summary
    regions = all_regions(facts)
    flows = plan_flows(plan, facts, regions)
    carries = carried(plan, fabric, ports, flows, regions)
    links = check_links(plan.plan.links, carries.links, model, found)
    check_violations(summary, links, found)
    check_alerts(summary, links, model, found)
    check_tier(summary, ports, facts.fleet.services.height, model, found)
    if not isinstance(summary.network, NetworkSummary):
        NetworkFigures(found).add("network is missing")
        return True
    check_topology_figures(summary.network, fabric, flows.by_type(), found)
    check_link_figures(summary.network, links, found)
    check_cuts(summary.network.cuts, fabric, carries, found)
    if summary.network.mends:
        hosts = {name: row for row, name in enumerate(plan.hosts)}
        classes = _classes_kbps(flows, plan.num_hosts, len(regions))
        check_mends(summary.network.mends, Mendable(fabric, carries, links, hosts, ports, classes, model), found)
    return True


def _classes_kbps(flows: Flows, num_hosts: int, num_regions: int) -> FloatArray:
    """Return what hosts send and receive by class: float64[num_hosts, 2, 2], kbit/s."""
    both = [np.stack(end_loads(flows, num_hosts + num_regions, is_database), axis=1) for is_database in (False, True)]
    return np.stack(both, axis=2)[:num_hosts]
