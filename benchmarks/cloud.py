"""OptaPlanner's cloud balancing as a fleet: computers that stand, each once and at its own cost; fewest costs.

The data is public (Apache-2.0; repository ``kiegroup/optaplanner-examples``, ``data/cloudbalancing/unsolved``) and not
part of this repository. Capacities are used to the full: no headroom, no overcommit, no spares. CPU power becomes
cores, memory MB, bandwidth Mbps, and the cost of a computer its price per hour.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

_FLEET = """\
format: placement/fleet/1
name: cloud-{name}
model: rithmxo-1.0
services: services.csv
hosts: hosts.csv
sizes: sizes.csv
policy: {{pools: [services], headroom: 1.0, cpu_overcommit: 1.0, network_limit: 1.0, spare: 0}}
"""


def write_fleet(num_computers: int, num_processes: int, folder: Path, data: Path | None) -> None:
    """Write an instance as a fleet folder.

    Parameters
    ----------
    data
        Folder that holds the public file, directly or in ``cloudbalancing/``.
    """
    file = f"{num_computers}computers-{num_processes}processes.json"
    if data is None:
        raise FileNotFoundError(f"{file}: give the folder that holds it with --data")
    path = next((path for path in (data / "cloudbalancing" / file, data / file) if path.exists()), data / file)
    instance = json.loads(path.read_text(encoding="utf-8"))
    write_instance(instance, f"{num_computers}-{num_processes}", folder)


def write_instance(instance: dict[str, list[dict[str, int]]], name: str, folder: Path) -> None:
    """Write an instance, as it stands in its file, to a folder."""
    processes = instance["processList"]
    pl.DataFrame(
        {
            "service": [f"process-{process['id']}" for process in processes],
            "cpu_cores": [process["requiredCpuPower"] for process in processes],
            "memory_mb": [process["requiredMemory"] for process in processes],
            "network_mbps": [process["requiredNetworkBandwidth"] for process in processes],
        }
    ).with_columns(disk_gb=0, open_files=0, threads=0).write_csv(folder / "services.csv")
    computers = instance["computerList"]
    shape = ("cpuPower", "memory", "networkBandwidth")
    size_of = {tuple(computer[key] for key in shape): "" for computer in computers}
    size_of = {figures: "computer-" + "-".join(map(str, figures)) for figures in sorted(size_of)}
    pl.DataFrame(
        {
            "size": list(size_of.values()),
            "cpu_cores": [cpu for cpu, _, _ in size_of],
            "memory_mb": [memory for _, memory, _ in size_of],
            "nic_mbps": [network for _, _, network in size_of],
        }
    ).with_columns(
        # none can be bought: there are the hosts that stand
        os_reserved_mb=0, max_open_files=1, max_threads=1, disk_gb=1, price_per_hour=0, stock=0
    ).write_csv(folder / "sizes.csv")  # fmt: skip
    pl.DataFrame(
        {
            "host": [f"computer-{computer['id']}" for computer in computers],
            "size": [size_of[tuple(computer[key] for key in shape)] for computer in computers],
            "price_per_hour": [computer["cost"] for computer in computers],
        }
    ).write_csv(folder / "hosts.csv")
    (folder / "fleet.yaml").write_text(_FLEET.format(name=name), encoding="utf-8")
