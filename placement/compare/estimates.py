"""The model's estimates that a plan's cost may depend on, their ranges, and models with other figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from placement.capacity import CapacityModel, Entry
from placement.capacity.overlay import apply_overlay
from placement.fleet.types import Fleet
from placement.units import FloatArray

POOL_OF = {
    "services.profiles.": "services",
    "services.backend.": "services",
    "services.frontend.": "services",
    "postgres.load.": "databases",
    "postgres.storage_classes.": "databases",
    "postgres.storage_formula.": "databases",
    "network.traffic.postgres.": "databases",
    "valkey.memory_per_service.": "caches",
    "registry.node.": "platform",
    "sia.node.": "platform",
    "observability.logs.": "platform",
    "observability.metrics.": "platform",
    "observability.traces.": "platform",
    "observability.collectors.": "platform",
    "observability.stores.": "platform",
}
"""Tables that say what services, databases, caches and platform services need, and the pool whose cost that is.

What is decided is no estimate: sizes and prices of hosts, tiers of servers, limits, where a row by scale begins, the
policy. Whoever wants to know what other decisions cost compares mixes, or models.
"""

_DECIDED = ("_days", ".sampling_share", "_sampling_share", ".min_instances", "_limit", ".usable_disk_share", "_factor")
"""Ends of paths in these tables that are decisions, too: how long things are kept, say."""


@dataclass(frozen=True)
class Estimate:
    """An estimate and the ends that it may have.

    Parameters
    ----------
    is_stated
        Whether the model states the range; else it is the typical value ± a share.
    """

    entry: Entry
    low: float
    high: float
    is_stated: bool


def pool_of(path: str) -> str:
    """Return the pool whose cost a figure may move, "": none."""
    return next((pool for table, pool in POOL_OF.items() if path.startswith(table)), "")


def estimates_of(fleet: Fleet, spread: float) -> tuple[Estimate, ...]:
    """Return the estimates that the cost of a fleet may depend on, sorted by path.

    Parameters
    ----------
    spread
        An estimate without a range may be off by this share of its typical value; 0: it is taken as exact.
    """
    used = _profiles_used(fleet)
    found = []
    for entry in fleet.model.entries():
        pool = pool_of(entry.path)
        if entry.status != "estimate" or pool not in fleet.policy.pools or not _concerns(entry.path, used):
            continue
        if entry.is_range:
            found.append(Estimate(entry, float(entry.low), float(entry.high), is_stated=True))
        elif spread and entry.typical and not entry.path.endswith(_DECIDED):
            ends = (entry.typical * (1 - spread), entry.typical * (1 + spread))
            # a share stays one
            high = min(ends[1], 1.0) if entry.unit == "share" else ends[1]
            found.append(Estimate(entry, ends[0], high, is_stated=False))
    return tuple(sorted(found, key=lambda estimate: estimate.entry.path))


def model_with(model: CapacityModel, values: Mapping[str, float]) -> CapacityModel:
    """Return a model with single figures for some, by path; what must hold between figures is not checked again.

    Numbers between the ends of ranges, drawn one by one, may contradict each other in ways that no plan notices: a
    low end above a tier's high end, say.
    """
    content: dict[str, Any] = apply_overlay(model.model_dump(mode="python"), dict(values)).content
    return CapacityModel.model_validate(content)


def drawn(estimates: Iterable[Estimate], num_samples: int, seed: int) -> FloatArray:
    """Return values of the estimates: float64[num_samples, num_estimates].

    Triangular between the ends with the mode at the typical value, by inversion of uniform numbers of PCG64, each
    estimate from a stream of its own.
    """
    columns = []
    for number, estimate in enumerate(estimates):
        generator = np.random.Generator(np.random.PCG64([seed, number]))
        u = generator.random(num_samples)
        low, mode, high = estimate.low, float(estimate.entry.typical), estimate.high
        width = high - low
        if width <= 0:
            columns.append(np.full(num_samples, mode))
            continue
        rising = low + np.sqrt(u * width * (mode - low))
        falling = high - np.sqrt((1 - u) * width * (high - mode))
        columns.append(np.where(u < (mode - low) / width, rising, falling))
    if not columns:
        return np.zeros((num_samples, 0))
    made: FloatArray = np.stack(columns, axis=1)
    return made


def _profiles_used(fleet: Fleet) -> set[str]:
    """Return the profiles and load levels that figures of the fleet's services come from."""
    profiles = set(fleet.services["profile"].unique().to_list())
    return profiles | {fleet.model.profiles[name].level for name in profiles}


def _concerns(path: str, used: set[str]) -> bool:
    """Whether a figure of a profile or load level is one that services of this fleet use."""
    return not path.startswith("services.") or path.split(".")[2] in used
