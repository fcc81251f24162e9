"""Servers that were decided on: of one arrangement in one region, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

from placement.datatier.postgres_figures import Demand, Figures, ServerTier
from placement.units import BoolArray, IntArray


@dataclass(frozen=True)
class Servers:
    """Servers of one arrangement in one region (of one isolation group, but for dedicated ones).

    Parameters
    ----------
    rows
        int64[num_services]: the services' rows in the fleet, ascending.
    server_of
        int64[num_services]: each service's server.
    tier_of
        int64[num_servers]: positions in `tiers`.
    prices
        Of a node of each tier, micros per hour.
    figures, demand
        Of the services.
    is_pooled
        bool[num_servers]: whether there are PgBouncers in front.
    """

    arrangement: str
    region: str
    rows: IntArray
    server_of: IntArray
    tier_of: IntArray
    tiers: tuple[ServerTier, ...]
    prices: tuple[int, ...]
    figures: Figures
    demand: Demand
    is_pooled: BoolArray

    def __len__(self) -> int:
        return len(self.tier_of)
