"""Traffic as products: what each end sends into a group of flows, and what share of the group each end receives.

All instances of a region talk to all of them, thousands of hosts share a cluster's primaries: one by one these would be
billions of flows. In a group g every source s sends a_gs kbit/s, of which the sink t gets the share b_gt, so that sums
of rows and columns are enough. Ends are hosts by their row, and beyond them the edges of regions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from placement.units import BoolArray, FloatArray, IntArray

TYPES = ("client", "postgres", "valkey", "mtls", "heartbeat", "telemetry", "replication", "calls")
"""Types of traffic, those of the model first."""


@dataclass(frozen=True)
class Flows:
    """Groups of flows.

    Parameters
    ----------
    type_idx
        int64[num_groups], into `TYPES`.
    is_database
        bool[num_groups]: whether it belongs on the database network.
    back
        float64[num_groups]: what flows back, as a share.
    is_relay
        bool[num_groups]: whether a group before it has brought the same traffic there.
    sources
        Frame with `group`, `end` and `value` (kbit/s), a row per group and end.
    sinks
        Frame with `group`, `end` and `value` (shares that add up to 1 in each group), likewise.
    """

    type_idx: IntArray
    is_database: BoolArray
    back: FloatArray
    is_relay: BoolArray
    sources: pl.DataFrame
    sinks: pl.DataFrame

    @property
    def num_groups(self) -> int:
        """Number of groups."""
        return len(self.type_idx)

    def total_kbps(self) -> FloatArray:
        """Return what each group carries forward: float64[num_groups], kbit/s."""
        return _sums(self.sources, self.num_groups)

    def by_type(self) -> dict[str, float]:
        """Return what each type carries forward, from where it arises, kbit/s."""
        total = np.where(self.is_relay, 0.0, self.total_kbps())
        sums = np.bincount(self.type_idx, weights=total, minlength=len(TYPES))
        return dict(zip(TYPES, sums.tolist(), strict=True))


def rows(group: IntArray, end: IntArray, value: FloatArray | IntArray) -> pl.DataFrame:
    """Return sources or sinks, added up by group and end; those without an end are left out."""
    frame = pl.DataFrame({"group": group, "end": end, "value": np.asarray(value, dtype=np.float64)})
    frame = frame.filter((pl.col("end") >= 0) & (pl.col("group") >= 0))
    return frame.group_by("group", "end").agg(pl.col("value").sum()).sort("group", "end")


def equal_shares(group: IntArray, end: IntArray) -> pl.DataFrame:
    """Return sinks that each get an equal part of their group; an end that stands there twice gets two."""
    frame = rows(group, end, np.ones(len(group)))
    return frame.with_columns(pl.col("value") / pl.col("value").sum().over("group"))


@dataclass
class Streams:
    """Collects groups of flows."""

    parts: list[Flows] = field(default_factory=list)

    def add(
        self,
        kind: str,
        sources: pl.DataFrame,
        sinks: pl.DataFrame,
        beyond: IntArray,
        *,
        back: float = 0.0,
        is_database: bool = False,
        is_relay: bool = False,
    ) -> None:
        """Add groups of one type.

        Parameters
        ----------
        kind
            One of `TYPES`.
        sources, sinks
            As those of `Flows`; groups without sinks go to the edge.
        beyond
            int64[num_groups]: the end that stands for the edge of the group's region.
        back
            What flows back, as a share.
        """
        has_sink = np.zeros(len(beyond), dtype=np.bool_)
        has_sink[sinks["group"].to_numpy()] = True
        lost = np.flatnonzero(~has_sink)
        sinks = pl.concat([sinks, rows(lost, beyond[lost], np.ones(len(lost)))])
        number = len(beyond)
        self.parts.append(
            Flows(
                type_idx=np.full(number, TYPES.index(kind), dtype=np.int64),
                is_database=np.full(number, is_database),
                back=np.full(number, back),
                is_relay=np.full(number, is_relay),
                sources=sources,
                sinks=sinks,
            )
        )

    def flows(self) -> Flows:
        """Return all groups that were added."""
        starts = np.cumsum([0, *(part.num_groups for part in self.parts)])
        moved = [
            [frame.with_columns(pl.col("group") + int(start)) for frame, start in zip(frames, starts[:-1], strict=True)]
            for frames in ([part.sources for part in self.parts], [part.sinks for part in self.parts])
        ]
        return Flows(
            type_idx=_joined([part.type_idx for part in self.parts]),
            is_database=_joined([part.is_database for part in self.parts]),
            back=_joined([part.back for part in self.parts]),
            is_relay=_joined([part.is_relay for part in self.parts]),
            sources=pl.concat(moved[0]),
            sinks=pl.concat(moved[1]),
        )


def at_edge_is_service(flows: Flows, num_hosts: int) -> Flows:
    """Return the flows with those on the service network that have an end beyond the hosts.

    All sources of a group are hosts, or all are edges, and so are its sinks: a group belongs on one network as a whole.
    """
    is_database = flows.is_database.copy()
    for frame in (flows.sources, flows.sinks):
        is_database[frame.filter(pl.col("end") >= num_hosts)["group"].to_numpy()] = False
    return replace(flows, is_database=is_database)


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(parts))


def _sums(frame: pl.DataFrame, number: int) -> FloatArray:
    sums = np.bincount(frame["group"].to_numpy(), weights=frame["value"].to_numpy(), minlength=number)
    return sums.astype(np.float64)


def end_loads(flows: Flows, num_ends: int, is_database: bool) -> tuple[FloatArray, FloatArray]:
    """Return what leaves and what reaches each end, but for what stays there: float64[num_ends] each, kbit/s.

    Parameters
    ----------
    flows
        All traffic.
    num_ends
        Hosts and edges.
    is_database
        Which of the two classes of traffic.
    """
    chosen = flows.is_database == is_database
    total, back = flows.total_kbps(), flows.back
    both = flows.sources.join(flows.sinks, on=["group", "end"], how="full", coalesce=True).with_columns(
        pl.col("value", "value_right").fill_null(0.0)
    )
    both = both.filter(pl.Series(chosen)[both["group"]]) if both.height else both
    group, end = both["group"].to_numpy(), both["end"].to_numpy()
    sent, share = both["value"].to_numpy(), both["value_right"].to_numpy()
    forth, received = sent * (1.0 - share), share * (total[group] - sent)
    out = np.bincount(end, weights=forth + back[group] * received, minlength=num_ends)
    into = np.bincount(end, weights=received + back[group] * forth, minlength=num_ends)
    return out.astype(np.float64), into.astype(np.float64)


def place_matrix(flows: Flows, place_idx: IntArray, num_places: int, is_database: bool) -> FloatArray:
    """Return the traffic between places: float64[num_places, num_places], kbit/s, nothing from a place to itself.

    Parameters
    ----------
    flows
        All traffic.
    place_idx
        int64[num_ends]: the place of each end.
    is_database
        Which of the two classes of traffic.
    """
    matrix = np.zeros((num_places, num_places))
    chosen = np.flatnonzero(flows.is_database == is_database)
    wanted = pl.DataFrame({"group": chosen})
    sources, sinks = (_by_place(frame.join(wanted, on="group", how="semi"), place_idx) for frame in
                      (flows.sources, flows.sinks))  # fmt: skip
    size = sources.group_by("group").agg(n=pl.len()).join(sinks.group_by("group").agg(m=pl.len()), on="group")
    is_wide = size["n"].cast(pl.Int64) * size["m"].cast(pl.Int64) > _WIDE
    wide, narrow = size.filter(is_wide).select("group"), size.filter(~is_wide).select("group")
    for group in sorted(wide["group"].to_list()):
        a, b = sources.filter(group=group), sinks.filter(group=group)
        part = np.outer(a["value"].to_numpy(), b["value"].to_numpy())
        here, there = a["place"].to_numpy(), b["place"].to_numpy()
        matrix[np.ix_(here, there)] += part
        matrix[np.ix_(there, here)] += part.T * flows.back[group]
    pairs = sources.join(narrow, on="group", how="semi").join(sinks, on="group")
    kbps = pairs["value"].to_numpy() * pairs["value_right"].to_numpy()
    here, there = pairs["place"].to_numpy(), pairs["place_right"].to_numpy()
    flat = np.bincount(here * num_places + there, weights=kbps, minlength=num_places**2)
    kbps = kbps * flows.back[pairs["group"].to_numpy()]
    flat += np.bincount(there * num_places + here, weights=kbps, minlength=num_places**2)
    matrix += flat.reshape(num_places, num_places)
    np.fill_diagonal(matrix, 0.0)
    return matrix


_WIDE = 2000
"""Pairs of places in a group from which on an outer product is faster than a join."""


def _by_place(frame: pl.DataFrame, place_idx: IntArray) -> pl.DataFrame:
    placed = frame.with_columns(place=pl.Series(place_idx[frame["end"].to_numpy()], dtype=pl.Int64))
    return placed.group_by("group", "place").agg(pl.col("value").sum()).sort("group", "place")
