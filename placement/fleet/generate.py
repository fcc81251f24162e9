"""Synthetic fleets by seed: the guide's profiles, spread, with replicas, domains, databases and rules.

Every attribute is drawn from a stream of its own, so that a new attribute leaves the others as they were.
Draws are uniform numbers of PCG64 put through arithmetic that all machines share; normal deviates are sums
of twelve uniform ones (Irwin-Hall) instead of a library's sampler, and what is computed is rounded to a
thousandth, so that the last bits of a machine's ``exp`` do not show.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.capacity import CapacityModel, load_model
from placement.errors import InputError, Problem
from placement.fleet.columns import MAX_INSTANCES
from placement.fleet.documents import FLEET_FORMAT
from placement.fleet.frames import GeneratedFleet
from placement.fleet.reader import DEFAULT_MODEL
from placement.fleet.topology_document import TOPOLOGY_FORMAT
from placement.fleet.vocabulary import DOMAINS, REGIONS
from placement.units import RESOURCES, FloatArray, IntArray

Demands = Literal["profile", "mixed", "measured"]

MAX_SERVICES = 10_000_000
MAX_RULES = 100_000_000

MEASURED_SHARE: dict[str, float] = {"profile": 0.0, "mixed": 0.6, "measured": 1.0}
"""Share of services with figures of their own, by `demands`."""

PROFILE_WEIGHTS = {
    "minimal": 30,
    "typical": 45,
    "heavy": 5,
    "backend-idle": 8,
    "backend-normal": 10,
    "backend-peak": 2,
}
REPLICA_WEIGHTS = (46, 30, 14, 4, 3, 1.5, 1, 0.5)  # of 1, 2, … 8 replicas; 2.0 on average
LOAD_WEIGHTS = {"read-heavy": 50, "balanced": 30, "write-heavy": 20}
SENSITIVITY_WEIGHTS = {"public": 10, "internal": 55, "confidential": 15, "pii": 17, "restricted": 3}
STORAGE_WEIGHTS = {"small": 70, "medium": 25, "large": 5}
CACHE_WEIGHTS = {"cache": 60, "idempotency": 20, "locks": 10, "operations": 10}
SIZE_WEIGHTS = {"small": 20, "medium": 60, "large": 20}

FRONTEND_SHARE = 0.5  # of services whose profile has none
POSTGRES_SHARE = 0.94
VALKEY_SHARE = 0.88
ZONE_SPREAD_SHARE = 0.25  # of services with several replicas, where there are zones
SKEWED_SHARE = 0.10  # of measured services that are heavy on memory, and as many on CPU
SKEW = 1.6  # by how much, and by how much they are light on the other
SPREAD_SIGMA = 0.5  # of the logarithm of measured demand
CPU_MEMORY_CORRELATION = 0.7


def generate_fleet(
    num_services: int,
    seed: int = 1,
    *,
    demands: Demands = "mixed",
    mean_instances: float = 2.0,
    regions: int = 1,
    zones: int = 0,
    rules_density: float = 0.0,
    hosts_share: float = 0.0,
    name: str | None = None,
    model: str = DEFAULT_MODEL,
) -> GeneratedFleet:
    """Make a synthetic fleet.

    Parameters
    ----------
    num_services
        Number of services, 1 to 10,000,000.
    seed
        Non-negative; the same seed and arguments give the same fleet everywhere.
    demands
        ``profile``: services have only a profile, so that few differ; ``measured``: each has figures of its
        own, spread around its profile's; ``mixed``: 60 % have.
    mean_instances
        Replicas on average, above 1 and below 8.
    regions, zones
        How many, and how many zones in each region (0: none named).
    rules_density
        Interference rules as a share of all ordered pairs of services, 0 to 0.5.
    hosts_share
        Hosts that already stand, as a share of what the fleet will need, roughly; 0 to 1.
    name
        The fleet's name; default ``synthetic-N-sS``.
    model
        The capacity model that profiles come from.

    Returns
    -------
    GeneratedFleet
        Input tables and fleet.yaml; interference by row number.

    Raises
    ------
    InputError
        For arguments out of range.
    """
    _check_arguments(locals())
    capacity = load_model(model)
    draw = _Draw(num_services, seed)
    region_names = [REGIONS[i] if i < len(REGIONS) else f"region-{i + 1}" for i in range(regions)]
    columns = {
        **_identity(draw, capacity, mean_instances),
        **_placement_rules(draw, region_names, zones),
        **_data_tier(draw, capacity),
    }
    services = pl.DataFrame(columns)
    services = services.with_columns(**_measured(draw, capacity, services["profile"], MEASURED_SHARE[demands]))
    document: dict[str, Any] = {
        "format": FLEET_FORMAT,
        "name": name or f"synthetic-{num_services}-s{seed}",
        "model": model,
    }
    return GeneratedFleet(
        document=document,
        services=services.select(_COLUMN_ORDER),
        hosts=_hosts(draw, capacity, services, region_names, zones, hosts_share) if hosts_share else None,
        interference=_rules(draw, rules_density) if rules_density else None,
        topology=_topology(region_names, zones) if zones or regions > 1 else None,
    )


_COLUMN_ORDER = (
    "service",
    "instances",
    "max_per_host",
    "profile",
    "cpu_cores",
    "memory_mb",
    "disk_gb",
    "network_mbps",
    "open_files",
    "threads",
    "domain",
    "load_profile",
    "sensitivity",
    "region",
    "spread",
    "db_storage_gb",
    "db_rows",
    "valkey_mb",
    "valkey_function",
    "needs_postgres",
    "needs_valkey",
    "frontend",
)


def _check_arguments(given: Mapping[str, Any]) -> None:
    whole = {
        "num_services": (1, MAX_SERVICES),
        "seed": (0, 2**63 - 1),
        "regions": (1, 100),
        "zones": (0, 100),
    }
    ranges = {"mean_instances": (1.01, 7.99), "rules_density": (0.0, 0.5), "hosts_share": (0.0, 1.0)}
    problems = []
    for key, (low, high) in {**whole, **ranges}.items():
        value = given[key]
        kinds = int if key in whole else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            noun = "a whole number" if key in whole else "a number"
            problems.append(
                Problem(
                    "generate",
                    "out of range",
                    column=key,
                    value=str(value),
                    allowed=f"{noun} from {low} to {high}",
                )
            )
    if given["demands"] not in get_args(Demands):
        allowed = ", ".join(get_args(Demands))
        problems.append(
            Problem("generate", "no such kind", column="demands", value=str(given["demands"]), allowed=allowed)
        )
    if not problems and given["rules_density"] * given["num_services"] ** 2 > MAX_RULES:
        num_rules = given["rules_density"] * given["num_services"] ** 2
        problems.append(
            Problem(
                "generate",
                "too many rules",
                column="rules_density",
                value=f"{num_rules:,.0f} rules",
                allowed=f"at most {MAX_RULES:,}",
            )
        )
    if problems:
        raise InputError(problems)


class _Draw:
    """Random columns of one fleet: a stream per attribute, `size` numbers long."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.seed = seed

    def stream(self, attribute: str) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(attribute.encode())]))

    def uniform(self, attribute: str, size: int | None = None) -> FloatArray:
        """Return float64[size] in [0, 1)."""
        return self.stream(attribute).random(self.size if size is None else size)

    def normal(self, attribute: str) -> FloatArray:
        """Return float64[size], mean 0 and variance 1, within ±6."""
        stream = self.stream(attribute)
        total = stream.random(self.size)
        for _ in range(11):
            total += stream.random(self.size)
        return total - 6.0

    def happens(self, attribute: str, share: float) -> npt.NDArray[np.bool_]:
        return self.uniform(attribute) < share

    def index(self, attribute: str, weights: Sequence[float], size: int | None = None) -> IntArray:
        """Return int64[size], positions in `weights` drawn in their proportion."""
        total = math.fsum(weights)
        bounds = np.array([math.fsum(weights[: i + 1]) / total for i in range(len(weights) - 1)])
        return np.searchsorted(np.round(bounds, 9), self.uniform(attribute, size), side="right")

    def words(self, attribute: str, weights: Mapping[str, float], size: int | None = None) -> pl.Series:
        """Return words drawn in the proportion of their weights."""
        return pl.Series(list(weights), dtype=pl.String).gather(self.index(attribute, list(weights.values()), size))


