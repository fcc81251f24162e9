"""links.csv: what every port and every bundle carries, and how near to its capacity that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.capacity import CapacityModel
from placement.plan.findings import Finding
from placement.units import BoolArray, FloatArray, IntArray, exact
from placement.verify.collector import Collector
from placement.verify.network_fabric import DATABASE, PLANES, SERVICE, Fabric, Place, in_plane
from placement.verify.network_flows import Flows, end_loads, place_matrix
from placement.verify.network_hosts import Ports, has_database_port, host_node
from placement.verify.network_routes import Loads, Roads, loads_of, roads
from placement.verify.view import PlanView, whole

FILE = "links.csv"
LEVELS = ("ok", "warning", "critical")

_SLACK_KBPS = 1e-6
_TOLERANCE_KBPS, _TOLERANCE_SHARE = 1.0, 1e-9
_ROUNDING = 0.51e-6
"""Of utilizations, which have six decimals."""

_KBPS = 1000
"""In one Mbps."""


@dataclass(frozen=True)
class Carried:
    """What the network carries.

    Parameters
    ----------
    links
        What links.csv must hold: its columns, `capacity_kbps` and `load_kbps` for capacity and load; sorted by `link`.
    ends
        Nodes that are ends of traffic, by plane.
    traffic_kbps
        float64[num_ends, num_ends] by plane: traffic between them.
    """

    links: pl.DataFrame
    ends: dict[str, tuple[str, ...]]
    traffic_kbps: dict[str, FloatArray]


def carried(plan: PlanView, fabric: Fabric, ports: Ports, flows: Flows, regions: Sequence[str]) -> Carried:
    """Return the loads of all ports and links.

    Parameters
    ----------
    plan
        The plan; each host stands in a leaf.
    fabric, ports, flows
        Its network, the hosts' NICs, the traffic.
    regions
        Names of all regions, as the flows count them.
    """
    host_places: list[Place] = list(plan.plan.hosts.select("region", "zone", "segment").iter_rows())
    places = list(fabric.leaves)
    at = {place: row for row, place in enumerate(places)}
    place_idx = np.array([*(at[place] for place in host_places), *range(len(places), len(places) + len(regions))])
    place_idx = place_idx.astype(np.int64)
    parts = [_port_rows(plan, fabric, ports, flows, len(place_idx))]
    matrices = _plane_matrices(fabric, places, flows, place_idx, len(regions))
    ends: dict[str, tuple[str, ...]] = {}
    traffic: dict[str, FloatArray] = {}
    for plane in PLANES:
        nodes = []
        for row, place in enumerate(places):
            node = fabric.node(place, plane)
            if node is not None:
                nodes.append((row, node, 1.0))
        if plane == SERVICE:
            for row, region in enumerate(regions):
                switches = fabric.edges.get(region, ())
                nodes += [(len(places) + row, name, 1.0 / len(switches)) for name in switches]
        rows = np.array([row for row, _, _ in nodes], dtype=np.int64)
        part = np.array([share for _, _, share in nodes])
        ends_of = [name for _, name, _ in nodes]
        matrix = matrices[plane][np.ix_(rows, rows)] * part[:, None] * part[None, :]
        network = roads(fabric.planes[plane])
        number = {name: at for at, name in enumerate(network.names)}
        loads = loads_of(matrix, np.array([number[name] for name in ends_of], dtype=np.int64), network)
        parts.append(_bundle_rows(fabric, plane, network, loads))
        ends[plane], traffic[plane] = tuple(ends_of), matrix
    return Carried(pl.concat(parts).sort("link"), ends, traffic)


def _plane_matrices(
    fabric: Fabric, places: Sequence[Place], flows: Flows, place_idx: IntArray, num_regions: int
) -> dict[str, FloatArray]:
    """Return the traffic between places by plane: the last places are the edges."""
    number = len(places) + num_regions
    service = place_matrix(flows, place_idx, number, is_database=False)
    database = place_matrix(flows, place_idx, number, is_database=True)
    apart = np.array([fabric.node(place, DATABASE) is not None for place in places] + [False] * num_regions)
    both = apart[:, None] & apart[None, :]
    return {SERVICE: service + np.where(both, 0.0, database), DATABASE: np.where(both, database, 0.0)}


def _port_rows(plan: PlanView, fabric: Fabric, ports: Ports, flows: Flows, num_ends: int) -> pl.DataFrame:
    num_hosts = plan.num_hosts
    of_database, of_service = (end_loads(flows, num_ends, is_database) for is_database in (True, False))
    has_port = has_database_port(ports)
    hosts = plan.plan.hosts
    places = list(hosts.select("region", "zone", "segment").iter_rows())
    frames = []
    for plane in PLANES:
        is_database = plane == DATABASE
        chosen = np.flatnonzero(has_port) if is_database else np.arange(num_hosts)
        capacity = ports.database_kbps if is_database else ports.capacity_kbps - ports.database_kbps
        names = [host_node(plan.hosts[row], plane) for row in chosen.tolist()]
        leaves = [in_plane(fabric.leaves[places[row]], plane) for row in chosen.tolist()]
        for way in (0, 1):
            here, there = of_database[way][:num_hosts], of_service[way][:num_hosts]
            load = here if is_database else there + np.where(has_port, 0.0, here)
            one, other = (names, leaves) if way == 0 else (leaves, names)
            kind = "nic-database" if is_database else "nic"
            ones = np.ones(len(chosen), dtype=np.int64)
            frames.append(_rows(kind, plane, one, other, ones, capacity[chosen], load[chosen]))
    return pl.concat(frames)


def _bundle_rows(fabric: Fabric, plane: str, network: Roads, loads: Loads) -> pl.DataFrame:
    one = [network.names[at] for at in network.tail.tolist()]
    other = [network.names[at] for at in network.head.tolist()]
    kinds = [fabric.kind(here, there, plane) for here, there in zip(one, other, strict=True)]
    frame = _rows("", plane, one, other, network.links, network.capacity_kbps, loads.load_kbps)
    return frame.with_columns(kind=pl.Series(kinds, dtype=pl.String))


def _rows(
    kind: str,
    plane: str,
    one: Sequence[str],
    other: Sequence[str],
    links: IntArray,
    capacity_kbps: IntArray,
    load_kbps: FloatArray,
) -> pl.DataFrame:
    ends = pl.DataFrame({"from": one, "to": other}, schema={"from": pl.String, "to": pl.String})
    return ends.select(
        pl.concat_str("from", pl.lit(">"), "to").alias("link"),
        pl.lit(kind).alias("kind"),
        pl.lit(plane).alias("network"),
        "from",
        "to",
        links=pl.Series(links, dtype=pl.Int64),
        capacity_kbps=pl.Series(capacity_kbps, dtype=pl.Int64),
        load_kbps=pl.Series(load_kbps, dtype=pl.Float64),
    )


def link_levels(load_kbps: IntArray, capacity_kbps: IntArray, model: CapacityModel) -> pl.Series:
    """Return the level of each link: how near to its capacity its load is, by the model's thresholds."""
    threshold = model.alert_thresholds["network"]
    at_least = threshold.comparison == "at-least"
    level = np.zeros(len(load_kbps), dtype=np.int64)
    for number, share in ((1, exact(threshold.warning)), (2, exact(threshold.critical))):
        # in Python's integers, which are exact however large
        most = capacity_kbps.astype(object) * share.numerator
        load = load_kbps.astype(object) * share.denominator
        level[(load > most) | (at_least & (load == most))] = number
    return pl.Series([LEVELS[number] for number in level.tolist()], dtype=pl.String)


