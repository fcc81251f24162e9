"""What a policy says of single services, domains and sizes, held against those there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from placement.errors import Problem
from placement.fleet.faults import listed, suggest
from placement.fleet.types import Policy


def choice_problems(policy: Policy, services: pl.DataFrame, buyable: Collection[str], file: str) -> Iterator[Problem]:
    """Yield names in a policy that the fleet does not have, and choices for services that have nothing to choose.

    Parameters
    ----------
    services
        With the schema of `Fleet.services`.
    buyable
        Sizes that may be bought.
    file
        Name of fleet.yaml.
    """
    for pool, sizes in policy.pool_sizes.items():
        for size in sizes:
            if size not in buyable:
                yield Problem(
                    file,
                    "no such size may be bought",
                    column=f"policy.pool_sizes.{pool}",
                    value=size,
                    allowed=listed(sorted(buyable)) if buyable else "none: nothing may be bought",
                    suggestion=suggest(size, sorted(buyable)),
                )
    domains = set(services["domain"].drop_nulls()) - {""}
    names = set(services["service"].drop_nulls())
    for name in policy.moves.services:
        if name not in names:
            yield Problem(
                file,
                "the fleet has no such service",
                column=f"policy.moves.services.{name}",
                value=name,
                suggestion=suggest(name, sorted(names)),
            )
    for key, choice in (("postgres", policy.postgres), ("valkey", policy.valkey)):
        without = set(services.filter(~pl.col(f"needs_{key}"))["service"].drop_nulls()) if choice.services else set()
        for what, given, known in (("domain", choice.domains, domains), ("service", choice.services, names)):
            for name in given:
                column = f"policy.{key}.{what}s.{name}"
                if name not in known:
                    yield Problem(
                        file,
                        f"the fleet has no such {what}",
                        column=column,
                        value=name,
                        suggestion=suggest(name, sorted(known)),
                    )
                elif what == "service" and name in without:
                    yield Problem(
                        file,
                        f"the service has needs_{key} = false, so there is nothing to arrange",
                        column=column,
                        value=given[name],
                        allowed=f"services with needs_{key} = true",
                    )
