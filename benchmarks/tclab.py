"""Alibaba's production containers as a fleet: 9,338 services, 68,224 instances, with or without their 24,078 rules.

The data is public (Tianchi 2018, as prepared for Mommessin et al., JPDC 2023; repository
DSSGroup-Leeds/LRA-binpacking-expe, file ``TClab_dataset_2D.csv``) and not part of this repository. The setting is the
paper's: identical hosts of 64 cores and 128 GB, everything usable, any number of a service's instances on a host,
fewest hosts.
"""

from __future__ import annotations

import ast
from pathlib import Path

import polars as pl

_FILE = "TClab_dataset_2D.csv"

_FLEET = """\
format: placement/fleet/1
name: tclab
model: rithmxo-1.0
services: services.csv
{interference}sizes: sizes.csv
policy: {{headroom: 1.0, cpu_overcommit: 1.0, network_limit: 1.0, spare: 0}}
"""

_SIZES = """\
size,cpu_cores,memory_mb,os_reserved_mb,max_open_files,max_threads,disk_gb,nic_mbps,price_per_hour,stock
machine,64,128000,0,1000000,1000000,1000,10000,1,
"""


def write_fleet(with_rules: bool, folder: Path, data: Path | None) -> None:
    """Write the fleet to a folder.

    Parameters
    ----------
    with_rules
        Whether the rules between services are part of it.
    data
        Folder that holds the public file, directly or in ``tclab/``.
    """
    if data is None:
        raise FileNotFoundError(f"{_FILE}: give the folder that holds it with --data")
    file = next(path for path in (data / "tclab" / _FILE, data / _FILE) if path.exists())
    table = pl.read_csv(file, separator="\t")
    name = "app-" + table["app_id"].cast(pl.String)
    pl.DataFrame(
        {
            "service": name,
            "instances": table["nb_instances"],
            "max_per_host": table["nb_instances"],
            "cpu_cores": table["core"],
            "memory_mb": table["memory"] * 1000,
            "disk_gb": 0,
            "network_mbps": 0,
            "open_files": 0,
            "threads": 0,
        }
    ).write_csv(folder / "services.csv")
    (folder / "sizes.csv").write_text(_SIZES)
    if with_rules:
        rules = [
            (service, f"app-{other}", most)
            for service, cell in zip(name, table["inter_aff"], strict=True)
            for other, most in ast.literal_eval(cell)
        ]
        schema = ["service", "other", "max_instances"]
        pl.DataFrame(rules, schema=schema, orient="row").write_csv(folder / "interference.csv")
    interference = "interference: interference.csv\n" if with_rules else ""
    (folder / "fleet.yaml").write_text(_FLEET.format(interference=interference))
