"""Numbers of instances: who stays keeps its number, the others take those that are free."""

from __future__ import annotations

import polars as pl

_KEY = ("service", "host")


def keep_numbers(assignments: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """Return the assignments with the instances numbered as today where they stay.

    Parameters
    ----------
    assignments
        Columns service, instance (1 … n), host.
    current
        The same of today, for the same pool; other columns do not matter.

    Returns
    -------
    pl.DataFrame
        Sorted by service and instance, columns as given.
    """
    if current.is_empty() or assignments.is_empty():
        return assignments
    counts = assignments.group_by("service").agg(pl.len().cast(pl.Int64).alias("num"))
    today = (
        current.select("service", "instance", "host")
        .join(counts, on="service")
        .filter(pl.col("instance") <= pl.col("num"))
        .sort("service", "host", "instance")
        .with_columns(pl.int_range(pl.len()).over(_KEY).alias("turn"))
        .select("service", "host", "turn", pl.col("instance").alias("kept"))
    )
    rows = (
        assignments.sort("service", "host", "instance")
        .with_columns(pl.int_range(pl.len()).over(_KEY).alias("turn"))
        .join(today, on=["service", "host", "turn"], how="left")
    )
    free = (
        assignments.select("service", "instance")
        .join(
            rows.select("service", pl.col("kept").alias("instance")).drop_nulls(),
            on=["service", "instance"],
            how="anti",
        )
        .sort("service", "instance")
        .with_columns(pl.int_range(pl.len()).over("service").alias("order"))
    )
    # those that move take the free numbers in the order of the numbers that they were given
    movers = (
        rows.filter(pl.col("kept").is_null())
        .sort("service", "instance")
        .with_columns(pl.int_range(pl.len()).over("service").alias("order"))
        .select("service", "host", "order")
        .join(free, on=["service", "order"])
        .select("service", "instance", "host")
    )
    stayers = rows.filter(pl.col("kept").is_not_null()).select("service", pl.col("kept").alias("instance"), "host")
    return pl.concat([stayers, movers]).select(assignments.columns).sort("service", "instance")
