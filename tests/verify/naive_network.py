"""The network of a plan worked out naively: every flow one by one, in exact fractions, hop by hop.

Written from docs/designs/2026-11-28-network.md alone. It shares no code with the checker or the planner.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations

import polars as pl

from placement.fleet.types import Fleet
from placement.plan.types import LINKS_SCHEMA, Alert, BusyLink, NetworkSummary, Plan

F = Fraction
MANY = 20


def exactly(figure, end: str = "typical") -> Fraction:
    return F(str(getattr(figure, end)))


# --- NICs ---------------------------------------------------------------------------------------------------------


def nic_of(fleet: Fleet, row: dict) -> tuple[str, int, int]:
    """Name, capacity and database port (kbit/s) of the NIC of a row of hosts.csv."""
    standing = {host["host"]: host for host in fleet.hosts.to_dicts()}
    size, nics = fleet.sizes[row["size"]], fleet.model.nics
    if row["host"] in standing:
        host = standing[row["host"]]
        name = host["nic"] or fleet.sizes[host["size"]].nic
        capacity = host["nic_kbps"]
    else:
        name = fleet.policy.nic.get(row["pool"], size.nic)
        capacity = nics[name].capacity_kbps if name else size.nic_kbps
    return name, capacity, nics[name].database_kbps if name else 0


def nic_surcharge(fleet: Fleet, size_name: str, pool: str) -> int:
    """Micros per hour that the NIC of a bought host adds to its size's price."""
    nics, size = fleet.model.nics, fleet.sizes[size_name]
    if pool not in fleet.policy.nic:
        return 0
    own = nics[size.nic].price_micros_per_hour if size.nic else 0
    return max(0, nics[fleet.policy.nic[pool]].price_micros_per_hour - own)


def bought_nic_kbps(fleet: Fleet, size_name: str, pool: str) -> int:
    asked = fleet.policy.nic.get(pool)
    return fleet.model.nics[asked].capacity_kbps if asked else fleet.sizes[size_name].nic_kbps


# --- topology -----------------------------------------------------------------------------------------------------


@dataclass
class Net:
    """Bundles by plane: both ends' names to links and capacity of one (kbit/s)."""

    source: str
    bundles: dict[str, dict[tuple[str, str], tuple[int, int]]]
    leaves: dict[tuple[str, str, str], str]
    edges: dict[str, tuple[str, ...]]
    regions: dict[str, str] = field(default_factory=dict)  # of nodes

    def neighbours(self, plane: str) -> dict[str, dict[str, int]]:
        near: dict[str, dict[str, int]] = defaultdict(dict)
        for (one, other), (links, _) in self.bundles[plane].items():
            near[one][other] = near[other][one] = links
        return near


def joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def tier_for(fleet: Fleet):
    return next(tier for tier in fleet.model.network.tiers.values() if tier.covers(fleet.services.height))


def named_segments(fleet: Fleet) -> set[tuple[str, str, str]]:
    named = {(p.region, p.zone, p.segment) for p in fleet.topology.locations}
    named |= {(h["region"], h["zone"], h["segment"]) for h in fleet.hosts.to_dicts()}
    return {place for place in named if place[2]}


def free_rows(rows: list[dict], fleet: Fleet) -> dict[tuple[str, str], list[dict]]:
    """Hosts whose segment the plan may choose, by region and zone."""
    bare = {(p.region, p.zone) for p in fleet.topology.locations if not p.segment}
    standing = {h["host"]: h["segment"] for h in fleet.hosts.to_dicts()}
    named = named_segments(fleet)
    free: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in rows:
        where = (row["region"], row["zone"])
        is_bought = row["host"] not in standing
        if (is_bought and where in bare and (*where, row["segment"]) not in named) or not standing.get(
            row["host"], "-"
        ):
            free[where].append(row)
    return free


