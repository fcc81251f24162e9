"""Fourth part, where the plan has links: loads by segment on a drawn topology."""

from __future__ import annotations

import polars as pl

from placement.report.charts import histogram, key
from placement.report.markup import Child, Html, amount, count, h, percent, table
from placement.report.topology import LEVELS, topology

_KIND_TITLES = {
    "nic": "NICs",
    "nic-database": "Database ports",
    "uplink": "Segment uplinks",
    "trunk": "Trunks between switches",
    "backbone": "Backbone between regions",
}
_MOST_BUSY = 15


def network_section(links: pl.DataFrame) -> Html | None:
    """Return the network's loads, None where there are no links.

    Parameters
    ----------
    links
        links.csv: a row per direction of a NIC or bundle.
    """
    if links.is_empty():
        return None
    bundles = links.filter(~pl.col("kind").str.starts_with("nic"))
    planes = sorted(bundles["network"].unique())
    drawings = [topology(plane, bundles.filter(pl.col("network") == plane)) for plane in reversed(planes)]
    return h(
        "section",
        h("h2", "Network loads"),
        h(
            "p.note",
            "Segments below, switches above. Lines are bundles of links, thicker the busier their busier direction is; "
            "point at one for its load.",
        ),
        h("div.legend", [h("span", key(f"fill-{level}"), f" {level}") for level in LEVELS]),
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
    levels = {level: int((links["level"] == level).sum()) for level in LEVELS}
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
            h(f"span.level.{row['level'] if row['level'] in LEVELS else 'ok'}", row["level"]),
        ]
        for row in links.sort(["utilization", "link"], descending=[True, False]).head(_MOST_BUSY).iter_rows(named=True)
    ]
    heads = ["From", "To", "Kind", "Load", "Capacity", "Use", "Level"]
    return table("The busiest links, one row per direction", heads, rows, numbers=(3, 4, 5))
