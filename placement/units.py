"""Units: the only place that scales numbers into integers and back, and the only one that rounds.

Inside, every quantity is an integer, so that feasibility is exact and two programs that add up the same plan
agree to the last digit. Demand is rounded up, capacity down, so rounding can never make a plan look
feasible that is not. Quantities and their internal units:

==========  ===============  ============  =======
resource    input column     internal      factor
==========  ===============  ============  =======
cpu         cpu_cores        millicores    1,000
memory      memory_mb        MB            1
open_files  open_files       descriptors   1
threads     threads          threads       1
disk        disk_gb          MB            1,000
network     network_mbps     kbit/s        1,000
==========  ===============  ============  =======

1 GB is 1,000 MB, as in the capacity guide's arithmetic. Money is held in micros: millionths of the price list's
currency per hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Resource:
    """A packed resource: its name, the column that states it outside, and the factor to the unit inside."""

    name: str
    column: str
    internal_column: str
    factor: int
    unit: str


RESOURCES: tuple[Resource, ...] = (
    Resource("cpu", "cpu_cores", "cpu_millicores", 1000, "cores"),
    Resource("memory", "memory_mb", "memory_mb", 1, "MB"),
    Resource("open_files", "open_files", "open_files", 1, "files"),
    Resource("threads", "threads", "threads", 1, "threads"),
    Resource("disk", "disk_gb", "disk_mb", 1000, "GB"),
    Resource("network", "network_mbps", "network_kbps", 1000, "Mbps"),
)
NUM_RESOURCES = len(RESOURCES)
RESOURCE_NAMES = tuple(resource.name for resource in RESOURCES)

MICROS = 1_000_000
"""Micros in one unit of currency."""

LARGEST = 10**12
"""Largest internal quantity a reader accepts; a host can add up millions of them without overflowing int64."""

_SNAP = 1e-9
"""Products this near (relatively) to an integer are that integer: 1.1 * 10 is 11, not 11.000000000000002."""


def scale_up(values: Any, factor: int) -> IntArray:
    """Scale numbers into integers, rounding up: for demands.

    Parameters
    ----------
    values
        Numbers in the outer unit, any shape.
    factor
        Internal units in one outer unit.
    """
    product = np.asarray(values, dtype=np.float64) * factor
    nearest = np.rint(product)
    is_whole = np.abs(product - nearest) <= _SNAP * np.maximum(1.0, np.abs(product))
    return np.where(is_whole, nearest, np.ceil(product)).astype(np.int64)


def scale_down(values: Any, factor: int) -> IntArray:
    """Scale numbers into integers, rounding down: for capacities. Parameters as for `scale_up`."""
    return -scale_up(-np.asarray(values, dtype=np.float64), factor)


def exact(number: float | int | str) -> Fraction:
    """Return the number a person wrote, exactly: 0.7 is 7/10, not the nearest double."""
    return Fraction(str(number))


def price_to_micros(price_per_hour: float) -> int:
    """Return a price per hour in micros, rounded to the nearest."""
    return round(exact(price_per_hour) * MICROS)


def price_from_micros(micros: int) -> float:
    """Return micros as a price per hour, the nearest double to the exact quotient."""
    return micros / MICROS


def to_outer(values: IntArray, factor: int) -> FloatArray:
    """Return internal amounts in the outer unit: the nearest double to each quotient.

    Polars divides by a constant by multiplying with its reciprocal, whose last digit may differ: 700 millicores
    would be 0.7000000000000001 cores in a file.
    """
    return np.asarray(values, np.int64) / factor