def made_segments(where: tuple[str, str], number_of_hosts: int, fleet: Fleet) -> list[str]:
    number = math.ceil(number_of_hosts / exactly(tier_for(fleet).fabric.hosts_per_segment))
    names = [f"s{at:04d}" for at in range(1, 1000) if (*where, f"s{at:04d}") not in named_segments(fleet)]
    return names[:number]


def with_segments(plan: Plan, fleet: Fleet) -> Plan:
    """Fill in NICs, and the segments that the plan may choose: one after the other."""
    rows = plan.hosts.to_dicts()
    for row in rows:
        row["nic"] = nic_of(fleet, row)[0]
    if not fleet.topology.has_network:
        for where, here in free_rows(rows, fleet).items():
            names = made_segments(where, len(here), fleet)
            for at, row in enumerate(here):
                row["segment"] = names[at % len(names)]
    return replace(plan, hosts=pl.DataFrame(rows, schema=plan.hosts.schema))


def net_of(plan: Plan, fleet: Fleet) -> Net:
    if fleet.topology.has_network:
        return file_net(fleet)
    tier, nics = tier_for(fleet), fleet.model.network.nics
    fabric, nic = tier.fabric, nics[tier.nic]
    database = exactly(nic.database_mbps) if nic.database_mbps else F(0)
    ports = {"service": exactly(nic.capacity_mbps) - database}
    rows = plan.hosts.to_dicts()
    if rows and all(nic_of(fleet, row)[2] for row in rows):
        ports["database"] = database or F(min(nic_of(fleet, row)[2] for row in rows), 1000)
    places = {(r["region"], r["zone"], r["segment"]) for r in rows}
    for where, here in free_rows(rows, fleet).items():
        places |= {(*where, name) for name in made_segments(where, len(here), fleet)}
    places = sorted(places)
    net = Net("derived", {"service": {}, "database": {}}, {place: joined(*place) for place in places}, {})
    spines, cores = int(fabric.spines.typical), int(fabric.cores.typical)
    regions = sorted({row["region"] for row in rows})
    for plane, port in ports.items():
        end = "@database" if plane == "database" else ""
        up = math.ceil(
            exactly(fabric.hosts_per_segment) * port / exactly(fabric.oversubscription) / spines
            / exactly(fabric.uplink_mbps)
        )  # fmt: skip
        bundles = net.bundles[plane]
        for place in places:
            net.regions[joined(*place) + end] = place[0]
            for spine in range(1, spines + 1):
                name = f"{joined(*place[:2])}/spine-{spine}{end}"
                net.regions[name] = place[0]
                bundles[joined(*place) + end, name] = (up, int(exactly(fabric.uplink_mbps) * 1000))
        for where, number in Counter(place[:2] for place in places).items():
            to_core = math.ceil(
                number * up * exactly(fabric.uplink_mbps) / exactly(fabric.spine_oversubscription) / cores
                / exactly(fabric.core_mbps)
            )  # fmt: skip
            for spine in range(1, spines + 1):
                for core in range(1, cores + 1):
                    ends = (f"{joined(*where)}/spine-{spine}{end}", f"{where[0]}/core-{core}{end}")
                    bundles[ends] = (to_core, int(exactly(fabric.core_mbps) * 1000))
        for region in regions:
            net.edges[region] = tuple(f"{region}/core-{core}" for core in range(1, cores + 1))
            for core in range(1, cores + 1):
                net.regions[f"{region}/core-{core}{end}"] = region
        for one, other in combinations(regions, 2):
            for core in range(1, cores + 1):
                ends = (f"{one}/core-{core}{end}", f"{other}/core-{core}{end}")
                bundles[ends] = (int(fabric.backbone_links.typical), int(exactly(fabric.backbone_mbps) * 1000))
    return net


