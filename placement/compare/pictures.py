"""Pictures of a comparison: cost by mix, the fronts, use of resources, tornado, regret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placement.compare.types import Comparison, MixPlan
from placement.pictures import COLOURS, save_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 15
_MOST_NAMED = 8
_POOLS = ("services", "databases", "caches", "platform")


def draw_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write a comparison's pictures as PNG and SVG; return the files written."""
    return save_pictures(
        {
            "compare-cost": lambda: cost_by_mix(comparison),
            "compare-fronts": lambda: cost_against_blast_radius(comparison),
            "compare-use": lambda: use_by_mix(comparison),
            "compare-tornado": lambda: tornado(comparison),
            "compare-regret": lambda: regret(comparison),
        },
        folder,
    )


def cost_by_mix(comparison: Comparison) -> Figure | None:
    """Return total cost by mix, its pools one after another, spares last."""
    import matplotlib.pyplot as plt

    mixes = _planned(comparison)[:_MOST_BARS]
    if not mixes:
        return None
    figure, axes = plt.subplots(figsize=(7.2, 1.4 + 0.36 * len(mixes)), layout="constrained")
    left = [0.0] * len(mixes)
    places = list(range(len(mixes)))[::-1]
    pools = [pool for pool in _POOLS if any(pool in mix.pools for mix in mixes)]
    for number, part in enumerate((*pools, "spares")):
        widths = [_part(mix, part) for mix in mixes]
        colour = "#bbbbbb" if part == "spares" else COLOURS[number]
        axes.barh(places, widths, left=left, height=0.7, color=colour, label=part)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, mix, end in zip(places, mixes, left, strict=True):
        gap = 0.0 if mix.cost is None else mix.cost.gap
        axes.annotate(
            f"{end:,.2f} (gap {gap:.2%})", (end, place), xytext=(4, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(places, [mix.name for mix in mixes])
    axes.set_xlabel(f"total cost, {comparison.currency} per hour")
    axes.margins(x=0.32)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper left", ncols=len(pools) + 1, frameon=False)
    return figure


def cost_against_blast_radius(comparison: Comparison) -> Figure | None:
    """Return a point per mix: cost, mean share of a domain lost with a host; the front as a line."""
    import matplotlib.pyplot as plt

    mixes = [mix for mix in _planned(comparison) if mix.blast_radius is not None]
    if not mixes:
        return None
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    at = {mix.name: (_total(mix), mix.blast_radius.domain_share_mean * 100) for mix in mixes if mix.blast_radius}
    line = [at[name] for name in comparison.fronts.cost_and_blast_radius]
    axes.step([x for x, _ in line], [y for _, y in line], where="post", color=COLOURS[0], linewidth=1.2)
    # mixes at the same place share a mark; many mixes: only those of the front are named
    places: dict[tuple[float, float], list[str]] = {}
    for name, (x, y) in at.items():
        places.setdefault((round(x, 6), round(y, 6)), []).append(name)
    for (x, y), names in places.items():
        on_front = [name for name in names if name in comparison.fronts.cost_and_blast_radius]
        axes.plot([x], [y], "o", color=COLOURS[0] if on_front else "#999999", markersize=7)
        if on_front or len(places) <= _MOST_NAMED:
            first = (on_front or names)[0]
            label = first + (f" (+{len(names) - 1})" if len(names) > 1 else "")
            axes.annotate(label, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=9)
    axes.set_xlabel(f"total cost, {comparison.currency} per hour")
    axes.set_ylabel("mean share of a domain lost with a host, %")
    axes.margins(x=0.2, y=0.15)
    axes.set_ylim(bottom=0)
    return figure


def use_by_mix(comparison: Comparison) -> Figure | None:
    """Return a heat map: share of each resource that is used, by mix."""
    import matplotlib.pyplot as plt

    mixes = _planned(comparison)[:_MOST_BARS]
    if not mixes:
        return None
    resources = list(mixes[0].use)
    figure, axes = plt.subplots(figsize=(7.2, 1.4 + 0.36 * len(mixes)), layout="constrained")
    shares = [[mix.use[name].share for name in resources] for mix in mixes]
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for row, line in enumerate(shares):
        for column, share in enumerate(line):
            colour = "black" if share > 0.6 else "white"
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(resources)), [name.replace("_", " ") for name in resources])
    axes.set_yticks(range(len(mixes)), [mix.name for mix in mixes])
    axes.grid(visible=False)
    figure.colorbar(image, label="used of what may be planned")
    return figure


def tornado(comparison: Comparison) -> Figure | None:
    """Return the estimates that move cost most, low and high end of each."""
    import matplotlib.pyplot as plt

    found = comparison.sensitivity
    if found is None or not found.tornado:
        return None
    swings = found.tornado[:_MOST_BARS]
    best = next(mix for mix in comparison.mixes if mix.name == found.of)
    middle = _total(best)
    figure, axes = plt.subplots(figsize=(8.2, 1.3 + 0.34 * len(swings)), layout="constrained")
    places = list(range(len(swings)))[::-1]
    for label, colour, ends in (
        ("low end", COLOURS[5], [swing.cost_low_per_hour for swing in swings]),
        ("high end", COLOURS[1], [swing.cost_high_per_hour for swing in swings]),
    ):
        widths = [end - middle for end in ends]
        axes.barh(places, widths, left=middle, height=0.66, color=colour, label=label)
    axes.axvline(middle, color="black", linewidth=0.8)
    axes.set_yticks(
        places, [f"{swing.path}\n{swing.low:g} to {swing.high:g} {swing.unit}" for swing in swings], fontsize=7
    )
    axes.set_xlabel(f"total cost of {found.of}, {comparison.currency} per hour")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def regret(comparison: Comparison) -> Figure | None:
    """Return mean and greatest regret by mix."""
    import matplotlib.pyplot as plt

    found = comparison.sensitivity
    if found is None or not found.regrets:
        return None
    regrets = found.regrets[:_MOST_BARS]
    figure, axes = plt.subplots(figsize=(7.2, 1.3 + 0.4 * len(regrets)), layout="constrained")
    places = list(range(len(regrets)))[::-1]
    axes.barh(places, [row.max_per_hour for row in regrets], height=0.7, color="#cccccc", label="greatest")
    axes.barh(places, [row.mean_per_hour for row in regrets], height=0.35, color=COLOURS[0], label="mean")
    axes.set_yticks(places, [row.name for row in regrets])
    axes.set_xlabel(f"regret over {found.samples} samples, {comparison.currency} per hour")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def _planned(comparison: Comparison) -> list[MixPlan]:
    return [mix for mix in comparison.mixes if mix.cost is not None]


def _total(mix: MixPlan) -> float:
    return 0.0 if mix.cost is None else mix.cost.total_per_hour


def _part(mix: MixPlan, part: str) -> float:
    if part == "spares":
        return 0.0 if mix.cost is None else mix.cost.spare_per_hour
    return mix.pools[part].per_hour if part in mix.pools else 0.0
