"""The cases: each writes a fleet folder, which the driver plans and checks with the commands that users run.

A case says what it is for, what it is held against (`asked`), what would be better still (`aim`), and what others have
published for it. Ladders (`ladder`) are cases of one kind at several sizes; dials (`dial`) one fleet made harder.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks import cloud, fleets, tclab
from placement.fleet import generate_fleet, write_generated

Prepare = Callable[[Path, Path | None], None]
"""Writes the fleet to the first folder; the second is the folder of public data, where a case needs it."""


@dataclass(frozen=True)
class Target:
    """What a case is held against; None: not asked.

    Parameters
    ----------
    gap
        (cost - bound) / bound, as a share.
    seconds
        Of the whole command, from files to the checked and written plan.
    gigabytes
        Peak memory.
    over_bound
        Hosts over the bound, in the cases that count hosts.
    cost_below
        The cost must be below this.
    network_seconds
        Of building the plan's graph and computing the loads of all its links (`benchmarks.network`).
    moves
        Moves of a replan, as a multiple of those that had to be.
    waves_seconds
        Of the command that orders the moves in steps; None: it is not run.
    """

    gap: float | None = None
    seconds: float | None = None
    gigabytes: float | None = None
    over_bound: int | None = None
    cost_below: float | None = None
    network_seconds: float | None = None
    moves: float | None = None
    waves_seconds: float | None = None


@dataclass(frozen=True)
class Published:
    """What others have published for a case: gap to their bound or cost, and seconds."""

    source: str
    gap: float | None = None
    cost: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Case:
    """A benchmark case.

    Parameters
    ----------
    name
        Stable name, quoted in the results.
    purpose
        What the case is for.
    prepare
        Writes the fleet.
    needs_data
        Whether the folder of public data is needed.
    is_short
        Whether ``make bench`` runs it.
    ladder, dial
        Name and rung, for cases that are the same but for one number.
    command
        Words after ``placement`` that take the fleet and write JSON with ``-o``; empty: the fleet is planned, checked.
    """

    name: str
    purpose: str
    prepare: Prepare
    asked: Target
    aim: Target = Target()
    published: Published | None = None
    needs_data: bool = False
    is_short: bool = False
    ladder: tuple[str, float] | None = None
    dial: tuple[str, float] | None = None
    command: tuple[str, ...] = ()


def _bundled(fleet: str, folder: Path, _: Path | None) -> None:
    source = Path(__file__).parent.parent / "fixtures" / fleet
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())


def _generated(demands: str, num_services: int, folder: Path, _: Path | None) -> None:
    made = fleets.services_alone(generate_fleet(num_services, 1, demands=demands))  # type: ignore[arg-type]
    write_generated(made, folder, table_format="csv")


def _whole(postgres: str, num_services: int, folder: Path, _: Path | None) -> None:
    made = generate_fleet(num_services, 1, zones=3)
    made = dataclasses.replace(made, document={**made.document, "policy": {"postgres": postgres}})
    write_generated(made, folder, table_format="parquet" if num_services > 30_000 else "csv")


def _made(kind: fleets.Kind, num_services: int, severity: dict[str, float], folder: Path, _: Path | None) -> None:
    fleets.write_case(kind, num_services, folder, **severity)


def _running(drained: float, num_services: int, folder: Path, _: Path | None) -> None:
    """Write a fleet that runs as planned, a share of its hosts to be emptied."""
    from placement import place, read_fleet
    from placement.fleet import write_fleet
    from placement.replan.adopt import adopted

    with tempfile.TemporaryDirectory() as before:
        fleets.write_case("measured", num_services, Path(before))
        fleet = read_fleet(before)
        plan = place(fleet)
    hosts = plan.hosts.filter(~plan.hosts["spare"])["host"].to_list()
    chosen = np.random.default_rng(1).permutation(len(hosts))[: round(drained * len(hosts))]
    write_fleet(adopted(fleet, plan, tuple(hosts[at] for at in chosen)), folder, "parquet")


_EVERYDAY = (
    Case("fifty", "the whole command on next to nothing: what starting costs", partial(_bundled, "fifty"),
         Target(0.0, 5), is_short=True),
    Case("fleet-5000", "the bundled fleet: rules, zones, sizes", partial(_bundled, "fleet-5000"),
         Target(0.005, 15), is_short=True),
    Case("mixed-100k", "profiles beside measured figures", partial(_generated, "mixed", 100_000),
         Target(0.005, 90), Target(0.0002, 20)),
)  # fmt: skip

_SMALL = (
    Case("measured-300", "small enough for exact peers", partial(_made, "measured", 300, {}), Target(0.01, 30),
         Target(0.0, 10)),
    Case("measured-600", "a hundred to a host, next to no room", partial(_made, "measured", 600, {}),
         Target(0.005, 30), Target(0.0, 10)),
    Case("skewed-50", "the bound must see that hosts are whole", partial(_made, "skewed", 50, {}),
         Target(0.01, 30), Target(0.0, 10)),
    Case("families-300", "the same with ten sizes", partial(_made, "families", 300, {}),
         Target(0.05, 60), Target(0.01, 10)),
)  # fmt: skip

_LARGE = (
    Case("profile-100k", "few shapes, replicas: patterns close the gap", partial(_generated, "profile", 100_000),
         Target(0.001, 30, 2), Target(0.0002, 15)),
    Case("measured-100k", "every vector different: no pattern helps", partial(_made, "measured", 100_000, {}),
         Target(0.001, 45, 2), Target(0.0002, 20), ladder=("growth", 100_000)),
    Case("families-100k", "ten sizes of three families: the optimum is a mix", partial(_made, "families", 100_000, {}),
         Target(0.002, 60), Target(0.0005, 30)),
    Case("skewed-100k", "heavy on one resource, few a host: rounding hurts", partial(_made, "skewed", 100_000, {}),
         Target(0.005, 90), Target(0.0015, 60)),
    Case("measured-1m", "a million services", partial(_made, "measured", 1_000_000, {}),
         Target(0.001, 360, 8), Target(0.0002, 120, 4), ladder=("growth", 1_000_000)),
)  # fmt: skip

_RUNNING = (
    Case("replan-100k", "2 % of the hosts drain: few moves, and no dearer", partial(_running, 0.02, 100_000),
         Target(0.001, 60, moves=1.1), Target(0.0002, 20)),
    Case("waves-10k", "6 % drain: more than 10,000 moves in steps, each replayed", partial(_running, 0.06, 100_000),
         Target(0.001, 60, moves=1.1, waves_seconds=60)),
)  # fmt: skip

_GROWTH = tuple(
    Case(f"measured-{rung // 1000}k", "time and memory grow no faster than the fleet",
         partial(_made, "measured", rung, {}), Target(0.001), is_short=rung <= 30_000, ladder=("growth", rung))
    for rung in (10_000, 30_000, 300_000)
)  # fmt: skip

_DATA_TIER = (
    Case("whole-5000-clusters", "services, shared PostgreSQL clusters, caches and platform services",
         partial(_whole, "clusters", 5_000), Target(0.01, 30)),
    Case("whole-100k", "the same with a PostgreSQL of its own for each service", partial(_whole, "dedicated", 100_000),
         Target(0.01, 180)),
    Case("whole-100k-clusters", "all databases forced into shared clusters", partial(_whole, "clusters", 100_000),
         Target(0.01, 180)),
)  # fmt: skip

_NETWORK = (
    Case("network-100k", "loads of all links of a whole fleet, databases in shared clusters",
         partial(_whole, "clusters", 100_000), Target(network_seconds=10)),
    Case("network-1m", "loads of all links of a million services", partial(_generated, "profile", 1_000_000),
         Target(network_seconds=100)),
)  # fmt: skip

_DECIDING = (
    Case("compare-100k", "six mixes side by side, with databases and caches", partial(_whole, "dedicated", 100_000),
         Target(0.01, 300),
         command=("compare", "--pool", "services", "--mix", "singles", "--mix", "medium,large", "--mix", "all")),
    Case("forecast-100k", "five years, 500 samples", partial(_whole, "auto", 100_000), Target(0.01, 60),
         command=("forecast", "--years", "5", "--samples", "500", "--start", "2026-01-01")),
)  # fmt: skip

_DIAL_SERVICES = 20_000
_DIALS = tuple(
    Case(f"dial-{name.replace('_', '-')}-{value:g}", purpose, partial(_made, "measured", _DIAL_SERVICES, {name: value}),
         Target(0.005, 60), dial=(name, value))
    for name, purpose, values in (
        ("sigma", "how much demands differ", (0.0, 0.25, 1.0)),
        ("mean_instances", "how many replicas must keep apart", (1.2, 3.0, 5.0)),
        ("rules_density", "share of pairs with a rule", (0.0001, 0.001, 0.005)),
    )
    for value in values
)  # fmt: skip

_TCLAB_PAPER = "Mommessin et al. 2023, best of its algorithms"
# gap in percent and seconds by graph kind, in the order of the paper's tables (arbitrary, normal, threshold)
_DENSITY_PUBLISHED = {
    1: ((4.5, 225), (4.2, 234), (3.6, 214)),
    5: ((4.4, 653), (4.6, 684), (6.1, 780)),
    10: ((4.6, 1215), (4.3, 1146), (9.5, 687)),
}
_SCALE_PUBLISHED = {
    10_000: ((1.7, 77), (1.5, 91), (0.5, 131)),
    50_000: ((0.57, 5258), (0.57, 6007), (0.16, 5270)),
    100_000: ((0.31, 24231), (0.26, 26052), (0.14, 25642)),
}
_SCALE_TARGETS = {
    10_000: (Target(0.003, 30), Target(over_bound=2)),
    50_000: (Target(0.001, 90), Target(over_bound=3)),
    100_000: (Target(0.0005, 120, 8), Target(None, 60, over_bound=3)),
}

_TCLAB = (
    Case("tclab", "production containers without their rules", partial(tclab.write_fleet, False),
         Target(0.0026, 60), Target(over_bound=3), needs_data=True),
    Case("tclab-rules", "production containers with their own 24,078 rules", partial(tclab.write_fleet, True),
         Target(0.0065, 60), Target(over_bound=3), Published(f"{_TCLAB_PAPER}: first fit", cost=5860), needs_data=True),
    *(
        Case(f"tclab-density-{percent}-{kind}", "random rules between a share of all pairs",
             partial(tclab.write_density, percent, kind), Target(0.005, 30), Target(over_bound=3),
             Published(_TCLAB_PAPER, gap / 100, seconds=seconds), needs_data=True)
        for percent, figures in _DENSITY_PUBLISHED.items()
        for kind, (gap, seconds) in zip(get_args(tclab.GraphKind), figures, strict=True)
    ),
    *(
        Case(f"tclab-{num // 1000}k-{kind}", "random rules at scale: reading, memory and honouring them",
             partial(tclab.write_large, num, kind), *_SCALE_TARGETS[num],
             Published(_TCLAB_PAPER, gap / 100, seconds=seconds), needs_data=True)
        for num, figures in _SCALE_PUBLISHED.items()
        for kind, (gap, seconds) in zip(get_args(tclab.GraphKind), figures, strict=True)
    ),
)  # fmt: skip

_CLOUD_SOURCE = "column generation, then MIP"
_CLOUD = tuple(
    Case(f"cloud-{computers}-{processes}", "hosts that stand, each once, each at its own cost",
         partial(cloud.write_fleet, computers, processes), Target(seconds=60, cost_below=known),
         Target(0.003), Published(_CLOUD_SOURCE, (known - bound) / bound, known), needs_data=True)
    for computers, processes, bound, known in ((200, 600, 169_190, 170_760), (800, 2400, 747_160, 754_620))
)  # fmt: skip

CASES: tuple[Case, ...] = (
    *_EVERYDAY, *_SMALL, *_LARGE, *_DATA_TIER, *_NETWORK, *_DECIDING, *_RUNNING, *_GROWTH, *_TCLAB, *_CLOUD, *_DIALS,
)  # fmt: skip
BY_NAME = {case.name: case for case in CASES}
