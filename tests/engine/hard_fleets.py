"""A fleet whose search does not end by itself for a good while: two or three services to a host, all different."""

from __future__ import annotations

import random
from pathlib import Path

SIZES = (
    "size,cpu_cores,memory_mb,os_reserved_mb,max_open_files,max_threads,disk_gb,nic_mbps,price_per_hour\n"
    "one,100,100000,0,1000000,1000000,10000,100000,1\n"
)


def write_hard_fleet(folder: Path, num_services: int, num_regions: int = 1) -> Path:
    """Write services of 26 to 49 % of a host in CPU and memory: how they go together is all that matters."""
    choose = random.Random(5)
    folder.mkdir(parents=True)
    rows = ["service,region,cpu_cores,memory_mb,disk_gb,network_mbps,open_files,threads"]
    for n in range(num_services):
        cpu_millicores, memory_mb = choose.randint(26_000, 49_000), choose.randint(26_000, 49_000)
        rows.append(f"s{n:05d},region-{n % num_regions},{cpu_millicores / 1000},{memory_mb},1,1,10,10")
    (folder / "services.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "sizes.csv").write_text(SIZES, encoding="utf-8")
    (folder / "fleet.yaml").write_text(
        "format: placement/fleet/1\nname: hard\nmodel: rithmxo-1.0\nservices: services.csv\nsizes: sizes.csv\n"
        "policy: {pools: [services], headroom: 1.0, cpu_overcommit: 1.0, spare: 0.0}\n",
        encoding="utf-8",
    )
    return folder
