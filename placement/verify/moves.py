"""What moves against today, counted anew: instances of a service are interchangeable, host by host."""

from __future__ import annotations

from collections import Counter

import polars as pl

from placement.fleet.types import Fleet
from placement.plan.types import Plan
from placement.verify.collector import Collector

_FILE = "plan.json"
_Key = tuple[str, str]


def check_moves(plan: Plan, fleet: Fleet, found: Collector) -> None:
    """Report a count of moves, starts or stops in the summary that tables and fleet do not give."""
    said = plan.summary.moves
    if fleet.current.is_empty():
        if said is not None:
            found.add("moves-wrong", "moves are counted, but the fleet does not say where anything runs", file=_FILE)
        return
    if said is None:
        found.add("moves-wrong", "the fleet says where its instances run, but no moves are counted", file=_FILE)
        return
    # pools that the plan does not have: all of what runs there stops
    now = Counter(zip(["services"] * len(plan.assignments), plan.assignments["service"], plan.assignments["host"],
                      strict=True))  # fmt: skip
    now += Counter(plan.nodes.select("pool", "workload", "host").iter_rows())
    before = Counter(fleet.current.select("pool", "service", "host").iter_rows())
    leaving, arriving = _totals(before - now), _totals(now - before)
    moved = leaving & arriving  # one that leaves and one that comes are a move
    right = {
        "moved": sum(moved.values()),
        "started": sum((arriving - moved).values()),
        "stopped": sum((leaving - moved).values()),
    }
    for name, value in right.items():
        stated = getattr(said, name)
        if stated != value:
            message = f"moves.{name} is {stated:,}, tables and fleet give {value:,}"
            found.add("moves-wrong", message, value=float(stated), limit=float(value), file=_FILE)
    standing = fleet.hosts.select("host", "state", pl.col("pool").alias("of"))
    away = fleet.current.join(standing, on="host", how="left").filter(
        (pl.col("state") != "active") | (pl.col("of") != pl.col("pool"))
    )
    must = sum((_totals(Counter(away.select("pool", "service", "host").iter_rows())) & moved).values())
    if not must <= said.forced <= said.moved:
        message = f"moves.forced is {said.forced:,}, but {must:,} must leave their host and {said.moved:,} move"
        found.add("moves-wrong", message, value=float(said.forced), limit=float(must), file=_FILE)
    if said.max_moves is not None and said.moved > max(said.max_moves, said.forced):
        message = f"{said.moved:,} move, at most {said.max_moves:,} may beside the {said.forced:,} that must"
        found.add("moves-wrong", message, value=float(said.moved), limit=float(said.max_moves), file=_FILE)


def _totals(now: Counter[tuple[str, str, str]]) -> Counter[_Key]:
    totals: Counter[_Key] = Counter()
    for (pool, name, _), number in now.items():
        totals[pool, name] += number
    return totals
