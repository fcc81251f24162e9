"""What a policy says of services, domains, sizes and NICs, held against those there are; calls against the links."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import polars as pl

from placement.errors import Problem
from placement.fleet.faults import SHOWN_NAMES, listed, suggest
from placement.fleet.topology_faults import Joined
from placement.fleet.types import Policy, Topology


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


def nic_problems(policy: Policy, nics: Sequence[str], file: str) -> Iterator[Problem]:
    """Yield names of NICs in a policy that the model does not have."""
    named: dict[str, list[str]] = {}
    for pool, nic in policy.nic.items():
        named.setdefault(nic, []).append(pool)
    for nic, pools in named.items():
        if nic not in nics:
            yield Problem(
                file,
                "no such NIC in the model",
                column="policy.nic" if len(pools) > 1 else f"policy.nic.{pools[0]}",
                value=nic,
                allowed=listed(nics),
                suggestion=suggest(nic, nics),
            )


def cut_off_calls(calls: pl.DataFrame, services: pl.DataFrame, topology: Topology, file: str) -> Iterator[Problem]:
    """Yield pairs of regions between which services call, and no link leads from one to the other.

    Parameters
    ----------
    calls, services
        With the schemas of `Fleet.calls` and `Fleet.services`.
    """
    if not topology.has_network or not calls.height:
        return
    joined = Joined(bundle for bundle in topology.bundles if bundle.network == "service")
    region = services["region"]
    pairs = (
        pl.DataFrame({"from": region.gather(calls["from"]), "to": region.gather(calls["to"])})
        .unique()
        .sort("from", "to")
    )
    apart = [
        (one, other)
        for one, other in pairs.iter_rows()
        if joined.of(topology.edges[one][0]) != joined.of(topology.edges[other][0])
    ]
    for one, other in apart[:SHOWN_NAMES]:
        message = "calls between regions that no link of topology.yaml joins"
        yield Problem(
            file, message, column="from, to", value=f"{one} to {other}", allowed="links between their switches"
        )
