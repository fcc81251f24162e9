"""What moves between two states: instances of a service are interchangeable, so they are counted host by host.

Where as many instances of a service stand on a host in both states, none of them moves. The others leave or arrive;
who leaves is paired with who arrives in the same segment, then in the same zone, then anywhere. What is left over
starts or stops.
"""

from __future__ import annotations

import polars as pl

RUNS_SCHEMA: dict[str, pl.DataType] = {
    "pool": pl.String(),
    "service": pl.String(),  # in other pools than `services` the workload
    "instance": pl.Int64(),
    "host": pl.String(),
}
"""Columns of a state: what runs where."""

MOVES_SCHEMA: dict[str, pl.DataType] = {
    "pool": pl.String(),
    "service": pl.String(),
    "instance": pl.Int64(),
    "from": pl.String(),  # "": it starts
    "to": pl.String(),  # "": it stops
}
"""Columns of moves, sorted by pool, service, instance, from, to."""

_WHO = ("pool", "service")
_PASSES = (("zone", "segment"), ("zone",), ())


def moves_between(old: pl.DataFrame, new: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return what moves, starts and stops.

    Parameters
    ----------
    old, new
        With `RUNS_SCHEMA`.
    places
        Columns host, zone, segment, of the hosts of both states; hosts that are not there have none.

    Returns
    -------
    pl.DataFrame
        With `MOVES_SCHEMA`. A move bears the number that the instance has in the new state.
    """
    leaving, arriving = (
        _ranked(state, (*_WHO, "host")).join(
            _ranked(other, (*_WHO, "host")), on=[*_WHO, "host", "turn"], how="anti", maintain_order="left"
        )
        for state, other in ((old, new), (new, old))
    )
    named = places.unique("host", keep="first", maintain_order=True).select("host", "zone", "segment")
    leaving, arriving = (
        state.drop("turn")
        .join(named, on="host", how="left", maintain_order="left")
        .with_columns(pl.col("zone", "segment").fill_null(""))
        for state in (leaving, arriving)
    )
    found = []
    for level in _PASSES:
        key = [*_WHO, *level]
        goes, comes = _ranked(leaving, key), _ranked(arriving, key)
        pairs = goes.join(comes.select(*key, "turn", pl.col("instance").alias("number"), pl.col("host").alias("to")),
                          on=[*key, "turn"])  # fmt: skip
        found.append(pairs.select(*_WHO, pl.col("number").alias("instance"), pl.col("host").alias("from"), "to"))
        leaving = goes.join(comes, on=[*key, "turn"], how="anti", maintain_order="left").drop("turn")
        arriving = comes.join(goes, on=[*key, "turn"], how="anti", maintain_order="left").drop("turn")
    found.append(leaving.select(*_WHO, "instance", pl.col("host").alias("from"), pl.lit("").alias("to")))
    found.append(arriving.select(*_WHO, "instance", pl.lit("").alias("from"), pl.col("host").alias("to")))
    return pl.concat(found).select(list(MOVES_SCHEMA)).sort(list(MOVES_SCHEMA))


def _ranked(state: pl.DataFrame, key: tuple[str, ...] | list[str]) -> pl.DataFrame:
    """Return the rows with their turn (0, 1, …) among those of equal key."""
    return state.sort("pool", "service", "instance", "host").with_columns(
        pl.int_range(pl.len()).over(list(key)).alias("turn")
    )
