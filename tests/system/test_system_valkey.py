"""A real Valkey (or Redis 7) holds the memory that the plan has for it, and outlives the loss of a planned host."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from planned import Planned
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from servers import LOOPBACK, Server, Servers, free_port, wait_until

pytestmark = pytest.mark.system

SLOTS = 16384
VALUE = b"x" * 10_000
NODE_TIMEOUT_MS = 2000
MB = 1_000_000


@dataclass(frozen=True)
class Node:
    """A node that runs: its row of the plan, its port, a connection, its process."""

    row: dict[str, Any]
    port: int
    client: redis.Redis
    server: Server

    def info(self, section: str) -> dict[str, Any]:
        return self.client.info(section)


def start_node(servers: Servers, program: Path, row: dict[str, Any], max_memory_mb: int, *options: str) -> Node:
    """Start a node with the memory of its tier, which refuses what goes beyond."""
    port, folder = free_port(), servers.make_folder(row["node"])
    command = [
        program, "--bind", LOOPBACK, "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no",
        "--maxmemory", str(max_memory_mb * MB), "--maxmemory-policy", "noeviction", *options,
    ]  # fmt: skip
    # a node that is gone is to be noticed, not asked again
    client = redis.Redis(host=LOOPBACK, port=port, socket_timeout=5, retry=Retry(ConstantBackoff(0), 0))

    def answers() -> bool:
        try:
            return client.ping()
        except redis.ConnectionError:
            return False

    return Node(row, port, client, servers.start(row["node"], command, answers))


def keys_of(cache: dict[str, Any]) -> Iterator[str]:
    """Yield names of a service's keys, as the model's pattern has them."""
    return (f"{cache['key_prefix']}tenant-{n % 7}:cache:{n}" for n in itertools.count())


def fill(client: redis.Redis, keys: Iterator[str], used: Callable[[], int], target: int) -> list[str]:
    """Set keys until `target` bytes are used; return them."""
    done: list[str] = []
    while used() < target:
        batch = list(itertools.islice(keys, 100))
        pipeline = client.pipeline(transaction=False)
        for key in batch:
            pipeline.set(key, VALUE)
        pipeline.execute()  # raises what a command was answered, e.g. OutOfMemoryError
        done += batch
    return done


def max_memory_mb(planned: Planned, cluster: dict[str, Any]) -> int:
    return int(planned.model.valkey.node_tiers[cluster["tier"]].max_memory_mb.typical)


def test_planned_memory_is_accepted_and_what_goes_beyond_the_tier_is_refused(servers, tool, planned):
    cluster, caches, (row,) = planned.valkey_cluster("single")
    node = start_node(servers, tool("valkey"), row, max_memory_mb(planned, cluster))
    with closing(node.client):
        used = lambda: node.info("memory")["used_memory"]  # noqa: E731
        for cache in caches:
            fill(node.client, keys_of(cache), used, used() + cache["memory_mb"] * MB)
        # with what an empty server uses, 1 MB, and buffers
        assert cluster["memory_mb_used"] * MB <= used() <= cluster["memory_mb_limit"] * MB

        keys = keys_of(caches[0])
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            fill(node.client, keys, used, 2 * max_memory_mb(planned, cluster) * MB)
        assert 0.98 <= used() / (max_memory_mb(planned, cluster) * MB) <= 1.02
        first = next(keys_of(caches[0]))
        assert node.client.get(first) == VALUE  # what is there stays, and is served
        assert node.info("stats")["evicted_keys"] == 0
        for key in itertools.islice(keys_of(caches[0]), 200):
            node.client.delete(key)
        assert node.client.set(first, VALUE)  # there is room again


@pytest.fixture(scope="module")
def sharded(servers, tool, planned) -> Iterator[list[Node]]:
    """The sharded cluster with the planned shards: which node replicates which is the plan's, not the server's."""
    cluster, _, rows = planned.valkey_cluster("cluster")
    nodes = []
    for row in rows:
        options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
        options += ["--cluster-node-timeout", str(NODE_TIMEOUT_MS)]
        nodes.append(start_node(servers, tool("valkey"), row, max_memory_mb(planned, cluster), *options))
    primaries = {node.row["shard"]: node for node in nodes if node.row["role"] == "primary"}
    assert sorted(primaries) == list(range(1, cluster["primaries"] + 1))
    for shard, node in primaries.items():
        first, end = (SLOTS * n // len(primaries) for n in (shard - 1, shard))
        node.client.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
    for epoch, node in enumerate(nodes, 1):
        node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
        bus = int(node.client.config_get("cluster-port")["cluster-port"])
        nodes[0].client.execute_command("CLUSTER MEET", LOOPBACK, node.port, bus)
    wait_until(lambda: all(len(node.client.cluster("nodes")) == len(nodes) for node in nodes), "all nodes have met")
    for node in nodes:
        if node.row["role"] == "replica":
            node.client.execute_command("CLUSTER REPLICATE", primaries[node.row["shard"]].client.cluster("myid"))
    replicas = [node for node in nodes if node.row["role"] == "replica"]
    assert len(replicas) == cluster["replicas"]
    wait_until(
        lambda: all(node.info("replication")["master_link_status"] == "up" for node in replicas), "replicas follow"
    )
    wait_until(lambda: all(is_ok(node) for node in nodes), "the cluster is complete")
    yield nodes
    for node in nodes:
        node.client.close()


def is_ok(node: Node) -> bool:
    return node.client.cluster("info")["cluster_state"] == "ok"


def test_a_key_is_on_one_shard_and_planned_memory_fits_the_shards(sharded, planned):
    cluster, caches, _ = planned.valkey_cluster("cluster")
    primaries = [node for node in sharded if node.row["role"] == "primary"]
    used = lambda: sum(node.info("memory")["used_memory_dataset"] for node in primaries)  # noqa: E731
    with closing(redis.RedisCluster(host=LOOPBACK, port=sharded[0].port)) as client:
        for cache in caches:
            fill(client, keys_of(cache), used, used() + cache["memory_mb"] * MB)
    # less what waits for replicas that fall behind: the servers do not count it against their limit either
    memory = [node.info("memory") for node in primaries]
    in_use = [of_node["used_memory"] - of_node["mem_not_counted_for_evict"] for of_node in memory]
    assert sum(in_use) <= cluster["memory_mb_limit"] * MB
    # keys of a prefix spread over the shards: none has more than its part of the planned limit
    assert max(in_use) <= cluster["memory_mb_limit"] * MB / cluster["primaries"]

    for cache in caches:
        key = next(keys_of(cache))
        assert sorted(get_or_moved(node, key) for node in primaries) == [b"moved", b"moved", VALUE]


def get_or_moved(node: Node, key: str) -> bytes:
    """Return a node's value of a key, or that another one has it."""
    try:
        return node.client.get(key)
    except redis.exceptions.MovedError:
        return b"moved"


