"""Names of workloads, hosts and databases: valid, unique, and the same from plan to plan unless clusters change.

A workload's nodes are called ``{workload}-{n}``, which must be a DNS label: hence at most 52 characters.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from placement.units import IntArray

MAX_WORKLOAD = 52
MAX_DATABASE = 63
DEDICATED_PREFIX = "postgresql-"
NO_DOMAIN = "shared"

_NUM_DIGITS = 8


def cut(name: str, longest: int, joint: str) -> str:
    """Return a name of at most `longest` characters: what is cut off is told apart by a hash of the whole."""
    if len(name) <= longest:
        return name
    digits = hashlib.sha256(name.encode()).hexdigest()[:_NUM_DIGITS]
    return name[: longest - _NUM_DIGITS - len(joint)] + joint + digits


def workload_name(whole: str) -> str:
    """Return a workload's name, cut where it is too long."""
    return cut(whole, MAX_WORKLOAD, "-")


def label(text: str) -> str:
    """Return a text in lower case, with a hyphen for every character that is no ASCII letter or digit."""
    return re.sub(r"[^a-z0-9]", "-", text.lower())


def cut_all(names: pl.Series, longest: int, joint: str) -> pl.Series:
    """Return a column of names, each cut as by `cut`."""
    is_long = names.str.len_chars() > longest
    if not is_long.any():
        return names
    rows = is_long.arg_true()
    return names.scatter(rows, [cut(name, longest, joint) for name in names.gather(rows).to_list()])


def dedicated_names(services: pl.Series) -> pl.Series:
    """Return the workloads of services that have a server of their own."""
    return cut_all(DEDICATED_PREFIX + services, MAX_WORKLOAD, "-").alias("workload")


def database_names(services: pl.Series, pattern: str) -> pl.Series:
    """Return the databases of services by the model's pattern."""
    return cut_all(_filled(pattern, services), MAX_DATABASE, "_").alias("database")


def dedicated_host_names(services: pl.Series, workloads: pl.Series, pattern: str) -> pl.Series:
    """Return host names of servers of one service by the model's pattern.

    Where the workload's name was cut, what follows ``postgresql-`` in it stands for the service.
    """
    own = workloads.str.strip_prefix(DEDICATED_PREFIX)
    is_cut = DEDICATED_PREFIX + services != workloads
    return _filled(pattern, own.zip_with(is_cut, services)).alias("host_name")


def cluster_host_name(cluster: str, pattern: str) -> str:
    """Return the host name of a cluster by the model's pattern."""
    return pattern.replace("{cluster}", cluster)


def main_domains(cluster_of: IntArray, num_clusters: int, domains: Sequence[str]) -> list[str]:
    """Return for each cluster the domain with most of its services; of equals the first by name; "" where none has one.

    Parameters
    ----------
    cluster_of
        int64[num_services]: cluster of each service.
    domains
        Domain of each service, "" where it has none.
    """
    counts = (
        pl.DataFrame(
            {"cluster": cluster_of, "domain": list(domains)}, schema={"cluster": pl.Int64, "domain": pl.String}
        )
        .filter(pl.col("domain") != "")
        .group_by("cluster", "domain")
        .len()
        .sort("cluster", "len", "domain", descending=[False, True, False])
        .unique("cluster", keep="first", maintain_order=True)
    )
    found = [""] * num_clusters
    for number, domain in counts.select("cluster", "domain").iter_rows():
        found[number] = domain
    return found


def numbered_names(stems: Sequence[str], first_services: Sequence[str]) -> list[str]:
    """Return ``{stem}-{nn}`` for each cluster, numbered from 01 within a stem in the order of their first services.

    Parameters
    ----------
    stems
        What comes before the number, for each cluster.
    first_services
        Name of the first service of each cluster.
    """
    order = sorted(range(len(stems)), key=lambda position: (first_services[position], position))
    seen: Counter[str] = Counter()
    names = [""] * len(stems)
    for position in order:
        seen[stems[position]] += 1
        names[position] = workload_name(f"{stems[position]}-{seen[stems[position]]:02}")
    return names


def repeated(names: pl.Series) -> list[str]:
    """Return the names that occur more than once, sorted: cut names can in principle meet."""
    return names.filter(names.is_duplicated()).unique().sort().to_list()


def first_of(cluster_of: IntArray, num_clusters: int) -> IntArray:
    """Return the first service of each cluster: int64[num_clusters]; services are sorted by name."""
    first = np.full(num_clusters, len(cluster_of), np.int64)
    np.minimum.at(first, cluster_of, np.arange(len(cluster_of)))
    return first


def _filled(pattern: str, services: pl.Series) -> pl.Series:
    """Return the pattern for each service; ``{service_underscored}`` has underscores for hyphens."""
    values = {
        "service": pl.col("service"),
        "service_underscored": pl.col("service").str.replace_all("-", "_", literal=True),
    }
    parts: list[pl.Expr] = []
    for text, field, _, _ in string.Formatter().parse(pattern):
        parts += [pl.lit(text)] if text else []
        parts += [values[field]] if field is not None else []
    return pl.DataFrame({"service": services}).with_columns(filled=pl.concat_str(parts))["filled"]
