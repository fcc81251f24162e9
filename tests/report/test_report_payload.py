"""The packed data says of every service, host and node what the plan's tables say."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from unpacked import choice, columns_of

from placement.fleet import Fleet
from placement.plan.types import Plan
from placement.report.payload import Columns, plan_payload
from placement.units import RESOURCES


@given(
    numbers=st.lists(st.integers(0, 2**48 - 1), max_size=40),
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=10),
)
def test_columns_come_out_as_they_went_in(numbers: list[int], texts: list[str]) -> None:
    columns = Columns()
    columns.numbers("n", numbers)
    columns.text("t", texts)
    columns.choices("c", pl.Series(texts, dtype=pl.String))
    found = columns_of(columns.packed())
    assert found["n"] == numbers
    assert found["t"] == texts
    assert choice(found, "c") == texts


def test_services_and_where_their_instances_stand(plan: Plan, fleet: Fleet) -> None:
    found = columns_of(plan_payload(plan, fleet))
    names, hosts = found["service.name"], found["host.name"]
    stands = []
    first = 0
    for name, number in zip(names, found["service.instances"], strict=True):
        places = found["instance.host"][first : first + number]
        stands += [(name, row + 1, hosts[host]) for row, host in enumerate(places)]
        first += number
    assert stands == plan.assignments.sort("service", "instance").rows()
    assert choice(found, "service.domain") == fleet.services.sort("service")["domain"].to_list()


def test_clusters_and_nodes_have_their_names_back(plan: Plan, fleet: Fleet) -> None:
    found = columns_of(plan_payload(plan, fleet))
    names = [
        stem + (found["service.name"][owner - 1] if owner else "")
        for stem, owner in zip(choice(found, "cluster.stem"), found["cluster.owner"], strict=True)
    ]
    known = set(plan.postgres_clusters["cluster"]) | set(plan.valkey_clusters["cluster"])
    assert known <= set(names) == known | set(plan.nodes["workload"])
    nodes = [
        suffix[1:] if suffix.startswith("~") else names[cluster - 1] + suffix
        for suffix, cluster in zip(choice(found, "node.suffix"), found["node.cluster"], strict=True)
    ]
    assert nodes == plan.nodes.sort("node")["node"].to_list()
    hosts = [found["host.name"][row] for row in found["node.host"]]
    assert hosts == plan.nodes.sort("node")["host"].to_list()
    uses = dict(zip(found["service.name"], found["service.database"], strict=True))
    for service, cluster in plan.databases.select("service", "cluster").iter_rows():
        assert names[uses[service] - 1] == cluster


def test_host_figures_are_exact(plan: Plan, fleet: Fleet) -> None:
    found = columns_of(plan_payload(plan, fleet))
    hosts = plan.hosts.sort("host")
    for r, resource in enumerate(RESOURCES):
        for end in ("used", "limit"):
            stated = [round(value * resource.factor) for value in hosts[f"{resource.column}_{end}"]]
            assert found[f"host.{end}{r}"] == stated
    assert [price / 1e6 for price in found["host.price"]] == hosts["price_per_hour"].to_list()


def test_without_the_fleet_a_domain_comes_from_the_cluster_if_it_has_one(plan: Plan) -> None:
    found = columns_of(plan_payload(plan, None))
    domain = dict(zip(found["service.name"], choice(found, "service.domain"), strict=True))
    assert domain["ledger-core"] == "ledger"  # its own dedicated server
    assert domain["cart-session"] == ""  # no database, and caches do not say
