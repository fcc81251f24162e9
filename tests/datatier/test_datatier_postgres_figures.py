"""What a service asks of its database, by hand: typical figures of the model unless said otherwise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from postgres_fleets import databases_of

from placement.datatier.node_price import node_price
from placement.datatier.postgres_figures import (
    client_limit,
    direct_demand,
    figures_of,
    pool_row,
    pooled_demand,
    server_tiers,
)
from placement.instance import HostClasses

MODEL = databases_of([{}]).model


def amounts(row, arrangement, *, pooled=False, idle=0, **others):
    fleet = databases_of([row], idle=idle, **others)
    figures = figures_of(fleet, np.array([0]), arrangement)
    demand = (pooled_demand if pooled else direct_demand)(fleet, figures)
    return figures, demand, demand.amount[0].tolist()


def test_directly_every_client_is_a_connection():
    # 3 instances × 20 = 60; 10 GB × 1.3; 3 × 0.03 cores; 60 × 10 MB + 1 % of 10,000; 3 × 12.5 Mbps
    _, demand, amount = amounts({"instances": 3, "db_storage_gb": 10}, "dedicated", idle=5999)
    assert amount == [60, 60, 13_000, 90, 700, 37_500]
    assert (demand.pool_size[0], demand.reserve_size[0]) == (0, 0)


def test_through_two_pgbouncers_their_pools_are_connections():
    # 3 × 10 = 30 clients; pools of ⌈min(20, 30) / 2⌉ + ⌈5 / 2⌉ = 10 + 3 in each of two; 26 × 10 + 100 MB
    _, demand, amount = amounts({"instances": 3, "db_storage_gb": 10}, "clusters", pooled=True, idle=59)
    assert amount == [26, 30, 13_000, 90, 360, 37_500]
    assert (demand.pool_size[0], demand.reserve_size[0]) == (10, 3)


@pytest.mark.parametrize(("clients", "connections"), [(0, 6), (1, 8), (5, 12), (19, 26), (20, 26), (21, 26), (400, 26)])
def test_pools_are_no_larger_than_their_clients(clients, connections):
    _, _, amount = amounts({"db_connections": clients}, "clusters", pooled=True)
    assert amount[:2] == [connections, clients]


def test_storage_from_rows_is_exact_until_it_is_rounded():
    # 100 + 1,000,001 × 2,000 × 1.5 / 10⁶ = 3,100.003 MB; × 1.3 = 4,030.0039; 16 × 10 + 31.00003
    figures, _, amount = amounts({"db_rows": 1_000_001}, "clusters", pooled=True)
    assert (amount[2], amount[4]) == (4_031, 192)
    assert figures.storage_class[0] == "medium"
    # 1,000,000 rows: 3,100 MB; 4,030 and 191 without a rest
    _, _, amount = amounts({"db_rows": 1_000_000}, "clusters", pooled=True)
    assert (amount[2], amount[4]) == (4_030, 191)


def test_a_size_beats_rows_and_neither_is_the_default_class():
    figures, _, amount = amounts({"db_rows": 1_000_000, "db_storage_gb": 2}, "clusters", pooled=True)
    assert (amount[2], figures.storage_class[0]) == (2_600, "medium")  # the rows' class
    # small: 0.1 to 1 GB, 0.55 in the middle: 550 × 1.3 = 715; 160 + 5.5
    figures, _, amount = amounts({}, "clusters", pooled=True)
    assert (amount[2], amount[4], figures.storage_class[0]) == (715, 166, "small")


@pytest.mark.parametrize(
    ("gb", "name"), [(0, "small"), (1, "small"), (1.001, "medium"), (50, "medium"), (501, "large")]
)
def test_the_class_of_a_size_is_the_first_that_reaches_it(gb, name):
    assert amounts({"db_storage_gb": gb}, "clusters")[0].storage_class[0] == name


@pytest.mark.parametrize(
    ("rows", "name"), [(0, "small"), (99_999, "small"), (100_000, "medium"), (10_000_000, "large")]
)
def test_the_class_of_rows_is_the_models(rows, name):
    assert amounts({"db_rows": rows}, "clusters")[0].storage_class[0] == name


def test_figures_are_taken_at_the_policys_end():
    # high: 1 GB × 1.3, 0.1 cores, 20 Mbps; low: 0.1 GB, 0.01 cores, 5 Mbps
    assert amounts({}, "clusters", policy={"demand": "high"})[2] == [10, 10, 1_300, 100, 110, 20_000]
    assert amounts({}, "clusters", policy={"demand": "low"})[2] == [10, 10, 130, 10, 101, 5_000]


def test_large_numbers_are_exact():
    fleet = databases_of([{"db_rows": 10**12}])
    load = fleet.model.postgres.load
    odd = load.cached_share.model_copy(update=dict.fromkeys(("low", "typical", "high"), 0.123456789012345))
    postgres = fleet.model.postgres.model_copy(update={"load": load.model_copy(update={"cached_share": odd})})
    fleet = replace(fleet, model=fleet.model.model_copy(update={"postgres": postgres}))
    amount = direct_demand(fleet, figures_of(fleet, np.array([0]), "clusters")).amount[0].tolist()
    stored = 100 + 3 * 10**9  # MB
    assert amount[2] == stored * 13 // 10
    assert amount[4] == -(-(100 + Fraction("0.123456789012345") * stored) // 1)


def test_figures_of_many_digits_are_no_trouble_where_nothing_is_stated():
    # a sample of an estimate has 16 digits: all together they are a denominator of more than 64 bits
    fleet = databases_of([{}])
    postgres = fleet.model.postgres
    odd = dict.fromkeys(("low", "typical", "high"), 1.2345678901234567)
    formula = postgres.storage_formula
    changed = {
        name: getattr(formula, name).model_copy(update=odd) for name in ("row_bytes", "base_mb", "growth_factor")
    }
    small = postgres.storage_classes["small"]
    classes = postgres.storage_classes | {
        "small": small.model_copy(update={"storage_gb": small.storage_gb.model_copy(update=odd)})
    }
    formula = formula.model_copy(update=changed)
    postgres = postgres.model_copy(update={"storage_formula": formula, "storage_classes": classes})
    fleet = replace(fleet, model=fleet.model.model_copy(update={"postgres": postgres}))
    figures = figures_of(fleet, np.array([0]), "clusters")
    exactly = Fraction("1.2345678901234567")
    assert figures.storage_mb[0] == -(-1000 * exactly * exactly // 1)  # 1,524.2 MB, rounded up
    # 10 connections at 10 MB and 1 % of 1,234.6 MB
    assert direct_demand(fleet, figures).amount[0, 4] == 113


@pytest.mark.parametrize(
    ("arrangement", "num_services", "pool"),
    [("single", 49, 20), ("single", 10_000, 20), ("clusters", 10, 10), ("clusters", 100_000, 10), ("dedicated", 1, 20)],
)
def test_connection_pools_of_an_arrangement_beside_its_scale(arrangement, num_services, pool):
    assert pool_row(MODEL, arrangement, num_services).max_connections_per_instance.typical == pool


def test_limits_are_rounded_down():
    tiers = {tier.name: tier.limits for tier in server_tiers(MODEL, MODEL.postgres.cluster_tiers, "typical")}
    # 400 × 0.7; 100 GB × 0.7; 2 cores × 0.7; 8,000 MB × 0.7; 1,000 Mbps × 0.6
    assert tiers["shared-s"][0:1] + tiers["shared-s"][2:] == (280, 70_000, 1_400, 5_600, 600_000)
    assert tiers["shared-l"][0] == 1_050
    assert client_limit(MODEL, "typical") == 2 * 7_000


def test_a_node_costs_its_largest_share_of_the_host_that_suits_it_best():
    def classes(limits, prices, stock):
        none = ((),) * len(prices)
        return HostClasses(np.array(limits), np.array(prices), np.array(stock), ("a",) * len(prices), none)

    demand = np.array([10, 20, 0, 0, 0, 0])
    limits = [[100, 100, 1, 1, 1, 1], [100, 30, 1, 1, 1, 1], [9, 1_000, 1, 1, 1, 1]]
    # 20 of 100 at 1,001: 200.2; 20 of 30 at 300: 200; the third is too small
    assert node_price(classes(limits, [1_001, 300, 1], [-1, -1, -1]), demand) == 200
    assert node_price(classes(limits, [1_001, 300, 1], [-1, 0, -1]), demand) == 201
    assert node_price(classes(limits[:1], [0], [3]), demand) == 1
    assert node_price(classes(limits[2:], [1], [-1]), demand) is None
