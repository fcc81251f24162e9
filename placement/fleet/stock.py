"""Host sizes and prices in force, and the hosts that already stand, resolved against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from placement.capacity import CapacityModel
from placement.capacity.sizes import HostSize
from placement.errors import Problem
from placement.fleet.casting import CastTable, cast_table
from placement.fleet.columns import PRICES, SIZES
from placement.fleet.faults import cell_problem, listed, suggest, unknown_names
from placement.fleet.tables import TABLE_ENDINGS, RawTable
from placement.fleet.types import HOSTS_SCHEMA


@dataclass(frozen=True)
class Stock:
    """Sizes in force.

    Parameters
    ----------
    sizes
        Every known size by name, at the prices in force.
    buyable
        Names of those that may be bought, sorted.
    currency
        Currency of the prices.
    unpriced
        Known sizes that have no price in force; what they carry is the model's.
    is_complete
        Whether every known name is among `sizes`; false after a fault, when names cannot be judged.
    problems
        What is wrong.
    """

    sizes: dict[str, HostSize]
    buyable: tuple[str, ...]
    currency: str
    unpriced: frozenset[str]
    is_complete: bool
    problems: tuple[Problem, ...]


def resolve_stock(
    model: CapacityModel,
    sizes: RawTable | list[str] | None,
    prices: RawTable | str | None,
    currency: str | None,
    file: str,
) -> Stock:
    """Return the sizes in force.

    Parameters
    ----------
    model
        The capacity model.
    sizes
        Names of the model's sizes, or a table; None: all of the model.
    prices
        A table, or the name of one of the model's price lists; None: the model's default list.
    currency
        Currency of the fleet's own prices, if it says so.
    file
        Where names of sizes and price lists stand, for messages.
    """
    problems: list[Problem] = []
    price_list = model.default_price_list
    if isinstance(prices, str):
        if prices in model.price_lists:
            price_list = prices
        else:
            problems.append(_unknown_list(prices, model, file))
    list_currency = model.currency(price_list)
    known = dict(model.host_sizes(price_list))
    priced = set(known)
    is_complete = True
    if isinstance(sizes, RawTable):
        own, own_priced, found = _own_sizes(sizes, known)
        problems += found
        is_complete = not found
        buyable = [name for name, size in own.items() if size.stock != 0]
        priced = (priced - set(own)) | own_priced | (set(own) & set(known))
        known |= own
    elif sizes is None:
        own_priced = set()
        buyable = list(known)
    else:
        own_priced = set()
        problems += _size_names(sizes, known, file)
        buyable = [name for name in dict.fromkeys(sizes) if name in known]
    if isinstance(prices, RawTable):
        table_prices, found = _own_prices(prices, known if is_complete else None)
        problems += found
        if not found:
            # prices of another list, maybe of another currency, must not mix with the fleet's own
            priced = own_priced | set(table_prices)
            for name, price in table_prices.items():
                known[name] = replace(known[name], price_micros_per_hour=price)
    missing = sorted(set(buyable) - priced)
    if missing and is_complete:
        problems.append(_missing_prices(missing, sizes, prices, file))
    has_own_prices = isinstance(prices, RawTable) or bool(own_priced)
    if currency is not None and not has_own_prices and currency != list_currency:
        problems.append(
            Problem(
                file,
                f"the prices are those of the model's list {price_list!r}",
                column="currency",
                value=currency,
                allowed=list_currency,
            )
        )
    return Stock(
        known,
        tuple(sorted(buyable)),
        currency or list_currency,
        frozenset(set(known) - priced),
        is_complete,
        tuple(problems),
    )


def _unknown_list(name: str, model: CapacityModel, file: str) -> Problem:
    lists = listed(model.price_lists)
    allowed = f"a file name ending in {', '.join(TABLE_ENDINGS)}, or a price list of the model ({lists})"
    message = "neither a table nor a price list of the model"
    return Problem(
        file,
        message,
        column="prices",
        value=name,
        allowed=allowed,
        suggestion=suggest(name, model.price_lists),
    )


def _size_names(names: list[str], known: Mapping[str, HostSize], file: str) -> list[Problem]:
    problems = []
    for name, count in Counter(names).items():
        if name not in known:
            problems.append(
                Problem(
                    file,
                    "no such size in the model",
                    column="sizes",
                    value=name,
                    allowed=listed(known),
                    suggestion=suggest(name, list(known)),
                )
            )
        elif count > 1:
            problems.append(
                Problem(
                    file,
                    f"the same size stands {count} times",
                    column="sizes",
                    value=name,
                    allowed="each once",
                )
            )
    return problems


def _own_sizes(raw: RawTable, known: Mapping[str, HostSize]) -> tuple[dict[str, HostSize], set[str], list[Problem]]:
    """Return the sizes of the table, which of them state a price, and what is wrong with them."""
    table = cast_table(raw, SIZES)
    problems = list(table.problems)
    if not table.frame.height:
        problems.append(
            Problem(raw.file, "the table has no rows", allowed="a row per size; in fleet.yaml, sizes: [] for none")
        )
    frame = table.frame
    if {"memory_mb", "os_reserved_mb"}.isdisjoint(table.faulty):
        full = (frame["os_reserved_mb"] >= frame["memory_mb"]).fill_null(False)
        if full.any():
            cells = frame["os_reserved_mb"]
            problems.append(
                cell_problem(
                    raw.file,
                    "os_reserved_mb",
                    full,
                    cells,
                    "not less than the host's memory",
                    "less than memory_mb",
                )
            )
    if problems:
        return {}, set(), problems
    sizes, priced = {}, set()
    for row in frame.iter_rows(named=True):
        name = row.pop("size")
        price = row.pop("price_micros_per_hour")
        if price is not None:
            priced.add(name)
        elif name in known:
            price = known[name].price_micros_per_hour
        same = known.get(name)
        # a size of the model that keeps its NIC's capacity keeps its NIC
        nic = same.nic if same is not None and same.nic_kbps == row["nic_kbps"] else ""
        sizes[name] = HostSize(name=name, price_micros_per_hour=price or 0, nic=nic, **row)
    return sizes, priced, []


def _own_prices(raw: RawTable, known: Mapping[str, HostSize] | None) -> tuple[dict[str, int], list[Problem]]:
    names = {} if known is None else {"size": sorted(known)}
    table = cast_table(raw, PRICES, known=names)
    if table.problems:
        return {}, list(table.problems)
    prices = dict(table.frame.select("size", "price_micros_per_hour").iter_rows())
    if known is None:
        return {}, []
    return prices, []


def _missing_prices(missing: list[str], sizes: object, prices: object, file: str) -> Problem:
    if isinstance(prices, RawTable):
        return Problem(
            prices.file,
            f"no price for {listed(missing)}, which may be bought",
            column="size",
            allowed="a row for every size in `sizes`",
        )
    where = sizes.file if isinstance(sizes, RawTable) else file
    message = f"no price for {listed(missing)}"
    return Problem(where, message, column="price_per_hour", allowed="a price here, or in the table `prices`")


def resolve_hosts(
    hosts: pl.DataFrame, table: CastTable, stock: Stock, nics: Mapping[str, int]
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return the hosts with the schema of `Fleet.hosts`, sorted, their NICs and prices filled in.

    Parameters
    ----------
    hosts
        The frame of `table`, places filled in.
    table
        The table as cast.
    stock
        Sizes in force.
    nics
        Capacity in kbit/s by name of NIC.
    """
    problems: list[Problem] = []
    names = pl.Series(sorted(stock.sizes), dtype=pl.String)
    cells = hosts["size"]
    if "size" not in table.faulty and stock.is_complete:
        unknown = ~cells.is_in(names.implode()).fill_null(True)
        if unknown.any():
            problems += unknown_names(table.file, "size", unknown, cells, "no such size", names.to_list())
        unpriced = (
            cells.is_in(pl.Series(sorted(stock.unpriced), dtype=pl.String).implode())
            & hosts["price_micros_per_hour"].is_null()
        )
        if unpriced.any() and "price_per_hour" not in table.faulty:
            message = "the host states no price, and its size has none"
            problems.append(cell_problem(table.file, "size", unpriced, cells, message, "a price here, or of its size"))
    size_nic = {name: size.nic_kbps for name, size in stock.sizes.items()}
    size_price = {name: size.price_micros_per_hour for name, size in stock.sizes.items()}
    resolved = hosts.with_columns(
        nic_kbps=pl.coalesce(_lookup("nic", nics), _lookup("size", size_nic)),
        price_micros_per_hour=pl.coalesce(pl.col("price_micros_per_hour"), _lookup("size", size_price)),
    )
    return resolved.select(list(HOSTS_SCHEMA)).sort("host"), problems


def _lookup(column: str, values: Mapping[str, int]) -> pl.Expr:
    return pl.col(column).replace_strict(dict(values), default=None, return_dtype=pl.Int64)
