"""Mixes as they are asked for, and what they mean for a fleet.

A mix is a list of sizes that may be bought (``medium,large``), or ``all``; ``singles`` and ``pairs`` stand for each
size alone and each two. Prices, headroom, arrangement of databases and capacity model, each of which may be given
several times, make a mix of every combination.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from placement.capacity import CapacityModel, load_model
from placement.capacity.sizes import HostSize
from placement.compare.variation import Variation, model_problems, sizes_under
from placement.errors import InputError, Problem, nearest_name
from placement.fleet.casting import cast_table
from placement.fleet.columns import PRICES
from placement.fleet.documents import parse_policy
from placement.fleet.tables import TABLE_ENDINGS, read_table
from placement.fleet.types import Arrangement, Fleet, Policy, Pool, PostgresChoice

ALL, SINGLES, PAIRS = "all", "singles", "pairs"
MAX_MIXES = 100
_COMMAND_LINE = "command line"
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Asked:
    """What is to be compared; an empty sequence: as the fleet says.

    Parameters
    ----------
    mixes
        ``all``, ``singles``, ``pairs``, or sizes with commas between them.
    prices
        Names of the model's price lists, or files with the columns `size` and `price_per_hour`.
    headroom
        Shares, for all resources.
    databases
        ``auto``, ``single``, ``clusters`` or ``dedicated``.
    models
        Names of bundled models, or folders.
    pools
        Pools that the mixes are for; the others may buy what the fleet says. Empty: all pools.
    """

    mixes: Sequence[str] = ()
    prices: Sequence[str] = ()
    headroom: Sequence[float] = ()
    databases: Sequence[str] = ()
    models: Sequence[str] = ()
    pools: Sequence[str] = ()


def resolve(fleet: Fleet, asked: Asked) -> tuple[Variation, ...]:
    """Return the mixes to plan.

    Raises
    ------
    InputError
        With everything that is wrong with what is asked.
    """
    problems: list[Problem] = []
    models = _models(fleet, asked.models, problems)
    policies = _policies(fleet, asked, problems)
    problems += [_unknown("--pool", pool, fleet.policy.pools) for pool in asked.pools if pool not in fleet.policy.pools]
    price_lists = [(name, _own_prices(name, problems)) for name in dict.fromkeys(asked.prices)] or [("", None)]
    # without --mix: each size alone, and all
    words = tuple(dict.fromkeys(asked.mixes or (SINGLES, ALL)))
    made: list[Variation] = []
    for (model_name, model), (price_name, own) in itertools.product(models, price_lists):
        sizes, currency = _priced(fleet, model, price_name, own, problems)
        for mix_name, mix in _mixes(fleet, sizes, words, problems):
            for policy_name, policy, databases in policies:
                parts = (mix_name, Path(price_name).name if own else price_name, policy_name, model_name)
                name = " ".join(part for part in parts if part)
                within, buyable = _for_pools(fleet, policy, mix, asked.pools)
                problems += _unpriced(fleet, model, buyable, price_name, own)
                made.append(Variation(name, model, sizes, buyable, within, currency, mix, price_name, databases))
    if len(made) > MAX_MIXES:
        message = "too many mixes; options given several times multiply"
        problems.append(Problem(_COMMAND_LINE, message, column="--mix", value=f"{len(made):,}", allowed=f"{MAX_MIXES}"))
    if len({variation.currency for variation in made}) > 1:
        found = ", ".join(sorted({variation.currency for variation in made}))
        message = "prices in different currencies cannot be compared"
        problems.append(Problem(_COMMAND_LINE, message, column="--prices", value=found, allowed="one currency"))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return tuple({variation.name: variation for variation in made}.values())


def _models(fleet: Fleet, names: Sequence[str], problems: list[Problem]) -> list[tuple[str, CapacityModel]]:
    """Return models with their part of a mix's name; the fleet's own is not named."""
    if not names:
        return [("", fleet.model)]
    found = []
    for name in dict.fromkeys(names):
        try:
            model = load_model(name)
        except InputError as error:
            problems += error.problems
            continue
        problems += model_problems(fleet, model, "--model")
        found.append((f"model={Path(name).name}", model))
    # without any the rest can be judged by the fleet's own
    return found or [("", fleet.model)]


def _policies(fleet: Fleet, asked: Asked, problems: list[Problem]) -> list[tuple[str, Policy, str]]:
    """Return policies with their part of a mix's name, and the arrangement of databases asked for."""
    made = []
    known = get_args(Arrangement)
    problems += [_unknown("--databases", word, known) for word in asked.databases if word not in known]
    for share in asked.headroom:
        _, wrong = parse_policy({"headroom": share}, _COMMAND_LINE, "-")
        problems += (
            Problem(_COMMAND_LINE, problem.message, column="--headroom", value=problem.value, allowed=problem.allowed)
            for problem in wrong
        )
    words = [word for word in dict.fromkeys(asked.databases) if word in known]
    for share, word in itertools.product(dict.fromkeys(asked.headroom) or (None,), words or ("",)):
        changes: dict[str, object] = {}
        parts = []
        if share is not None:
            changes["headroom"] = float(share)
            parts.append(f"headroom={share:g}")
        if word:
            # for all services: what the fleet says of single domains and services would not be the arrangement named
            changes["postgres"] = PostgresChoice(default=word)
            parts.append(f"databases={word}")
        made.append((" ".join(parts), fleet.policy.model_copy(update=changes), word))
    return made


