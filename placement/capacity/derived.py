"""Quantities that formulas make of a model's figures; each knows the figures that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from placement.capacity.datatier_tables import ScaleRow
from placement.capacity.figures import ENDS, End
from placement.capacity.model import CapacityModel
from placement.units import exact

Number = int | float

RESULT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""Of every result: what stands below a field describes it in the JSON Schema, too."""

_OTHER_END: dict[End, End] = {"low": "high", "typical": "typical", "high": "low"}

_Row = TypeVar("_Row", bound=ScaleRow)


@dataclass(frozen=True, kw_only=True, config=RESULT)
class Derived:
    """A quantity with its range, ``low <= typical <= high``; the three are equal where there is none."""

    low: Number
    typical: Number
    high: Number
    unit: str
    rests_on: tuple[str, ...]
    """Paths of the model's figures that it is made of, sorted."""
    num_measured: int
    """How many of those figures were ever measured; the others are estimates."""

    @property
    def is_range(self) -> bool:
        """Whether the quantity is a range and not a single value."""
        return self.low != self.high


@dataclass(frozen=True, kw_only=True, config=RESULT)
class Tier:
    """The row of one of the guide's tables by scale that a fleet falls into."""

    name: str
    services_from: int
    services_below: int | None
    """The first number of services beyond the row; null: it has no end."""
    text: str
    """What the guide says there, in its words."""
    rests_on: tuple[str, ...]
    num_measured: int


class Ledger:
    """Derives quantities from one model, and keeps a record of the figures that it used."""

    def __init__(self, model: CapacityModel) -> None:
        self.model = model
        self._used: set[str] = set()

    @property
    def used(self) -> tuple[str, ...]:
        """Paths of all figures used so far, sorted."""
        return tuple(sorted(self._used))

    def num_measured(self, paths: Iterable[str]) -> int:
        """Return how many of the figures were ever measured."""
        return sum(self.model.entry(path).status == "measured" for path in paths)

    def value(self, path: str, end: End = "typical") -> Fraction:
        """Return a figure at one end of its range, exactly; it counts as used."""
        entry = self.model.entry(path)
        self._used.add(path)
        return exact({"low": entry.low, "typical": entry.typical, "high": entry.high}[end])

    def derive(
        self,
        unit: str,
        paths: Iterable[str],
        formula: Callable[..., Fraction | int],
        against: Iterable[str] = (),
        also: Iterable[str] = (),
    ) -> Derived:
        """Apply a formula at the low, typical and high ends of its figures.

        Parameters
        ----------
        unit
            Unit of the outcome.
        paths
            Figures that the formula takes, as exact fractions, in this order.
        against
            Those of `paths` in which the outcome falls: they are taken at the other end.
        also
            Further figures that the outcome rests on, a tier's bounds, say.
        """
        paths, falling = tuple(paths), frozenset(against)

        def at(end: End) -> Fraction:
            return Fraction(formula(*(self.value(path, _OTHER_END[end] if path in falling else end) for path in paths)))

        return self.of_ends(unit, at, {*paths, *also})

    def of_ends(self, unit: str, at: Callable[[End], Fraction | int], rests_on: Iterable[str]) -> Derived:
        """Return the quantity whose value at each end is given by a function."""
        rests_on = tuple(sorted(set(rests_on)))
        self._used.update(rests_on)
        low, typical, high = (plain(Fraction(at(end))) for end in ENDS)
        return Derived(
            low=low, typical=typical, high=high, unit=unit, rests_on=rests_on, num_measured=self.num_measured(rests_on)
        )

    def figure(self, path: str) -> Derived:
        """Return a figure of the model as it is."""
        return self.derive(self.model.entry(path).unit, [path], lambda value: value)

    def tier(self, table: str, rows: Mapping[str, _Row], num_services: int, text: Callable[[_Row], str]) -> Tier:
        """Return the row of a table by scale for a fleet of `num_services` services.

        Parameters
        ----------
        table
            Path of the table.
        text
            What of a row is the guide's text.
        """
        name, row = next((name, row) for name, row in rows.items() if row.covers(num_services))
        bounds = {f"{table}.{name}.services_from"}
        if row.services_below is not None:
            bounds.add(f"{table}.{name}.services_below")
        self._used |= bounds
        below = row.services_below
        return Tier(
            name=name,
            services_from=int(row.services_from.typical),
            services_below=None if below is None else int(below.typical),
            text=text(row),
            rests_on=tuple(sorted(bounds)),
            num_measured=self.num_measured(bounds),
        )


def plain(value: Fraction) -> Number:
    """Return a fraction as an integer where it is whole, else as the nearest double."""
    return int(value) if value.denominator == 1 else float(value)


def ceiling(value: Fraction) -> int:
    """Return a fraction rounded up to a whole number."""
    return -(-value.numerator // value.denominator)


def counted(services: int) -> str:
    """Return a number of services in words, as notes put it."""
    return f"{services:,} service" + ("" if services == 1 else "s")