def file_net(fleet: Fleet) -> Net:
    topology = fleet.topology
    leaves = {(p.region, p.zone, p.segment): joined(p.region, p.zone, p.segment) for p in topology.locations}
    bundles: dict = {"service": {}, "database": {}}
    net = Net("file", bundles, leaves, dict(topology.edges))
    for bundle in topology.bundles:
        bundles[bundle.network][bundle.ends] = (bundle.links, bundle.capacity_kbps)
    for place, name in leaves.items():
        net.regions[name] = net.regions[f"{name}@database"] = place[0]
    leaf_names = set(net.regions)
    for plane in bundles:
        near = net.neighbours(plane)
        for switch in sorted(set(near) - leaf_names):
            below = sorted(net.regions[leaf] for leaf in near[switch] if leaf in leaf_names)
            if below:
                net.regions[switch] = below[0]
        for region, switches in sorted(net.edges.items()):
            for switch in switches:
                net.regions.setdefault(switch, region)
        while left := [switch for switch in near if switch not in net.regions]:
            found = {
                switch: min(net.regions[other] for other in near[switch] if other in net.regions)
                for switch in left
                if any(other in net.regions for other in near[switch])
            }
            assert found
            net.regions |= found
    return net


# --- traffic ------------------------------------------------------------------------------------------------------


@dataclass
class Flow:
    kind: str
    source: str  # a host, or "edge REGION"
    target: str
    kbps: Fraction
    is_database: bool = False
    is_relay: bool = False
    is_answer: bool = False


class Talk:
    """All flows of a plan, both ways."""

    def __init__(self, plan: Plan, fleet: Fleet) -> None:
        self.plan, self.fleet, self.flows = plan, fleet, []
        self.services = fleet.services.to_dicts()
        self.nodes = plan.nodes.to_dicts()
        self.hosts: dict[str, list[str]] = defaultdict(list)
        if "services" in fleet.policy.pools:
            for service, _, host in plan.assignments.iter_rows():
                self.hosts[service].append(host)
        else:
            for row in self.services:
                self.hosts[row["service"]] = [f"edge {row['region']}"] * row["instances"]

    def say(self, kind: str, source: str, target: str, kbps: Fraction, is_database=False, is_relay=False) -> None:
        self.flows.append(Flow(kind, source, target, kbps, is_database, is_relay))
        if kind in self.fleet.model.network.traffic:
            back = exactly(self.fleet.model.network.traffic[kind].reverse_share, self.fleet.policy.demand)
            self.flows.append(Flow(kind, target, source, kbps * back, is_database, is_answer=True))

    def to_all(self, kind: str, source: str, targets: list[str], region: str, kbps: Fraction, **more) -> None:
        targets = targets or [f"edge {region}"]
        for target in targets:
            self.say(kind, source, target, kbps / len(targets), **more)

    def nodes_of(self, **wanted) -> list[dict]:
        return [node for node in self.nodes if all(node[key] == value for key, value in wanted.items())]

    def places_of(self, **wanted) -> list[str]:
        return [node["host"] for node in self.nodes_of(**wanted)]

    def talk(self) -> list[Flow]:
        arriving: dict[tuple[str, int, str], Fraction] = defaultdict(F)
        server = {row["service"]: row["cluster"] for row in self.plan.databases.to_dicts()}
        pooled = {row["cluster"] for row in self.plan.postgres_clusters.to_dicts() if row["pgbouncers"]}
        pooled = pooled if "platform" in self.fleet.policy.pools else set()
        cache = {row["service"]: row["cluster"] for row in self.plan.caches.to_dicts()}
        model, end = self.fleet.model.network, self.fleet.policy.demand
        for row in self.services:
            region, name = row["region"], row["service"]
            types = ["client", "mtls", "heartbeat", "telemetry"]
            types += ["postgres"] * row["needs_postgres"] + ["valkey"] * row["needs_valkey"]
            weight = {kind: exactly(model.traffic[kind].bandwidth_mbps, end) for kind in types}
            total = sum(weight.values())
            for host in self.hosts[name]:
                demand = self.demand(row)
                kbps = {kind: demand * weight[kind] / total for kind in types} if total else {"client": F(demand)}
                self.say("client", f"edge {region}", host, kbps["client"])
                beside = [
                    h for other in self.services if other["region"] == region for h in self.hosts[other["service"]]
                ]
                self.to_all("mtls", host, beside, region, kbps.get("mtls", F(0)))
                for kind, node in (("heartbeat", "registry"), ("telemetry", "collector")):
                    self.to_all(kind, host, self.places_of(kind=node, region=region), region, kbps.get(kind, F(0)))
                if kbps.get("postgres"):
                    self.query(host, region, server.get(name), pooled, kbps["postgres"], arriving)
                if kbps.get("valkey"):
                    primaries = self.nodes_of(kind="valkey", workload=cache.get(name), role="primary")
                    self.to_all("valkey", host, [node["host"] for node in primaries], region, kbps["valkey"])
                    for node in primaries:
                        arriving["valkey", node["shard"], node["workload"]] += kbps["valkey"] / len(primaries)
        for (kind, shard, name), kbps in arriving.items():
            (primary,) = self.places_of(kind=kind, workload=name, shard=shard, role="primary")
            for replica in self.places_of(kind=kind, workload=name, shard=shard, role="replica"):
                self.say(
                    "replication", primary, replica, kbps * exactly(model.replication.share, end), kind == "postgres"
                )
        self.call()
        return self.flows

    def query(self, host, region, cluster, pooled, kbps, arriving) -> None:
        primary = self.places_of(kind="postgres", workload=cluster, role="primary") or [f"edge {region}"]
        if cluster in pooled:
            before = [n["host"] for n in self.nodes if n["kind"] == "pgbouncer" and n["workload"] == pgbouncer(cluster)]
            self.to_all("postgres", host, before, region, kbps, is_database=True)
            for pgb in before:
                self.to_all("postgres", pgb, primary, region, kbps / len(before), is_database=True, is_relay=True)
        else:
            self.to_all("postgres", host, primary, region, kbps, is_database=True)
        if not primary[0].startswith("edge "):
            arriving["postgres", 0, cluster] += kbps

    def demand(self, row: dict) -> int:
        end, profile = self.fleet.policy.demand, row["profile"]
        own = row["network_kbps"]
        if own is None:
            own = self.fleet.model.profile_demand(profile, end)["network_kbps"]
        return own + (self.fleet.model.frontend_demand(profile, end)["network_kbps"] if row["frontend"] else 0)

    def call(self) -> None:
        if "services" not in self.fleet.policy.pools:
            for one, _, kbps in self.fleet.calls.iter_rows():  # beyond the edge, both of them
                here = self.hosts[self.services[one]["service"]][0]
                self.say("calls", here, here, F(kbps))
            return
        for one, other, kbps in self.fleet.calls.iter_rows():
            here, there = (self.hosts[self.services[at]["service"]] for at in (one, other))
            for source in here:
                for target in there:
                    self.say("calls", source, target, F(kbps) / len(here) / len(there))


