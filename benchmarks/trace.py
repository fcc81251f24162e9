"""How the gap closes over time: what the planner reports as it plans. ``python -m benchmarks.trace FLEET OUT``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

CASES = ("profile-100k", "measured-100k", "families-100k", "skewed-100k", "tclab-rules", "tclab-100k-arbitrary")


def main() -> None:
    """Plan the fleet of the first argument; write points to the second: [seconds, cost, bound], micros per hour."""
    start = time.monotonic()
    from placement.engine import FleetProgress, place
    from placement.fleet import read_fleet

    folder, out = map(Path, sys.argv[1:])
    points: list[tuple[float, int, int]] = []

    def report(progress: FleetProgress) -> None:
        if progress.cost is not None and (not points or points[-1][1:] != (progress.cost, progress.bound)):
            # from the start of reading, as a user sees it
            points.append((round(time.monotonic() - start, 2), progress.cost, progress.bound))

    place(read_fleet(folder), report=report)
    out.write_text(json.dumps(points), encoding="utf-8")


if __name__ == "__main__":
    main()
