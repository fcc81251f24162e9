"""Fourth part, where the plan has links: loads by segment on a drawn topology.

Segments stand at the bottom, the switches that they reach in one hop above them, and so on up to the cores. A bundle of
links is a line, as thick and as coloured as its busier direction.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from placement.report.charts import histogram, key
from placement.report.markup import Child, Html, amount, count, h, join, percent, table

LINKS_SCHEMA: dict[str, pl.DataType] = {
    "link": pl.String(),
    "kind": pl.String(),
    "network": pl.String(),
    "from": pl.String(),
    "to": pl.String(),
    "links": pl.Int64(),
    "capacity_mbps": pl.Float64(),
    "load_mbps": pl.Float64(),
    "utilization": pl.Float64(),
    "level": pl.String(),
}
"""Columns of links.csv that are drawn; others may be there."""

_KIND_TITLES = {
    "nic": "NICs",
    "nic-database": "Database ports",
    "uplink": "Segment uplinks",
    "trunk": "Trunks between switches",
    "backbone": "Backbone between regions",
}
_LEVELS = ("ok", "warning", "critical")
_MOST_BUSY = 15
_MOST_LINES = 900
"""Bundles drawn one by one; with more, only the busiest are, and all that are above a threshold."""
_WIDTH, _LAYER = 1000.0, 110.0
_LEAST_ROOM = 42.0
"""Width that a name needs."""


def network_section(links: pl.DataFrame) -> Html | None:
    """Return the network's loads, None where there are no links.

    Parameters
    ----------
    links
        A row per direction of a NIC or bundle, with (at least) the columns of `LINKS_SCHEMA`.
    """
    if links.is_empty() or not set(LINKS_SCHEMA) <= set(links.columns):
        return None
    bundles = links.filter(~pl.col("kind").str.starts_with("nic"))
    planes = sorted(bundles["network"].unique())
    drawings = [_drawing(plane, bundles.filter(pl.col("network") == plane)) for plane in reversed(planes)]
    return h(
        "section",
        h("h2", "Network loads"),
        h(
            "p.note",
            "Segments below, switches above. Lines are bundles of links, thicker the busier their busier direction is; "
            "point at one for its load.",
        ),
        h("div.legend", [h("span", key(f"fill-{level}"), f" {level}") for level in _LEVELS]),
        drawings,
        h(
            "div.columns",
            [_kind(kind, links.filter(pl.col("kind") == kind)) for kind in _KIND_TITLES if kind in set(links["kind"])],
        ),
        _busiest(links),
        id="network",
    )


def _kind(kind: str, links: pl.DataFrame) -> Html:
    used = links["utilization"].to_numpy().astype(float)
    levels = {level: int((links["level"] == level).sum()) for level in _LEVELS}
    over = ", ".join(f"{count(number)} {level}" for level, number in levels.items() if number and level != "ok")
    return h(
        "figure",
        h("figcaption", h("b", _KIND_TITLES[kind]), f" {count(len(links))} directions, {over or 'all ok'}"),
        histogram(used, f"{_KIND_TITLES[kind]} by utilisation", "directions"),
        h("div.axis", h("span", "0 %"), h("span", "50 %"), h("span", "100 %"), aria_hidden="true"),
    )


def _busiest(links: pl.DataFrame) -> Html:
    rows: list[list[Child]] = [
        [
            row["from"],
            row["to"],
            row["kind"],
            amount(row["load_mbps"] / 1000, "Gbps"),
            amount(row["capacity_mbps"] / 1000, "Gbps"),
            percent(row["utilization"]),
            h(f"span.level.{row['level'] if row['level'] in _LEVELS else 'ok'}", row["level"]),
        ]
        for row in links.sort(["utilization", "link"], descending=[True, False]).head(_MOST_BUSY).iter_rows(named=True)
    ]
    heads = ["From", "To", "Kind", "Load", "Capacity", "Use", "Level"]
    return table("The busiest links, one row per direction", heads, rows, numbers=(3, 4, 5))


# --- the drawing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bundle:
    ends: tuple[str, str]
    kind: str
    utilization: float
    level: str
    title: str


def _drawing(plane: str, links: pl.DataFrame) -> Html:
    bundles = _bundles(links)
    place = _places(bundles)
    height = (max((y for _, y in place.values()), default=0.0)) + 40
    shown = bundles
    if len(bundles) > _MOST_LINES:
        by_load = sorted(bundles, key=lambda bundle: (bundle.level == "ok", -bundle.utilization, bundle.ends))
        shown = by_load[:_MOST_LINES]
    lines = [
        h(
            f"line.link.{bundle.level}",
            h("title", bundle.title),
            x1=place[bundle.ends[0]][0],
            y1=place[bundle.ends[0]][1],
            x2=place[bundle.ends[1]][0],
            y2=place[bundle.ends[1]][1],
            stroke_width=0.75 + 5 * min(bundle.utilization, 1.0),
        )
        for bundle in sorted(shown, key=lambda bundle: (_LEVELS.index(bundle.level), bundle.utilization, bundle.ends))
    ]
    text = f"{plane} network: {count(len(place))} segments and switches, {count(len(bundles))} bundles"
    if len(shown) < len(bundles):
        text += f", the busiest {count(len(shown))} drawn"
    drawn = h(
        "svg.topology",
        lines,
        _nodes(place, bundles),
        viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}",
        role="img",
        aria_label=text,
    )
    return h(
        "figure",
        h("figcaption", h("b", f"{plane.capitalize()} network"), text.removeprefix(f"{plane} network:")),
        h("div.scroll", drawn, tabindex=0, role="region", aria_label=text),
    )


def _bundles(links: pl.DataFrame) -> list[_Bundle]:
    """Return the bundles, both directions of one taken together."""
    rows: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for row in links.sort("link").iter_rows(named=True):
        one, other = sorted((row["from"], row["to"]))
        rows[one, other].append(row)
    found = []
    for ends, directions in sorted(rows.items()):
        worst = max(directions, key=lambda row: (float(str(row["utilization"])), str(row["link"])))
        level = str(worst["level"])
        title = "\n".join(
            f"{row['from']} → {row['to']}: {amount(float(str(row['load_mbps'])) / 1000, 'Gbps')} of "
            f"{amount(float(str(row['capacity_mbps'])) / 1000, 'Gbps')}, {percent(float(str(row['utilization'])))}"
            for row in directions
        )
        found.append(
            _Bundle(
                ends, str(worst["kind"]), float(str(worst["utilization"])), level if level in _LEVELS else "ok", title
            )
        )
    return found


def _places(bundles: list[_Bundle]) -> dict[str, tuple[float, float]]:
    """Return x and y of each segment and switch: layers by the number of hops to a segment, the segments lowest."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for bundle in bundles:
        neighbours[bundle.ends[0]].add(bundle.ends[1])
        neighbours[bundle.ends[1]].add(bundle.ends[0])
    layer = dict.fromkeys(_leaves(bundles), 0)
    ring = sorted(layer)
    while ring:
        nearer = sorted({other for node in ring for other in neighbours[node]} - layer.keys())
        layer |= dict.fromkeys(nearer, layer[ring[0]] + 1)
        ring = nearer
    for node in neighbours:  # what no segment reaches stands at the top
        layer.setdefault(node, max(layer.values(), default=0) + 1)
    top = max(layer.values(), default=0)
    by_layer: dict[int, list[str]] = defaultdict(list)
    for node in sorted(layer):
        by_layer[layer[node]].append(node)
    x: dict[str, float] = {}
    for level in range(top + 1):
        nodes = by_layer[level]
        if level:  # above the middle of what is below
            below = {node: [x[other] for other in neighbours[node] if layer[other] < level] for node in nodes}
            nodes = sorted(nodes, key=lambda node: (round(sum(below[node]) / max(len(below[node]), 1), 3), node))
        for n, node in enumerate(nodes):
            x[node] = (n + 0.5) * _WIDTH / len(nodes)
    return {node: (x[node], 34 + (top - layer[node]) * _LAYER) for node in sorted(layer)}


