"""How each service's database and cache are arranged: what the policy says, and the model's row by scale for `auto`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.capacity import CapacityModel
from placement.capacity.datatier_tables import ScaleRow
from placement.fleet.types import Fleet, PostgresChoice, ValkeyChoice
from placement.units import BoolArray

POSTGRES_ARRANGEMENTS = ("single", "clusters", "dedicated")
VALKEY_ARRANGEMENTS = ("single", "replicated", "cluster", "federated")

_SHARED = {"shared": "single"}
"""The model's phases have a word of their own for a single server."""

_Row = TypeVar("_Row", bound=ScaleRow)


@dataclass(frozen=True)
class Arrangements:
    """How services are arranged, in the order of the fleet's services, whether they take part or not.

    Parameters
    ----------
    words
        Names of the arrangements.
    code
        int8[num_services]: positions in `words`.
    is_forced
        bool[num_services]: whether the policy names it; False: the model's row by scale.
    """

    words: tuple[str, ...]
    code: npt.NDArray[np.int8]
    is_forced: BoolArray

    def are(self, word: str) -> BoolArray:
        """bool[num_services]: which services are arranged so."""
        here: BoolArray = self.code == self.words.index(word)
        return here


def row_by_scale(rows: Iterable[_Row], num_services: int) -> _Row:
    """Return the row that covers a number of services; a model's rows leave no gap from 1 on."""
    return next(row for row in rows if row.covers(num_services))


def automatic_postgres(model: CapacityModel, num_services: int) -> str:
    """Return the arrangement of databases that `auto` takes."""
    word = row_by_scale(model.postgres.phases.values(), num_services).arrangement
    return _SHARED.get(word, word)


def automatic_valkey(model: CapacityModel, num_services: int) -> str:
    """Return the arrangement of caches that `auto` takes."""
    return row_by_scale(model.valkey.tiers.values(), num_services).arrangement


def postgres_arrangements(fleet: Fleet) -> Arrangements:
    """Return how databases are arranged."""
    auto = automatic_postgres(fleet.model, len(fleet.services))
    return _arrangements(fleet, fleet.policy.postgres, POSTGRES_ARRANGEMENTS, auto)


def valkey_arrangements(fleet: Fleet) -> Arrangements:
    """Return how caches are arranged."""
    auto = automatic_valkey(fleet.model, len(fleet.services))
    return _arrangements(fleet, fleet.policy.valkey, VALKEY_ARRANGEMENTS, auto)


def _arrangements(
    fleet: Fleet, choice: PostgresChoice | ValkeyChoice, words: tuple[str, ...], auto: str
) -> Arrangements:
    said = fleet.services.with_columns(
        pl.coalesce(
            _looked_up("service", dict(choice.services)),
            _looked_up("domain", dict(choice.domains)),
            pl.lit(choice.default),
        ).alias("said")
    )["said"]
    numbers = {word: position for position, word in enumerate(words)} | {"auto": words.index(auto)}
    code = said.replace_strict(numbers, return_dtype=pl.Int8).to_numpy().copy()
    return Arrangements(words, code, (said != "auto").to_numpy())


def _looked_up(column: str, words: dict[str, str]) -> pl.Expr:
    if not words:
        return pl.lit(None, dtype=pl.String)
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String)
