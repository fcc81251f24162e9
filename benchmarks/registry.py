"""The cases: each writes a fleet folder; the driver plans it with the command that users run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import tclab
from placement.fleet import generate_fleet, write_generated

Prepare = Callable[[Path, Path | None], None]
"""Writes the fleet to the first folder; the second is the folder of public data, where a case needs it."""


@dataclass(frozen=True)
class Case:
    """A benchmark case.

    Parameters
    ----------
    name
        Stable name, quoted in RESULTS.md.
    prepare
        Writes the fleet.
    asked_gap, asked_s
        What the case is held against: gap as a share, seconds of the whole command.
    asked_hosts
        Most hosts, where the case counts hosts.
    needs_data
        Whether the folder of public data is needed.
    is_short
        Whether ``make bench`` runs it.
    """

    name: str
    prepare: Prepare
    asked_gap: float
    asked_s: float
    asked_hosts: int | None = None
    needs_data: bool = False
    is_short: bool = True


def _bundled(fleet: str, folder: Path, _: Path | None) -> None:
    source = Path(__file__).parent.parent / "fixtures" / fleet
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())


def _generated(num_services: int, demands: str, folder: Path, _: Path | None) -> None:
    made = generate_fleet(num_services, 1, demands=demands)  # type: ignore[arg-type]
    write_generated(made, folder, table_format="csv")


CASES: tuple[Case, ...] = (
    Case("fifty", partial(_bundled, "fifty"), 0.0, 5),
    Case("fleet-5000", partial(_bundled, "fleet-5000"), 0.005, 15),
    Case("tclab", partial(tclab.write_fleet, False), 0.0026, 60, asked_hosts=5100, needs_data=True),
    Case("tclab-rules", partial(tclab.write_fleet, True), 0.0065, 60, asked_hosts=5120, needs_data=True),
    Case("mixed-100k", partial(_generated, 100_000, "mixed"), 0.005, 90),
    Case("profile-100k", partial(_generated, 100_000, "profile"), 0.005, 90, is_short=False),
    Case("measured-100k", partial(_generated, 100_000, "measured"), 0.005, 90, is_short=False),
)
