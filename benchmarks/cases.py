"""Measures the cases: each planned and checked with the commands that users run, each command in its own process.

``python -m benchmarks.cases NAME FOLDER [DATA]`` only writes the fleet of a case.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.registry import BY_NAME, Case

_LONGEST_S = 1_800.0


def prepare(case: Case, folder: Path, data: Path | None) -> Path:
    """Write the fleet of a case, in a process of its own (see `measure`), and return its folder."""
    fleet = folder / case.name
    if not fleet.exists():
        fleet.mkdir(parents=True)
        try:
            measure.apart("benchmarks.cases", case.name, fleet, *([data] if data else []))
        except BaseException:
            shutil.rmtree(fleet)
            raise
    return fleet


def plan_and_check(case: Case, fleet: Path, repeat: int = 1) -> dict[str, Any]:
    """Plan a fleet and check the plan; return the figures, or how it failed.

    Parameters
    ----------
    fleet
        Folder of the fleet; the plan and what the commands print go beside it.
    repeat
        How often to plan; seconds are those of the median run.
    """
    plan, log = fleet.parent / f"{case.name}.plan", fleet.parent / f"{case.name}.log"
    command = [sys.executable, "-m", "placement", "plan", str(fleet), "-o", str(plan), "--quiet"]
    runs = []
    for _ in range(repeat):
        usage = measure.run(command, timeout_s=_LONGEST_S, log=log)
        if usage.timed_out:
            return {"status": f"stopped after {_LONGEST_S:.0f} s"}
        # a plan with links that are too narrow is written all the same, and both commands say 1
        if usage.exit_code and not (usage.exit_code == 1 and (plan / "plan.json").exists()):
            return {"status": f"plan: exit code {usage.exit_code}: {measure.last_line(log)}"}
        runs.append(usage)
    median = sorted(runs, key=lambda usage: usage.wall_s)[len(runs) // 2]
    check = [sys.executable, "-m", "placement", "check", str(plan), "--fleet", str(fleet), "--quiet"]
    checked = measure.run(check, timeout_s=_LONGEST_S, log=log)
    summary = json.loads((plan / "plan.json").read_text(encoding="utf-8"))
    overloaded = len(summary["violations"])
    network: dict[str, Any] = {"overloaded_links": overloaded} if overloaded else {}
    network |= {} if case.asked.network_seconds is None else _network(fleet, plan)
    shutil.rmtree(plan)
    return {
        **network,
        "status": "ok"
        if checked.exit_code == bool(overloaded)
        else f"check: exit code {checked.exit_code}: {measure.last_line(log)}",
        "services": summary["fleet"]["services"],
        "instances": summary["fleet"]["instances"],
        "hosts": summary["hosts"]["total"] - summary["hosts"]["spare"],
        "cost": summary["cost"]["per_hour"],
        "bound": summary["cost"]["bound_per_hour"],
        "gap": summary["cost"]["gap"],
        "wall_s": median.wall_s,
        "user_s": median.user_s,
        "peak_mb": max(usage.peak_mb for usage in runs),
        "check_s": checked.wall_s,
        "check_peak_mb": checked.peak_mb,
        "repeat": repeat,
    }


def _network(fleet: Path, plan: Path) -> dict[str, Any]:
    """Return seconds and peak memory of the network layer alone."""
    log = fleet.parent / f"{fleet.name}.network.log"
    measure.apart("benchmarks.network", fleet, plan, log=log)
    figures = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return {"network_s": figures["loads_s"], "network_peak_mb": figures["peak_mb"]}


def missed(case: Case, figures: dict[str, Any]) -> list[str]:
    """Return what of the case's `asked` was not reached, in words; empty: all was."""
    if figures["status"] != "ok":
        return [figures["status"]]
    asked = case.asked
    found = []
    if asked.gap is not None and figures["gap"] > asked.gap:
        found.append(f"gap {figures['gap']:.4%} > {asked.gap:.2%}")
    if asked.seconds is not None and figures["wall_s"] > asked.seconds:
        found.append(f"{figures['wall_s']:.0f} s > {asked.seconds:.0f} s")
    if asked.network_seconds is not None and figures["network_s"] > asked.network_seconds:
        found.append(f"network {figures['network_s']:.0f} s > {asked.network_seconds:.0f} s")
    if asked.gigabytes is not None and figures["peak_mb"] > 1000 * asked.gigabytes:
        found.append(f"{figures['peak_mb']:,} MB > {asked.gigabytes:g} GB")
    if asked.over_bound is not None and figures["cost"] - figures["bound"] > asked.over_bound:
        found.append(f"{figures['cost'] - figures['bound']:.0f} hosts over the bound > {asked.over_bound}")
    if asked.cost_below is not None and figures["cost"] >= asked.cost_below:
        found.append(f"cost {figures['cost']:,.0f} ≥ {asked.cost_below:,.0f}")
    return found


def main() -> None:
    """Write the fleet of a case."""
    name, folder, *data = sys.argv[1:]
    BY_NAME[name].prepare(Path(folder), Path(data[0]) if data else None)


if __name__ == "__main__":
    main()
