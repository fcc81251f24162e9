"""What must hold between the rows of a model, beyond the schema of each."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from placement.capacity.datatier_tables import ScaleRow, StorageClass
from placement.capacity.faults import Fault
from placement.capacity.figures import ENDS, Figure, Table
from placement.capacity.listing import unused_provenance
from placement.capacity.model import CapacityModel
from placement.errors import nearest_name

Faults = Iterator[Fault]


def invariant_faults(model: CapacityModel) -> list[Fault]:
    """Return everything that does not hold, sorted by path."""
    return sorted(fault for check in INVARIANTS for fault in check(model))


def unpriced_faults(model: CapacityModel, price_lists: Iterable[str]) -> Faults:
    """Yield the sizes that a price list leaves out."""
    for name in price_lists:
        if name not in model.prices:
            continue
        for size in model.hosts.sizes:
            if size not in model.prices[name].price_per_hour:
                path = ("prices", name, "price_per_hour")
                yield Fault(path, f"size {size!r} has no price", allowed="a price for every size in hosts.sizes")


def _references(model: CapacityModel) -> Faults:
    sizes, nics, profiles = model.hosts.sizes, model.network.nics, model.services.profiles
    defaults = model.defaults
    yield from _known(("defaults", "profile"), defaults.profile, profiles)
    yield from _known(("defaults", "load_profile"), defaults.load_profile, model.grouping.load_profiles)
    yield from _known(("defaults", "sensitivity"), defaults.sensitivity, model.grouping.sensitivity_classes)
    yield from _known(("defaults", "price_list"), defaults.price_list, model.prices)
    yield from _known(("hosts", "density_profile"), model.hosts.density_profile, profiles)
    yield from _known(("hosts", "worked_example", "size"), model.hosts.worked_example.size, sizes)
    for name, row in sizes.items():
        yield from _known(("hosts", "sizes", name, "nic"), row.nic, nics)
    for name, tier in model.network.tiers.items():
        yield from _known(("network", "tiers", name, "nic"), tier.nic, nics)
    storage = model.postgres.storage_formula
    default_path = ("postgres", "storage_formula", "default_class")
    yield from _known(default_path, storage.default_class, model.postgres.storage_classes)
    for name, load in model.grouping.load_profiles.items():
        for other in load.apart_from:
            apart_path = ("grouping", "load_profiles", name, "apart_from")
            yield from _known(apart_path, other, model.grouping.load_profiles)
            if other in model.grouping.load_profiles and name not in model.grouping.load_profiles[other].apart_from:
                yield Fault(apart_path, f"{other!r} does not name {name!r} in turn", other, "pairs named on both sides")
    for list_name, prices in model.prices.items():
        for key in ("price_per_hour", "instance_types"):
            for size in getattr(prices, key):
                yield from _known(("prices", list_name, key), size, sizes)


def _known(path: tuple[str, ...], name: str, names: Mapping[str, object]) -> Faults:
    if name not in names:
        near = nearest_name(name, names)
        yield Fault(path, "no such name in the model", name, ", ".join(names), near)


def _provenance(model: CapacityModel) -> Faults:
    for entry in model.entries():
        blank = [key for key in ("unit", "source", "owner") if not getattr(entry, key)]
        if blank:
            path = tuple(entry.path.split("."))
            yield Fault(path, f"no {' and no '.join(blank)}", allowed="said by the figure or an enclosing table")
    for path in unused_provenance(model):
        yield Fault(path, "names no key below this table")


def _scales(model: CapacityModel) -> Faults:
    """Tiers by number of services begin at 0 (or 1), follow on each other, and have no end."""
    tables: dict[tuple[str, ...], Mapping[str, ScaleRow]] = {
        ("scaling", "tiers"): model.scaling.tiers,
        ("postgres", "pools"): model.postgres.pools,
        ("postgres", "phases"): model.postgres.phases,
        ("valkey", "tiers"): model.valkey.tiers,
        ("valkey", "phases"): model.valkey.phases,
        ("registry", "tiers"): model.registry.tiers,
        ("sia", "tiers"): model.sia.tiers,
        ("network", "tiers"): model.network.tiers,
        ("growth", "phases"): model.growth.phases,
    }
    for path, rows in tables.items():
        spans = {name: (row.services_from, row.services_below) for name, row in rows.items()}
        yield from _contiguous(path, spans, "services")
    classes: Mapping[str, StorageClass] = model.postgres.storage_classes
    spans = {name: (row.rows_from, row.rows_below) for name, row in classes.items()}
    yield from _contiguous(("postgres", "storage_classes"), spans, "rows")


def _contiguous(path: tuple[str, ...], spans: Mapping[str, tuple[Figure, Figure | None]], what: str) -> Faults:
    if not spans:
        yield Fault(path, "no rows")
        return
    ordered = sorted(spans.items(), key=lambda item: item[1][0].typical)
    first, (start, _) = ordered[0]
    if start.typical > 1:
        yield Fault(
            (*path, first, f"{what}_from"),
            "the first row leaves out smaller ones",
            f"{start.typical}",
            "0 or 1",
        )
    for (name, (start, below)), (next_name, (next_start, _)) in pairwise(ordered):
        if below is None or below.typical != next_start.typical:
            end = "without end" if below is None else f"{below.typical}"
            yield Fault(
                (*path, name, f"{what}_below"),
                f"the next row, {next_name!r}, begins elsewhere",
                end,
                f"{next_start.typical}",
            )
        elif below.typical <= start.typical:
            yield Fault((*path, name, f"{what}_below"), "the row is empty", f"{below.typical}", f"> {start.typical}")
    last, (_, below) = ordered[-1]
    if below is not None:
        yield Fault((*path, last, f"{what}_below"), "the last row must have no end", f"{below.typical}", "none")


def _levels(model: CapacityModel) -> Faults:
    """A busier service never needs less: idle <= normal <= peak <= limit at every end of the ranges."""
    for part in ("backend", "frontend"):
        table = getattr(model.services, part)
        levels = {level: getattr(table, level) for level in ("idle", "normal", "peak", "limit")}
        for (lower, low_row), (upper, high_row) in pairwise(levels.items()):
            yield from _grows(("services", part), lower, low_row, upper, high_row)


def _families(model: CapacityModel) -> Faults:
    """Sizes of a family grow together in the order of the file, in price too; so do the database tiers."""
    families: dict[str, list[str]] = {}
    for name, row in model.hosts.sizes.items():
        if row.family:
            families.setdefault(row.family, []).append(name)
    sizes = model.hosts.sizes
    for names in families.values():
        for lower, upper in pairwise(names):
            yield from _grows(("hosts", "sizes"), lower, sizes[lower], upper, sizes[upper])
            for list_name, prices in model.prices.items():
                pair = prices.price_per_hour.get(lower), prices.price_per_hour.get(upper)
                if pair[0] and pair[1] and pair[0].typical > pair[1].typical:
                    path = ("prices", list_name, "price_per_hour", upper)
                    yield Fault(path, f"cheaper than {lower!r}", f"{pair[1].typical}", f">= {pair[0].typical}")
    families_of_nodes: dict[tuple[str, str], Mapping[str, Table]] = {
        ("postgres", "tiers"): model.postgres.tiers,
        ("postgres", "cluster_tiers"): model.postgres.cluster_tiers,
        ("valkey", "node_tiers"): model.valkey.node_tiers,
    }
    for where, nodes in families_of_nodes.items():
        for (lower, low_row), (upper, high_row) in pairwise(nodes.items()):
            yield from _grows(where, lower, low_row, upper, high_row)


def _grows(path: tuple[str, ...], lower: str, low_row: Table, upper: str, high_row: Table) -> Faults:
    for key in type(low_row).model_fields:
        small, large = getattr(low_row, key), getattr(high_row, key, None)
        if not (isinstance(small, Figure) and isinstance(large, Figure)):
            continue
        for end in ENDS:
            if small.at(end) > large.at(end):
                words = f"less than {lower!r} has ({end})"
                yield Fault((*path, upper, key), words, f"{large.at(end)}", f">= {small.at(end)}")
                break


def _hosts(model: CapacityModel) -> Faults:
    for name, row in model.hosts.sizes.items():
        path = ("hosts", "sizes", name)
        for key in ("cpu_cores", "memory_mb", "max_open_files", "max_threads"):
            if getattr(row, key).low <= 0:
                yield Fault((*path, key), "a host without any", "0", "> 0")
        if row.os_reserved_mb.high >= row.memory_mb.low:
            words = "the OS reserve leaves no memory"
            yield Fault((*path, "os_reserved_mb"), words, f"{row.os_reserved_mb.high}", f"< {row.memory_mb.low}")
    formula = model.hosts.formula
    if not 0 < formula.headroom.low <= formula.headroom.high <= 1:
        yield Fault(("hosts", "formula", "headroom"), "not a share to use", f"{formula.headroom.low}", "> 0, <= 1")
    if formula.spare_share.high > 1:
        yield Fault(("hosts", "formula", "spare_share"), "more than all", f"{formula.spare_share.high}", "<= 1")
    if formula.cpu_overcommit.low <= 0:
        yield Fault(("hosts", "formula", "cpu_overcommit"), "no CPU could be used", "0", "> 0")


def _alerts(model: CapacityModel) -> Faults:
    for name, row in model.alerts.thresholds.items():
        path = ("alerts", "thresholds", name)
        if row.warning.high >= row.critical.low:
            words = "the warning is not below the critical level"
            yield Fault((*path, "warning"), words, f"{row.warning.high}", f"< {row.critical.low}")
        if row.unit == "share" and row.critical.high > 1:
            yield Fault((*path, "critical"), "a share above 1", f"{row.critical.high}", "<= 1")


def _shares(model: CapacityModel) -> Faults:
    for entry in model.entries():
        if entry.unit == "share" and entry.high > 1:
            yield Fault(tuple(entry.path.split(".")), "a share above 1", f"{entry.high}", "0 to 1")


def _sharing(model: CapacityModel) -> Faults:
    """Sharing a cluster is mutual, and among classes that there are."""
    classes = model.grouping.sensitivity_classes
    for name, row in classes.items():
        path = ("grouping", "sensitivity_classes", name, "shares_with")
        for other in row.shares_with:
            if other not in classes:
                yield from _known(path, other, classes)
            elif name not in classes[other].shares_with:
                yield Fault(path, f"{other!r} does not share with {name!r}", other, "sharing that both classes list")


_PATTERNS: dict[tuple[str, str, str], frozenset[str]] = {
    ("postgres", "dedicated", "host_name_pattern"): frozenset({"service", "service_underscored"}),
    ("postgres", "dedicated", "database_name_pattern"): frozenset({"service", "service_underscored"}),
    ("valkey", "keys", "pattern"): frozenset({"service_id", "tenant_id", "key_type", "key_id"}),
    ("valkey", "clusters", "host_name_pattern"): frozenset({"cluster"}),
}


def _patterns(model: CapacityModel) -> Faults:
    for path, known in _PATTERNS.items():
        section, table, key = path
        pattern = getattr(getattr(getattr(model, section), table), key)
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
        except ValueError:
            names = {""}
        if not names or not names <= known:
            allowed = "{" + "}, {".join(sorted(known)) + "}"
            yield Fault(path, "not a pattern with known placeholders", pattern, allowed)


def _retention(model: CapacityModel) -> Faults:
    retention = model.observability.logs
    days = [retention.retention_hot_days, retention.retention_warm_days, retention.retention_cold_days]
    if not days[0].typical <= days[1].typical <= days[2].typical:
        shown = ", ".join(str(figure.typical) for figure in days)
        yield Fault(("observability", "logs"), "retention shrinks from hot to cold", shown, "hot <= warm <= cold")


def _divisors(model: CapacityModel) -> Faults:
    """Numbers of nodes are volumes by what one node takes: none takes nothing."""
    observability = model.observability
    figures: dict[tuple[str, ...], Figure] = {
        ("sia", "certificate_rotation_days"): model.sia.certificate_rotation_days,
        ("observability", "traces", "sampling_share"): observability.traces.sampling_share,
        ("observability", "stores", "usable_disk_share"): observability.stores.usable_disk_share,
        ("observability", "stores", "node", "disk_gb"): observability.stores.node.disk_gb,
    }
    for key in ("spans_per_second", "datapoints_per_second", "log_mb_per_second"):
        figures["observability", "collectors", key] = getattr(observability.collectors, key)
    for name, tier in model.registry.tiers.items():
        figures["registry", "tiers", name, "heartbeat_interval_seconds"] = tier.heartbeat_interval_seconds
    for path, figure in figures.items():
        if figure.low <= 0:
            yield Fault(path, "nothing can be divided by it", f"{figure.low}", "> 0")
    disk_mb = observability.stores.node.disk_gb.low * 1000 * observability.stores.usable_disk_share.low
    if 0 < disk_mb < 1:
        yield Fault(("observability", "stores", "node", "disk_gb"), "not a whole MB is usable", f"{disk_mb}", ">= 1 MB")


def _clusters(model: CapacityModel) -> Faults:
    """A sharded Valkey has a primary at least, and no fewer at most than at least."""
    clusters = model.valkey.clusters
    path = ("valkey", "clusters")
    if clusters.min_primaries.low < 1:
        yield Fault((*path, "min_primaries"), "a cluster without a primary", f"{clusters.min_primaries.low}", ">= 1")
    for end in ENDS:
        least, most = clusters.min_primaries.at(end), clusters.max_primaries.at(end)
        if math.ceil(least) > math.floor(most):
            yield Fault((*path, "max_primaries"), f"fewer than min_primaries ({end})", f"{most}", f">= {least}")
            break


TRAFFIC_TYPES = ("client", "postgres", "valkey", "mtls", "heartbeat", "telemetry")
"""The kinds of traffic whose ends a plan knows."""


def _network(model: CapacityModel) -> Faults:
    """Traffic has known ends, a fabric whole switches and links of some capacity."""
    network = model.network
    for name in network.traffic:
        yield from _known(("network", "traffic", name), name, dict.fromkeys(TRAFFIC_TYPES))
    for name in TRAFFIC_TYPES:
        if name not in network.traffic:
            yield Fault(("network", "traffic"), f"no row {name!r}", allowed=", ".join(TRAFFIC_TYPES))
    for name, tier in network.tiers.items():
        for key in type(tier.fabric).model_fields:
            figure = getattr(tier.fabric, key)
            if not isinstance(figure, Figure):
                continue
            is_count = figure.unit in ("hosts", "switches", "links")
            if figure.low <= 0 or (is_count and figure.typical != int(figure.typical)):
                allowed = "a whole number from 1" if is_count else "> 0"
                yield Fault(("network", "tiers", name, "fabric", key), "no fabric", f"{figure.typical}", allowed)


INVARIANTS: tuple[Callable[[CapacityModel], Faults], ...] = (
    _references,
    _provenance,
    _scales,
    _levels,
    _families,
    _hosts,
    _alerts,
    _shares,
    _sharing,
    _patterns,
    _retention,
    _divisors,
    _clusters,
    _network,
)
"""Every check, each of them on a model whose schema holds."""