def pgbouncer(cluster: str) -> str:
    name = f"pgbouncer-{cluster}"
    if len(name) <= 52:
        return name
    import hashlib

    return name[:43] + "-" + hashlib.sha256(name.encode()).hexdigest()[:8]


# --- loads --------------------------------------------------------------------------------------------------------


def hops(near: dict[str, dict[str, int]], target: str) -> dict[str, int]:
    found, queue = {target: 0}, [target]
    for node in queue:
        for other in near[node]:
            if other not in found:
                found[other] = found[node] + 1
                queue.append(other)
    return found


def route(traffic: dict[tuple[str, str], Fraction], near: dict[str, dict[str, int]]) -> dict[tuple[str, str], Fraction]:
    """Loads by direction of traffic between nodes."""
    load: dict[tuple[str, str], Fraction] = defaultdict(F)
    for target in {there for _, there in traffic}:
        far = hops(near, target)
        waiting: dict[str, Fraction] = defaultdict(F)
        for (source, there), kbps in traffic.items():
            if there == target:
                waiting[source] += kbps
        for node in sorted(far, key=lambda name: -far[name]):
            nearer = {other: links for other, links in near[node].items() if far[other] == far[node] - 1}
            for other, links in nearer.items():
                part = waiting[node] * links / sum(nearer.values())
                load[node, other] += part
                waiting[other] += part
    return load


