"""Small fleets that already run somewhere, for the tests of replanning.

Sizes as in the planner's tests: small has 4 cores for 1 an hour, large 8 cores for 2; every instance asks for whole
cores and next to nothing else, so that the arithmetic is that of cores alone.
"""

from __future__ import annotations

from typing import Any

from planner_fleets import make_fleet

from placement.fleet import Fleet


def running(
    services: dict[str, tuple[int, str]],
    hosts: dict[str, str],
    current: list[tuple[str, int, str]],
    **others: Any,
) -> Fleet:
    """Build a fleet.

    Parameters
    ----------
    services
        Instances and cores by name.
    hosts
        State by name; all are small. ``large:active`` makes a large one.
    current
        Service, instance, host.
    """
    sizes = [("small", state) if ":" not in state else tuple(state.split(":")) for state in hosts.values()]
    columns: dict[str, list[Any]] = {
        "service": list(services),
        "instances": [str(number) for number, _ in services.values()],
        "max_per_host": ["9"] * len(services),
        "cpu_cores": [cores for _, cores in services.values()],
    }
    return make_fleet(
        columns | others.pop("columns", {}),
        hosts={"host": list(hosts), "size": [size for size, _ in sizes], "state": [state for _, state in sizes]},
        current={
            "service": [name for name, _, _ in current],
            "instance": [str(number) for _, number, _ in current],
            "host": [host for _, _, host in current],
        },
        **others,
    )


def policy(**moves: Any) -> dict[str, Any]:
    """Return a policy without headroom or spares, and what it says of moves."""
    return {"headroom": 1.0, "cpu_overcommit": 1.0, "spare": 0.0, "moves": moves}
