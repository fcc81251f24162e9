"""Certificates worked out by hand, and certificates tampered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from naive_planner import naive_plan
from town import set_certificate, straighten, town

from placement.fleet import Fleet, Location, Topology, fleet_from_frames
from placement.plan.types import Bounds
from placement.verify import check_plan
from placement.verify.certificates import MAX_DEPTH, check_certificates
from placement.verify.collector import Collector
from placement.verify.facts import fleet_facts
from placement.verify.problems import pool_problems

# Everything below is in cores and dollars an hour: hosts give all they have (headroom 1, no overcommit, no reserve),
# and only CPU matters. Weights and values are in millionths per thousandth of a core at scale 1:
# 1 dollar for 10 cores is 1,000,000 / 10,000 = 100.
FLAT = {"headroom": 1.0, "cpu_overcommit": 1.0, "spare": 0.0, "network_limit": 1.0, "pools": ["services"]}


def fleet(
    services: dict[str, tuple[int, int, float]],
    sizes: dict[str, tuple[float, float, int | None]],
    hosts: dict[str, tuple[str, float]] | None = None,
    rules: dict[str, list[Any]] | None = None,
) -> Fleet:
    """Build a fleet: services as (instances, max_per_host, cores), sizes as (cores, price, stock), hosts as
    (size, price)."""
    num = len(services)
    return fleet_from_frames(
        services={
            "service": list(services),
            "instances": [row[0] for row in services.values()],
            "max_per_host": [row[1] for row in services.values()],
            "cpu_cores": [row[2] for row in services.values()],
            "memory_mb": [1] * num, "open_files": [1] * num, "threads": [1] * num, "disk_gb": [0] * num,
            "network_mbps": [0] * num,
        },
        sizes={
            "size": list(sizes),
            "cpu_cores": [row[0] for row in sizes.values()],
            "price_per_hour": [row[1] for row in sizes.values()],
            "stock": [row[2] for row in sizes.values()],
            "memory_mb": [1000] * len(sizes), "os_reserved_mb": [0] * len(sizes),
            "max_open_files": [10**6] * len(sizes), "disk_gb": [10] * len(sizes), "nic_mbps": [10] * len(sizes),
        },
        hosts=None if hosts is None else {
            "host": list(hosts),
            "size": [row[0] for row in hosts.values()],
            "price_per_hour": [row[1] for row in hosts.values()],
            "region": ["main"] * len(hosts), "state": ["active"] * len(hosts),
        },
        interference=rules,
        policy=FLAT,
        currency="USD",
    )  # fmt: skip


def cpu(*weights: int) -> tuple[tuple[int, ...], ...]:
    """Weights on CPU alone, one per class."""
    return tuple((weight, 0, 0, 0, 0, 0) for weight in weights)


def leaf(proof: dict[str, Any], **duals: Any) -> dict[str, Any]:
    return {"kind": "leaf", "proof": proof, **duals}


def weights(*rows: int, **duals: Any) -> dict[str, Any]:
    return leaf({"kind": "weights", "weights": cpu(*rows)}, **duals)


def patterns(values: dict[float, int], **duals: Any) -> dict[str, Any]:
    demands = tuple((round(cores * 1000), 1, 1, 1, 0, 0) for cores in values)
    return leaf({"kind": "patterns", "demands": demands, "values": tuple(values.values())}, **duals)


def counting(service: str, num_hosts: int, **duals: Any) -> dict[str, Any]:
    return leaf({"kind": "counting", "service": service, "num_hosts": num_hosts}, **duals)


def verdict(of: Fleet, bound: int, tree: dict[str, Any], *classes: str | tuple[str, ...]) -> str:
    """Kind of the one finding about a certificate, "" where it proves its bound.

    A class is a size by name, or a tuple of existing hosts.
    """
    listed = tuple({"buyable": c} if isinstance(c, str) else {"hosts": c} for c in classes)
    certificate = {
        "pool": "services",
        "region": "main",
        "bound_micros_per_hour": bound,
        "classes": listed,
        "tree": tree,
    }
    found = Collector()
    problems = pool_problems(fleet_facts(of), None)
    check_certificates(Bounds.model_validate({"certificates": (certificate,)}), problems, found)
    assert len(found.findings()) <= 1
    return found.findings()[0].kind if found.findings() else ""


DOLLAR = 1_000_000

# --- weights ------------------------------------------------------------------------------------------------

BOXES = {"box": (10.0, 1.0, None)}


def test_weights_prove_what_the_demand_costs() -> None:
    # 3 x 6 + 3 x 4 = 30 cores, at 1 dollar for 10
    of = fleet({"a": (3, 1, 6), "b": (3, 3, 4)}, BOXES)
    assert verdict(of, 3 * DOLLAR, weights(100), "box") == ""
    assert verdict(of, 3 * DOLLAR + 1, weights(100), "box") == "bound-too-high"
    assert verdict(of, 3 * DOLLAR, weights(101), "box") == "certificate-invalid"
    assert verdict(of, 3 * DOLLAR, weights(99), "box") == ""  # 2.97, and costs are whole dollars
    assert verdict(of, 3 * DOLLAR, weights(66), "box") == "bound-too-high"  # 1.98: two dollars
    assert verdict(of, 2 * DOLLAR, weights(66), "box") == ""


def test_an_item_is_worth_what_the_cheapest_class_that_holds_it_asks() -> None:
    # the 12 cores fit the crate only, at 0.15 dollars a core; the 6 cores fit both, at 0.10 in the box
    of = fleet({"a": (1, 1, 12), "b": (1, 1, 6)}, {"box": (10, 1.0, None), "crate": (20, 3.0, None)})
    assert verdict(of, 3 * DOLLAR, weights(100, 150), "box", "crate") == ""  # 1.8 + 0.6 = 2.4, so 3
    assert verdict(of, 3 * DOLLAR + 1, weights(100, 150), "box", "crate") == "bound-too-high"
    assert verdict(of, 3 * DOLLAR, weights(100, 150), "crate", "box") == "certificate-invalid"


def test_scale_divides_everything() -> None:
    of = fleet({"a": (3, 1, 6), "b": (3, 3, 4)}, BOXES)
    assert verdict(of, 3 * DOLLAR, weights(100_000, scale=1000), "box") == ""
    assert verdict(of, 3 * DOLLAR, weights(100_001, scale=1000), "box") == "certificate-invalid"
    assert verdict(of, 3 * DOLLAR, weights(100, scale=1000), "box") == "bound-too-high"
    huge = 10**40  # far beyond 64 bits
    assert verdict(of, 3 * DOLLAR, weights(100 * huge, scale=huge), "box") == ""
    assert verdict(of, 3 * DOLLAR, weights(100 * huge + 1, scale=huge), "box") == "certificate-invalid"


def test_weights_are_one_row_per_class_and_not_negative() -> None:
    of = fleet({"a": (3, 1, 6)}, BOXES)
    assert verdict(of, 0, weights(100, 100), "box") == "certificate-invalid"
    assert verdict(of, 0, weights(-1), "box") == "certificate-invalid"
    assert verdict(of, 0, leaf({"kind": "weights", "weights": ((0, 0, 0),)}), "box") == "certificate-invalid"


# --- patterns -----------------------------------------------------------------------------------------------


def test_patterns_prove_more_than_weights() -> None:
    # 5 x 4 = 20 cores fill two boxes on paper, but a box holds two of them: 2.5, so 3 dollars
    of = fleet({"a": (5, 5, 4)}, BOXES)
    assert verdict(of, 2 * DOLLAR, weights(100), "box") == ""
    assert verdict(of, 3 * DOLLAR, weights(100), "box") == "bound-too-high"
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 2}), "box") == ""
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 2 + 1}), "box") == "certificate-invalid"
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 3}), "box") == "bound-too-high"  # 1.67: two dollars


def test_a_pattern_holds_no_more_of_a_shape_than_its_services_allow() -> None:
    # two services of one instance a host each: a box holds two of the six at most, though nine would fit
    of = fleet({"a": (3, 1, 1), "b": (3, 1, 1)}, BOXES)
    assert verdict(of, 3 * DOLLAR, patterns({1: DOLLAR // 2}), "box") == ""
    assert verdict(of, 3 * DOLLAR, patterns({1: DOLLAR // 2 + 1}), "box") == "certificate-invalid"
    # a rule of a service with itself counts as well
    rules = {"service": ["a", "b"], "other": ["a", "b"], "max_instances": [1, 1]}
    of = fleet({"a": (3, 3, 1), "b": (3, 3, 1)}, BOXES, rules=rules)
    assert verdict(of, 3 * DOLLAR, patterns({1: DOLLAR // 2}), "box") == ""
    of = fleet({"a": (3, 3, 1), "b": (3, 3, 1)}, BOXES)
    assert verdict(of, 3 * DOLLAR, patterns({1: DOLLAR // 2}), "box") == "certificate-invalid"


@pytest.mark.parametrize("order", [("box", "mini"), ("mini", "box")])
def test_a_smaller_host_is_settled_by_a_larger_one_only_at_its_price_or_more(order: tuple[str, str]) -> None:
    # either host holds one instance: worth what the cheaper one costs, and no more
    def of(price: float) -> Fleet:
        return fleet({"a": (3, 3, 6)}, {"box": (10, 1.0, None), "mini": (6, price, None)})

    assert verdict(of(1.0), 3 * DOLLAR, patterns({6: DOLLAR}), *order) == ""
    assert verdict(of(2.0), 3 * DOLLAR, patterns({6: DOLLAR}), *order) == ""
    assert verdict(of(2.0), 0, patterns({6: DOLLAR + 1}), *order) == "certificate-invalid"
    assert verdict(of(0.5), 0, patterns({6: DOLLAR}), *order) == "certificate-invalid"
    assert verdict(of(0.5), 3 * DOLLAR // 2, patterns({6: DOLLAR // 2}), *order) == ""
    assert verdict(of(0.5), 3 * DOLLAR // 2 + 1, patterns({6: DOLLAR // 2}), *order) == "bound-too-high"


def test_shapes_left_out_are_worth_nothing_and_strangers_count_for_nothing() -> None:
    of = fleet({"a": (5, 5, 4), "b": (2, 1, 1)}, BOXES)
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 2}), "box") == ""
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 2, 1: 1}), "box") == "certificate-invalid"
    assert verdict(of, 3 * DOLLAR, patterns({4: DOLLAR // 2, 3: 10**9}), "box") == ""
    assert verdict(of, 4 * DOLLAR, patterns({4: DOLLAR // 2, 3: 10**9}), "box") == "bound-too-high"


def test_patterns_must_be_well_formed() -> None:
    of = fleet({"a": (5, 5, 4)}, BOXES)
    row = (4000, 1, 1, 1, 0, 0)
    for proof in (
        {"demands": (row, row), "values": (1, 1)},
        {"demands": (row,), "values": (1, 1)},
        {"demands": (row,), "values": (-1,)},
        {"demands": ((4000,),), "values": (1,)},
    ):
        assert verdict(of, 0, leaf({"kind": "patterns", **proof}), "box") == "certificate-invalid"


def test_a_value_no_host_can_hold_proves_nothing() -> None:
    # reading a fleet lets such a service pass; no plan exists, and no bound may be made of it
    of = fleet({"a": (1, 1, 4), "giant": (1, 1, 40)}, BOXES)
    assert verdict(of, 10**9, patterns({4: DOLLAR, 40: 10**9}), "box") == "bound-too-high"
    assert verdict(of, DOLLAR, patterns({4: DOLLAR, 40: 10**9}), "box") == ""
    assert verdict(of, DOLLAR, weights(100), "box") == ""
    assert verdict(of, 2 * DOLLAR, weights(100), "box") == "bound-too-high"


# --- counting -----------------------------------------------------------------------------------------------


def test_counting_takes_the_cheapest_hosts_that_hold_the_service() -> None:
    # five hosts: the two crates in stock at 0.5, the old one at 0.7, then boxes at 1; the shed is too small
    of = fleet(
        {"a": (5, 1, 6)},
        {"box": (10, 1.0, None), "crate": (20, 0.5, 2), "shed": (5, 0.1, None)},
        {"old": ("box", 0.7)},
    )
    classes = ("box", "crate", "shed", ("old",))
    assert verdict(of, 3_700_000, counting("a", 5), *classes) == ""
    assert verdict(of, 3_700_001, counting("a", 5), *classes) == "bound-too-high"
    assert verdict(of, 1_700_000, counting("a", 3), *classes) == ""
    assert verdict(of, 0, counting("a", 6), *classes) == "certificate-invalid"
    assert verdict(of, 0, counting("nobody", 1), *classes) == "certificate-invalid"
    assert verdict(of, 0, counting("a", 5, stock=(0, 1, 0, 0)), *classes) == "certificate-invalid"


def test_counting_rounds_up_and_respects_a_rule_of_the_service_with_itself() -> None:
    of = fleet({"a": (5, 2, 1)}, BOXES)
    assert verdict(of, 3 * DOLLAR, counting("a", 3), "box") == ""
    assert verdict(of, 4 * DOLLAR, counting("a", 4), "box") == "certificate-invalid"
    of = fleet({"a": (5, 2, 1)}, BOXES, rules={"service": ["a"], "other": ["a"], "max_instances": [1]})
    assert verdict(of, 5 * DOLLAR, counting("a", 5), "box") == ""


# --- stock --------------------------------------------------------------------------------------------------


def test_stock_duals_price_what_is_scarce() -> None:
    # one old host at half a dollar and boxes at 1; three items, one a host: 0.5 + 1 + 1.
    # Each is worth 1 dollar, the old host 1 dollar and not half of one, less its half dollar of scarcity: 3 - 0.5
    of = fleet({"a": (3, 3, 6)}, BOXES, {"old": ("box", 0.5)})
    half = DOLLAR // 2
    assert verdict(of, 2_500_000, patterns({6: DOLLAR}, stock=(0, half)), "box", ("old",)) == ""
    assert verdict(of, 2_500_001, patterns({6: DOLLAR}, stock=(0, half)), "box", ("old",)) == "bound-too-high"
    assert verdict(of, 2_500_000, patterns({6: DOLLAR}, stock=(0, half + 1)), "box", ("old",)) == ""  # rounded up
    assert verdict(of, 2_500_000, patterns({6: DOLLAR}, stock=(0, DOLLAR)), "box", ("old",)) == "bound-too-high"
    # too small a dual leaves the old host worth more than its price
    assert verdict(of, 2_500_000, patterns({6: DOLLAR}, stock=(0, half - 1)), "box", ("old",)) == "certificate-invalid"
    assert verdict(of, 2_500_000, patterns({6: DOLLAR}), "box", ("old",)) == "certificate-invalid"
    # boxes are not scarce: a dual of theirs would come for free
    free = patterns({6: 3 * DOLLAR}, stock=(2 * DOLLAR, 3 * DOLLAR))
    assert verdict(of, 2_500_000, free, "box", ("old",)) == "certificate-invalid"
    assert verdict(of, 0, patterns({6: 0}, stock=(0, -1)), "box", ("old",)) == "certificate-invalid"
    assert verdict(of, 0, patterns({6: 0}, stock=(0,)), "box", ("old",)) == "certificate-invalid"


def test_free_hosts() -> None:
    of = fleet({"a": (2, 2, 6)}, BOXES, {"old": ("box", 0.0)})
    assert verdict(of, DOLLAR, patterns({6: DOLLAR}, stock=(0, DOLLAR)), "box", ("old",)) == ""
    assert verdict(of, 1, patterns({6: DOLLAR}), "box", ("old",)) == "certificate-invalid"
    of = fleet({"a": (2, 2, 6)}, {"box": (10, 1.0, 0)}, {"old-1": ("box", 0.0), "old-2": ("box", 0.0)})
    assert verdict(of, 0, weights(0), ("old-1", "old-2")) == ""
    assert verdict(of, 1, weights(0, stock=()), ("old-1", "old-2")) == "bound-too-high"


# --- classes ------------------------------------------------------------------------------------------------


def test_every_host_that_may_be_used_is_in_one_class() -> None:
    of = fleet(
        {"a": (1, 1, 6)},
        {"box": (10, 1.0, None), "crate": (20, 2.0, 1), "gone": (20, 0.1, 0)},
        {"old-1": ("box", 0.5), "old-2": ("box", 0.5), "dear": ("box", 0.6), "large": ("crate", 0.5)},
    )
    old = ("old-1", "old-2")
    tree = weights(0, 0, 0, 0, 0)
    assert verdict(of, 0, tree, "box", "crate", old, ("dear",), ("large",)) == ""
    for classes in (
        ("box", "crate", old, ("dear",)),  # the large one is left out: it could be the cheapest
        ("box", old, ("dear",), ("large",)),
        ("box", "crate", ("old-1",), ("dear",), ("large",)),
        ("box", "box", "crate", old, ("dear",), ("large",)),
        ("box", "crate", ("old-1", "old-1", "old-2"), ("dear",), ("large",)),
        ("box", "crate", old, ("old-1", "dear"), ("large",)),
        ("box", "crate", (*old, "dear"), ("large",)),  # prices differ
        ("box", "crate", (*old, "large"), ("dear",)),  # limits differ
        ("box", "crate", (*old, "nobody"), ("dear",), ("large",)),
        ("box", "crate", "xlarge", old, ("dear",), ("large",)),
        ("box", "crate", (), old, ("dear",), ("large",)),
    ):
        assert verdict(of, 0, weights(*[0] * len(classes)), *classes) == "certificate-invalid", classes


def test_sizes_without_a_place_need_no_class() -> None:
    of = fleet({"a": (1, 1, 6)}, BOXES, {"old": ("box", 0.5)})
    assert verdict(of, 500_000, weights(50), ("old",)) == "certificate-invalid"
    for locations in ((), (Location("elsewhere"),), (Location("main", max_hosts=0),)):
        closed = replace(of, topology=Topology(locations))
        assert verdict(closed, 500_000, weights(50), ("old",)) == ""  # 0.3, so one host at 0.5


# --- trees --------------------------------------------------------------------------------------------------

# Four items of 6 cores; small hosts hold one for 1.0, big ones three for 1.9. The relaxation says
# 4 x 1.9 / 3 = 2.53, the answer is a big and a small one: 2.9. With at most one big host, an item is worth 1 if a
# big host may be worth 3: a dual of 1.1, so 4 - 1.1 = 2.9. With two or more, they cost 3.8 by themselves.
TWO_SIZES = fleet({"a": (4, 4, 6)}, {"big": (20, 1.9, None), "small": (10, 1.0, None)})


def tree(low: dict[str, Any], high: dict[str, Any], at: int = 1, coefficients: tuple[int, ...] = (1, 0)) -> Any:
    return {"kind": "branch", "coefficients": coefficients, "at": at, "low": low, "high": high}


LOW = patterns({6: DOLLAR}, conditions=(1_100_000,))
HIGH = patterns({6: 0}, conditions=(1_900_000,))


def test_a_branch_proves_what_a_leaf_cannot() -> None:
    single = patterns({6: 633_333})
    assert verdict(TWO_SIZES, 2_600_000, single, "big", "small") == ""  # 2.53, in steps of 0.1
    assert verdict(TWO_SIZES, 2_700_000, single, "big", "small") == "bound-too-high"
    assert verdict(TWO_SIZES, 2_900_000, tree(LOW, HIGH), "big", "small") == ""
    assert verdict(TWO_SIZES, 2_900_001, tree(LOW, HIGH), "big", "small") == "bound-too-high"


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (tree(HIGH, LOW), "certificate-invalid"),  # each proof on the other's side
        (tree(LOW, HIGH, at=0), "bound-too-high"),  # "two or more" has become "one or more"
        (tree(LOW, HIGH, at=2), "bound-too-high"),
        (tree(LOW, HIGH, coefficients=(0, 1)), "certificate-invalid"),  # the wrong size is limited
        (tree(LOW, HIGH, coefficients=(1,)), "certificate-invalid"),
        (tree(LOW, LOW), "certificate-invalid"),
        (tree(HIGH, HIGH), "bound-too-high"),
        (tree(patterns({6: DOLLAR}), HIGH), "certificate-invalid"),  # no dual: big hosts are worth too much
        (tree(patterns({6: DOLLAR}, conditions=(1_099_999,)), HIGH), "certificate-invalid"),
        (tree(patterns({6: DOLLAR}, conditions=(1_200_001,)), HIGH), "bound-too-high"),
        (tree(LOW, patterns({6: 0}, conditions=(1_900_001,))), "certificate-invalid"),  # a price below 0
        (tree(LOW, patterns({6: 0}, conditions=(-1,))), "certificate-invalid"),
        (tree(LOW, patterns({6: 0}, conditions=(1_900_000, 0))), "certificate-invalid"),
        (tree(counting("a", 1, conditions=(1,)), HIGH), "certificate-invalid"),
    ],
)
def test_broken_trees(broken: dict[str, Any], kind: str) -> None:
    assert verdict(TWO_SIZES, 2_900_000, broken, "big", "small") == kind


def test_a_side_that_no_plan_can_take_may_prove_anything() -> None:
    # fewer than 0 big hosts: a dual of 5 makes them cost 6.9, and the condition is worth 5 x 1
    none = patterns({6: 0}, conditions=(5 * DOLLAR,))
    assert verdict(TWO_SIZES, 2_900_000, tree(none, tree_under(0), at=-1), "big", "small") == ""


def tree_under(depth: int) -> dict[str, Any]:
    """The valid tree again, its leaves with duals of 0 for the conditions above."""
    above = (0,) * (depth + 1)
    return tree(patterns({6: DOLLAR}, conditions=(*above, 1_100_000)), patterns({6: 0}, conditions=(*above, 1_900_000)))


def test_trees_are_followed_without_recursion_and_to_a_limit() -> None:
    def chain(depth: int) -> dict[str, Any]:
        node = patterns({6: 0})
        for at in range(depth):
            node = tree(node, patterns({6: 0}), at=at)
        return node

    assert verdict(TWO_SIZES, 0, chain(MAX_DEPTH), "big", "small") == ""
    assert verdict(TWO_SIZES, 0, chain(MAX_DEPTH + 1), "big", "small") == "bound-unverified"


# --- certificates of a plan ---------------------------------------------------------------------------------

FLEET = town()
PLAN = naive_plan(FLEET)


def only_weights(certificate: dict[str, Any]) -> dict[str, Any]:
    return certificate["tree"]["proof"]


def raise_weight(certificate: dict[str, Any]) -> None:
    proof = only_weights(certificate)
    first, *others = proof["weights"]
    proof["weights"] = ([number + 1000 if number else 0 for number in first], *others)


def drop_class(certificate: dict[str, Any]) -> None:
    certificate["classes"] = certificate["classes"][:-1]
    only_weights(certificate)["weights"] = only_weights(certificate)["weights"][:-1]


def swap_classes(certificate: dict[str, Any]) -> None:
    certificate["classes"] = certificate["classes"][::-1]


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (raise_weight, "certificate-invalid"),
        (drop_class, "certificate-invalid"),
        (swap_classes, "certificate-invalid"),
        (lambda c: c["tree"].update(scale=c["tree"]["scale"] - 1), "certificate-invalid"),
        (lambda c: c["tree"].update(scale=c["tree"]["scale"] * 2), "bound-too-high"),
        (lambda c: c["tree"].update(stock=(0, 10**6, 0)), "certificate-invalid"),
        (lambda c: c["tree"].update(stock=(10**8, 0, 0)), "bound-too-high"),
        (lambda c: c.update(bound_micros_per_hour=c["bound_micros_per_hour"] + 1), "bound-too-high"),
        (lambda c: c.update(tree=counting("giant", 1)), "bound-too-high"),
        (lambda c: c.update(tree=counting("mail", 1)), "certificate-invalid"),  # runs in the other region
    ],
)
def test_tampering_with_a_certificate_of_a_plan(edit: Callable[[dict[str, Any]], None], kind: str) -> None:
    assert PLAN is not None
    plan = straighten(set_certificate(PLAN, "east", edit), FLEET)
    assert set(check_plan(plan, FLEET).counts) == {kind}


def test_certificates_are_one_per_pool_and_region() -> None:
    assert PLAN is not None
    for key, value in (("region", "east"), ("region", "north"), ("pool", "lakes")):
        certificates = [c.model_dump() for c in PLAN.bounds.certificates]
        certificates.append({**certificates[1], key: value})
        found = Collector()
        bounds = Bounds.model_validate({"certificates": tuple(certificates)})
        check_certificates(bounds, pool_problems(fleet_facts(FLEET), None), found)
        assert found.counts == {"certificate-invalid": 1}, key
