"""Which node is primary: moved to a replica's host where the primary's NIC is busier than it must be."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from placement.network.state import State
from placement.plan.types import Plan
from placement.units import FloatArray, IntArray, exact


def with_quieter_primaries(state: State, share: float) -> Plan | None:
    """Return the plan with primaries moved off hosts with a port above a share of its capacity; None: none can be.

    The estimate counts what clients of a primary send and what it sends its replicas, on the ports of hosts. Whether
    the plan is better for it shows when its loads are computed.
    """
    nodes = state.plan.nodes.with_row_index("row")
    copies = nodes.filter(pl.col("role") != "member").sort("workload", "shard", "node")
    if copies.is_empty():
        return None
    arriving = _arriving(state)
    host_row = {host: row for row, host in enumerate(state.plan.hosts["host"].to_list())}
    host_of = [host_row[host] for host in copies["host"]]
    groups: dict[tuple[str, int], list[int]] = {}
    for at, key in enumerate(copies.select("workload", "shard").iter_rows()):
        groups.setdefault(key, []).append(at)
    role = copies["role"].to_list()
    is_postgres = (copies["kind"] == "postgres").to_list()
    kinds = {
        True: float(exact(state.fleet.model.network.traffic["postgres"].reverse_share.typical)),
        False: float(exact(state.fleet.model.network.traffic["valkey"].reverse_share.typical)),
    }
    copied = float(exact(state.fleet.model.network.replication.share.typical))
    sent, received = state.loads.sums.sent.copy(), state.loads.sums.received.copy()
    capacity = np.array(
        [[max(1, nic.service_kbps) for nic in state.ports], [max(1, nic.database_kbps) for nic in state.ports]], float
    )
    primaries_on: dict[tuple[str, int], int] = {}
    by_primary: dict[int, list[tuple[float, tuple[str, int], int]]] = {}
    for key, members in groups.items():
        for at in members:
            if role[at] == "primary":
                primaries_on[key[0], host_of[at]] = primaries_on.get((key[0], host_of[at]), 0) + 1
                load = float(arriving.get((key[0], host_of[at]), 0.0))
                by_primary.setdefault(host_of[at], []).append((load, key, at))

    def used(host: int, port: int) -> float:
        return float(max(sent[port, host], received[port, host]) / capacity[port, host])

    moved = 0
    hot = np.maximum(sent / capacity, received / capacity).max(axis=0)
    for host in np.argsort(-hot, kind="stable")[: int((hot > share).sum())].tolist():
        for load, key, at in sorted(by_primary.get(host, []), reverse=True):
            port = _port(state, host, postgres=is_postgres[at])
            if used(host, port) <= share:
                break
            others = [other for other in groups[key] if other != at and not primaries_on.get((key[0], host_of[other]))]
            if not others or load <= 0:
                continue
            back = kinds[is_postgres[at]] * load + copied * load * (len(groups[key]) - 1)

            def after(other: int, load: float = load, back: float = back, at: int = at) -> float:
                there = host_of[other]
                port = _port(state, there, postgres=is_postgres[at])
                room = capacity[port, there]
                return float(max(sent[port, there] + back, received[port, there] + load) / room)

            best = min(others, key=after)
            if after(best) >= used(host, port):
                continue
            there = host_of[best]
            port_there = _port(state, there, postgres=is_postgres[at])
            sent[port, host] -= back
            received[port, host] -= load * (1 - copied)
            sent[port_there, there] += back
            received[port_there, there] += load * (1 - copied)
            role[at], role[best] = "replica", "primary"
            primaries_on[key[0], host] -= 1
            primaries_on[key[0], there] = primaries_on.get((key[0], there), 0) + 1
            moved += 1
    if not moved:
        return None
    new_role = np.array(state.plan.nodes["role"].to_list(), object)
    new_role[copies["row"].to_numpy()] = role
    nodes = state.plan.nodes.with_columns(pl.Series("role", new_role.tolist(), dtype=pl.String))
    return dataclasses.replace(state.plan, nodes=nodes)


def _port(state: State, host: int, *, postgres: bool) -> int:
    return int(postgres and state.ports[host].database_kbps > 0)


def _arriving(state: State) -> dict[tuple[str, int], float]:
    """Return what arrives forward at the primary of each workload on each host, in kbit/s."""
    primary = state.plan.nodes.filter(pl.col("role") == "primary").select("workload", "host")
    counts = dict(primary.group_by("workload").len().iter_rows())
    host_row = {host: row for row, host in enumerate(state.plan.hosts["host"].to_list())}
    sent = _by_cluster(state)
    return {
        (workload, host_row[host]): sent.get(workload, 0.0) / counts[workload] for workload, host in primary.iter_rows()
    }


def _by_cluster(state: State) -> dict[str, float]:
    """Return what services send to each cluster of databases or caches, in kbit/s."""
    totals: dict[str, float] = {}
    services = state.fleet.services["service"]
    for name, table in (("postgres", state.plan.databases), ("valkey", state.plan.caches)):
        per_service: FloatArray = np.zeros(len(services))
        for flow in state.traffic.flows:
            if flow.type == name:
                rows: IntArray = np.flatnonzero(flow.source_service >= 0)
                np.add.at(per_service, flow.source_service[rows], flow.source_kbps[rows])
        frame = pl.DataFrame({"service": services, "kbps": per_service})
        joined = table.select("service", "cluster").join(frame, on="service", how="left")
        totals |= dict(joined.group_by("cluster").agg(pl.col("kbps").sum()).iter_rows())
    return totals
