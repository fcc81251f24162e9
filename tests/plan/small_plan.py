"""A small plan made by hand, for the writer and the reader: its figures need not be right."""

from __future__ import annotations

import polars as pl

from placement.plan.types import (
    ASSIGNMENTS_SCHEMA,
    HOSTS_SCHEMA,
    Bounds,
    Branch,
    Certificate,
    Cost,
    CountingProof,
    FleetRef,
    HostClass,
    HostCounts,
    Leaf,
    PatternsProof,
    Plan,
    PlanSummary,
    PoolCost,
    WeightsProof,
)


def small_plan(num_hosts: int = 3, name: str = "små") -> Plan:
    """Return a plan with two instances per host, one spare, and a certificate with every kind of proof."""
    hosts = []
    for number in range(num_hosts):
        row = {
            "host": f"h-{number:04d}", "size": "small", "pool": "services", "region": "main",
            "zone": "" if number % 2 else "za", "segment": "", "nic": "10gbe", "spare": number == num_hosts - 1,
            "price_per_hour": 0.1 + number / 1e6, "instances": 2,
        }  # fmt: skip
        for column, kind in HOSTS_SCHEMA.items():
            if column not in row:
                row[column] = (7 * number + 1) / 1000 if kind == pl.Float64() else 7 * number + 1
        hosts.append(row)
    assignments = [(f"s-{n:04d}", i, f"h-{n:04d}") for n in range(num_hosts) for i in (1, 2)]
    proofs = (
        WeightsProof(weights=((1, 0, 0, 0, 0, 0),)),
        PatternsProof(demands=((1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 10**30)), values=(7, 8)),
        CountingProof(service="s-0000", num_hosts=2),
    )
    leaves = [
        Leaf(proof=proof, conditions=(1,) * depth, stock=(0,)) for proof, depth in zip(proofs, (1, 2, 2), strict=True)
    ]
    inner = Branch(coefficients=(1,), at=3, low=leaves[1], high=leaves[2])
    tree = Branch(coefficients=(-1,), at=-2, low=leaves[0], high=inner)
    cost = 0.1 * num_hosts
    return Plan(
        summary=PlanSummary(
            fleet=FleetRef(name=name, services=num_hosts, instances=2 * num_hosts, digest="sha256:00"),
            status="feasible",
            cost=Cost(
                currency="USD", per_hour=cost, bound_per_hour=cost / 3, gap=2.0, spare_per_hour=0.1,
                total_per_hour=cost + 0.1,
            ),
            hosts=HostCounts(total=num_hosts, spare=1, by_size={"small": num_hosts, "big": 0}),
            pools={"services": PoolCost(per_hour=cost, bound_per_hour=cost / 3, gap=2.0, hosts=num_hosts - 1)},
            settings={"seed": 1, "a": {"z": 1, "b": [1, {"y": 2, "x": 3}]}},
            versions={"python": "3.11", "numpy": "2"},
        ),
        hosts=pl.DataFrame(hosts, schema=HOSTS_SCHEMA),
        assignments=pl.DataFrame(assignments, schema=ASSIGNMENTS_SCHEMA, orient="row"),
        bounds=Bounds(
            certificates=(
                Certificate(
                    pool="services", region="main", bound_micros_per_hour=5, classes=(HostClass(buyable="small"),),
                    tree=tree,
                ),
            )
        ),
    )  # fmt: skip


def same(one: Plan, other: Plan) -> bool:
    return (
        one.summary == other.summary
        and one.bounds == other.bounds
        and one.hosts.equals(other.hosts)
        and one.assignments.equals(other.assignments)
    )
