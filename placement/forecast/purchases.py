"""What to order by which date: hosts of each size, network ports, database storage."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from placement.capacity.purchasing import Need, Order, Slip, purchase_orders
from placement.errors import InputError
from placement.fleet.types import Fleet
from placement.forecast.types import HOURS_PER_MONTH, OrderRow, SlipRow
from placement.units import FloatArray, price_from_micros

_HOSTS, _NETWORK, _STORAGE = "bare-metal-servers", "network-equipment", "storage-expansion"
PORTS = "network ports"
STORAGE = "database storage, TB"


def needs_of(
    fleet: Fleet, hosts_by_size: Mapping[str, FloatArray], hosts: FloatArray, storage_gb: FloatArray
) -> tuple[Need, ...]:
    """Return what is needed over the months, as the procurement table of the model has it.

    In place are the fleet's standing hosts; a fleet that names none is taken to stand as it would be planned today. A
    host that lacks is rented for as long, at the price of the model's default list: cloud machines come within minutes.

    Parameters
    ----------
    hosts_by_size, hosts, storage_gb
        float64[num_months + 1]; month 0 is now.
    """
    return tuple(_needs(fleet, hosts_by_size, hosts, storage_gb))


def _needs(
    fleet: Fleet, hosts_by_size: Mapping[str, FloatArray], hosts: FloatArray, storage_gb: FloatArray
) -> Iterator[Need]:
    known = fleet.model.procurement.resources
    standing = dict(fleet.hosts["size"].value_counts().iter_rows()) if fleet.hosts.height else None
    rented = _rents(fleet)
    if _HOSTS in known:
        for size, units in hosts_by_size.items():
            price = price_from_micros(fleet.sizes[size].price_micros_per_hour) * HOURS_PER_MONTH
            yield Need(
                item=f"{size} hosts",
                resource=_HOSTS,
                in_place=float(units[0]) if standing is None else float(standing.get(size, 0)),
                units=units,
                price_per_month=price,
                stopgap_per_month=rented.get(size),
            )
    if _NETWORK in known and hosts.max() > 0:
        # one port a host
        in_place = float(hosts[0]) if standing is None else float(fleet.hosts.height)
        yield Need(item=PORTS, resource=_NETWORK, in_place=in_place, units=hosts)
    if _STORAGE in known and storage_gb.max() > 0:
        yield Need(item=STORAGE, resource=_STORAGE, in_place=float(storage_gb[0]) / 1000, units=storage_gb / 1000)


def orders_of(fleet: Fleet, needs: tuple[Need, ...], start: datetime.date) -> tuple[OrderRow, ...]:
    """Return the dated orders, the earliest first."""
    return tuple(_row(order) for order in purchase_orders(fleet.model, needs, start))


def _rents(fleet: Fleet) -> dict[str, float]:
    """Return the price a month of each size by the model's default list, where that is in the fleet's currency."""
    model = fleet.model
    try:
        if model.currency(model.default_price_list) != fleet.currency:
            return {}
        sizes = model.host_sizes(model.default_price_list)
    except InputError:  # a list without a price for every size
        return {}
    return {
        name: price_from_micros(size.price_micros_per_hour) * HOURS_PER_MONTH
        for name, size in sizes.items()
        if name in fleet.sizes
    }


def _row(order: Order) -> OrderRow:
    return OrderRow(
        order_by=order.order_by.isoformat(),
        arrives_from=order.arrives_from.isoformat(),
        arrives_by=order.arrives_by.isoformat(),
        item=order.item,
        resource=order.resource,
        quantity=order.quantity,
        capacity_after=round(order.capacity_after, 6),
        reason=order.reason,
        is_late=order.is_late,
        use=None if order.use is None else round(order.use, 6),
        a_month_late=_slip(order.a_month_late),
        a_month_early=_slip(order.a_month_early),
    )


def _slip(slip: Slip) -> SlipRow:
    return SlipRow(
        idle_cost=round(slip.idle_cost, 2),
        unit_months_short=round(slip.unit_months_short, 6),
        most_units_short=round(slip.most_units_short, 6),
        stopgap_cost=None if slip.stopgap_cost is None else round(slip.stopgap_cost, 2),
        costs=round(slip.idle_cost + (slip.stopgap_cost or 0.0), 2),
    )
