"""Roles of nodes, once they are placed: who is primary, who is replica, and of which shard.

- All of a workload are alike: members.
- One primary (PostgreSQL, a single or replicated Valkey): workload by workload the node whose host has the smallest
  share of primaries so far, counting this one, so that the load of primaries is even.
- P ≥ 2 primaries (a sharded Valkey): nodes, sorted by zone and host, are dealt to the shards 1 … P in wrap-around
  order. Nodes of one host follow each other, and a host has at most P, so a shard's nodes stand on different hosts; in
  the same way they stand in different zones where no zone has more than P of the cluster's nodes. Each shard then has
  1 + R nodes and no host has more than 1 + R, so some choice of primaries has no host twice (Hall's theorem);
  augmenting paths find it.

References
----------
P. Hall, "On representatives of subsets", J. London Math. Soc. 10 (1935), doi:10.1112/jlms/s1-10.37.26.
H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Res. Logist. Q. 2 (1955),
doi:10.1002/nav.3800020109.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.errors import InternalError
from placement.plan.types import NODES_SCHEMA
from placement.units import RESOURCES, IntArray, to_outer

MEMBER, PRIMARY, REPLICA = 0, 1, 2
_ROLES = ("member", "primary", "replica")


def assign_roles(workloads: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Return nodes.csv: every placed instance of every workload, with its role and shard.

    Parameters
    ----------
    workloads
        Frame with `placement.workloads.WORKLOADS_SCHEMA`.
    placed
        Columns workload, instance (1 … n), host, zone ("" where there are none): where the instances stand.

    Returns
    -------
    pl.DataFrame
        With `NODES_SCHEMA`, sorted by node.

    Raises
    ------
    InternalError
        If a sharded Valkey's nodes are not as many as its shards need, or crowd on a host.
    """
    # each workload's nodes together, in the order in which they are dealt
    rows = placed.join(workloads, on="workload").sort("workload", "zone", "host", "instance")
    workload = rows["workload"].rle_id().to_numpy().astype(np.int64)
    host = rows["host"].rank("dense").to_numpy().astype(np.int64) - 1
    primaries = rows["primaries"].to_numpy()
    first = np.flatnonzero(np.diff(workload, prepend=-1))
    after = np.append(first[1:], len(rows))
    role = np.where(primaries > 0, REPLICA, MEMBER)
    shard = np.zeros(len(rows), np.int64)
    is_single = primaries[first] == 1
    role[_lone_primaries(host, first[is_single], after[is_single])] = PRIMARY
    for n in np.flatnonzero(primaries[first] > 1).tolist():
        nodes = slice(int(first[n]), int(after[n]))
        num_shards = int(primaries[first[n]])
        shard[nodes] = np.arange(nodes.stop - nodes.start) % num_shards + 1
        role[nodes.start + _shard_primaries(host[nodes], num_shards, str(rows["workload"][nodes.start]))] = PRIMARY
    named = rows.with_columns(
        pl.format("{}-{}", "workload", "instance").alias("node"),
        pl.Series("role", role).replace_strict(dict(enumerate(_ROLES)), return_dtype=pl.String),
        pl.Series("shard", shard),
        *(
            pl.Series(resource.column, to_outer(rows[resource.internal_column].to_numpy(), resource.factor))
            for resource in RESOURCES
        ),
    )
    return named.select(pl.col(column).cast(kind) for column, kind in NODES_SCHEMA.items()).sort("node")


def _lone_primaries(host: IntArray, first: IntArray, after: IntArray) -> IntArray:
    """Return the row of each workload's primary.

    Parameters
    ----------
    host
        int64[num_nodes]: number of each node's host.
    first, after
        int64[num_workloads]: each workload's rows.
    """
    # what a host has of all the nodes among which primaries are chosen
    begins, ends = (np.bincount(rows, minlength=len(host) + 1) for rows in (first, after))
    concerned = np.cumsum(begins - ends)[: len(host)] > 0
    num_nodes = np.bincount(host[concerned], minlength=int(host.max(initial=-1)) + 1)
    per_node = (1.0 / np.maximum(num_nodes, 1)).tolist()
    next_share = list(per_node)  # a host's share of primaries if it got one more
    host_of = host.tolist()
    chosen = []
    for start, stop in zip(first.tolist(), after.tolist(), strict=True):
        row = min(range(start, stop), key=lambda row: next_share[host_of[row]])  # of equals the first
        next_share[host_of[row]] += per_node[host_of[row]]
        chosen.append(row)
    return np.array(chosen, np.int64)


def _shard_primaries(host: IntArray, num_shards: int, workload: str) -> IntArray:
    """Return the node that is the primary of each shard, no two of them on one host.

    Parameters
    ----------
    host
        int64[num_nodes]: number of each node's host; node k belongs to shard k mod num_shards.
    """
    host_of = host.tolist()
    num_each, odd = divmod(len(host_of), num_shards)
    crowd = int(np.bincount(host).max())
    if odd or crowd > min(num_each, num_shards):
        raise InternalError(f"{workload}: {num_shards} shards, {len(host_of)} nodes, {crowd} of them on one host")
    # shards begin with another round of the dealing each, so that primaries come from all zones
    nodes = [
        [shard + (shard + turn) % num_each * num_shards for turn in range(num_each)] for shard in range(num_shards)
    ]
    primary_at: dict[int, int] = {}  # by host: the shard whose primary it has
    choice = [-1] * num_shards
    for root in range(num_shards):
        # breadth first over shards that would have to move their primary, to a host that has none
        reached: dict[int, tuple[int, int]] = {}  # by host: shard and node by which it was reached
        queue = [root]
        free = -1
        for shard in queue:
            for node in nodes[shard]:
                at = host_of[node]
                if at not in reached:
                    reached[at] = (shard, node)
                    if at not in primary_at:
                        free = at
                        break
                    queue.append(primary_at[at])
            if free >= 0:
                break
        shard = -1
        while shard != root:
            shard, node = reached[free]
            primary_at[free] = shard
            free = host_of[choice[shard]] if choice[shard] >= 0 else -1
            choice[shard] = node
    return np.array(choice, np.int64)
