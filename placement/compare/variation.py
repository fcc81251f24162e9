"""A fleet changed: other sizes to buy, prices, headroom, arrangement of databases, capacity model.

What changes is resolved once, checked against the fleet, and small: the fleet itself goes to a worker once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from placement.capacity import CapacityModel
from placement.capacity.sizes import HostSize
from placement.errors import InputError, Problem, nearest_name
from placement.fleet.digest import fleet_digest
from placement.fleet.types import Fleet, Policy


@dataclass(frozen=True)
class Variation:
    """A mix, resolved.

    Parameters
    ----------
    name
        What it is called in tables.
    model, sizes, buyable, policy, currency
        As in `Fleet`.
    mix
        Sizes of the mix, sorted; `buyable` has more where the mix is for some pools alone.
    prices
        Name of the price list; "": those of the fleet.
    databases
        Arrangement asked for; "": as the fleet says.
    """

    name: str
    model: CapacityModel
    sizes: dict[str, HostSize]
    buyable: tuple[str, ...]
    policy: Policy
    currency: str
    mix: tuple[str, ...]
    prices: str = ""
    databases: str = ""

    def of(self, fleet: Fleet) -> Fleet:
        """Return the fleet with these changes, its digest anew."""
        changes: dict[str, Any] = {
            "model": self.model,
            "sizes": self.sizes,
            "buyable": self.buyable,
            "policy": self.policy,
            "currency": self.currency,
            "hosts": _repriced(fleet.hosts, fleet.sizes, self.sizes),
        }
        return with_digest(dataclasses.replace(fleet, **changes))


def with_digest(fleet: Fleet) -> Fleet:
    """Return the fleet with the digest of what it holds now."""
    digest = fleet_digest(
        name=fleet.name,
        model_digest=fleet.model.digest,
        services=fleet.services,
        hosts=fleet.hosts,
        current=fleet.current,
        interference=fleet.interference,
        calls=fleet.calls,
        topology=fleet.topology,
        sizes=fleet.sizes,
        buyable=fleet.buyable,
        policy=fleet.policy,
        currency=fleet.currency,
    )
    return dataclasses.replace(fleet, digest=digest)


def sizes_under(fleet: Fleet, model: CapacityModel) -> dict[str, HostSize]:
    """Return the fleet's sizes under another model: those of its own stay, the old model's become the new one's.

    Whatever the fleet's prices come from, a size whose price was the old model's gets the new model's.
    """
    old = _model_sizes(fleet.model)
    new = _model_sizes(model)
    kept: dict[str, HostSize] = {}
    for name, size in fleet.sizes.items():
        if name not in old or name not in new or not _same_capacity(size, old[name]):
            kept[name] = size
        elif size.price_micros_per_hour == old[name].price_micros_per_hour:
            kept[name] = dataclasses.replace(new[name], stock=size.stock)
        else:
            price = size.price_micros_per_hour
            kept[name] = dataclasses.replace(new[name], stock=size.stock, price_micros_per_hour=price)
    return kept | {name: size for name, size in new.items() if name not in kept}


def model_problems(fleet: Fleet, model: CapacityModel, option: str) -> Iterator[Problem]:
    """Yield the names that the fleet's services use and another model does not have."""
    for column, known in (
        ("profile", tuple(model.profiles)),
        ("load_profile", model.load_profiles),
        ("sensitivity", model.sensitivity_classes),
    ):
        for name in sorted(set(fleet.services[column].unique().to_list()) - set(known)):
            yield Problem(
                "command line",
                f"model {model.name} has no {column.replace('_', ' ')} that the fleet uses",
                column=option,
                value=name,
                allowed=", ".join(known),
                suggestion=nearest_name(name, known),
            )


def _model_sizes(model: CapacityModel) -> dict[str, HostSize]:
    try:
        return model.host_sizes(model.default_price_list)
    except InputError:  # a list without a price for every size
        return {}


def _same_capacity(size: HostSize, other: HostSize) -> bool:
    same = {"price_micros_per_hour": other.price_micros_per_hour, "stock": other.stock}
    return dataclasses.replace(size, **same) == other  # type: ignore[arg-type]


def _repriced(hosts: pl.DataFrame, old: dict[str, HostSize], new: dict[str, HostSize]) -> pl.DataFrame:
    """Give standing hosts the new price (and NIC) of their size, where they had the old one."""
    if hosts.is_empty():
        return hosts
    changed = hosts
    for column, attribute in (("price_micros_per_hour", "price_micros_per_hour"), ("nic_kbps", "nic_kbps")):
        before = {name: getattr(size, attribute) for name, size in old.items()}
        after = {name: getattr(new.get(name, size), attribute) for name, size in old.items()}
        if before != after:
            own = pl.col("size").replace_strict(before, default=None, return_dtype=pl.Int64)
            then = pl.col("size").replace_strict(after, default=None, return_dtype=pl.Int64)
            changed = changed.with_columns(
                pl.when(pl.col(column) == own).then(then).otherwise(pl.col(column)).alias(column)
            )
    return changed
