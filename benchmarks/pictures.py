"""The pictures of the results, as SVG that stays the same for the same figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.peers.compare import FLEETS, OURS, PEERS, SAMPLE
from benchmarks.registry import CASES
from benchmarks.report import peer_rows
from benchmarks.results import Run, latest

# Okabe and Ito's colours, told apart by everybody; markers say the same again
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_SMALLEST_GAP = 1e-5
"""Where a gap of nothing, or next to nothing, is drawn on a logarithmic axis."""

_STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "font.size": 10,
    "svg.hashsalt": "placement",
    "svg.fonttype": "path",
}


def draw(runs: list[Run], folder: Path) -> dict[str, str]:
    """Draw every picture there are figures for; return what each file shows."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, tuple[Callable[[list[Run]], Figure | None], str]] = {
        "bench-gap-over-time.svg": (gap_over_time, "Certified gap over time, by case"),
        "bench-time-over-size.svg": (time_over_size, "Seconds and memory over the number of services"),
        "bench-quality-against-peers.svg": (quality_against_peers, "Cost over our bound and seconds, against peers"),
    }
    drawn = {}
    for name, (make, text) in pictures.items():
        with mpl.rc_context(_STYLE):
            figure = make(runs)
            if figure is not None:
                figure.savefig(folder / name, metadata={"Date": None, "Creator": None})
                plt.close(figure)
                drawn[name] = text
    return drawn


def gap_over_time(runs: list[Run]) -> Figure | None:
    """Return the traces: the gap of the best plan so far, from the first one on."""
    traces = [(record["case"], record["points"]) for _, record in latest(runs, "trace") if record["points"]]
    if not traces:
        return None
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    latest_s = max(points[-1][0] for _, points in traces)
    for number, (case, points) in enumerate(traces):
        seconds = [point[0] for point in points]
        gaps = [max((cost - bound) / bound, _SMALLEST_GAP) for _, cost, bound in points]
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
        axes.step(seconds, gaps, where="post", color=colour, linewidth=1.6)
        axes.plot(seconds[-1:], gaps[-1:], marker, color=colour, markersize=6, label=case)
        axes.plot(seconds[:1], gaps[:1], marker, color=colour, markersize=6, fillstyle="none")
    axes.set(xscale="log", yscale="log", xlabel="seconds since the command began to read", ylabel="gap to the bound")
    axes.set_xlim(right=latest_s * 1.3)
    axes.set_title("Gap of the best plan so far (hollow: the first plan, filled: the last)", loc="left", fontsize=10)
    _percent_axis(axes.yaxis)
    _plain_axis(axes.xaxis)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def time_over_size(runs: list[Run]) -> Figure | None:
    """Return seconds and memory of the growth ladder, with lines that grow as the fleet does."""
    newest = {record["case"]: record for _, record in latest(runs, "case") if "cost" in record}
    ladder = sorted(
        (case.ladder[1], newest[case.name]["wall_s"], newest[case.name]["peak_mb"] / 1000)
        for case in CASES
        if case.ladder is not None and case.name in newest
    )
    if len(ladder) < 2:
        return None
    services, seconds, gigabytes = zip(*ladder, strict=True)
    figure, panels = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained")
    for axes, values, label in zip(
        panels, (seconds, gigabytes), ("seconds, whole command", "GB, largest process"), strict=True
    ):
        axes.plot(services, values, "o-", color=_COLOURS[0], linewidth=1.6)
        for x, y in zip(services, values, strict=True):
            axes.annotate(f"{y:.3g}", (x, y), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=9)
        guide = [values[-1] * x / services[-1] for x in services]
        axes.plot(services, guide, "--", color="#888888", linewidth=1.0, label="as the fleet (slope 1)")
        axes.set(xscale="log", yscale="log", xlabel="services")
        axes.set_title(label, loc="left", fontsize=10)
        axes.margins(x=0.12, y=0.15)
        axes.legend(frameon=False, loc="lower right")
        _plain_axis(axes.xaxis)
        _plain_axis(axes.yaxis)
    return figure


def quality_against_peers(runs: list[Run]) -> Figure | None:
    """Return a panel a case: seconds to the right, cost over our bound upwards; what failed is named below."""
    found = [(case, rows) for case in (*FLEETS, SAMPLE) if len(rows := peer_rows(runs, case)) > 1]
    if not found:
        return None
    columns = min(3, len(found))
    lines = -(-len(found) // columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(3.4 * columns, 3.1 * lines + 0.5), layout="constrained", squeeze=False
    )
    look = {peer: (_COLOURS[n], _MARKERS[n]) for n, peer in enumerate((OURS, *PEERS))}
    shown: dict[str, Any] = {}
    for axes, (case, rows) in zip(grid.flat, found, strict=False):
        _peer_panel(axes, case, rows, look, shown)
    for axes in list(grid.flat)[len(found) :]:
        axes.set_visible(False)
    order = [peer for peer in (OURS, *PEERS) if peer in shown]
    figure.legend([shown[peer] for peer in order], order, loc="outside lower center", ncols=len(order), frameon=False)
    return figure


def _peer_panel(
    axes: Axes, case: str, rows: list[dict[str, Any]], look: dict[str, tuple[str, str]], shown: dict[str, Any]
) -> None:
    failed = []
    for row in rows:
        colour, marker = look[row["peer"]]
        if row["gap"] is None:
            failed.append(row["peer"])
            continue
        gap = max(row["gap"], _SMALLEST_GAP)
        is_ours = row["peer"] == OURS
        (point,) = axes.plot(
            max(row["seconds"], 0.01), gap, marker, color=colour, markersize=9 if is_ours else 7, linestyle="none",
            markeredgecolor="black" if is_ours else colour, zorder=4 if is_ours else 3,
        )  # fmt: skip
        shown.setdefault(row["peer"], point)
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="over our bound")
    axes.set_xlim(0.005, 2000)
    axes.set_ylim(_SMALLEST_GAP / 2, 2)
    axes.set_title(case, loc="left", fontsize=10)
    if failed:
        axes.text(0.02, 0.02, "no plan: " + ", ".join(failed), transform=axes.transAxes, fontsize=8, color="#555555")
    _percent_axis(axes.yaxis)
    _plain_axis(axes.xaxis)


def _percent_axis(axis: Any) -> None:
    def shown(gap: float, _: int) -> str:
        return "≤ 0.001 %" if gap <= _SMALLEST_GAP * 1.01 else f"{gap * 100:.4g} %"

    axis.set_major_formatter(FuncFormatter(shown))


def _plain_axis(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(FuncFormatter(lambda *_: ""))
