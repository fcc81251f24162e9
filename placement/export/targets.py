"""The targets there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from placement.export import ansible, env, pgbouncer, prometheus, registry, systemd, terraform
from placement.export.source import Source

Target = Literal["ansible", "systemd", "env", "pgbouncer", "registry", "terraform", "prometheus"]

TARGETS: dict[Target, Callable[[Source], Iterator[tuple[str, bytes]]]] = {
    "ansible": ansible.files,
    "systemd": systemd.files,
    "env": env.files,
    "pgbouncer": pgbouncer.files,
    "registry": registry.files,
    "terraform": terraform.files,
    "prometheus": prometheus.files,
}
"""Target → function that yields its files, paths relative to the export's folder."""

NEEDS_FLEET: frozenset[Target] = frozenset({"ansible", "systemd", "terraform", "prometheus"})
"""Targets with something in them that only the fleet says: limits of units, what stands already, NICs."""
