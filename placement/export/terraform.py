"""Target ``terraform``: how many hosts of each size to have where, never one entry a service.

::

    placement_variables.tf              declares the variables, with their types
    placement.auto.tfvars.json          their values, which Terraform and OpenTofu load by themselves

Hosts of the fleet's inventory are counted apart (`standing`): they are there already.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from placement.export.source import Source

_VARIABLES = """\
variable "placement_plan_digest" {
  description = "Digest of the plan that the numbers of hosts come from."
  type        = string
}

variable "placement_hosts" {
  description = "Hosts by place, pool and size: to_create of them are to be had, standing ones are there already."
  type = map(object({
    region    = string
    zone      = string
    segment   = string
    pool      = string
    size      = string
    hosts     = number
    spares    = number
    standing  = number
    to_create = number
  }))
}
"""

_COLUMNS = ("region", "zone", "segment", "pool", "size")


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    yield "placement_variables.tf", _VARIABLES.encode()
    values = {"placement_hosts": _hosts(source), "placement_plan_digest": source.digest}
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, indent=2)
    yield "placement.auto.tfvars.json", text.encode() + b"\n"


def _hosts(source: Source) -> dict[str, Any]:
    standing = set(source.known_fleet.hosts["host"])
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for host, spare, *place in source.plan.hosts.select("host", "spare", *_COLUMNS).iter_rows():
        counts[tuple(place)].update(["hosts"] + ["spares"] * spare + ["standing"] * (host in standing))
    return {
        # no name has a slash
        "/".join(part or "-" for part in place): {
            **dict(zip(_COLUMNS, place, strict=True)),
            "hosts": count["hosts"],
            "spares": count["spares"],
            "standing": count["standing"],
            "to_create": count["hosts"] - count["standing"],
        }
        for place, count in sorted(counts.items())
    }
