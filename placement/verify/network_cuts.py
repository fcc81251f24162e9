"""Cuts in plan.json: sets of nodes whose traffic to the rest is more than all links between them can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from placement.plan.types import Cut
from placement.units import FloatArray
from placement.verify.collector import Collector
from placement.verify.network_fabric import SERVICE, Fabric
from placement.verify.network_links import Carried
from placement.verify.network_summary import FILE

_KBPS = 1000
_TOLERANCE_KBPS, _TOLERANCE_SHARE = 2.0, 1e-6


@dataclass(frozen=True)
class _Side:
    """The two sides of a cut, in the direction that it is about: what sends, and what receives."""

    senders: frozenset[str]
    receivers: frozenset[str]


def check_cuts(cuts: Sequence[Cut], fabric: Fabric, carries: Carried, found: Collector) -> None:
    """Report cuts of nodes that there are not, with a demand or capacity that is another, or that prove nothing."""
    for number, cut in enumerate(cuts, start=1):
        for message in _problems(cut, fabric, carries):
            found.add("network-cut-wrong", f"cut {number}: {message}", file=FILE)


def _problems(cut: Cut, fabric: Fabric, carries: Carried) -> list[str]:
    graph = fabric.planes[cut.network]
    inside = frozenset(cut.nodes)
    unknown = sorted(inside - set(graph))
    if unknown or not inside or len(inside) != len(cut.nodes):
        return [f"the {cut.network} network has no node {unknown[0]}" if unknown else "its nodes are none, or repeated"]
    outside = frozenset(graph) - inside
    side = _Side(inside, outside) if cut.direction == "out" else _Side(outside, inside)
    capacity_kbps = cut_capacity_kbps(graph, inside)
    if cut.holds_for == "routing":
        demand_kbps = _crossing_kbps(carries.ends[cut.network], carries.traffic_kbps[cut.network], side)
    elif cut.network == SERVICE:
        demand_kbps = _edge_kbps(fabric, carries, side)
    else:
        return ["what must go to the edge goes over the service network"]
    stated_kbps = cut.demand_mbps * _KBPS
    if cut.holds_for == "placement" and capacity_kbps < stated_kbps < demand_kbps:
        demand_kbps = stated_kbps  # less than what must cross proves it as well
    messages = []
    for name, stated_mbps, right_kbps in (
        ("demand", cut.demand_mbps, demand_kbps),
        ("capacity", cut.capacity_mbps, capacity_kbps),
    ):
        if not abs(stated_mbps * _KBPS - right_kbps) <= _TOLERANCE_KBPS + _TOLERANCE_SHARE * right_kbps:
            messages.append(f"its {name} is said to be {stated_mbps:,.12g} Mbps, it is {right_kbps / _KBPS:,.12g}")
    if not messages and demand_kbps <= capacity_kbps:
        messages.append(f"a demand of {demand_kbps / _KBPS:,.12g} Mbps fits {capacity_kbps / _KBPS:,.12g}")
    return messages


def cut_capacity_kbps(graph: nx.Graph, inside: frozenset[str]) -> int:
    """Return what all links between some nodes and the others can take in one direction, kbit/s."""
    return sum(
        data["links"] * data["capacity_kbps"]
        for one, other, data in graph.edges(data=True)
        if (one in inside) != (other in inside)
    )


def _crossing_kbps(ends: Sequence[str], traffic_kbps: FloatArray, side: _Side) -> float:
    sends = np.array([name in side.senders for name in ends], dtype=np.bool_)
    receives = np.array([name in side.receivers for name in ends], dtype=np.bool_)
    return float(traffic_kbps[np.ix_(sends, receives)].sum())


def _edge_kbps(fabric: Fabric, carries: Carried, side: _Side) -> float:
    """Return what must cross between leaves and edges wherever instances and nodes stand.

    Only regions count whose leaves are all on one side: what they exchange with each switch of the edge on the other
    is the same in every placement.
    """
    leaves = _leaves_by_region(fabric)
    total = 0.0
    for region, switches in fabric.edges.items():
        own, edge = leaves.get(region, frozenset()), frozenset(switches)
        if own and own <= side.senders:
            between = _Side(own, edge & side.receivers)
        elif own and own <= side.receivers:
            between = _Side(edge & side.senders, own)
        else:
            continue
        total += _crossing_kbps(carries.ends[SERVICE], carries.traffic_kbps[SERVICE], between)
    return total


def _leaves_by_region(fabric: Fabric) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for place in fabric.leaves:
        node = fabric.node(place, SERVICE)
        if node is not None:
            found.setdefault(place[0], set()).add(node)
    return {region: frozenset(names) for region, names in found.items()}
