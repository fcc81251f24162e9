"""Which services may share a cluster, by their data's sensitivity."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from placement.capacity.datatier_tables import Grouping
from placement.fleet.types import Fleet
from placement.units import IntArray


@dataclass(frozen=True)
class IsolationGroup:
    """Sensitivity classes whose services may share a cluster.

    Parameters
    ----------
    name
        The classes joined by ``+``.
    classes
        Sorted; all of the model's, whether a fleet has services of them or not.
    """

    name: str
    classes: tuple[str, ...]


def isolation_groups(grouping: Grouping) -> tuple[IsolationGroup, ...]:
    """Return the isolation groups of a model, sorted by name.

    Two classes share if each names the other. Where this is no equivalence in a connected component (a–b, b–c, but
    not a–c), each of its classes is a group of its own. A class always shares with itself.
    """
    classes = sorted(grouping.sensitivity_classes)

    def share(one: str, other: str) -> bool:
        return one == other or (grouping.may_share(one, other) and grouping.may_share(other, one))

    found: list[tuple[str, ...]] = []
    waiting = set(classes)
    for start in classes:
        if start not in waiting:
            continue
        component, border = {start}, [start]
        while border:
            here = border.pop()
            near = [other for other in classes if other not in component and share(here, other)]
            component.update(near)
            border += near
        waiting -= component
        together = tuple(sorted(component))
        if all(share(one, other) for one in together for other in together):
            found.append(together)
        else:
            found += [(name,) for name in together]
    return tuple(sorted((IsolationGroup("+".join(names), names) for names in found), key=lambda group: group.name))


def group_of_services(fleet: Fleet, groups: tuple[IsolationGroup, ...]) -> IntArray:
    """Return the group of each service: int64[num_services], positions in `groups`."""
    number = {name: position for position, group in enumerate(groups) for name in group.classes}
    column = fleet.services["sensitivity"].replace_strict(number, return_dtype=pl.Int64)
    return column.to_numpy().copy()
