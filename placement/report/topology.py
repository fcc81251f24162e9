"""The network drawn: segments at the bottom, above them the switches they reach in one hop, and so on to the cores.

A bundle of links is a line, as thick and as coloured as its busier direction. Of many segments, the bundles of one
place to one switch are one line, as busy as the busiest of them; each segment keeps its own colour.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from placement.report.markup import Html, amount, count, h, join, percent

LEVELS = ("ok", "warning", "critical")
"""Levels of a link, the least first."""

_MOST_SEGMENTS = 60
"""Segments whose bundles are drawn one by one."""
WIDTH = 1000.0
"""Width of a drawing."""
_LAYER = 110.0
LEAST_ROOM = 42.0
"""Width that a name needs."""


@dataclass(frozen=True)
class Bundle:
    """Parallel links between two nodes: what its busier direction says, and a text about both."""

    ends: tuple[str, str]
    kind: str
    utilization: float
    level: str
    title: str

    @property
    def rank(self) -> tuple[int, float]:
        """By how much a bundle asks for attention."""
        return LEVELS.index(self.level), self.utilization


@dataclass(frozen=True)
class Drawing:
    """A network laid out.

    Parameters
    ----------
    bundles, shown
        All bundles; those to draw, in the order in which they are drawn: the busiest last, on top.
    place, where
        x and y of each node, y from the top down; and of the ends of `shown`.
    leaves
        Nodes that are segments.
    text
        How much of what there is.
    """

    bundles: tuple[Bundle, ...]
    shown: tuple[Bundle, ...]
    place: dict[str, tuple[float, float]]
    where: dict[str, tuple[float, float]]
    leaves: frozenset[str]
    text: str


def drawing(links: pl.DataFrame) -> Drawing:
    """Return where the nodes of a plane stand, and which lines join them.

    Parameters
    ----------
    links
        Its bundles, a row per direction.
    """
    bundles = _bundles(links)
    leaves = _leaves(bundles)
    place = _places(bundles, leaves)
    text = f"{count(len(leaves))} segments, {count(len(place) - len(leaves))} switches, {count(len(bundles))} bundles"
    shown, where = bundles, place
    if len(leaves) > _MOST_SEGMENTS:
        shown, where = _merged(bundles, leaves, place)
        text += ", those of one place to one switch drawn as one"
    ordered = tuple(sorted(shown, key=lambda bundle: (*bundle.rank, bundle.ends)))
    return Drawing(tuple(bundles), ordered, place, where, frozenset(leaves), text)


def topology(plane: str, links: pl.DataFrame) -> Html:
    """Return the drawing of a plane.

    Parameters
    ----------
    plane
        Its name: service or database.
    links
        Its bundles, a row per direction.
    """
    found = drawing(links)
    where, height = found.where, max((y for _, y in found.place.values()), default=0.0) + 40
    text = f"{plane} network: {found.text}"
    drawn = h(
        "svg.topology",
        [
            h(
                f"line.link.{bundle.level}",
                h("title", bundle.title),
                x1=where[bundle.ends[0]][0],
                y1=where[bundle.ends[0]][1],
                x2=where[bundle.ends[1]][0],
                y2=where[bundle.ends[1]][1],
                stroke_width=0.75 + 5 * min(bundle.utilization, 1.0),
            )
            for bundle in found.shown
        ],
        _nodes(found),
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        role="img",
        aria_label=text,
    )
    return h(
        "figure",
        h("figcaption", h("b", f"{plane.capitalize()} network"), f" {found.text}"),
        h("div.scroll", drawn, tabindex=0, role="region", aria_label=text),
    )


def _merged(
    bundles: list[Bundle], leaves: set[str], place: dict[str, tuple[float, float]]
) -> tuple[list[Bundle], dict[str, tuple[float, float]]]:
    """Return bundles with those from the segments of one place to one switch as one, and where their ends are."""
    where = dict(place)
    groups: dict[tuple[str, str], list[Bundle]] = defaultdict(list)
    kept = []
    for bundle in bundles:
        inside = [end for end in bundle.ends if end in leaves]
        if len(inside) != 1:
            kept.append(bundle)
            continue
        (switch,) = (end for end in bundle.ends if end not in leaves)
        groups[f"{inside[0].rpartition('/')[0]}/*", switch].append(bundle)
    middle: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for leaf in leaves:
        middle[f"{leaf.rpartition('/')[0]}/*"].append(place[leaf])
    for group, points in middle.items():
        where[group] = (sum(x for x, _ in points) / len(points), points[0][1] - 7)
    for (group, switch), members in sorted(groups.items()):
        worst = max(members, key=lambda bundle: bundle.rank)
        over = sum(bundle.level != "ok" for bundle in members)
        title = f"{group} and {switch}: {count(len(members))} bundles, {count(over)} above a threshold; the busiest:"
        kept.append(Bundle((group, switch), worst.kind, worst.utilization, worst.level, f"{title}\n{worst.title}"))
    return kept, where


def _bundles(links: pl.DataFrame) -> list[Bundle]:
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
            Bundle(
                ends, str(worst["kind"]), float(str(worst["utilization"])), level if level in LEVELS else "ok", title
            )
        )
    return found


def _places(bundles: list[Bundle], leaves: set[str]) -> dict[str, tuple[float, float]]:
    """Return x and y of each segment and switch: layers by the number of hops to a segment, the segments lowest."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for bundle in bundles:
        neighbours[bundle.ends[0]].add(bundle.ends[1])
        neighbours[bundle.ends[1]].add(bundle.ends[0])
    layer = dict.fromkeys(sorted(leaves), 0)
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
            x[node] = (n + 0.5) * WIDTH / len(nodes)
    return {node: (x[node], 34 + (top - layer[node]) * _LAYER) for node in sorted(layer)}


