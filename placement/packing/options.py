"""What a search is asked for, and what it tells on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from placement.packing.cpsat import Mode


@dataclass(frozen=True)
class Options:
    """How long and how hard to search.

    Parameters
    ----------
    seed
        Seed of every random choice.
    time_limit_s
        Stop improving after so many seconds; None: only the work limits stop it.
    target_gap
        Stop as soon as (cost − bound) / bound is at most this.
    mode
        ``reproducible``: the same plan on any number of cores; a time limit may end the search but nothing else may
        depend on the clock. ``fast``: every core and the clock may be used, two runs may give two plans.
    workers
        How many regions are planned at a time, each in a process of its own; None: as many as there are cores,
        where the fleet is large enough to gain by it. Processes start by importing the program's main module
        (``spawn``): a script that asks for them needs ``if __name__ == "__main__":``.
    executor
        Where regions are planned: ``local`` (processes of this machine), ``dask``, ``ray``, or a cluster of these by
        its address (``dask:tcp://host:8786``, ``ray:host:6379``).
    max_moves
        Most moves away from where things run today, instead of the policy's; None: as the policy says.
    move_curve
        Limits on moves (None: no limit) for which a replan is to say the cost beside the plan itself.
    """

    seed: int = 1
    time_limit_s: float | None = None
    target_gap: float = 0.0
    mode: Mode = "reproducible"
    workers: int | None = 1
    executor: str = "local"
    max_moves: int | None = None
    move_curve: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Work:
    """Limits on the steps of a search that do not depend on the clock.

    Parameters
    ----------
    exact_time
        Deterministic time of CP-SAT for a small problem whole.
    columns
        Work of column generation unless the clock counts, in microseconds or so; dives may bring it to twice as much.
    max_shapes
        Where there are more shapes (`placement.columns`), patterns are not used.
    tries
        Failures in a row after which no further host is dropped or replaced.
    max_repacked
        With more instances a host more or less is little: neighbourhoods are not repacked.
    integer_master
        Whether CP-SAT chooses among all patterns found, where shapes are few: seconds for the last host.
    largest_first
        Whether items, single instances without rules, differ so much in size that `largest_first` starts best.
    """

    exact_time: float = 1.0
    columns: int = 16_000_000
    max_shapes: int = 600
    tries: int = 40
    max_repacked: int = 5_000
    integer_master: bool = True
    largest_first: bool = False


@dataclass(frozen=True)
class Progress:
    """A step of the search: the best cost and bound so far, in micros per hour (cost None: none yet)."""

    pool: str
    region: str
    phase: str
    cost: int | None
    bound: int
    seconds: float


Report = Callable[[Progress], None]
Stop = Callable[[], bool]
