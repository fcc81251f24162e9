"""Choosing clusters: which kinds to open and who goes where, at lowest price of nodes, by the packing engine.

A kind of cluster is to the engine what a host class is, a service what an instance is: mix by CP-SAT, fill, exchange,
patterns, and a bound with its certificate.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from placement.bounds import prove
from placement.branching import raised_by_branching
from placement.datatier.cohesion import cohere
from placement.fleet.types import Location
from placement.instance import HOST, HostClasses, PoolProblem
from placement.interference import NO_LIMIT, no_rules
from placement.packing.cpsat import Effort, effort
from placement.packing.options import Options, Report, Stop, Work
from placement.packing.solve import solve_pool
from placement.plan.types import Certificate, Choice
from placement.units import BoolArray, IntArray, price_from_micros

_WORK = Work(
    exact_time=0.1, columns=1_000_000, max_shapes=150, tries=2, max_repacked=0,
    integer_master=False, largest_first=True,
)  # fmt: skip
"""A choice is one of several in a plan, and its clusters hold few large services and many small ones."""


@dataclass(frozen=True)
class Kind:
    """A kind of cluster that can be opened any number of times.

    Parameters
    ----------
    name
        As in the certificate, ``shared-l/read-heavy`` say.
    limits
        What its services may use together, per resource.
    price
        Of all its nodes, micros per hour.
    """

    name: str
    limits: tuple[int, ...]
    price: int


@dataclass(frozen=True)
class Chosen:
    """Clusters that were chosen.

    Parameters
    ----------
    kind_of
        int64[num_clusters]: position in the kinds.
    cluster_of
        int64[num_items].
    cost, bound
        Micros per hour.
    """

    kind_of: IntArray
    cluster_of: IntArray
    cost: int
    bound: int
    certificate: Certificate


def canonical_order(demand: IntArray, domains: Sequence[str]) -> IntArray:
    """Return an order of services, int64[num], that says nothing of their names: by demand, then domain.

    Choosing in this order, a fleet costs the same whatever its services are called.
    """
    of_domain = np.unique(np.array(domains, dtype=object), return_inverse=True)[1].ravel()
    order: IntArray = np.lexsort((of_domain, *demand.T[::-1])).astype(np.int64)
    return order


def choose_clusters(
    pool: str,
    region: str,
    group: str,
    names: Sequence[str],
    demand: IntArray,
    kinds: Sequence[Kind],
    options: Options,
    report: Report,
    stop: Stop,
    *,
    cost_only: bool = False,
) -> Chosen:
    """Choose clusters for services.

    Parameters
    ----------
    pool
        ``postgres`` or ``valkey``.
    group
        Isolation group (and function), for the certificate.
    names
        Services, in the order of `canonical_order`.
    demand
        int64[num_items, num_resources]; each item fits some kind alone.
    kinds
        What can be opened.
    cost_only
        Whether nobody asks for the bound: no time is then spent on raising it.
    """
    problem = cluster_problem(pool, region, names, demand, kinds)
    start = time.monotonic()
    limit_s = options.time_limit_s

    def over() -> bool:
        return stop() or (limit_s is not None and time.monotonic() - start >= limit_s)

    # BLAS adds up in another order for every number of threads
    with threadpool_limits(1, user_api="blas"), effort(Effort(mode=options.mode, cores=1, over=over)):
        bound = prove(problem)
        if not cost_only:
            bound = raised_by_branching(bound, problem)
        if limit_s is not None:
            options = dataclasses.replace(options, time_limit_s=max(0.0, limit_s - (time.monotonic() - start)))
        packing, bound = solve_pool(problem, bound, options, report, stop, work=_WORK)
    kind_of, cluster_of = tightened(packing.host_class, packing.host_of, demand, kinds)
    price = problem.classes.price
    return Chosen(
        kind_of=kind_of,
        cluster_of=cluster_of,
        cost=int(price[kind_of].sum()),
        bound=bound.micros_per_hour,
        certificate=bound.certificate.model_copy(update={"group": group}),
    )


def brought_together(
    chosen: Chosen,
    demand: IntArray,
    kinds: Sequence[Kind],
    domains: Sequence[str],
    even: BoolArray,
    options: Options,
    stop: Stop,
) -> Chosen:
    """Return the choice with domains together and an even fill, at the same cost or less (`cohesion`).

    Parameters
    ----------
    domains
        Domain of each service, "" where it has none.
    even
        bool[num_resources]: the resources whose shares are to be even.
    """
    start = time.monotonic()
    limit_s = options.time_limit_s

    def over() -> bool:
        return stop() or (limit_s is not None and time.monotonic() - start >= limit_s)

    names, domain_of = np.unique(np.array(domains, dtype=object), return_inverse=True)
    domain_of = domain_of.ravel().astype(np.int64) - (1 if names[0] == "" else 0)
    certificate = chosen.certificate
    problem = cluster_problem(certificate.pool, certificate.region, range(len(demand)), demand, kinds)
    with threadpool_limits(1, user_api="blas"), effort(Effort(mode=options.mode, cores=1, over=over)):
        together = cohere(problem, chosen.kind_of, chosen.cluster_of, domain_of, even, seed=options.seed, over=over)
    kind_of, cluster_of = tightened(chosen.kind_of, together, demand, kinds)
    cost = int(problem.classes.price[kind_of].sum())
    return dataclasses.replace(chosen, kind_of=kind_of, cluster_of=cluster_of, cost=cost)


def tightened(
    kind_of: IntArray, cluster_of: IntArray, demand: IntArray, kinds: Sequence[Kind]
) -> tuple[IntArray, IntArray]:
    """Give each cluster the cheapest kind that holds it (the first of equals), and drop those that are empty.

    Parameters
    ----------
    kind_of, cluster_of, demand
        As in `Chosen`.
    """
    used = np.unique(cluster_of)
    number = np.full(len(kind_of), -1, np.int64)
    number[used] = np.arange(len(used))
    cluster_of = number[cluster_of]
    kind_of = kind_of[used].copy()
    load = loads(cluster_of, len(used), demand)
    price = np.array([kind.price for kind in kinds], np.int64)
    for k in np.argsort(price, kind="stable")[::-1]:
        holds = (load <= np.array(kinds[k].limits, np.int64)).all(axis=1)
        kind_of[holds & (price[k] <= price[kind_of])] = k
    return kind_of, cluster_of


def loads(cluster_of: IntArray, num_clusters: int, demand: IntArray) -> IntArray:
    """Return what the services of each cluster ask for: int64[num_clusters, num_resources]."""
    load = np.zeros((num_clusters, demand.shape[1]), np.int64)
    np.add.at(load, cluster_of, demand)
    return load


def choice_of(cost: int, bound: int) -> Choice:
    """Return cost, bound and gap of all choices together, from micros."""
    gap = 0.0 if cost == bound else (cost - bound) / bound if bound else 1.0
    return Choice(per_hour=price_from_micros(cost), bound_per_hour=price_from_micros(bound), gap=gap)


def cluster_problem(
    pool: str, region: str, names: Iterable[object], demand: IntArray, kinds: Sequence[Kind]
) -> PoolProblem:
    """Return the choice as a packing problem; parameters as for `choose_clusters`."""
    num = len(demand)
    ones = np.ones(num, np.int64)
    return PoolProblem(
        pool=pool,
        region=region,
        names=tuple(str(name) for name in names),
        demand=demand,
        instances=ones,
        max_per_host=ones.copy(),
        spread=np.full(num, HOST, np.int64),
        spread_limit=np.full(num, NO_LIMIT, np.int64),
        rules=no_rules(num),
        classes=HostClasses(
            limit=np.array([kind.limits for kind in kinds], np.int64),
            price=np.array([kind.price for kind in kinds], np.int64),
            stock=np.full(len(kinds), -1, np.int64),
            size=tuple(kind.name for kind in kinds),
            hosts=((),) * len(kinds),
        ),
        zones=(),
        segments=(("", ""),),
        locations=(Location(region),),
        host_location={},
        occupied=(0,),
    )