def check_links(stated: pl.DataFrame, right: pl.DataFrame, model: CapacityModel, found: Collector) -> pl.DataFrame:
    """Report rows of links.csv that are missing, unknown or wrong, and links that carry more than they can.

    Returns
    -------
    Frame
        The right rows with `load_kbps` as integers: as stated where that is within rounding, as recomputed elsewhere;
        and their `level`.
    """
    is_first = stated["link"].is_first_distinct()
    for row in (~is_first).arg_true().to_list():
        found.add("link-unknown", f"{stated['link'][row]} is listed more than once", file=FILE, row=row + 1)
    wanted = right.rename({name: f"right_{name}" for name in right.columns if name != "link"})
    both = stated.with_row_index("row").filter(is_first).join(wanted, on="link", how="left", maintain_order="left")
    for row, name in both.filter(pl.col("right_kind").is_null()).select("row", "link").iter_rows():
        found.add("link-unknown", f"the network has no link {name}", file=FILE, row=row + 1)
    for name in right.join(stated, on="link", how="anti")["link"].to_list():
        found.add("link-missing", f"{name} is not listed", file=FILE)
    known = both.filter(pl.col("right_kind").is_not_null())
    accepted = _check_rows(known, model, found)
    final = right.join(accepted, on="link", how="left", maintain_order="left").with_columns(
        load_kbps=pl.col("accepted").fill_null((pl.col("load_kbps") - _SLACK_KBPS).ceil().cast(pl.Int64))
    )
    level = link_levels(final["load_kbps"].to_numpy(), final["capacity_kbps"].to_numpy(), model)
    final = final.drop("accepted").with_columns(level=level)
    report_overloads(final, found)
    return final


