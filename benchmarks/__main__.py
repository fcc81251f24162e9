"""The driver: plans every case with the command that users run, and says seconds, memory, cost, bound, gap.

Whole commands are measured, from files to the checked and written plan, each in a process of its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.registry import CASES, Case


def _measure(case: Case, data: Path | None, repeat: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        fleet, plan = Path(scratch, "fleet"), Path(scratch, "plan")
        fleet.mkdir()
        case.prepare(fleet, data)
        command = [sys.executable, "-m", "placement", "plan", str(fleet), "-o", str(plan), "--quiet"]
        seconds = []
        megabytes = 0
        for _ in range(repeat):
            start = time.monotonic()
            with subprocess.Popen(command) as process:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            seconds.append(time.monotonic() - start)
            megabytes = max(megabytes, usage.ru_maxrss // 1024)
            if process.returncode:
                raise SystemExit(f"{case.name}: exit code {process.returncode}")
        summary = json.loads((plan / "plan.json").read_text())
        start = time.monotonic()
        check = [sys.executable, "-m", "placement", "check", str(plan), "--fleet", str(fleet), "--quiet"]
        subprocess.run(check, check=True)
        check_s = time.monotonic() - start
    cost = summary["cost"]
    return {
        "case": case.name,
        "seconds": sorted(seconds)[len(seconds) // 2],
        "megabytes": megabytes,
        "check_s": check_s,
        "hosts": summary["hosts"]["total"] - summary["hosts"]["spare"],
        "cost": cost["per_hour"],
        "bound": cost["bound_per_hour"],
        "gap": cost["gap"],
        "asked_gap": case.asked_gap,
        "asked_s": case.asked_s,
    }


def _row(found: dict[str, object], date: str) -> str:
    gap, asked = float(str(found["gap"])), float(str(found["asked_gap"]))
    return (
        f"| {date} | {found['case']} | {float(str(found['cost'])):,.3f} | {float(str(found['bound'])):,.3f} "
        f"| {gap:.4%} (≤ {asked:.2%}) | {found['hosts']:,} | {float(str(found['seconds'])):.1f} (≤ {found['asked_s']}) "
        f"| {float(str(found['check_s'])):.1f} | {found['megabytes']:,} |"
    )


def main() -> None:
    """Run the cases and print a table row each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names of cases; default: the short ones")
    parser.add_argument("--full", action="store_true", help="all cases")
    parser.add_argument("--data", type=Path, help="folder with the public data (see benchmarks/README.md)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each command; the median counts")
    arguments = parser.parse_args()
    known = {case.name: case for case in CASES}
    unknown = [name for name in arguments.cases if name not in known]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in arguments.cases] or [case for case in CASES if case.is_short or arguments.full]
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    print("| date | case | cost/h | bound/h | gap (asked) | hosts | seconds (asked) | check s | MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in chosen:
        if case.needs_data and arguments.data is None:
            print(f"{case.name}: left out, needs --data", file=sys.stderr)
            continue
        print(_row(_measure(case, arguments.data, arguments.repeat), date), flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"largest process: {peak:,} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
