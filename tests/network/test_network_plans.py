"""Loads, violations, cuts, mends and rehearsals of plans put together by hand, worked out in the comments."""

from __future__ import annotations

from typing import Any

import pytest
from net_plans import hand_plan, loads_of, small_fleet

from placement.network.rehearsals import rehearse
from placement.network.settle import settle
from placement.network.state import state_of
from placement.network.talkers import largest_talkers


def file_topology(uplink_mbps: float, segments: int = 2, links: int = 1, spines: tuple[str, ...] = ("s",)) -> Any:
    """Return segments a1, a2, … of zone a, each with uplinks to spines, which are the edge."""
    return {
        "format": "placement/topology/1",
        "regions": [
            {
                "region": "eu",
                "edge": list(spines),
                "zones": [
                    {
                        "zone": "a",
                        "segments": [
                            {
                                "segment": f"a{n + 1}",
                                "uplinks": [
                                    {"to": spine, "capacity_mbps": float(uplink_mbps), "links": links}
                                    for spine in spines
                                ],
                            }
                            for n in range(segments)
                        ],
                    }
                ],
            }
        ],
    }


def test_a_derived_network_by_hand() -> None:
    fleet = small_fleet({"web": {"instances": 2}})
    plan = settle(hand_plan(fleet, {f"h{n}": (("main", "", ""), ["web"]) for n in (1, 2)}), fleet)
    load = loads_of(plan)
    # a host sends: answers to clients 5.5, heartbeat 0.05 and telemetry 1.25 to the edge; half of its 0.5 Mbps of mTLS
    # goes to the other instance (0.25), and half of the other's 0.25 is answered (0.125): 7.175 Mbps
    assert load["h1>main/s0001"] == load["h2>main/s0001"] == 7.175
    # it gets 5.5 of clients, 0.25 and 0.125 of the other, 10 % of 0.05 and 5 % of 1.25 in answers: 5.9425
    assert load["main/s0001>h1"] == pytest.approx(5.943)
    # mTLS stays in the segment; 2 × 6.8 Mbps leave it over two spines, each spine's half over two cores
    assert load["main/s0001>main/spine-1"] == load["main/s0001>main/spine-2"] == 6.8
    assert load["main/spine-1>main/core-2"] == 3.4
    # 2 × 5.5675 come in: clients equally at both cores
    assert load["main/spine-2>main/s0001"] == pytest.approx(5.568)
    network = plan.summary.network
    assert network is not None
    assert (network.topology, network.segments, network.links) == ("derived", 1, 6)
    assert network.traffic_mbps == {
        "client": 11.0, "postgres": 0.0, "valkey": 0.0, "mtls": 1.0, "heartbeat": 0.1, "telemetry": 2.5,
        "replication": 0.0, "calls": 0.0,
    }  # fmt: skip
    # 20 hosts of 1 Gbps over 2 spines: one link of 10 Gbps; the NICs have 10
    assert plan.links["capacity_mbps"].unique().to_list() == [10_000.0]
    assert plan.summary.violations == ()


def test_calls_flow_from_all_to_all() -> None:
    fleet = small_fleet({"one": {"instances": 2}, "two": {}}, calls=[("one", "two", 30.0)])
    stands = {"h1": (("main", "", ""), ["one"]), "h2": (("main", "", ""), ["one", "two"])}
    with_calls = loads_of(settle(hand_plan(fleet, stands), fleet))
    plain = small_fleet({"one": {"instances": 2}, "two": {}})
    without = loads_of(settle(hand_plan(plain, stands), plain))
    # 15 Mbps from each instance of one; that on h2 is local
    assert with_calls["h1>main/s0001"] - without["h1>main/s0001"] == pytest.approx(15.0, abs=0.002)
    assert with_calls["main/s0001>h2"] - without["main/s0001>h2"] == pytest.approx(15.0, abs=0.002)
    assert with_calls["h2>main/s0001"] == pytest.approx(without["h2>main/s0001"], abs=0.002)


def test_an_uplink_that_is_too_narrow_is_proven_so_and_mended() -> None:
    fleet = small_fleet({"web": {"instances": 2}}, file_topology(10, segments=1))
    plan = settle(hand_plan(fleet, {f"h{n}": (("eu", "a", "a1"), ["web"]) for n in (1, 2)}), fleet)
    # 13.6 Mbps go up and 11.135 come down over 10
    assert [row["link"] for row in plan.summary.violations] == ["eu/a/a1>s", "s>eu/a/a1"]
    assert plan.summary.violations[0] == {
        "kind": "link-overloaded", "link": "eu/a/a1>s", "load_mbps": 13.6, "capacity_mbps": 10.0,
    }  # fmt: skip
    network = plan.summary.network
    assert network is not None
    cuts = {(cut.holds_for, cut.direction): (cut.nodes, cut.demand_mbps, cut.capacity_mbps) for cut in network.cuts}
    assert cuts["routing", "out"] == (("eu/a/a1",), 13.6, 10.0)
    # wherever the instances stand, clients, heartbeat and telemetry pass this one leaf
    assert cuts["placement", "out"] == (("eu/a/a1",), 13.6, 10.0)
    assert cuts["placement", "in"] == (("eu/a/a1",), 11.135, 10.0)
    # 13.6 ≤ 60 % of 3 × 10: two links more, 2 × 0.01 Gbps at 0.0005 per hour and Gbps
    (mend,) = network.mends
    assert (mend.what, mend.where, mend.number, mend.from_, mend.to) == ("uplink", ("eu/a/a1", "s"), 2, "1", "3")
    assert mend.price_per_hour == 0.00001
    assert mend.lifts == ("eu/a/a1>s", "s>eu/a/a1")
    alert = next(alert for alert in plan.summary.alerts if alert.where == "eu/a/a1>s")
    assert (alert.level, alert.value, alert.limit) == ("critical", 1.36, 0.8)