def _leaves(bundles: list[Bundle]) -> set[str]:
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


def _nodes(drawn: Drawing) -> Html:
    place, leaves = drawn.place, drawn.leaves
    worst: dict[str, Bundle] = {}
    for bundle in drawn.bundles:
        for end in bundle.ends:
            if end not in worst or bundle.rank > worst[end].rank:
                worst[end] = bundle
    in_layer: dict[float, int] = defaultdict(int)
    for _, y in place.values():
        in_layer[y] += 1
    shapes = [] if _rooms(place, leaves) >= LEAST_ROOM else _group_labels(place, leaves)
    for node, (x, y) in place.items():
        level = worst[node].level if node in worst else "ok"
        room = WIDTH / in_layer[y]
        width = min(room * 0.8, 26.0)
        title = h("title", f"{node}: busiest link at {percent(worst[node].utilization) if node in worst else '0 %'}")
        css = "leaf" if node in leaves else "switch"
        rounding = min(3.0, width / 4)
        shapes.append(
            h(f"rect.node.{css}.fill-{level}", title, x=x - width / 2, y=y - 7, width=width, height=14, rx=rounding)
        )
        if room >= LEAST_ROOM:
            label = label_of(node, int(room / 6.2))
            shapes.append(h("text", label, x=x, y=y + (24 if css == "leaf" else -13), text_anchor="middle"))
    return join(shapes)


def _rooms(place: dict[str, tuple[float, float]], leaves: frozenset[str]) -> float:
    return WIDTH / max(len(leaves & place.keys()), 1)


def _group_labels(place: dict[str, tuple[float, float]], leaves: frozenset[str]) -> list[Html]:
    """Name the places of segments that stand too close for names of their own: region/zone, where there is room."""
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for leaf in sorted(leaves & place.keys()):
        groups[leaf.rpartition("/")[0]].append(place[leaf])
    shapes = []
    for group, points in groups.items():
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        if group and right - left >= LEAST_ROOM:
            label = f"{label_of(group, int((right - left) / 6.2))}: {count(len(points))}"
            shapes.append(h("text", label, x=(left + right) / 2, y=points[0][1] + 24, text_anchor="middle"))
    return shapes


def label_of(node: str, length: int) -> str:
    """Return a node's name in so many letters: what stands before its last parts is left out first."""
    name = node.removesuffix("@database")
    while len(name) > length and "/" in name:
        name = name.split("/", 1)[1]
    return name if len(name) <= length else name[: max(length - 1, 1)] + "…"