def _leaves(bundles: list[_Bundle]) -> set[str]:
    """Return the segments: ends of uplinks that have no other kind of link and fewer uplinks than their other ends.

    An uplink joins a segment and a switch. What also has a trunk is the switch; where neither has one, the switch is
    what more uplinks meet in, or else what has the shorter path-like name (segments are called region/zone/segment).
    """
    uplinks = [bundle.ends for bundle in bundles if bundle.kind == "uplink"]
    others = {end for bundle in bundles if bundle.kind != "uplink" for end in bundle.ends}
    degree: dict[str, int] = defaultdict(int)
    for ends in uplinks:
        for end in ends:
            degree[end] += 1
    leaves = set()
    for one, other in uplinks:
        rank = {end: (end in others, "/" not in end, degree[end], end) for end in (one, other)}
        leaves.add(min((one, other), key=lambda end: rank[end]))
    return leaves


def _nodes(place: dict[str, tuple[float, float]], bundles: list[_Bundle]) -> Html:
    leaves = _leaves(bundles)
    worst: dict[str, _Bundle] = {}
    for bundle in bundles:
        for end in bundle.ends:
            if end not in worst or (_LEVELS.index(bundle.level), bundle.utilization) > (
                _LEVELS.index(worst[end].level),
                worst[end].utilization,
            ):
                worst[end] = bundle
    in_layer: dict[float, int] = defaultdict(int)
    for _, y in place.values():
        in_layer[y] += 1
    shapes = [] if _rooms(place, leaves) >= _LEAST_ROOM else _group_labels(place, leaves)
    for node, (x, y) in place.items():
        level = worst[node].level if node in worst else "ok"
        room = _WIDTH / in_layer[y]
        width = max(2.0, min(room * 0.8, 26.0))
        title = h("title", f"{node}: busiest link at {percent(worst[node].utilization) if node in worst else '0 %'}")
        css = "leaf" if node in leaves else "switch"
        shapes.append(h(f"rect.node.{css}.fill-{level}", title, x=x - width / 2, y=y - 7, width=width, height=14, rx=3))
        if room >= _LEAST_ROOM:
            label = _label(node, int(room / 6.2))
            shapes.append(h("text", label, x=x, y=y + (24 if css == "leaf" else -13), text_anchor="middle"))
    return join(shapes)


def _rooms(place: dict[str, tuple[float, float]], leaves: set[str]) -> float:
    return _WIDTH / max(len(leaves & place.keys()), 1)


def _group_labels(place: dict[str, tuple[float, float]], leaves: set[str]) -> list[Html]:
    """Name the places of segments that stand too close for names of their own: region/zone, where there is room."""
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for leaf in sorted(leaves & place.keys()):
        groups[leaf.rpartition("/")[0]].append(place[leaf])
    shapes = []
    for group, points in groups.items():
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        if group and right - left >= _LEAST_ROOM:
            label = f"{_label(group, int((right - left) / 6.2))}: {count(len(points))}"
            shapes.append(h("text", label, x=(left + right) / 2, y=points[0][1] + 24, text_anchor="middle"))
    return shapes


def _label(node: str, length: int) -> str:
    name = node.removesuffix("@database")
    while len(name) > length and "/" in name:
        name = name.split("/", 1)[1]
    return name if len(name) <= length else name[: max(length - 1, 1)] + "…"