def loads_of(plan: Plan, fleet: Fleet, net: Net, flows: list[Flow]) -> dict[tuple[str, str, str], Fraction]:
    """Loads by plane (of bundles) or port (of hosts: nic, nic-database), from and to."""
    rows = {row["host"]: row for row in plan.hosts.to_dicts()}
    leaf = {host: net.leaves[row["region"], row["zone"], row["segment"]] for host, row in rows.items()}
    has_port = {host: nic_of(fleet, row)[2] > 0 for host, row in rows.items()}
    load: dict[tuple[str, str, str], Fraction] = defaultdict(F)
    traffic: dict[str, dict[tuple[str, str], Fraction]] = {"service": defaultdict(F), "database": defaultdict(F)}
    apart = {end for ends in net.bundles["database"] for end in ends}
    for flow in flows:
        known = all(end in rows or end.startswith("edge ") for end in (flow.source, flow.target))
        if flow.source == flow.target or not flow.kbps or not known:
            continue
        is_database = flow.is_database and flow.source in rows and flow.target in rows
        for way, host in (("out", flow.source), ("in", flow.target)):
            if host in rows:
                port = "nic-database" if is_database and has_port[host] else "nic"
                load[port, host, way] += flow.kbps
        ends = [
            [(leaf[end], F(1))] if end in rows
            else [(s, F(1, len(net.edges[end[5:]]))) for s in net.edges[end[5:]]]
            for end in (flow.source, flow.target)
        ]  # fmt: skip
        plane = "service"
        if flow.is_database and all(
            end in rows and f"{leaf[end]}@database" in apart for end in (flow.source, flow.target)
        ):
            plane, ends = "database", [[(f"{name}@database", share) for name, share in end] for end in ends]
        for one, part in ends[0]:
            for other, share in ends[1]:
                if one != other:
                    traffic[plane][one, other] += flow.kbps * part * share
    for plane, between in traffic.items():
        for (one, other), kbps in route(between, net.neighbours(plane)).items():
            load[plane, one, other] += kbps
    return load


def link_rows(plan: Plan, fleet: Fleet, net: Net, load: dict[tuple[str, str, str], Fraction]) -> list[dict]:
    rows = []

    def add(kind: str, plane: str, one: str, other: str, links: int, capacity: int, kbps: Fraction) -> None:
        whole = math.ceil(kbps)
        warning, critical = (
            F(str(getattr(fleet.model.alert_thresholds["network"], n))) for n in ("warning", "critical")
        )
        level = "critical" if whole > critical * capacity else "warning" if whole > warning * capacity else "ok"
        rows.append({
            "link": f"{one}>{other}", "kind": kind, "network": plane, "from": one, "to": other, "links": links,
            "capacity_mbps": capacity / 1000, "load_mbps": whole / 1000, "utilization": round(whole / capacity, 6),
            "level": level,
        })  # fmt: skip

    for row in plan.hosts.to_dicts():
        host, leaf = row["host"], net.leaves[row["region"], row["zone"], row["segment"]]
        _, capacity, database = nic_of(fleet, row)
        add("nic", "service", host, leaf, 1, capacity - database, load["nic", host, "out"])
        add("nic", "service", leaf, host, 1, capacity - database, load["nic", host, "in"])
        if database:
            node, port = f"{leaf}@database", f"{host}@database"
            add("nic-database", "database", port, node, 1, database, load["nic-database", host, "out"])
            add("nic-database", "database", node, port, 1, database, load["nic-database", host, "in"])
    leaves = set(net.leaves.values()) | {f"{name}@database" for name in net.leaves.values()}
    for plane, bundles in net.bundles.items():
        for (one, other), (links, each) in bundles.items():
            same = net.regions[one] == net.regions[other]
            kind = "uplink" if leaves & {one, other} else "trunk" if same else "backbone"
            for here, there in ((one, other), (other, one)):
                add(kind, plane, here, there, links, links * each, load[plane, here, there])
    return sorted(rows, key=lambda row: row["link"])