def _check_rows(known: pl.DataFrame, model: CapacityModel, found: Collector) -> pl.DataFrame:
    """Report wrong cells; return the loads to go by: `link` and `accepted` (kbit/s)."""
    for column in ("kind", "network", "from", "to", "links"):
        wrong = (known[column] != known[f"right_{column}"]).to_numpy()
        _report(known, wrong, found, column, known[column].to_list(), known[f"right_{column}"].to_list())
    capacity, right_capacity = whole(known["capacity_mbps"], _KBPS), known["right_capacity_kbps"].to_numpy()
    _report_mbps(known, capacity != right_capacity, found, "capacity_mbps", right_capacity)
    load, right_load = whole(known["load_mbps"], _KBPS), known["right_load_kbps"].to_numpy()
    rounded = np.maximum(np.ceil(right_load - _SLACK_KBPS), 0.0).astype(np.int64)
    off = np.abs(load - rounded) > _TOLERANCE_KBPS + _TOLERANCE_SHARE * right_load
    _report_mbps(known, off, found, "load_mbps", rounded)
    check_shares(known, load, right_capacity, ~off, found)
    levels = link_levels(load, right_capacity, model)
    wrong_level = (known["level"] != levels).to_numpy() & ~off
    _report(known, wrong_level, found, "level", known["level"].to_list(), levels.to_list())
    return known.select("link", accepted=pl.Series(np.where(off, rounded, load)))


def check_shares(
    known: pl.DataFrame, load_kbps: IntArray, capacity_kbps: IntArray, is_sure: BoolArray, found: Collector
) -> None:
    """Report utilizations that are not load over capacity, in rows whose load is sure.

    Parameters
    ----------
    known
        Rows of links.csv with their number as `row`.
    is_sure
        bool[num_rows].
    """
    right = load_kbps / np.maximum(capacity_kbps, 1)
    wrong = (np.abs(known["utilization"].to_numpy() - right) > _ROUNDING) & is_sure
    _report(known, wrong, found, "utilization", known["utilization"].to_list(), right.tolist())


def _report_mbps(known: pl.DataFrame, wrong: BoolArray, found: Collector, column: str, right_kbps: IntArray) -> None:
    _report(known, wrong, found, column, known[column].to_list(), (right_kbps / _KBPS).tolist())


def _report(
    known: pl.DataFrame,
    wrong: BoolArray,
    found: Collector,
    column: str,
    said: Sequence[object],
    right: Sequence[object],
) -> None:
    def tell(at: int) -> Finding:
        is_number = isinstance(right[at], float | int)
        return Finding(
            "link-wrong",
            f"{known['link'][at]}: {column} is {said[at]}, it must be {right[at]}",
            value=float(said[at]) if is_number else None,  # type: ignore[arg-type]
            limit=float(right[at]) if is_number else None,  # type: ignore[arg-type]
            file=FILE,
            row=int(known["row"][at]) + 1,
        )

    found.add_rows("link-wrong", np.flatnonzero(wrong), tell)


def overloaded(links: pl.DataFrame) -> pl.DataFrame:
    """Return the links that carry more than their capacity."""
    return links.filter(pl.col("load_kbps") > pl.col("capacity_kbps"))


def report_overloads(links: pl.DataFrame, found: Collector) -> None:
    """Report every link that carries more than its capacity."""
    for name, load, capacity in overloaded(links).select("link", "load_kbps", "capacity_kbps").iter_rows():
        message = f"{name} would carry {load / _KBPS:,.12g} Mbps, its capacity is {capacity / _KBPS:,.12g}"
        found.add("link-overloaded", message, value=load / _KBPS, limit=capacity / _KBPS, file=FILE)
