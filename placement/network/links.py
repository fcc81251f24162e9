"""links.csv and what follows from it: levels, violations, alerts, the busiest links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from placement.capacity.planning_tables import AlertThreshold
from placement.capacity.sizes import NicPorts
from placement.fleet.types import leaf_name
from placement.network.loads import Loads, is_above
from placement.network.wiring import Wiring
from placement.plan.types import LINKS_SCHEMA, Alert, BusyLink
from placement.units import BoolArray, IntArray

THRESHOLD = "network"
"""Name of the row of the model's alert thresholds."""
NIC_METRIC = "NIC tier"
"""Metric of alerts about NICs below those of the network tier."""

_SHOWN_ALERTS = 20
_SHOWN_BUSY = 10
_DIGITS = 6


def link_table(
    hosts: Sequence[str],
    leaf_of: IntArray,
    ports: Sequence[NicPorts],
    wiring: Wiring,
    loads: Loads,
    threshold: AlertThreshold,
) -> pl.DataFrame:
    """Return links.csv.

    Parameters
    ----------
    hosts
        Names of the planned hosts.
    leaf_of
        int64[num_hosts]: their leaves.
    """
    parts = [_nics(np.array(hosts, object), leaf_of, ports, wiring, loads, port) for port in (0, 1)]
    parts += [_bundles(wiring, loads, number) for number in range(len(wiring.layers))]
    table = pl.concat(parts)
    load, capacity = (table[name].to_numpy() for name in ("load_kbps", "capacity_kbps"))
    level = np.full(len(table), "ok", object)
    for name, share in (("warning", threshold.warning), ("critical", threshold.critical)):
        level[is_above(load, capacity, share)] = name
    share_used = np.round(load / np.maximum(capacity, 1), _DIGITS)
    table = table.with_columns(
        pl.format("{}>{}", "from", "to").alias("link"),
        pl.Series("capacity_mbps", capacity / 1000),
        pl.Series("load_mbps", load / 1000),
        pl.Series("utilization", share_used),
        pl.Series("level", level, dtype=pl.String),
    )
    return table.select(list(LINKS_SCHEMA)).sort("link")


def _rows(
    kind: Any, network: str, tail: Any, head: Any, links: IntArray, capacity: IntArray, load: IntArray
) -> pl.DataFrame:
    size = len(links)
    return pl.DataFrame(
        {
            "kind": pl.Series([kind] * size if isinstance(kind, str) else kind, dtype=pl.String),
            "network": pl.Series([network] * size, dtype=pl.String),
            "from": pl.Series(list(tail), dtype=pl.String),
            "to": pl.Series(list(head), dtype=pl.String),
            "links": links.astype(np.int64),
            "capacity_kbps": capacity.astype(np.int64),
            "load_kbps": load.astype(np.int64),
        }
    )


def _nics(
    hosts: Any, leaf_of: IntArray, ports: Sequence[NicPorts], wiring: Wiring, loads: Loads, port: int
) -> pl.DataFrame:
    network = "database" if port else "service"
    capacity = np.array([nic.database_kbps if port else nic.service_kbps for nic in ports], np.int64)
    rows = np.flatnonzero(capacity > 0) if port else np.arange(len(hosts))
    names = np.array([leaf_name(*place, "database" if port else "service") for place in wiring.leaves], object)
    ends = hosts[rows] + "@database" if port else hosts[rows]
    leaves = names[leaf_of[rows]]
    kind = "nic-database" if port else "nic"
    ones = np.ones(len(rows), np.int64)
    return pl.concat(
        [
            _rows(kind, network, ends, leaves, ones, capacity[rows], loads.sent[port, rows]),
            _rows(kind, network, leaves, ends, ones, capacity[rows], loads.received[port, rows]),
        ]
    )