def test_a_better_nic_is_named() -> None:
    fleet = small_fleet({"web": {"network_mbps": 700.0}})
    plan = settle(hand_plan(fleet, {"h1": (("main", "", ""), ["web"])}, nic="1gbe"), fleet)
    network = plan.summary.network
    assert network is not None
    # answers to clients, heartbeat and telemetry: 6.8 / 7.3 of 700 = 652.06 Mbps, above 60 % of 1 Gbps
    assert plan.links.filter(plan.links["link"] == "h1>main/s0001")["level"].item() == "warning"
    mend = network.mends[0]
    assert (mend.what, mend.where, mend.from_, mend.to) == ("nic", ("h1",), "1gbe", "10gbe")
    assert mend.price_per_hour == 0.01  # 10gbe costs 0.01, 1gbe nothing
    assert mend.lifts == ("h1>main/s0001",)


def test_hosts_change_places_until_the_uplinks_are_clean() -> None:
    # "a" calls "b" and "c" calls "d" with 50 Mbps each; a, d stand in one segment, b, c in the other: over the uplinks
    # of 100 Mbps go 50 each way besides 4 × 6.8 of clients: 63.6 Mbps. Together, the pairs use none of them
    services = {name: {} for name in "abcd"}
    fleet = small_fleet(services, file_topology(100), [("a", "b", 50.0), ("c", "d", 50.0)])
    stands = {
        name: (("eu", "a", segment), [name]) for name, segment in (("a", "a1"), ("d", "a1"), ("b", "a2"), ("c", "a2"))
    }
    before = state_of(hand_plan(fleet, stands), fleet)
    assert before.excess(0.6)[1] > 0
    plan = settle(hand_plan(fleet, stands), fleet)
    where = dict(plan.hosts.select("host", "segment").iter_rows())
    assert where["a"] == where["b"] != where["c"] == where["d"]
    assert plan.links.filter(plan.links["kind"] == "uplink")["level"].unique().to_list() == ["ok"]
    assert settle(hand_plan(fleet, stands), fleet).links.equals(plan.links)


def test_largest_talkers_are_the_whole_of_a_link() -> None:
    services = {"big": {"network_mbps": 73.0}, "small": {}, "other": {}}
    fleet = small_fleet(services, file_topology(1000, spines=("s", "t")), [("small", "other", 20.0)])
    stands = {
        name: (("eu", "a", segment), [name]) for name, segment in (("big", "a1"), ("small", "a1"), ("other", "a2"))
    }
    plan = settle(hand_plan(fleet, stands), fleet)
    state = state_of(plan, fleet)
    for link, load in loads_of(plan).items():
        talkers = largest_talkers(state, link, 10)
        assert sum(talker.kbps for talker in talkers) == pytest.approx(1000 * load, abs=2)
    # over one of two spines: half of big's 68 Mbps to the edge, and what mTLS sends to other
    assert [talker.service for talker in largest_talkers(state, "eu/a/a1>s")][:2] == ["big", "small"]
    with pytest.raises(KeyError):
        largest_talkers(state, "eu/a/a1>nowhere")


def test_rehearsals_by_hand() -> None:
    # two spines, one uplink of 12 Mbps to each: the 13.6 Mbps that leave a1 fit over two, not over one; the 11.135 that
    # come in (and the little mTLS) fit over one
    fleet = small_fleet({"web": {"instances": 2}, "api": {}}, file_topology(12, spines=("s", "t")))
    stands = {
        "h1": (("eu", "a", "a1"), ["web"]),
        "h2": (("eu", "a", "a1"), ["web"]),
        "h3": (("eu", "a", "a2"), ["api"]),
    }
    plan = settle(hand_plan(fleet, stands), fleet)
    losses = {(loss.what, loss.name): loss for loss in rehearse(state_of(plan, fleet))}
    # four bundles, two switches, two segments
    assert len(losses) == 8
    full = losses["link", "eu/a/a1>s"]
    assert [name for name, _, _ in full.saturated] == ["eu/a/a1>t"]
    assert not full.cut_off
    assert losses["link", "eu/a/a2>s"].is_harmless
    gone = losses["segment", "eu/a/a1"]
    assert (gone.services_lost, gone.num_saturated) == (1, 0)  # web has all its instances there


def test_a_segment_on_one_link_is_cut_off_with_it() -> None:
    fleet = small_fleet({"web": {}, "api": {}}, file_topology(100))
    plan = settle(hand_plan(fleet, {"h1": (("eu", "a", "a1"), ["web"]), "h2": (("eu", "a", "a2"), ["api"])}), fleet)
    losses = {(loss.what, loss.name): loss for loss in rehearse(state_of(plan, fleet))}
    assert losses["link", "eu/a/a1>s"].cut_off == ("eu/a/a1",)
    assert losses["link", "eu/a/a1>s"].services_lost == 1
    assert losses["switch", "s"].cut_off == ("eu/a/a1", "eu/a/a2")
    assert losses["switch", "s"].services_lost == 2
