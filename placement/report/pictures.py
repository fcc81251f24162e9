"""A plan's pictures for documents: cost and hosts by pool, utilisation, stranded capacity, fill, the network.

The same figures as on the page (`placement.report.facts`), drawn with matplotlib.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from placement.errors import InputError
from placement.pictures import COLOURS, save_pictures
from placement.plan.types import Plan
from placement.report.facts import POOL_TITLES, RESOURCE_TITLES, PoolUse, pool_uses, resource_word
from placement.report.reading import shape_problems
from placement.report.topology import LEAST_ROOM, LEVELS, WIDTH, Drawing, drawing, label_of
from placement.units import RESOURCES, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SPARE = "#bbbbbb"
_LEVEL_COLOURS = dict(zip(LEVELS, ("#56B4E9", "#E69F00", "#D55E00"), strict=True))
_COLUMNS = 400
"""Columns of a heat map: where there are more hosts, neighbours share one."""
_LETTER = 7.5
"""Width of a letter in a network's drawing."""


def draw_report(
    plan: Plan,
    folder: Path | str,
    *,
    comparison: Mapping[str, Any] | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a report's pictures as PNG and SVG.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where to; it is made if it is not there.
    comparison, forecast
        Contents of a `comparison.json` and a `forecast.json`, whose pictures are drawn beside.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If matplotlib is not installed, the folder cannot be written to, or a comparison or forecast is not one.
    """
    folder = Path(folder)
    given = {"comparison": comparison, "forecast": forecast}
    problems = [
        problem
        for kind, data in given.items()
        if data is not None
        for problem in shape_problems(kind, data, f"{kind}.json")
    ]
    if problems:
        raise InputError(problems)
    uses = pool_uses(plan)
    makers = {
        "report-cost": lambda: cost_by_pool(plan),
        "report-hosts": lambda: hosts_by_size(plan),
        "report-utilisation": lambda: utilisation(uses),
        "report-stranded": lambda: stranded(uses),
        "report-fill": lambda: fill(uses),
    }
    bundles = plan.links.filter(~pl.col("kind").str.starts_with("nic"))
    for plane, links in sorted(bundles.partition_by("network", as_dict=True).items()):
        name = str(plane[0])
        makers[f"report-network-{name}"] = lambda name=name, links=links: network(name, links)  # type: ignore[misc]
    written = save_pictures(makers, folder)
    if comparison is not None:
        from placement.compare.pictures import draw_comparison
        from placement.compare.types import Comparison

        written += draw_comparison(Comparison.model_validate(comparison), folder)
    if forecast is not None:
        from placement.forecast.pictures import draw_forecast
        from placement.forecast.types import Forecast

        written += draw_forecast(Forecast.model_validate(forecast), folder)
    return written


def cost_by_pool(plan: Plan) -> Figure | None:
    """Return cost and proven bound by pool, spares last."""
    import matplotlib.pyplot as plt

    cost = plan.summary.cost
    pools = [(name, plan.summary.pools[name]) for name in POOL_TITLES if name in plan.summary.pools]
    if not pools:
        return None
    names = [*(POOL_TITLES[name] for name, _ in pools), "Spare hosts"]
    figure, axes = plt.subplots(figsize=(7.2, 1.2 + 0.42 * len(names)), layout="constrained")
    places = list(range(len(names)))[::-1]
    values = [*(pool.per_hour for _, pool in pools), cost.spare_per_hour]
    colours = [*(COLOURS[number] for number in range(len(pools))), _SPARE]
    axes.barh(places, values, height=0.7, color=colours)
    for place, value, (_, pool) in zip(places, values, pools, strict=False):
        axes.plot([pool.bound_per_hour] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1.2)
        text = f"{value:,.3f} (gap {pool.gap:.2%})"
        axes.annotate(text, (value, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.annotate(
        f"{values[-1]:,.3f}", (values[-1], places[-1]), xytext=(5, 0), textcoords="offset points", va="center"
    )
    axes.set_yticks(places, names)
    axes.set_xlabel(f"{cost.currency} per hour; the line is the proven bound")
    axes.margins(x=0.28)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    return figure


def hosts_by_size(plan: Plan) -> Figure | None:
    """Return hosts by pool, sizes one after another, spares among them."""
    import matplotlib.pyplot as plt

    if plan.hosts.is_empty():
        return None
    by_price = plan.hosts.group_by("size").agg(pl.col("price_per_hour").max())
    sizes = by_price.sort(["price_per_hour", "size"], descending=[True, False])["size"].to_list()
    counts = {(pool, size): number for pool, size, number in plan.hosts.group_by("pool", "size").len().iter_rows()}
    pools = [pool for pool in POOL_TITLES if any((pool, size) in counts for size in sizes)]
    figure, axes = plt.subplots(figsize=(7.2, 1.4 + 0.42 * len(pools)), layout="constrained")
    places = list(range(len(pools)))[::-1]
    left = np.zeros(len(pools))
    for number, size in enumerate(sizes):
        widths = np.array([counts.get((pool, size), 0) for pool in pools], float)
        axes.barh(places, widths, left=left, height=0.7, color=COLOURS[number % len(COLOURS)], label=size)
        left += widths
    for place, total in zip(places, left.tolist(), strict=True):
        axes.annotate(f"{total:,.0f}", (total, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [POOL_TITLES[pool] for pool in pools])
    axes.set_xlabel("hosts, spares included")
    axes.margins(x=0.1)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper left", ncols=min(len(sizes), 6), frameon=False)
    return figure


def utilisation(uses: Sequence[PoolUse]) -> Figure | None:
    """Return a heat map per pool: hosts in order of fill by resources."""
    import matplotlib.pyplot as plt

    if not uses:
        return None
    figure, every = plt.subplots(
        len(uses), 1, figsize=(8.2, 0.8 + 1.45 * len(uses)), layout="constrained", squeeze=False
    )
    image = None
    for axes, use in zip(every[:, 0], uses, strict=True):
        order = np.lexsort((np.arange(len(use.fill)), -use.fill))
        image = axes.imshow(_narrowed(use.utilisation[order]).T, vmin=0, vmax=1, cmap="viridis", aspect="auto")
        axes.set_yticks(range(len(RESOURCES)), [RESOURCE_TITLES[resource.name] for resource in RESOURCES], fontsize=8)
        axes.set_xticks([])
        axes.set_title(f"{POOL_TITLES[use.pool]}: {len(use.utilisation):,} hosts in use", loc="left", fontsize=10)
        axes.grid(visible=False)
    every[-1, 0].set_xlabel("hosts, the fullest first")
    if image is not None:
        figure.colorbar(image, ax=every[:, 0].tolist(), label="used of the limit", shrink=0.8)
    return figure


def stranded(uses: Sequence[PoolUse]) -> Figure | None:
    """Return what is used, stranded on full hosts, and free, by pool and resource."""
    import matplotlib.pyplot as plt

    if not uses:
        return None
    rows = [(use, resource) for use in uses for resource in use.told]
    figure, axes = plt.subplots(figsize=(7.2, 1.4 + 0.3 * len(rows)), layout="constrained")
    places = list(range(len(rows)))[::-1]
    used = np.array([resource.used_share for _, resource in rows])
    lost = np.array([resource.stranded_share for _, resource in rows])
    parts = ((used, COLOURS[0], "used"), (lost, COLOURS[4], "stranded"), (1 - used - lost, "#eeeeee", "free"))
    left = np.zeros(len(rows))
    for width, colour, label in parts:
        shown = np.clip(width, 0, None)
        axes.barh(places, shown * 100, left=left * 100, height=0.72, color=colour, label=label)
        left += shown
    names = [f"{POOL_TITLES[use.pool]}: {resource_word(resource.name)}" for use, resource in rows]
    axes.set_yticks(places, names, fontsize=9)
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of what may be planned on the hosts in use")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    return figure


def fill(uses: Sequence[PoolUse]) -> Figure | None:
    """Return the distribution of hosts by utilisation of their fullest resource, a chart per pool."""
    import matplotlib.pyplot as plt

    if not uses:
        return None
    figure, every = plt.subplots(
        1, len(uses), figsize=(1.2 + 2.2 * len(uses), 2.6), layout="constrained", squeeze=False
    )
    for number, (axes, use) in enumerate(zip(every[0], uses, strict=True)):
        axes.hist(np.clip(use.fill, 0, 1) * 100, bins=20, range=(0, 100), color=COLOURS[number % len(COLOURS)])
        axes.set_title(POOL_TITLES[use.pool], loc="left", fontsize=10)
        axes.set_xlabel("% full")
        axes.yaxis.get_major_locator().set_params(integer=True)
    every[0, 0].set_ylabel("hosts")
    return figure


def network(plane: str, links: pl.DataFrame) -> Figure | None:
    """Return the drawing of a plane of the network: segments below, switches above.

    Parameters
    ----------
    plane
        Its name: service or database.
    links
        Its bundles, a row per direction.
    """
    import matplotlib.pyplot as plt

    if links.is_empty():
        return None
    drawn = drawing(links)
    num_layers = len({y for _, y in drawn.place.values()})
    figure, axes = plt.subplots(figsize=(8.2, 0.9 + 1.1 * num_layers), layout="constrained")
    for bundle in drawn.shown:
        (x, y), (a, b) = (drawn.where[end] for end in bundle.ends)
        width = 0.6 + 4 * min(bundle.utilization, 1.0)
        axes.plot([x, a], [y, b], color=_LEVEL_COLOURS[bundle.level], linewidth=width, zorder=1)
    _nodes(axes, drawn)
    for level in LEVELS:
        axes.plot([], [], color=_LEVEL_COLOURS[level], linewidth=3, label=level)
    axes.set_title(f"{plane.capitalize()} network: {drawn.text}", loc="left", fontsize=10)
    axes.invert_yaxis()
    axes.margins(y=0.16)
    axes.set_axis_off()
    figure.legend(loc="outside lower left", ncols=len(LEVELS), frameon=False)
    return figure


def _nodes(axes: Axes, drawn: Drawing) -> None:
    in_layer = Counter(y for _, y in drawn.place.values())
    for node, (x, y) in drawn.place.items():
        is_leaf = node in drawn.leaves
        room = WIDTH / in_layer[y]
        axes.plot([x], [y], "s", color=COLOURS[0 if is_leaf else 6], markersize=min(8, room / 3), zorder=2)
        if room >= LEAST_ROOM:
            name = label_of(node, int(room / _LETTER))
            at = (0, -16) if is_leaf else (0, 9)
            axes.annotate(name, (x, y), xytext=at, textcoords="offset points", ha="center", fontsize=7)


def _narrowed(values: FloatArray) -> FloatArray:
    """Return rows as they are, or the means of neighbours where there are more than a picture has columns."""
    if len(values) <= _COLUMNS:
        return values
    parts = np.array_split(values, _COLUMNS)
    made: FloatArray = np.stack([part.mean(axis=0) for part in parts])
    return made
