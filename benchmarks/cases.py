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
        How often to plan; seconds are those of the median run. A case with a command of its own runs once.
    """
    if case.command:
        return _run_command(case, fleet)
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
    moves = _moves(case, fleet, plan, log, summary)
    shutil.rmtree(plan)
    return {
        **network,
        "status": moves.pop("status", None) or "ok"
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
        **moves,
    }


def _network(fleet: Path, plan: Path) -> dict[str, Any]:
    """Return seconds and peak memory of the network layer alone."""
    log = fleet.parent / f"{fleet.name}.network.log"
    measure.apart("benchmarks.network", fleet, plan, log=log)
    figures = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return {"network_s": figures["loads_s"], "network_peak_mb": figures["peak_mb"]}


def _run_command(case: Case, fleet: Path) -> dict[str, Any]:
    """Run a case's own command; return the figures of what it wrote: of the best mix, or the worst checkpoint."""
    made, log = fleet.parent / f"{case.name}.json", fleet.parent / f"{case.name}.log"
    words, options = case.command[:1], case.command[1:]
    command = [sys.executable, "-m", "placement", *words, str(fleet), *options, "-o", str(made), "--quiet"]
    usage = measure.run(command, timeout_s=_LONGEST_S, log=log)
    if usage.timed_out:
        return {"status": f"stopped after {_LONGEST_S:.0f} s"}
    if usage.exit_code:
        return {"status": f"{words[0]}: exit code {usage.exit_code}: {measure.last_line(log)}"}
    data = json.loads(made.read_text(encoding="utf-8"))
    made.unlink()
    figures: dict[str, Any] = {"status": "ok", "services": data["services"], "repeat": 1}
    if words[0] == "compare":
        best = data["mixes"][0]
        cost = best["cost"]
        figures |= {
            "instances": data["instances"],
            "hosts": best["hosts"]["total"] - best["hosts"]["spare"],
            "cost": cost["per_hour"],
            "bound": cost["bound_per_hour"],
            "gap": max(mix["cost"]["gap"] for mix in data["mixes"] if mix["cost"]),
        }
    else:
        now = data["checkpoints"][0]
        figures |= {
            "instances": data["services"],
            "hosts": round(now["quantities"]["hosts"]),
            "cost": now["quantities"]["cost_per_month"],
            "bound": now["quantities"]["cost_per_month"] / (1 + now["gap"]),
            "gap": max(point["gap"] for point in data["checkpoints"]),
        }
    return figures | {
        "wall_s": usage.wall_s,
        "user_s": usage.user_s,
        "peak_mb": usage.peak_mb,
        "check_s": 0.0,
        "check_peak_mb": 0,
    }


def _moves(case: Case, fleet: Path, plan: Path, log: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Return how much a replan moves and, where that is asked for, how long it takes to order it in steps."""
    if summary.get("moves") is None:
        return {}
    figures: dict[str, Any] = {"moved": summary["moves"]["moved"], "forced": summary["moves"]["forced"]}
    if case.asked.waves_seconds is not None:
        command = [sys.executable, "-m", "placement", "waves", str(fleet), str(plan), "--fleet", str(fleet), "--quiet"]
        usage = measure.run(command, timeout_s=_LONGEST_S, log=log)
        figures["waves_s"] = usage.wall_s
        if usage.exit_code:
            figures["status"] = f"waves: exit code {usage.exit_code}: {measure.last_line(log)}"
    return figures


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
    if asked.moves is not None and figures["moved"] > asked.moves * figures["forced"]:
        found.append(f"{figures['moved']:,} moves > {asked.moves:g} x {figures['forced']:,}")
    if asked.waves_seconds is not None and figures["waves_s"] > asked.waves_seconds:
        found.append(f"{figures['waves_s']:.0f} s for the steps > {asked.waves_seconds:.0f} s")
    return found


def main() -> None:
    """Write the fleet of a case."""
    name, folder, *data = sys.argv[1:]
    BY_NAME[name].prepare(Path(folder), Path(data[0]) if data else None)


if __name__ == "__main__":
    main()
