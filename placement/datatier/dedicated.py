"""A server for each service: the smallest tier that holds it, connected directly where that can be."""

from __future__ import annotations

import numpy as np

from placement.datatier.node_price import NodePrices
from placement.datatier.postgres_figures import (
    CLIENTS,
    Demand,
    ServerTier,
    client_limit,
    direct_demand,
    figures_of,
    num_pgbouncers,
    pooled_demand,
    server_tiers,
)
from placement.datatier.postgres_reasons import no_tier, too_large
from placement.datatier.postgres_servers import Servers, servers
from placement.errors import Reason
from placement.fleet.types import Fleet
from placement.units import BoolArray, IntArray


def dedicated_servers(fleet: Fleet, rows: IntArray, prices: NodePrices) -> tuple[Servers, list[Reason]]:
    """Return the servers of services that have one of their own, and why some have none.

    Parameters
    ----------
    rows
        int64[num]: rows of the fleet's services, ascending.
    prices
        Of nodes in the pool `databases`.
    """
    model, end = fleet.model, fleet.policy.demand
    tiers = server_tiers(model, model.postgres.tiers, end)
    figures = figures_of(fleet, rows, "dedicated")
    direct, pooled = direct_demand(fleet, figures), pooled_demand(fleet, figures)
    region = fleet.services["region"].gather(rows).to_numpy()
    tier_of = np.full(len(rows), -1, np.int64)
    is_pooled = np.zeros(len(rows), bool)
    reasons: list[Reason] = []
    for where in sorted(set(region.tolist())):
        here = region == where
        to_be_had = [t for t, tier in enumerate(tiers) if prices.of(where, tier.node_demand) is not None]
        if not to_be_had:
            reasons.append(no_tier(fleet, where, tiers))
            continue
        _smallest(tier_of, here, direct.amount, tiers, to_be_had)
        waiting = here & (tier_of < 0) & (figures.clients <= client_limit(model, end))
        _smallest(tier_of, waiting, pooled.amount, tiers, to_be_had)
        is_pooled |= waiting & (tier_of >= 0)
        without = np.flatnonzero(here & (tier_of < 0)).tolist()
        reasons += [_reason(fleet, n, rows, where, direct, pooled, tiers, to_be_had) for n in without]
    found = np.flatnonzero(tier_of >= 0)
    chosen = np.where(is_pooled[:, None], pooled.amount, direct.amount)
    demand = Demand(
        chosen[found],
        np.where(is_pooled, pooled.pool_size, 0)[found],
        np.where(is_pooled, pooled.reserve_size, 0)[found],
    )
    return (
        servers(
            rows[found],
            figures.of(found),
            demand,
            np.arange(len(found)),
            "dedicated",
            [tiers[t].name for t in tier_of[found].tolist()],
            np.where(is_pooled, num_pgbouncers(model, end), 0)[found].astype(np.int64),
        ),
        reasons,
    )


def _smallest(
    tier_of: IntArray, concerned: BoolArray, amount: IntArray, tiers: tuple[ServerTier, ...], to_be_had: list[int]
) -> None:
    """Give each service concerned the smallest tier that holds it; in place."""
    for t in reversed(to_be_had):
        tier_of[concerned & tiers[t].holds(amount)] = t


def _reason(
    fleet: Fleet,
    n: int,
    rows: IntArray,
    region: str,
    direct: Demand,
    pooled: Demand,
    tiers: tuple[ServerTier, ...],
    to_be_had: list[int],
) -> Reason:
    service = fleet.services["service"][int(rows[n])]
    # what it would ask for where it asks for least
    through = int(pooled.amount[n, CLIENTS]) <= client_limit(fleet.model, fleet.policy.demand)
    amount = pooled.amount[n] if through else direct.amount[n]
    holding = next((tier.name for tier in tiers if tier.holds(amount[None, :])[0]), "")
    return too_large(service, amount, [tiers[t] for t in to_be_had], "dedicated", region, holds=holding)
