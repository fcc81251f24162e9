"""The fleet as it is once a plan has been carried out: the plan's hosts stand, and everything runs where it says."""

from __future__ import annotations

import dataclasses

import polars as pl

from placement.fleet import Fleet, FleetFrames, fleet_to_frames
from placement.plan.state import state_of_plan
from placement.plan.types import Plan
from placement.units import MICROS


def adopted(fleet: Fleet, plan: Plan, draining: tuple[str, ...] = ()) -> FleetFrames:
    """Return the fleet's tables with `hosts` and `current` as the plan has them.

    Hosts of the fleet that the plan does not use are gone. A bought host costs what its size costs. Segments
    that neither the topology nor the inventory names are left blank.

    Parameters
    ----------
    draining
        Hosts that must not be used any more.

    Raises
    ------
    InputError
        If the fleet's model was changed by overrides, which cannot be written down.
    """
    state = state_of_plan(plan)
    # what the fleet says nothing of, the plan assumed: such segments are no place that a host has
    named = [(place.region, place.zone, place.segment) for place in fleet.topology.locations]
    named += fleet.hosts.select("region", "zone", "segment").rows()
    is_named = pl.struct("region", "zone", "segment").is_in(
        [dict(zip(("region", "zone", "segment"), place, strict=True)) for place in dict.fromkeys(named)]
    )
    segment = pl.when(is_named).then("segment").otherwise(pl.lit("")).alias("segment")
    standing = fleet.hosts.select("host", "nic", (pl.col("price_micros_per_hour") / MICROS).alias("own_price"))
    hosts = state.hosts.join(standing, on="host", how="left", maintain_order="left").select(
        "host", "size", "region", "zone", segment, "pool",
        pl.when(pl.col("host").is_in(list(draining))).then(pl.lit("draining")).otherwise(pl.lit("active"))
        .alias("state"),
        pl.col("nic").fill_null(""),
        # of a bought host the price stays open: it is that of its size, also when that changes
        pl.col("own_price").alias("price_per_hour"),
    )  # fmt: skip
    if "nic" in plan.hosts.columns:
        chosen = plan.hosts.select("host", pl.col("nic").alias("chosen"))
        hosts = hosts.join(chosen, on="host", how="left", maintain_order="left")
        hosts = hosts.with_columns(
            pl.when(pl.col("nic") == "").then(pl.col("chosen")).otherwise(pl.col("nic")).alias("nic")
        ).drop("chosen")
    current = state.runs.select("service", "instance", "host", "pool")
    return dataclasses.replace(fleet_to_frames(fleet), hosts=hosts, current=current)
