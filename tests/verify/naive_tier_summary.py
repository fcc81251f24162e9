"""What a naive plan of a data tier says in sum: certificates of its choices, figures of plan.json."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

from naive_datatier import ENDLESS, SERVER, Decisions, NaiveTier
from naive_planner import gap_of, weights_leaf

from placement.plan.types import Certificate, Choice, HostClass, PostgresSummary, ValkeySummary


def postgres_certificates(tier: NaiveTier, decisions: Decisions) -> list[Certificate]:
    certificates = []
    mixtures = _mixtures(tier)
    apart = sorted({name for some in mixtures for name in some if not all(name in other for other in mixtures)})
    shared = [name for server in decisions.servers if server.arrangement == "clusters" for name in server.services]
    for region, group in sorted({(tier.rows[name]["region"], tier.group(name)) for name in shared}):
        here = [name for name in shared if (tier.rows[name]["region"], tier.group(name)) == (region, group)]
        classes, limits, prices = [], [], []
        for (name, row), some in product(tier.model.postgres.cluster_tiers.items(), mixtures):
            price = tier.node_price("databases", region, row)
            if price is None:
                continue
            word = "+".join(sorted(some & set(apart))) or "balanced"
            classes.append(HostClass(buyable=f"{name}/{word}"))
            own = [ENDLESS if other in some else 0 for other in apart]
            limits.append([*tier.server_limits(row, tier.shared_are_pooled).values(), *own])
            prices.append(mixtures[some] * price)
        items = []
        for name in here:
            f = tier.figures(name, "clusters", tier.shared_are_pooled)
            own = [int(tier.rows[name]["load_profile"] == other) for other in apart]
            items.append(((*(f[r] for r in SERVER), *own), 1))
        bound, leaf = weights_leaf(limits, prices, items)
        certificates.append(Certificate(
            pool="postgres", region=region, group=group, bound_micros_per_hour=bound, classes=tuple(classes), tree=leaf,
        ))  # fmt: skip
    return certificates


def _mixtures(tier: NaiveTier) -> dict[frozenset[str], int]:
    """Load profiles that may be together, with the nodes of their clusters, but for what a larger set does as well."""
    rows = tier.model.grouping.load_profiles
    nodes = {
        frozenset(some): max(tier.profile_nodes(name) for name in some)
        for size in range(1, len(rows) + 1)
        for some in combinations(rows, size)
        if not any(other in rows[one].apart_from for one, other in product(some, some))
    }
    return {
        some: number
        for some, number in nodes.items()
        if not any(some < other and nodes[other] <= number for other in nodes)
    }


def valkey_certificates(tier: NaiveTier, decisions: Decisions) -> list[Certificate]:
    """A certificate per region, group, function and arrangement: of one Valkey for all, unless it is federated."""
    certificates = []

    def key(name: str, arrangement: str) -> tuple[str, str, str, str]:
        return tier.rows[name]["region"], tier.group(name), tier.function(name), arrangement

    users = [(name, valkey.arrangement) for valkey in decisions.valkeys for name in valkey.services]
    for where in sorted({key(*user) for user in users}):
        region, group, function, arrangement = where
        here = [name for name, kind in users if key(name, kind) == where]
        total = sum(map(tier.memory, here))
        is_sharded = arrangement in ("cluster", "federated")
        sizes = tier.valkey_sizes(region, tier.shards if is_sharded else [1])
        name = f"{group}/{function}"
        if arrangement != "federated":
            sizes = [size for size in sizes if size[4] >= total]
            name += f"/{arrangement}"
        copies = 1 if arrangement == "single" else 1 + tier.replicas
        classes = tuple(HostClass(buyable=f"{size[3]}/{size[1]}") for size in sizes)
        bound, leaf = weights_leaf(
            [[size[4]] for size in sizes],
            [size[0] // (1 + tier.replicas) * copies for size in sizes],
            [((tier.memory(name),), 1) for name in here],
        )
        certificates.append(Certificate(
            pool="valkey", region=region, group=name, bound_micros_per_hour=bound, classes=classes, tree=leaf,
        ))  # fmt: skip
    return certificates


def choice(cost: int, certificates, pool: str) -> Choice:
    bound = sum(c.bound_micros_per_hour for c in certificates if c.pool == pool)
    return Choice(per_hour=cost / 1e6, bound_per_hour=bound / 1e6, gap=gap_of(cost, bound))


def spread_of(tier: NaiveTier, clusters) -> int:
    return sum(len({tier.rows[name]["domain"] for name in cluster.services} - {""}) for cluster in clusters)


def postgres_summary(tier: NaiveTier, decisions: Decisions, certificates, rows: list[dict]) -> PostgresSummary:
    servers = decisions.servers
    cost = sum(
        row["nodes"] * round(row["node_price_per_hour"] * 1e6) for row in rows if row["arrangement"] == "clusters"
    )
    counts: Counter[str] = Counter()
    for server in servers:
        counts[server.arrangement] += len(server.services)
    return PostgresSummary(
        services=dict(counts), clusters=len(servers), nodes=sum(row["nodes"] for row in rows),
        pgbouncers=sum(row["pgbouncers"] for row in rows),
        storage_gb=sum(row["nodes"] * row["storage_gb_used"] for row in rows),
        domain_spread=spread_of(tier, [server for server in servers if server.arrangement != "dedicated"]),
        choice=choice(cost, certificates, "postgres") if counts["clusters"] else None,
    )  # fmt: skip


def valkey_summary(tier: NaiveTier, decisions: Decisions, certificates, rows: list[dict]) -> ValkeySummary:
    counts: Counter[str] = Counter()
    cost = 0
    for valkey, row in zip(decisions.valkeys, rows, strict=True):
        counts[valkey.arrangement] += len(valkey.services)
        cost += tier.valkey_nodes(valkey) * round(row["node_price_per_hour"] * 1e6)
    return ValkeySummary(
        services=dict(counts), clusters=len(rows), primaries=sum(row["primaries"] for row in rows),
        replicas=sum(row["replicas"] for row in rows), memory_mb_used=sum(row["memory_mb_used"] for row in rows),
        memory_mb_limit=sum(row["memory_mb_limit"] for row in rows), domain_spread=spread_of(tier, decisions.valkeys),
        choice=choice(cost, certificates, "valkey"),
    )  # fmt: skip