# --- the plan -----------------------------------------------------------------------------------------------------


def with_network(plan: Plan, fleet: Fleet) -> Plan:
    """Return the plan with NICs, segments, links, and all that plan.json says of them."""
    return with_links(with_segments(plan, fleet), fleet)


def with_links(plan: Plan, fleet: Fleet) -> Plan:
    net = net_of(plan, fleet)
    flows = Talk(plan, fleet).talk()
    rows = link_rows(plan, fleet, net, loads_of(plan, fleet, net, flows))
    totals: dict[str, Fraction] = defaultdict(F)
    for flow in flows:
        if not flow.is_relay and not flow.is_answer:
            totals[flow.kind] += flow.kbps
    levels: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        levels[row["kind"]][row["level"]] += 1
    busiest = sorted(rows, key=lambda row: (-row["utilization"], row["link"]))
    planed = {end for ends in net.bundles["service"] for end in ends}
    network = NetworkSummary(
        topology=net.source,
        segments=len(planed & set(net.leaves.values())),
        links=sum(map(len, net.bundles.values())),
        traffic_mbps={kind: float(kbps / 1000) for kind, kbps in totals.items()},
        levels={kind: dict(by) for kind, by in levels.items()},
        busiest=tuple(BusyLink(link=row["link"], utilization=row["utilization"]) for row in busiest[:10]),
    )
    others = [a for a in plan.summary.alerts if a.metric not in ("Network utilization", "NIC tier")]
    violations = tuple(
        {"kind": "link-overloaded", "link": row["link"], "load_mbps": row["load_mbps"],
         "capacity_mbps": row["capacity_mbps"]}
        for row in rows if row["load_mbps"] > row["capacity_mbps"]
    )  # fmt: skip
    summary = plan.summary.model_copy(
        update={
            "network": network,
            "alerts": (*others, *link_alerts(fleet, busiest), *tier_alerts(plan, fleet)),
            "violations": violations,
        }
    )
    return replace(plan, summary=summary, links=pl.DataFrame(rows, schema=LINKS_SCHEMA))


def link_alerts(fleet: Fleet, busiest: list[dict]) -> list[Alert]:
    threshold = fleet.model.alert_thresholds["network"]
    high = [row for row in busiest if row["level"] != "ok"]
    alerts = [
        Alert(level=row["level"], metric="Network utilization", where=row["link"], value=row["utilization"],
              limit=getattr(threshold, row["level"]), advice="spread it")
        for row in high[:MANY]
    ]  # fmt: skip
    if len(high) > MANY:
        left = high[MANY:]
        alerts.append(
            Alert(level=left[0]["level"], metric="Network utilization", where=f"{len(left)} more links",
                  value=left[0]["utilization"], limit=getattr(threshold, left[0]["level"]), advice="see links.csv")
        )  # fmt: skip
    return alerts


def tier_alerts(plan: Plan, fleet: Fleet) -> list[Alert]:
    nics, names = fleet.model.nics, [tier.nic for tier in fleet.model.network.tiers.values()]
    tier = tier_for(fleet)
    wanted = nics[tier.nic].capacity_kbps
    above = [nics[name] for name in names[names.index(tier.nic) :] if not nics[name].database_kbps]
    below = []
    for row in plan.hosts.to_dicts():
        _, capacity, database = nic_of(fleet, row)
        one_nic = not above or capacity < above[0].capacity_kbps
        if capacity < wanted or (tier.dedicated_database_network and not database and one_nic):
            below.append(capacity / 1000)
    if not below:
        return []
    return [
        Alert(level="warning", metric="NIC tier", where=f"{len(below)} host{'s' * (len(below) != 1)}",
              value=min(below), limit=wanted / 1000, advice=f"{tier.requirement}: {tier.recommendation}")
    ]  # fmt: skip