def _known(weights: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Return the weights of those names that the model has; all alike where it has none of them."""
    found = {name: weights[name] for name in names if name in weights}
    return found or dict.fromkeys(names, 1.0)


def _identity(draw: _Draw, model: CapacityModel, mean_instances: float) -> dict[str, pl.Series]:
    domains = list(DOMAINS)
    # the k-th most frequent domain has 1/k of the first one's services, as word counts do (Zipf)
    domain_idx = draw.index("domain", [1.0 / (rank + 1) for rank in range(len(domains))])
    num_nouns = len(DOMAINS[domains[0]])
    noun_idx = draw.index("noun", [1.0] * num_nouns)
    stems = pl.Series([f"{domain}-{noun}-" for domain in domains for noun in DOMAINS[domain]])
    width = max(4, len(str(draw.size - 1)))
    numbers = pl.Series(np.arange(draw.size)).cast(pl.String).str.zfill(width)
    profiles = _known(PROFILE_WEIGHTS, list(model.profiles))
    bare = [name for name in profiles if not model.profiles[name].includes_frontend]
    profile = draw.words("profile", profiles)
    has_frontend = profile.is_in(bare) & pl.Series(draw.happens("frontend", FRONTEND_SHARE))
    return {
        "service": stems.gather(domain_idx * num_nouns + noun_idx) + numbers,
        "domain": pl.Series(domains).gather(domain_idx),
        "instances": pl.Series(draw.index("instances", _replica_weights(mean_instances)) + 1),
        "profile": profile,
        "frontend": has_frontend,
    }


def _replica_weights(mean: float) -> list[float]:
    """Return weights of 1, 2, … 8 replicas with the given mean: the usual ones, tilted by a power."""
    replicas = range(1, len(REPLICA_WEIGHTS) + 1)

    def tilted(tilt: float) -> list[float]:
        return [weight * tilt**count for weight, count in zip(REPLICA_WEIGHTS, replicas, strict=True)]

    low, high = 1e-4, 1e4
    for _ in range(60):
        middle = math.sqrt(low * high)
        weights = tilted(middle)
        average = math.fsum(w * n for w, n in zip(weights, replicas, strict=True)) / math.fsum(weights)
        low, high = (middle, high) if average < mean else (low, middle)
    return tilted(low)


def _placement_rules(draw: _Draw, regions: Sequence[str], zones: int) -> dict[str, pl.Series]:
    instances = draw.index("crowd", (90, 10)) + 1  # how many replicas may share a host: mostly one
    weights = {region: 1.0 / (rank + 1) for rank, region in enumerate(regions)}
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, draw.size)
    apart = draw.happens("spread", ZONE_SPREAD_SHARE if zones > 1 else 0.0)
    return {
        "max_per_host": pl.Series(instances),
        "region": draw.words("region", weights) if len(regions) > 1 else blank,
        "spread": pl.Series(["host", "zone"]).gather(apart.astype(np.int64)),
    }


def _data_tier(draw: _Draw, model: CapacityModel) -> dict[str, pl.Series]:
    classes = model.postgres.storage_classes
    weights = _known(STORAGE_WEIGHTS, list(classes))
    which = draw.index("storage", list(weights.values()))
    depth = draw.uniform("storage-depth")  # where in its class, for size and rows alike
    storage_gb, rows = np.zeros(draw.size), np.zeros(draw.size)
    for position, name in enumerate(weights):
        here = which == position
        row = classes[name]
        storage_gb[here] = _log_between(row.storage_gb.low, row.storage_gb.high, depth[here])
        first = max(row.rows_from.typical, 1000)
        last = row.rows_below.typical if row.rows_below is not None else first * 50
        rows[here] = np.rint(_log_between(first, last, depth[here]) / 100) * 100
    needs_postgres = pl.Series(draw.happens("postgres", POSTGRES_SHARE))
    needs_valkey = pl.Series(draw.happens("valkey", VALKEY_SHARE))
    memory = model.valkey.memory_per_service.total_mb
    valkey_mb = np.rint(_log_between(memory.low, memory.high, draw.uniform("valkey-memory")))
    # half of the caches have been measured
    has_figure = needs_valkey & pl.Series(draw.happens("valkey-measured", 0.5))
    return {
        "load_profile": draw.words("load", _known(LOAD_WEIGHTS, model.load_profiles)),
        "sensitivity": draw.words("sensitivity", _known(SENSITIVITY_WEIGHTS, model.sensitivity_classes)),
        "needs_postgres": needs_postgres,
        "needs_valkey": needs_valkey,
        "db_storage_gb": _where(needs_postgres, np.maximum(np.rint(storage_gb * 100), 1) / 100),
        "db_rows": _where(needs_postgres, rows.astype(np.int64)),
        "valkey_mb": _where(has_figure, valkey_mb.astype(np.int64)),
        "valkey_function": draw.words("function", CACHE_WEIGHTS).set(~needs_valkey, None),
    }


def _log_between(low: float, high: float, depth: FloatArray) -> FloatArray:
    """Return low·(high/low)^depth: evenly spread in orders of magnitude."""
    return low * np.exp(depth * math.log(high / low))


def _where(given: pl.Series, values: npt.NDArray[Any]) -> pl.Series:
    return pl.Series(values).set(~given, None)


def _measured(draw: _Draw, model: CapacityModel, profile: pl.Series, share: float) -> dict[str, pl.Series]:
    """Return own demands: lognormal around the profile's, CPU and memory alike, below systemd's limits."""
    is_measured = pl.Series(draw.happens("measured", share))
    names = list(model.profiles)
    position = profile.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()
    typical = [model.profile_demand(name, "typical") for name in names]
    common, noise = draw.normal("size"), draw.normal("memory-noise")
    own = math.sqrt(1.0 - CPU_MEMORY_CORRELATION**2)
    deviates = {
        "cpu": common,
        "memory": CPU_MEMORY_CORRELATION * common + own * noise,
        "open_files": 0.5 * common + math.sqrt(0.75) * draw.normal("files-noise"),
        "threads": 0.5 * common + math.sqrt(0.75) * draw.normal("threads-noise"),
        "disk": draw.normal("disk-noise"),
        "network": 0.7 * common + math.sqrt(0.51) * draw.normal("network-noise"),
    }
    kind = draw.index("skew", (SKEWED_SHARE, SKEWED_SHARE, 1 - 2 * SKEWED_SHARE))
    skew = {"cpu": np.array([1 / SKEW, SKEW, 1.0])[kind], "memory": np.array([SKEW, 1 / SKEW, 1.0])[kind]}
    caps = _caps(model)
    columns = {}
    for resource in RESOURCES:
        base = np.array([demand[resource.internal_column] for demand in typical], dtype=np.float64)[position]
        # mean, not median, at the profile's figure
        factor = np.exp(SPREAD_SIGMA * deviates[resource.name] - SPREAD_SIGMA**2 / 2)
        value = base * factor * skew.get(resource.name, 1.0)
        if resource.name in caps:
            # beyond the cap in ever smaller steps, so that large services do not all come out equal
            cap = caps[resource.name]
            knee = 0.8 * cap
            over = np.maximum(value - knee, 0.0)
            value = np.where(value > knee, knee + (cap - knee) * over / (over + cap), value)
        whole = np.maximum(np.rint(value), 1).astype(np.int64)
        numbers = whole / resource.factor if resource.factor > 1 else whole
        columns[resource.column] = _where(is_measured, numbers)
    return columns


def _caps(model: CapacityModel) -> dict[str, int]:
    """Return what systemd lets a back end and its front end use, in internal units."""
    backend, frontend = model.services.backend.limit, model.services.frontend.limit
    return {
        "cpu": int((backend.cpu_percent.typical + frontend.cpu_percent.typical) * 10),
        "memory": int(backend.memory_mb.typical + frontend.memory_mb.typical),
    }


def _rules(draw: _Draw, density: float) -> pl.DataFrame:
    """Return interference rules by row number, about `density` of all ordered pairs, each pair once."""
    n = draw.size
    # of t pairs drawn with repetition, N·(1 - exp(-t/N)) of all N differ
    num_tries = round(-math.log1p(-density) * n * n)
    pairs = np.floor(draw.uniform("pairs", num_tries) * (n * n)).astype(np.int64)
    pairs.sort()
    is_new = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    pairs = pairs[is_new & (pairs // n != pairs % n)]
    most = draw.index("rule", (80, 12, 8), len(pairs))
    return pl.DataFrame(
        {
            "service": (pairs // n).astype(np.int32),
            "other": (pairs % n).astype(np.int32),
            "max_instances": most.astype(np.int32),
        }
    )


def _hosts(
    draw: _Draw,
    model: CapacityModel,
    services: pl.DataFrame,
    regions: Sequence[str],
    zones: int,
    share: float,
) -> pl.DataFrame:
    """Return hosts that already stand, enough for about `share` of the fleet's memory at 70 %."""
    memory = {name: model.profile_demand(name, "typical")["memory_mb"] for name in model.profiles}
    per_service = services["memory_mb"].fill_null(services["profile"].replace_strict(memory, return_dtype=pl.Int64))
    total_mb = float((per_service * services["instances"]).sum())
    known = model.host_sizes()
    weights = _known(SIZE_WEIGHTS, list(known))
    usable = {name: 0.7 * (known[name].memory_mb - known[name].os_reserved_mb) for name in weights}
    average = math.fsum(usable[name] * weight for name, weight in weights.items()) / math.fsum(weights.values())
    num_hosts = min(max(1, math.ceil(share * total_mb / average)), MAX_INSTANCES)
    width = max(4, len(str(num_hosts - 1)))
    names = "host-" + pl.Series(np.arange(num_hosts)).cast(pl.String).str.zfill(width)
    region_weights = {region: 1.0 / (rank + 1) for rank, region in enumerate(regions)}
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, num_hosts)
    zone = draw.words("host-zone", dict.fromkeys(_zone_names(zones), 1.0), num_hosts) if zones else blank
    is_owned = pl.Series(draw.uniform("owned", num_hosts) < 0.5)
    return pl.DataFrame(
        {
            "host": names.alias("host"),
            "size": draw.words("host-size", weights, num_hosts),
            "region": draw.words("host-region", region_weights, num_hosts) if len(regions) > 1 else blank,
            "zone": zone,
            "state": draw.words("state", {"active": 97, "draining": 2, "failed": 1}, num_hosts),
            "price_per_hour": pl.Series(np.zeros(num_hosts)).set(~is_owned, None),
        }
    )


def _zone_names(zones: int) -> list[str]:
    return [f"zone-{number + 1}" for number in range(zones)]


def _topology(regions: Sequence[str], zones: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [{"region": region} for region in regions]
    if zones:
        rows = [{**row, "zones": [{"zone": zone} for zone in _zone_names(zones)]} for row in rows]
    return {"format": TOPOLOGY_FORMAT, "regions": rows}
