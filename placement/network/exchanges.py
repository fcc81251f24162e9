"""Hosts of crowded segments exchanged with hosts of other segments in the same zone, nearer to whom they talk to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import polars as pl

from placement.network.kernels import partners
from placement.network.state import State
from placement.network.wiring import network_tier
from placement.plan.types import Plan
from placement.units import BoolArray, FloatArray, IntArray

_MOST_CELLS = 30_000_000
"""Hosts of a zone times leaves, beyond which no exchange is looked for."""


def exchanges(state: State, number: int) -> Iterator[Plan]:
    """Yield plans with one exchange (or move) each that should relieve the fullest uplink, the most promising first.

    A bought host, or a standing one that names no segment, changes places with another such host of its region and
    zone, or moves where there is room. Hosts with an instance that is spread over segments stay.
    """
    hot = _hottest(state)
    if hot is None:
        return
    place = state.wiring.leaves[hot]
    named = {(there.region, there.zone, there.segment) for there in state.fleet.topology.locations}
    # a derived segment is no place that a host of a named one could have, nor the other way round
    near = [
        n
        for n, other in enumerate(state.wiring.leaves)
        if other[:2] == place[:2] and (other in named) == (place in named)
    ]
    zone = np.flatnonzero(np.isin(state.leaf_of, near))
    size = len(state.wiring.leaves) + len(state.wiring.regions)
    if len(near) < 2 or len(zone) * size > _MOST_CELLS:
        return
    talks = _partners(state, zone, size)
    outside = talks.sum(axis=1)
    movable = _movable(state)[zone]
    uplink = _uplink_kbps(state)
    leaf_of = state.leaf_of[zone]
    used = np.bincount(leaf_of, weights=outside - talks[np.arange(len(zone)), leaf_of], minlength=size)
    room = _room(state)
    ours = np.flatnonzero(movable & (leaf_of == hot))
    found: list[tuple[float, int, int]] = []
    now = used[hot] / uplink[hot]
    for other in near:
        if other == hot or not len(ours):
            continue
        theirs = np.flatnonzero(movable & (leaf_of == other))
        # leaving makes a host's talk with its leaf cross the uplinks, and what it had with others cease to
        leave = -outside[ours] + 2 * talks[ours, hot]
        join = outside[ours] - 2 * talks[ours, other]
        if room[other] > 0:
            worst = np.maximum((used[hot] + leave) / uplink[hot], (used[other] + join) / uplink[other])
            found += [(float(value), int(zone[h]), -1 - other) for h, value in zip(ours, worst, strict=True)]
        if len(theirs):
            come = outside[theirs] - 2 * talks[theirs, hot]
            go = -outside[theirs] + 2 * talks[theirs, other]
            worst = np.maximum(
                (used[hot] + leave[:, None] + come[None, :]) / uplink[hot],
                (used[other] + join[:, None] + go[None, :]) / uplink[other],
            )
            best = np.argsort(worst, axis=None, kind="stable")[:number]
            found += [
                (float(worst.flat[k]), int(zone[ours[k // len(theirs)]]), int(zone[theirs[k % len(theirs)]]))
                for k in best.tolist()
            ]
    for value, host, other in sorted(found)[:number]:
        if value < now * (1 - 1e-9):
            yield _moved(state, host, other)


def _moved(state: State, host: int, other: int) -> Plan:
    """Return the plan with two hosts' segments exchanged, or one moved to leaf −1 − other."""
    segment = state.plan.hosts["segment"].to_list()
    if other < 0:
        segment[host] = state.wiring.leaves[-1 - other][2]
    else:
        segment[host], segment[other] = segment[other], segment[host]
    hosts = state.plan.hosts.with_columns(pl.Series("segment", segment, dtype=pl.String))
    return dataclasses.replace(state.plan, hosts=hosts)


def _hottest(state: State) -> int | None:
    """Return the leaf with the fullest uplink."""
    best: tuple[float, int] | None = None
    for layer, load in zip(state.wiring.layers, state.loads.bundles, strict=True):
        leaf_at = {int(node): leaf for leaf, node in enumerate(layer.leaf_node) if node >= 0}
        worst = load.max(axis=1, initial=0) / np.maximum(layer.links * layer.capacity_kbps, 1)
        for bundle in np.argsort(-worst, kind="stable").tolist():
            leaf = leaf_at.get(int(layer.ends[bundle, 0]))
            if leaf is not None:
                if best is None or worst[bundle] > best[0]:
                    best = (float(worst[bundle]), leaf)
                break
    return None if best is None else best[1]


def _partners(state: State, chosen: IntArray, size: int) -> FloatArray:
    """Return what hosts exchange with each leaf (and edge): float64[num_chosen, size]."""
    num_leaves = len(state.wiring.leaves)
    end_leaf = np.concatenate((state.leaf_of, num_leaves + np.arange(len(state.wiring.regions))))
    row = np.full(len(end_leaf), -1, np.int64)
    row[chosen] = np.arange(len(chosen))
    found = np.zeros((len(chosen), size))
    for flow in state.traffic.flows:
        partners(
            flow.source_start, flow.source_host, flow.source_kbps, flow.target_start, flow.target_host,
            flow.target_share, end_leaf, row, flow.forward + flow.reverse, found,
        )  # fmt: skip
    return found


def _uplink_kbps(state: State) -> FloatArray:
    """Return the capacity of each leaf's uplinks, of all networks together: float64[num_leaves]."""
    capacity = np.zeros(len(state.wiring.leaves))
    for layer in state.wiring.layers:
        at = {int(node): leaf for leaf, node in enumerate(layer.leaf_node) if node >= 0}
        for bundle, node in enumerate(layer.ends[:, 0].tolist()):
            if node in at:
                capacity[at[node]] += float(layer.links[bundle] * layer.capacity_kbps[bundle])
    return np.maximum(capacity, 1.0)


def _movable(state: State) -> BoolArray:
    """Return which hosts may change their segment: bool[num_hosts]."""
    fleet, plan = state.fleet, state.plan
    fixed = set(fleet.hosts.filter(pl.col("segment") != "")["host"].to_list())
    if any(location.segment for location in fleet.topology.locations):
        apart = fleet.services.filter((pl.col("spread") == "segment") & (pl.col("instances") > 1)).select("service")
        fixed |= set(plan.assignments.join(apart, on="service", how="semi")["host"].to_list())
    return np.array([host not in fixed for host in plan.hosts["host"]], bool)


def _room(state: State) -> IntArray:
    """Return for how many more hosts each leaf has room: int64[num_leaves]."""
    fleet = state.fleet
    most = int(network_tier(fleet).fabric.hosts_per_segment.typical)
    limit = {
        (place.region, place.zone, place.segment): place.max_hosts
        for place in fleet.topology.locations
        if place.segment
    }
    standing = set(fleet.hosts["host"].to_list())
    there: dict[tuple[str, str, str], int] = {}
    for place in fleet.hosts.select("region", "zone", "segment").iter_rows():
        there[place] = there.get(place, 0) + 1
    for host, *where in state.plan.hosts.select("host", "region", "zone", "segment").iter_rows():
        if host not in standing or (where[0], where[1], where[2]) not in limit:
            key = (where[0], where[1], where[2])
            there[key] = there.get(key, 0) + 1
    room = []
    for place in state.wiring.leaves:
        allowed = limit.get(place, most)
        room.append(1 << 30 if allowed is None else allowed - there.get(place, 0))
    return np.array(room, np.int64)