def _own_prices(name: str, problems: list[Problem]) -> Mapping[str, int] | None:
    """Return the prices of a file, or None where the name is that of a list of the model."""
    if Path(name).suffix not in TABLE_ENDINGS:
        return None
    try:
        table = cast_table(read_table(Path(name), Path(name).name), PRICES)
    except InputError as error:
        problems += error.problems
        return {}
    problems += table.problems
    return {} if table.problems else dict(table.frame.select("size", "price_micros_per_hour").iter_rows())


def _priced(
    fleet: Fleet, model: CapacityModel, name: str, own: Mapping[str, int] | None, problems: list[Problem]
) -> tuple[dict[str, HostSize], str]:
    """Return the sizes under a model at the prices of a list, and their currency."""
    sizes = fleet.sizes if model is fleet.model else sizes_under(fleet, model)
    if not name:
        return sizes, fleet.currency
    currency = fleet.currency
    if own is None:
        if name not in model.price_lists:
            problems.append(_unknown("--prices", name, model.price_lists, "or a file that ends in .csv"))
            return sizes, currency
        currency = model.currency(name)
        prices: Mapping[str, int] = {
            size: row.price_micros_per_hour for size, row in model.host_sizes(name).items() if size in sizes
        }
    else:
        prices = own
        problems += [_unknown("--prices", size, tuple(sizes)) for size in own if size not in sizes]
    priced = {size: _at_price(row, prices[size]) if size in prices else row for size, row in sizes.items()}
    return priced, currency


def _unpriced(
    fleet: Fleet, model: CapacityModel, buyable: tuple[str, ...], name: str, own: Mapping[str, int] | None
) -> Iterator[Problem]:
    """Yield the sizes of a mix that have no price in force."""
    if own:
        missing = [size for size in buyable if size not in own]
    elif not name and fleet.currency != model.currency(model.default_price_list):
        # a size that the fleet may not buy has the model's price, of another currency
        missing = [size for size in buyable if size not in fleet.buyable]
    else:
        missing = []
    for size in missing:
        file = Path(name).name if own else _COMMAND_LINE
        yield Problem(file, f"no price in {fleet.currency} for a size of a mix", column="size", value=size)


def _at_price(size: HostSize, micros: int) -> HostSize:
    return dataclasses.replace(size, price_micros_per_hour=micros)


def _mixes(
    fleet: Fleet, sizes: Mapping[str, HostSize], words: Sequence[str], problems: list[Problem]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield name and sizes of each mix. ``all`` is what the fleet may buy, or every size where it may buy none."""
    every = fleet.buyable or tuple(sorted(sizes))
    for word in words:
        if word in (SINGLES, PAIRS):
            for chosen in itertools.combinations(_by_capacity(every, sizes), 1 if word == SINGLES else 2):
                yield "+".join(chosen), tuple(sorted(chosen))
        elif word == ALL:
            yield ALL, tuple(sorted(every))
        else:
            names = [name.strip() for name in word.split(",")]
            unknown = [name for name in names if name not in sizes]
            problems += [_unknown("--mix", name, (*sorted(sizes), ALL, SINGLES, PAIRS)) for name in unknown]
            if not unknown:
                chosen = tuple(_by_capacity(tuple(dict.fromkeys(names)), sizes))
                yield "+".join(chosen), tuple(sorted(chosen))


def _by_capacity(names: Sequence[str], sizes: Mapping[str, HostSize]) -> list[str]:
    return sorted(names, key=lambda name: (sizes[name].cpu_millicores, sizes[name].memory_mb, name))


def _for_pools(
    fleet: Fleet, policy: Policy, mix: tuple[str, ...], pools: Sequence[str]
) -> tuple[Policy, tuple[str, ...]]:
    """Return the policy, and what may be bought in all, where the mix is for some pools alone."""
    if not pools:
        return policy, mix
    others: dict[Pool, list[str]] = {pool: list(fleet.buyable) for pool in policy.pools}
    chosen: dict[Pool, list[str]] = {pool: list(mix) for pool in policy.pools if pool in pools}
    return (
        policy.model_copy(update={"pool_sizes": others | policy.pool_sizes | chosen}),
        tuple(sorted({*mix, *fleet.buyable})),
    )


def _unknown(option: str, name: str, known: Sequence[str], more: str = "") -> Problem:
    return Problem(
        _COMMAND_LINE,
        "unknown value",
        column=option,
        value=name[:_LONGEST_VALUE],
        allowed=", ".join([*known, more] if more else known),
        suggestion=nearest_name(name, known),
    )
