"""A deliberately naive planner: first fit, and one resource's price as the bound. Slow, plain, and correct.

It shares no code with the checker or the real planner, so that a plan both agree on is agreed on for two reasons.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl
from naive_network import bought_nic_kbps, nic_surcharge, with_network

from placement.fleet.types import Fleet
from placement.plan.types import (
    ASSIGNMENTS_SCHEMA,
    HOSTS_SCHEMA,
    Bounds,
    Certificate,
    Cost,
    FleetRef,
    HostClass,
    HostCounts,
    Leaf,
    Plan,
    PlanSummary,
    PoolCost,
    WeightsProof,
)
from placement.units import RESOURCES

SCALE = 1000


@dataclass
class Host:
    name: str
    size: str
    region: str
    zone: str
    segment: str
    price: int
    limit: tuple[int, ...]
    exists: bool
    spare: bool = False
    pool: str = "services"
    load: list[int] = field(default_factory=lambda: [0] * len(RESOURCES))
    running: Counter[int] = field(default_factory=Counter)


def limits_of(fleet: Fleet, size_name: str, nic_kbps: int | None = None) -> tuple[int, ...]:
    """Limits of a host, by the table of the contract."""
    size, policy = fleet.sizes[size_name], fleet.policy
    shares = policy.headroom if isinstance(policy.headroom, dict) else None

    def share(name: str) -> Fraction:
        return Fraction(str(policy.headroom if shares is None else shares.get(name, 0.7)))

    nic = size.nic_kbps if nic_kbps is None else nic_kbps
    return tuple(
        math.floor(value)
        for value in (
            size.cpu_millicores * Fraction(str(policy.cpu_overcommit)) * share("cpu"),
            (size.memory_mb - size.os_reserved_mb) * share("memory"),
            size.max_open_files * share("open_files"),
            size.max_threads * share("threads"),
            size.disk_mb * share("disk"),
            nic * Fraction(str(policy.network_limit)),
        )
    )


def demands_of(fleet: Fleet) -> list[tuple[int, ...]]:
    """Demand of one instance of each service."""
    end = fleet.policy.demand
    demands = []
    for row in fleet.services.iter_rows(named=True):
        filling = fleet.model.profile_demand(row["profile"], end)
        extra = fleet.model.frontend_demand(row["profile"], end) if row["frontend"] else {}
        columns = [resource.internal_column for resource in RESOURCES]
        own = [(row[c] if row[c] is not None else filling[c]) + extra.get(c, 0) for c in columns]
        own[columns.index("network_kbps")] += calls_of(fleet, len(demands), row["instances"])
        demands.append(tuple(own))
    return demands


def calls_of(fleet: Fleet, service: int, instances: int) -> int:
    """What calls add to the network demand of one instance of a service, kbit/s."""
    calls = fleet.calls.rows()
    out = sum(kbps for one, _, kbps in calls if one == service)
    into = sum(kbps for _, other, kbps in calls if other == service)
    return math.ceil(Fraction(max(out, into), instances))


class NaivePlanner:
    """Plans services, and in further pools whatever workloads it is given: rows like those of services, with a pool."""

    def __init__(self, fleet: Fleet, workloads: list[dict] | None = None) -> None:
        self.fleet = fleet
        self.services = [row | {"pool": "services", "name": row["service"]} for row in fleet.services.to_dicts()]
        self.demands = demands_of(fleet)
        for row in workloads or []:
            self.services.append(row)
            self.demands.append(row["demand"])
        self.rules = {(a, b): most for a, b, most in fleet.interference.iter_rows()}
        self.hosts: list[Host] = []
        self.bought: Counter[str] = Counter()
        self.placed: Counter[tuple[int, str, str]] = Counter()
        self.idle = [self.existing(row) for row in fleet.hosts.to_dicts() if row["state"] == "active"]

    def existing(self, row: dict) -> Host:
        limit = limits_of(self.fleet, row["size"], row["nic_kbps"])
        price = row["price_micros_per_hour"]
        where = (row["region"], row["zone"], row["segment"])
        return Host(row["host"], row["size"], *where, price, limit, True, pool=row["pool"])

    def buyable(self, pool: str) -> list[str]:
        wanted = self.fleet.policy.pool_sizes.get(pool, self.fleet.buyable)
        return [size for size in self.fleet.buyable if size in wanted]

    def new_hosts(self, pool: str, region: str):
        """Every host that could be opened for a pool in a region: idle ones, then bought ones, cheapest first."""
        yield from [host for host in self.idle if host.region == region and host.pool == pool]
        for size in sorted(self.buyable(pool), key=lambda name: self.fleet.sizes[name].price_micros_per_hour):
            stock = self.fleet.sizes[size].stock
            if stock is not None and self.bought[size] >= stock:
                continue
            places = [place for place in self.fleet.topology.locations if place.region == region]
            # the emptiest place first, so that zones fill evenly
            for place in sorted(places, key=self.standing):
                if place.max_hosts is None or self.standing(place) < place.max_hosts:
                    name = f"new-{region}-{len(self.hosts):05d}"
                    price = self.fleet.sizes[size].price_micros_per_hour + nic_surcharge(self.fleet, size, pool)
                    limit = limits_of(self.fleet, size, bought_nic_kbps(self.fleet, size, pool))
                    yield Host(name, size, region, place.zone, place.segment, price, limit, False, pool=pool)

    def standing(self, place) -> int:
        where = (place.region, place.zone, place.segment)
        inventory = sum((row["region"], row["zone"], row["segment"]) == where for row in self.fleet.hosts.to_dicts())
        return inventory + sum(
            (host.region, host.zone, host.segment) == where for host in self.hosts if not host.exists
        )

    def open(self, host: Host) -> Host:
        if host.exists:
            self.idle.remove(host)
        else:
            self.bought[host.size] += 1
        self.hosts.append(host)
        return host

    def may(self, host: Host, service: int) -> bool:
        row, demand = self.services[service], self.demands[service]
        if any(load + d > limit for load, d, limit in zip(host.load, demand, host.limit, strict=True)):
            return False
        if host.running[service] >= row["max_per_host"]:
            return False
        after = Counter(host.running)
        after[service] += 1
        for other, number in after.items():
            if number > self.rules.get((service, other), number):
                return False
            if after[service] > self.rules.get((other, service), after[service]):
                return False
        for level in ("zone", "segment"):
            places = self.places(row["pool"], row["region"], level)
            if row["spread"] == level and places:
                most = -(-row["instances"] // places)
                if self.placed[service, level, self.place(host, level)] >= most:
                    return False
        return True

    def places(self, pool: str, region: str, level: str) -> int:
        named = {(place.zone, place.segment) for place in self.fleet.topology.locations if place.region == region}
        named |= {
            (row["zone"], row["segment"])
            for row in self.fleet.hosts.to_dicts()
            if row["region"] == region and row["state"] == "active" and row["pool"] == pool
        }
        return len({zone for zone, _ in named if zone}) if level == "zone" else len({p for p in named if p[1]})

    def place(self, host: Host, level: str) -> str:
        return host.zone if level == "zone" else f"{host.zone}/{host.segment}"

    def place_all(self) -> list[tuple[str, str, int, str]] | None:
        """Return pool, name, instance and host of everything; None where first fit finds no place for something."""
        placed = []
        for service, row in enumerate(self.services):
            if row["pool"] not in self.fleet.policy.pools:
                continue
            for instance in range(1, row["instances"] + 1):
                where = (row["pool"], row["region"])
                running = [host for host in self.hosts if (host.pool, host.region) == where]
                host = next((host for host in running if self.may(host, service)), None)
                if host is None:
                    host = next((host for host in self.new_hosts(*where) if self.may(host, service)), None)
                    if host is None:
                        return None
                    self.open(host)
                host.running[service] += 1
                host.load = [a + b for a, b in zip(host.load, self.demands[service], strict=True)]
                for level in ("zone", "segment"):
                    self.placed[service, level, self.place(host, level)] += 1
                placed.append((row["pool"], row["name"], instance, host.name))
        return placed if self.add_spares() else None

    def plan(self) -> Plan | None:
        """Return a plan, or None where first fit finds no place for some instance."""
        placed = self.place_all()
        if placed is None:
            return None
        plan = self.assemble([row[1:] for row in placed if row[0] == "services"])
        return with_network(plan, self.fleet)

    def add_spares(self) -> bool:
        share = Fraction(str(self.fleet.policy.spare))
        for where in sorted({(host.pool, host.region) for host in self.hosts}) if share else ():
            used = [host for host in self.hosts if (host.pool, host.region) == where]
            most = [max(column) for column in zip(*(host.load for host in used), strict=True)]
            for _ in range(max(1, math.ceil(share * len(used)))):
                fitting = (
                    host
                    for host in self.new_hosts(*where)
                    if all(limit >= load for limit, load in zip(host.limit, most, strict=True))
                )
                spare = next(fitting, None)
                if spare is None:
                    return False
                self.open(spare).spare = True
        return True

    def assemble(self, assignments: list[tuple[str, int, str]], more: tuple[Certificate, ...] = ()) -> Plan:
        """Make the plan of what was placed; `more` are certificates of choices."""
        rows = []
        for host in sorted(self.hosts, key=lambda host: host.name):
            row = {
                "host": host.name, "size": host.size, "pool": host.pool, "region": host.region, "zone": host.zone,
                "segment": host.segment, "nic": "", "spare": host.spare, "price_per_hour": host.price / 1e6,
                "instances": host.running.total(),
            }  # fmt: skip
            for resource, load, limit in zip(RESOURCES, host.load, host.limit, strict=True):
                is_whole = resource.factor == 1
                row[f"{resource.column}_used"] = load if is_whole else load / resource.factor
                row[f"{resource.column}_limit"] = limit if is_whole else limit / resource.factor
            rows.append(row)
        planned = sorted(
            {(row["pool"], row["region"]) for row in self.services if row["pool"] in self.fleet.policy.pools}
        )
        certificates = [self.certificate(pool, region) for pool, region in planned]
        bounds = Bounds(certificates=(*certificates, *more))
        pools = {}
        for pool in sorted({pool for pool, _ in planned}):
            used = [host for host in self.hosts if host.pool == pool and not host.spare]
            paid = sum(host.price for host in used)
            proven = sum(c.bound_micros_per_hour for c in certificates if c.pool == pool)
            pools[pool] = PoolCost(
                per_hour=paid / 1e6, bound_per_hour=proven / 1e6, gap=gap_of(paid, proven), hosts=len(used)
            )
        bound = sum(certificate.bound_micros_per_hour for certificate in certificates)
        cost = sum(host.price for host in self.hosts if not host.spare)
        spare = sum(host.price for host in self.hosts if host.spare)
        gap = gap_of(cost, bound)
        num_used = sum(not host.spare for host in self.hosts)
        fleet = self.fleet
        summary = PlanSummary(
            fleet=FleetRef(
                name=fleet.name, services=fleet.services.height, instances=fleet.num_instances, digest=fleet.digest
            ),
            status="optimal" if cost == bound else "feasible",
            cost=Cost(
                currency=fleet.currency, per_hour=cost / 1e6, bound_per_hour=bound / 1e6, gap=gap,
                spare_per_hour=spare / 1e6, total_per_hour=(cost + spare) / 1e6,
            ),
            hosts=HostCounts(
                total=len(self.hosts), spare=len(self.hosts) - num_used,
                by_size=dict(Counter(host.size for host in self.hosts)),
            ),
            pools=pools,
        )  # fmt: skip
        return Plan(
            summary=summary,
            hosts=pl.DataFrame(rows, schema=HOSTS_SCHEMA),
            assignments=pl.DataFrame(assignments, schema=ASSIGNMENTS_SCHEMA, orient="row").sort("service", "instance"),
            bounds=bounds,
        )

    def certificate(self, pool: str, region: str) -> Certificate:
        """Prove a bound by the one resource that proves most: every host costs c for L of it."""
        classes, limits, prices = [], [], []
        if any(place.region == region for place in self.fleet.topology.locations):
            for size in self.buyable(pool):
                classes.append(HostClass(buyable=size))
                limits.append(limits_of(self.fleet, size, bought_nic_kbps(self.fleet, size, pool)))
                prices.append(self.fleet.sizes[size].price_micros_per_hour + nic_surcharge(self.fleet, size, pool))
        kinds: dict[tuple, list[str]] = {}
        for row in self.fleet.hosts.to_dicts():
            if row["region"] == region and row["state"] == "active" and row["pool"] == pool:
                host = self.existing(row)
                kinds.setdefault((host.limit, host.price), []).append(host.name)
        for (limit, price), names in sorted(kinds.items()):
            classes.append(HostClass(hosts=tuple(names)))
            limits.append(limit)
            prices.append(price)
        items = [
            (demand, row["instances"])
            for row, demand in zip(self.services, self.demands, strict=True)
            if row["region"] == region and row["pool"] == pool
        ]
        bound, leaf = weights_leaf(limits, prices, items)
        return Certificate(pool=pool, region=region, bound_micros_per_hour=bound, classes=tuple(classes), tree=leaf)


def gap_of(cost: int, bound: int) -> float:
    return (cost - bound) / bound if bound else float(cost > 0)


def weights_leaf(limits: list, prices: list[int], items: list[tuple[tuple[int, ...], int]]) -> tuple[int, Leaf]:
    """Return the best bound that one resource proves, and its proof.

    `limits` and `prices` are those of the classes, `items` demands with their number of instances.
    """
    best, best_weights = -1, ()
    for r in range(len(limits[0])):
        weights = []
        for limit, price in zip(limits, prices, strict=True):
            row = [0] * len(limit)
            row[r] = price * SCALE // limit[r] if limit[r] else 0
            weights.append(tuple(row))
        bound = weights_bound(weights, limits, prices, items)
        if bound > best:
            best, best_weights = bound, tuple(weights)
    return best, Leaf(scale=SCALE, proof=WeightsProof(weights=best_weights))


def weights_bound(weights: list, limits: list, prices: list[int], items: list) -> int:
    total = 0
    for demand, number in items:
        worth = [
            sum(w * d for w, d in zip(weights[s], demand, strict=True))
            for s in range(len(limits))
            if all(d <= limit for d, limit in zip(demand, limits[s], strict=True))
        ]
        total += number * min(worth)
    divisor = math.gcd(*prices)
    return -(-total // (SCALE * divisor)) * divisor if divisor else 0


def naive_plan(fleet: Fleet) -> Plan | None:
    """Plan a fleet by first fit; None where that fails."""
    return NaivePlanner(fleet).plan()
