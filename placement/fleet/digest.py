"""The digest of a fleet: the same for the same content, whatever its files, formats and order of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Protocol

import numpy as np
import polars as pl

from placement.capacity.sizes import HostSize
from placement.fleet.documents import HEADROOM_RESOURCES, headroom_of
from placement.fleet.types import Policy, Topology

_CHUNK_ROWS = 1_000_000


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def fleet_digest(
    *,
    name: str,
    model_digest: str,
    services: pl.DataFrame,
    hosts: pl.DataFrame,
    current: pl.DataFrame,
    interference: pl.DataFrame,
    calls: pl.DataFrame,
    topology: Topology,
    sizes: Mapping[str, HostSize],
    buyable: tuple[str, ...],
    policy: Policy,
    currency: str,
) -> str:
    """Return ``sha256:…`` over the content of a fleet.

    Frames are sorted, as in `Fleet`. Of the sizes only those in force count: what may be bought or already
    stands. What is hashed are lengths, text and little-endian numbers, not a file format, so that it does
    not depend on the version of any library.
    """
    in_force = sorted({*buyable, *hosts["size"].unique().to_list()})
    shares = {resource: headroom_of(policy, resource) for resource in HEADROOM_RESOURCES}
    content = {
        "name": name,
        "model": model_digest,
        "locations": [asdict(location) for location in topology.locations],
        "network": {
            "bundles": [asdict(bundle) for bundle in topology.bundles],
            "edges": topology.edges,
            "is_tree": topology.is_tree,
        },
        "sizes": [asdict(sizes[size]) for size in in_force if size in sizes],
        "buyable": list(buyable),
        "policy": {**policy.model_dump(mode="json"), "headroom": shares},
        "currency": currency,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    tables = {
        "services": services,
        "hosts": hosts,
        "current": current,
        "interference": interference,
        "calls": calls,
    }
    for title, frame in tables.items():
        digest.update(f"\n{title} {frame.height}\n".encode())
        for column in frame.iter_columns():
            _hash_column(digest, column)
    return f"sha256:{digest.hexdigest()}"


def _hash_column(digest: _Hash, column: pl.Series) -> None:
    digest.update(f"{column.name}\n".encode())
    for start in range(0, len(column), _CHUNK_ROWS):
        part = column.slice(start, _CHUNK_ROWS)
        if part.null_count():
            digest.update(b"nulls" + np.packbits(part.is_null().to_numpy()).tobytes())
        if isinstance(part.dtype, pl.String):
            lengths = part.fill_null("").str.len_bytes().to_numpy()
            digest.update(lengths.astype("<u4").tobytes())
            joined = part.fill_null("").str.join("").item()
            digest.update(joined.encode())
        elif isinstance(part.dtype, pl.Boolean):
            digest.update(np.packbits(part.fill_null(False).to_numpy()).tobytes())
        else:
            width = "<i4" if isinstance(part.dtype, pl.Int32) else "<i8"
            values = part.fill_null(0).to_numpy()
            digest.update(np.ascontiguousarray(values).astype(width, copy=False).tobytes())