def test_a_planned_host_is_lost_without_a_key(sharded, planned):
    _, caches, _ = planned.valkey_cluster("cluster")
    lost = next(node for node in sharded if node.row["role"] == "primary")
    gone = [node for node in sharded if node.row["host"] == lost.row["host"]]
    left = [node for node in sharded if node not in gone]
    assert {node.row["shard"] for node in left} == {node.row["shard"] for node in sharded}
    heir = next(node for node in left if node.row["shard"] == lost.row["shard"])
    assert heir.info("replication")["role"] == "slave"
    for node in gone:
        node.server.stop()
    wait_until(lambda: heir.info("replication")["role"] == "master", "the replica takes over")
    wait_until(lambda: all(is_ok(node) for node in left), "all slots are served again")
    with closing(redis.RedisCluster(host=LOOPBACK, port=left[0].port)) as client:
        for cache in caches:
            assert [client.get(key) for key in itertools.islice(keys_of(cache), 100)] == [VALUE] * 100
            assert client.set(next(keys_of(cache)), VALUE)

    # the counterpart: were a shard's nodes on one host, its loss would take the whole cluster down
    heir.server.stop()
    left.remove(heir)
    wait_until(lambda: not any(is_ok(node) for node in left), "the cluster notices that slots are missing")
    with pytest.raises(redis.exceptions.ClusterDownError):
        left[0].client.get(next(keys_of(caches[0])))
