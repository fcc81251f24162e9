"""The fleet as it is once a plan has been carried out: its hosts stand, and everything runs where it says.

What runs may also be told by an inventory or a registry, read back from what a plan was exported to.
"""

from __future__ import annotations

import dataclasses

import polars as pl

from placement.errors import InputError, Problem
from placement.fleet import Fleet, FleetFrames, fleet_to_frames
from placement.plan.state import State, state_of_plan
from placement.plan.types import Plan
from placement.units import MICROS

_SHOWN = 5


def adopted(fleet: Fleet, goal: Plan | State, draining: tuple[str, ...] = ()) -> FleetFrames:
    """Return the fleet's tables with `hosts` and `current` as a plan, or what runs, has them.

    Hosts of the fleet that the plan does not use are gone. A bought host costs what its size costs. Segments
    that neither the topology nor the inventory names are left blank. A registry knows no sizes: there the fleet's
    own hosts stay.

    Parameters
    ----------
    draining
        Hosts that must not be used any more.

    Raises
    ------
    InputError
        If the fleet's model was changed by overrides, which cannot be written down; if neither the fleet nor what runs
        says the sizes of hosts.
    """
    state = state_of_plan(goal) if isinstance(goal, Plan) else goal
    frames = fleet_to_frames(fleet)
    hosts = _hosts(fleet, state) if state.lists_idle else _own_hosts(frames.hosts, state)
    is_drained = pl.col("host").is_in(list(draining))
    hosts = hosts.with_columns(pl.when(is_drained).then(pl.lit("draining")).otherwise("state").alias("state"))
    return dataclasses.replace(frames, hosts=hosts, current=state.runs.select("service", "instance", "host", "pool"))


def _hosts(fleet: Fleet, state: State) -> pl.DataFrame:
    # what the fleet says nothing of, the plan assumed: such segments are no place that a host has
    named = [(place.region, place.zone, place.segment) for place in fleet.topology.locations]
    named += fleet.hosts.select("region", "zone", "segment").rows()
    is_named = pl.struct("region", "zone", "segment").is_in(
        [dict(zip(("region", "zone", "segment"), place, strict=True)) for place in dict.fromkeys(named)]
    )
    segment = pl.when(is_named).then("segment").otherwise(pl.lit("")).alias("segment")
    standing = fleet.hosts.select(
        "host", pl.col("nic").alias("own_nic"), (pl.col("price_micros_per_hour") / MICROS).alias("own_price")
    )
    own_nic = pl.col("own_nic").fill_null("")
    return state.hosts.join(standing, on="host", how="left", maintain_order="left").select(
        "host", "size", "region", "zone", segment, "pool",
        pl.lit("active").alias("state"),
        # with policy.nic a bought host has another one than its size
        pl.when(own_nic == "").then("nic").otherwise(own_nic).alias("nic"),
        # of a bought host the price stays open: it is that of its size, also when that changes
        pl.col("own_price").alias("price_per_hour"),
    )  # fmt: skip


def _own_hosts(own: pl.DataFrame | None, state: State) -> pl.DataFrame:
    known = set() if own is None else set(own["host"])
    unknown = sorted(set(state.hosts["host"]) - known)
    if unknown or own is None:
        message = f"has hosts whose sizes neither it nor the fleet says: {', '.join(unknown[:_SHOWN])}"
        raise InputError(
            Problem(state.name, message, column="hosts", num_rows=len(unknown), allowed="an inventory, or a plan")
        )
    return own
