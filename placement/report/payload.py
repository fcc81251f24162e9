"""The data that the page searches, packed: columns of numbers and of text, deflated, as base64.

Layout before deflation: a line of JSON that lists the columns, a line feed, then each column's bytes. A column of
numbers is stored by significance, all lowest bytes first, then the next ones: neighbours are alike, and deflate well.
A column of text is a JSON array. A column of few distinct texts is their list and a column of numbers.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from placement.fleet.types import Fleet
from placement.plan.services import service_table
from placement.plan.types import Plan
from placement.report.facts import cluster_table
from placement.units import RESOURCES, IntArray

_MICROS = 1_000_000
_WIDEST = 6
"""Bytes of the largest numbers: 2^48 − 1 is far above any sum that a host can hold, and exact in a browser."""


class Columns:
    """Columns in the order in which they were added."""

    def __init__(self) -> None:
        self._heads: list[dict[str, object]] = []
        self._bytes: list[bytes] = []

    def numbers(self, name: str, values: IntArray | pl.Series | Sequence[int]) -> None:
        """Add whole numbers ≥ 0."""
        array = np.asarray(values, dtype=np.int64)
        largest = int(array.max(initial=0))
        width = max(1, (largest.bit_length() + 7) // 8)
        if width > _WIDEST:
            array, width = np.minimum(array, 256**_WIDEST - 1), _WIDEST
        planes = array.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
        self._add(name, {"kind": "numbers", "rows": len(array), "width": width}, planes.T.tobytes())

    def text(self, name: str, values: Sequence[str]) -> None:
        """Add texts."""
        self._add(name, {"kind": "text"}, json.dumps(list(values), ensure_ascii=False).encode())

    def choices(self, name: str, values: pl.Series) -> None:
        """Add texts of which few are distinct: their sorted list as `name`, the row's number in it as `name_no`."""
        distinct = values.unique().sort()
        self.text(name, distinct.to_list())
        number = {text: row for row, text in enumerate(distinct.to_list())}
        self.numbers(f"{name}_no", values.replace_strict(number, return_dtype=pl.Int64))

    def _add(self, name: str, head: dict[str, object], content: bytes) -> None:
        self._heads.append({"name": name, **head, "bytes": len(content)})
        self._bytes.append(content)

    def packed(self) -> str:
        """Return all columns, deflated (without a header), as base64."""
        head = json.dumps(self._heads, separators=(",", ":"), ensure_ascii=True).encode()
        deflate = zlib.compressobj(level=9, wbits=-15, memLevel=9)
        content = deflate.compress(b"\n".join([head, b"".join(self._bytes)])) + deflate.flush()
        return base64.b64encode(content).decode("ascii")


def plan_payload(plan: Plan, fleet: Fleet | None) -> str:
    """Return the plan's services, hosts, nodes and clusters, packed."""
    columns = Columns()
    columns.text("resource.title", [resource.name for resource in RESOURCES])
    columns.text("resource.unit", [resource.unit for resource in RESOURCES])
    columns.numbers("resource.factor", [resource.factor for resource in RESOURCES])
    hosts = plan.hosts.sort("host")
    host_no = {host: row for row, host in enumerate(hosts["host"].to_list())}
    _add_hosts(columns, hosts)
    services = service_table(plan, fleet)
    clusters = cluster_table(plan)
    cluster_no = {cluster: row + 1 for row, cluster in enumerate(clusters["cluster"].to_list())}
    columns.text("service.name", services["service"].to_list())
    for name in ("domain", "sensitivity", "region"):
        columns.choices(f"service.{name}", services[name])
    for name in ("database", "cache"):
        numbers = services[name].replace_strict(cluster_no, default=0, return_dtype=pl.Int64)
        columns.numbers(f"service.{name}", numbers)
    placed = plan.assignments.sort("service", "instance")
    counted = services.select("service").join(
        placed.group_by("service").len(), on="service", how="left", maintain_order="left"
    )
    columns.numbers("service.instances", counted["len"].fill_null(0))
    columns.numbers("instance.host", placed["host"].replace_strict(host_no, default=0, return_dtype=pl.Int64))
    _add_clusters(columns, clusters, services)
    nodes = plan.nodes.sort("node")
    workload_no = nodes["workload"].replace_strict(cluster_no, default=0, return_dtype=pl.Int64)
    columns.numbers("node.cluster", workload_no)
    columns.choices("node.suffix", _suffixes(nodes))
    columns.choices("node.role", nodes["role"])
    columns.numbers("node.host", nodes["host"].replace_strict(host_no, default=0, return_dtype=pl.Int64))
    return columns.packed()


def _add_hosts(columns: Columns, hosts: pl.DataFrame) -> None:
    columns.text("host.name", hosts["host"].to_list())
    for name in ("size", "pool", "region", "zone", "segment"):
        columns.choices(f"host.{name}", hosts[name])
    columns.numbers("host.spare", hosts["spare"].cast(pl.Int64))
    prices = (hosts["price_per_hour"] * _MICROS).round().cast(pl.Int64)
    columns.numbers("host.price", prices)
    columns.numbers("host.instances", hosts["instances"])
    for r, resource in enumerate(RESOURCES):
        for end in ("used", "limit"):
            values = hosts[f"{resource.column}_{end}"].to_numpy() * resource.factor
            columns.numbers(f"host.{end}{r}", np.rint(values).astype(np.int64))


def _add_clusters(columns: Columns, clusters: pl.DataFrame, services: pl.DataFrame) -> None:
    """Add clusters; the name of one that serves one service is stored as what stands before that service's name."""
    names = services["service"].to_list()
    own: dict[str, int] = {}
    for column in ("database", "cache"):
        for row, cluster in enumerate(services[column].to_list()):
            if cluster and cluster.endswith(names[row]):
                own.setdefault(cluster, row + 1)
    owner = [own.get(cluster, 0) for cluster in clusters["cluster"].to_list()]
    stems = [
        cluster.removesuffix(names[row - 1]) if row else cluster
        for cluster, row in zip(clusters["cluster"].to_list(), owner, strict=True)
    ]
    columns.choices("cluster.stem", pl.Series(stems, dtype=pl.String))
    columns.numbers("cluster.owner", owner)
    for name in ("kind", "domains", "sensitivity", "tier", "region"):
        columns.choices(f"cluster.{name}", clusters[name])
    columns.numbers("cluster.services", clusters["services"])


def _suffixes(nodes: pl.DataFrame) -> pl.Series:
    """Return what follows a node's workload in its name; a name of another kind whole, after a tilde."""
    follows = pl.col("node").str.starts_with(pl.col("workload"))
    rest = pl.col("node").str.slice(pl.col("workload").str.len_chars())
    return nodes.select(pl.when(follows).then(rest).otherwise(pl.lit("~") + pl.col("node")).alias("suffix"))["suffix"]
