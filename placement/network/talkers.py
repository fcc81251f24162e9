"""Who talks most over a link: the part of each service's traffic that passes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placement.network.kernels import passing, talk
from placement.network.state import State
from placement.network.traffic import Flow
from placement.network.wiring import leaf_nodes
from placement.units import FloatArray, IntArray


@dataclass(frozen=True)
class Talker:
    """What a service sends and receives over a link, in kbit/s; "" is what nodes send each other."""

    service: str
    kbps: float


def largest_talkers(state: State, link: str, number: int = 5) -> tuple[Talker, ...]:
    """Return the services with the most traffic over a link.

    Parameters
    ----------
    link
        Its name in links.csv.

    Raises
    ------
    KeyError
        If there is no such link.
    """
    of_service = np.zeros(len(state.fleet.services) + 1)
    for flow, kbps in _over(state, link):
        np.add.at(of_service, flow.source_service, kbps)
    names = [*state.fleet.services["service"].to_list(), ""]
    order = np.argsort(-of_service, kind="stable")[:number]
    return tuple(Talker(names[n], float(of_service[n])) for n in order.tolist() if of_service[n] > 0)


def _over(state: State, link: str) -> list[tuple[Flow, FloatArray]]:
    tail, _, head = link.partition(">")
    rows = {name: row for row, name in enumerate(state.plan.hosts["host"].to_list())}
    for host, is_out in ((tail, True), (head, False)):
        name, _, network = host.partition("@")
        if name in rows:
            return [
                (flow, _of_host(flow, rows[name], is_out=is_out))
                for flow in state.traffic.flows
                if (flow.is_database and state.ports[rows[name]].database_kbps > 0) == (network == "database")
            ]
    for number, router in enumerate(state.loads.routers):
        layer = router.layer
        node = {name: n for n, name in enumerate(layer.nodes)}
        if tail not in node or head not in node:
            continue
        for turned in (0, 1):
            ends = (node[tail], node[head]) if not turned else (node[head], node[tail])
            found = np.flatnonzero((layer.ends == np.array(ends)).all(axis=1))
            if len(found):
                part = np.zeros((len(router.targets),) * 2)
                links = np.repeat(layer.links, 2)
                edge = 2 * int(found[0]) + turned
                passing(router.start, router.neighbour, router.edge, links, router.targets, edge, part)
                return _of_bundle(state, number, part)
    raise KeyError(link)


def _of_host(flow: Flow, host: int, *, is_out: bool) -> FloatArray:
    """Return what of each source's traffic leaves (or enters) a host."""
    group = np.repeat(np.arange(len(flow.source_start) - 1), np.diff(flow.source_start))
    target_group = np.repeat(np.arange(len(flow.target_start) - 1), np.diff(flow.target_start))
    here = flow.target_host == host
    share = np.bincount(target_group[here], flow.target_share[here], minlength=len(flow.source_start) - 1)[group]
    is_source = flow.source_host == host
    leaves = flow.source_kbps * is_source * (1.0 - share)
    enters = flow.source_kbps * ~is_source * share
    passed: FloatArray = flow.forward * (leaves if is_out else enters) + flow.reverse * (enters if is_out else leaves)
    return passed


def _of_bundle(state: State, number: int, part: FloatArray) -> list[tuple[Flow, FloatArray]]:
    wiring = state.wiring
    router = state.loads.routers[number]
    size = len(wiring.leaves) + len(wiring.regions)
    folded = np.zeros((size, size))
    weight = router.part[:, None] * router.part[None, :]
    np.add.at(folded, (router.row[:, None], router.row[None, :]), part * weight)
    np.fill_diagonal(folded, 0.0)
    end_leaf: IntArray = np.concatenate((state.leaf_of, len(wiring.leaves) + np.arange(len(wiring.regions))))
    found = []
    for flow in state.traffic.flows:
        here = folded
        if len(wiring.layers) > 1:
            on_database = leaf_nodes(wiring.layers[1], size)
            both = on_database[:, None] & on_database[None, :]
            if number == 1:
                if not flow.is_database:
                    continue
                here = np.where(both, folded, 0.0)
            elif flow.is_database:
                here = np.where(both, 0.0, folded)
        kbps = np.zeros(len(flow.source_kbps))
        talk(
            flow.source_start, flow.source_host, flow.source_kbps, flow.target_start, flow.target_host,
            flow.target_share, end_leaf, np.ascontiguousarray(flow.forward * here),
            np.ascontiguousarray(flow.reverse * here.T), kbps,
        )  # fmt: skip
        found.append((flow, kbps))
    return found
