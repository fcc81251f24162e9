r"""Moves that wait for one another: which of them step aside for the time being, chosen by CP-SAT.

Sets: moves m that wait, hosts t with room for some of them.
Variables: z_mt move m steps aside to t; a_m it can go where it should in the next step.

    min  Σ 1000·z_mt − a_m
    s.t. Σ_m D_m·z_mt ≤ room of t;   Σ_{m to h} D_m·a_m ≤ room of h + Σ_{m from h, t} D_m·z_mt − Σ_m D_m·z_mh
         a_m + Σ_t z_mt ≤ 1;   Σ a_m ≥ 1
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from placement.replan.crossing import Crossing, Who
from placement.units import NUM_RESOURCES

_MOST_MOVES = 60
_MOST_HOSTS = 12
_DETERMINISTIC_TIME = 2.0


@dataclass
class Move:
    """A move that is still to be made.

    Parameters
    ----------
    source, target
        Hosts; "": it starts, or stops.
    num_detours
        How often it has stepped aside.
    """

    who: Who
    instance: int
    source: str
    target: str
    num_detours: int = 0


def choose_detours(state: Crossing, waiting: Sequence[Move], spare_hosts: Sequence[str]) -> list[tuple[Move, str]]:
    """Return which moves step aside, and where to, so that at least one other can go on; empty: none can.

    Parameters
    ----------
    waiting
        Moves of which none can be made now.
    spare_hosts
        Hosts that may take something for a time, the roomiest first.
    """
    from ortools.sat.python import cp_model

    moves = _most_entangled(state, waiting)
    model = cp_model.CpModel()
    goes = [model.new_bool_var(f"a{m}") for m in range(len(moves))]
    aside: dict[tuple[int, str], cp_model.IntVar] = {}
    for m, move in enumerate(moves):
        if not move.source or move.source in state.failed:
            continue
        can = (
            host
            for host in spare_hosts
            if host not in (move.source, move.target) and not state.obstacle(move.who, host, move.source)
        )
        for host, _ in zip(can, range(_MOST_HOSTS), strict=False):
            aside[m, host] = model.new_bool_var(f"z{m}_{host}")
    if not aside:
        return []
    for m, move in enumerate(moves):
        model.add(goes[m] + sum(z for (k, _), z in aside.items() if k == m) <= 1)
        if state.broken_rule(move.who, move.target, move.source):
            # only the one that stands in its way can help: left to the step after
            model.add(goes[m] <= sum(z for (k, _), z in aside.items() if moves[k].source == move.target))
    model.add(sum(goes) >= 1)
    comes: dict[str, list[int]] = defaultdict(list)
    leaves: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for m, move in enumerate(moves):
        comes[move.target].append(m)
    for m, host in aside:
        leaves[moves[m].source].append((m, host))
    for r in range(NUM_RESOURCES):
        for host in sorted({host for _, host in aside} | set(comes)):
            here = [(m, z) for (m, t), z in aside.items() if t == host]
            taken = sum(state.demand[moves[m].who][r] * z for m, z in here)
            room = max(0, state.room[host][r])
            if here:
                model.add(taken <= room)
            if host in comes:
                wanted = sum(state.demand[moves[m].who][r] * goes[m] for m in comes[host])
                freed = sum(state.demand[moves[m].who][r] * aside[m, t] for m, t in leaves[host])
                # a host beyond its limit must first get below it
                model.add(wanted + taken <= state.room[host][r] + freed).only_enforce_if(
                    *_any_of(model, [goes[m] for m in comes[host]])
                )
    model.minimize(1000 * sum(aside.values()) - sum(goes))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _DETERMINISTIC_TIME
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return []
    return [(moves[m], host) for (m, host), z in aside.items() if solver.boolean_value(z)]


def _any_of(model: object, goes: list[object]) -> list[object]:
    """Return a literal that is true if any of these is."""
    literal = model.new_bool_var("any")  # type: ignore[attr-defined]
    model.add_max_equality(literal, goes)  # type: ignore[attr-defined]
    return [literal]


def _most_entangled(state: Crossing, waiting: Sequence[Move]) -> list[Move]:
    """Return moves that could unblock one another: those around the move that lacks least."""

    def short(move: Move) -> float:
        lacks = state.lacks(move.who, move.target)
        return sum(amount / max(1, state.limit[move.target][r]) for r, amount in lacks.items())

    direct = [move for move in waiting if move.target]
    order = sorted(direct, key=lambda move: (move.num_detours, short(move), move.who, move.instance))
    chosen: list[Move] = []
    seen: set[int] = set()
    by_source: dict[str, list[Move]] = defaultdict(list)
    for move in order:
        by_source[move.source].append(move)
    for first in order:
        queue = [first]
        while queue and len(chosen) < _MOST_MOVES:
            move = queue.pop(0)
            if id(move) in seen:
                continue
            seen.add(id(move))
            chosen.append(move)
            # who must leave the host that this one wants to go to
            queue += by_source[move.target]
        if len(chosen) >= _MOST_MOVES:
            break
    return chosen
