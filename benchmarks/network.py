"""Measures the network layer alone: ``python -m benchmarks.network FLEET PLAN`` prints seconds as JSON.

The plan's graph is built and all its loads are computed anew; then, with ``--rehearse``, every single failure is tried.
Reading the files and compiling the kernels are not part of the seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from placement.fleet import read_fleet
from placement.network.rehearsals import rehearse
from placement.network.state import state_of
from placement.plan.reader import read_plan


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fleet", type=Path)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args()
    fleet, plan = read_fleet(given.fleet), read_plan(given.plan)
    state_of(plan, fleet)
    start = time.monotonic()
    state = state_of(plan, fleet)
    for layer in state.wiring.layers:
        assert layer.graph.number_of_edges() == len(layer.links)
    figures: dict[str, float] = {
        "services": len(fleet.services),
        "hosts": len(plan.hosts),
        "segments": len(state.wiring.leaves),
        "links": state.wiring.num_bundles,
        "loads_s": round(time.monotonic() - start, 3),
    }
    if given.rehearse:
        start, user = time.monotonic(), time.process_time()
        figures["failures"] = sum(1 for _ in rehearse(state))
        figures["rehearsals_s"] = round(time.monotonic() - start, 3)
        figures["rehearsals_user_s"] = round(time.process_time() - user, 3)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