def _bundles(wiring: Wiring, loads: Loads, number: int) -> pl.DataFrame:
    layer = wiring.layers[number]
    nodes = np.array(layer.nodes, object)
    one, other = nodes[layer.ends[:, 0]], nodes[layer.ends[:, 1]]
    capacity = layer.links * layer.capacity_kbps
    load = loads.bundles[number]
    return pl.concat(
        [
            _rows(layer.kinds, layer.network, one, other, layer.links, capacity, load[:, 0]),
            _rows(layer.kinds, layer.network, other, one, layer.links, capacity, load[:, 1]),
        ]
    )


def overloaded(links: pl.DataFrame) -> tuple[dict[str, Any], ...]:
    """Return the violations: links with more load than capacity, by name."""
    over = links.filter(pl.col("load_mbps") > pl.col("capacity_mbps"))
    return tuple(
        {"kind": "link-overloaded", "link": link, "load_mbps": load, "capacity_mbps": capacity}
        for link, load, capacity in over.select("link", "load_mbps", "capacity_mbps").iter_rows()
    )


def busiest_first(links: pl.DataFrame) -> pl.DataFrame:
    """Return the links by utilization, the most used first."""
    return links.sort("utilization", "link", descending=[True, False])


def busiest(links: pl.DataFrame) -> tuple[BusyLink, ...]:
    """Return the links that are used most."""
    rows = busiest_first(links).select("link", "utilization").head(_SHOWN_BUSY).iter_rows()
    return tuple(BusyLink(link=link, utilization=share) for link, share in rows)


def levels(links: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many rows each kind of link has on each level."""
    counts = links.group_by("kind", "level").len().sort("kind", "level").iter_rows()
    found: dict[str, dict[str, int]] = {}
    for kind, level, number in counts:
        found.setdefault(kind, {"ok": 0, "warning": 0, "critical": 0})[level] = number
    return found


def link_alerts(links: pl.DataFrame, threshold: AlertThreshold) -> tuple[Alert, ...]:
    """Return the alerts of links above the warning level: the busiest one by one, the rest together."""
    busy = busiest_first(links.filter(pl.col("level") != "ok"))
    alerts: list[Alert] = []
    for row in busy.head(_SHOWN_ALERTS + 1).iter_rows(named=True):
        rest = len(busy) - _SHOWN_ALERTS
        limit = threshold.critical if row["level"] == "critical" else threshold.warning
        alerts.append(
            Alert(
                level=row["level"],
                metric=threshold.metric,
                where=row["link"] if len(alerts) < _SHOWN_ALERTS else f"{rest} more links",
                value=row["utilization"],
                limit=limit,
                advice="see network.mends in plan.json, or move what talks most (placement network)",
            )
        )
    return tuple(alerts)


def tier_alert(ports: Sequence[NicPorts], threshold_ports: NicPorts, words: tuple[str, str], *, dedicated: bool,
               shared_kbps: int) -> Alert | None:  # fmt: skip
    """Return the warning that hosts have a NIC below that of the network tier for the fleet's scale.

    Parameters
    ----------
    threshold_ports
        The tier's NIC.
    words
        The guide's requirement and recommendation.
    dedicated
        Whether the tier asks for a database network.
    shared_kbps
        Capacity from which a NIC without a database port is enough all the same.
    """
    below = is_below(ports, threshold_ports, dedicated=dedicated, shared_kbps=shared_kbps)
    number = int(below.sum())
    if not number:
        return None
    worst = min(port.capacity_kbps for port, is_low in zip(ports, below, strict=True) if is_low)
    return Alert(
        level="warning",
        metric=NIC_METRIC,
        where=f"{number} hosts",
        value=worst / 1000,
        limit=threshold_ports.capacity_kbps / 1000,
        advice=f"{words[0]} ({words[1]})",
    )


def is_below(ports: Sequence[NicPorts], tier: NicPorts, *, dedicated: bool, shared_kbps: int) -> BoolArray:
    """Return which NICs are below the tier's: bool[num_hosts]."""
    return np.array(
        [
            port.capacity_kbps < tier.capacity_kbps
            or (dedicated and not port.database_kbps and port.capacity_kbps < shared_kbps)
            for port in ports
        ],
        bool,
    )
