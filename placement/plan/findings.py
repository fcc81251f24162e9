"""Findings: what a check of a plan found wrong, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FINDING_KINDS: dict[str, str] = {
    # tables
    "table-invalid": "A table of the plan lacks a column, has one too many, or holds cells no plan can hold.",
    # the fleet
    "fleet-differs": "The plan was made for another fleet, or says so.",
    # coverage
    "unknown-service": "An assignment names a service that the fleet does not have.",
    "unknown-instance": "An assignment names an instance beyond the service's number of instances.",
    "unknown-host": "An assignment names a host that is not in the plan.",
    "instance-twice": "An instance is placed more than once.",
    "instance-missing": "An instance is not placed.",
    "wrong-region": "An instance or a node stands outside its region.",
    "wrong-pool": "An instance or a node stands on a host that is for another pool.",
    # hosts
    "host-twice": "A host is listed more than once.",
    "host-unused": "A host is paid for, runs nothing, and is no spare.",
    "host-differs": "An existing host is described otherwise than in the inventory.",
    "host-not-active": "A host of the inventory is used although it is drained or has failed.",
    "unknown-pool": "A host belongs to a pool that no plan has.",
    "pool-not-planned": "A plan has hosts or rows of a pool that the policy does not plan.",
    "unknown-size": "A host has a size that the fleet does not know.",
    "size-not-buyable": "A host is bought in a size that may not be bought for its pool.",
    "price-wrong": "A bought host has another price than its size.",
    "unknown-location": "A bought host stands where the topology has no place.",
    "stock-exceeded": "More hosts of a size are bought than can be had.",
    "location-full": "More hosts stand in a location than it has room for.",
    # limits
    "over-limit": "A host is asked for more of a resource than it can take.",
    "used-wrong": "The load that the plan states for a host is not the load of its instances.",
    "limit-wrong": "The limit that the plan states for a host is not its limit.",
    "instances-wrong": "The number of instances that the plan states for a host is not the number there.",
    # rules
    "max-per-host": "More instances of a service stand on one host than its rule allows.",
    "spread": "More instances of a service stand in one zone or segment than its rule allows.",
    "interference": "More instances of a service stand beside another service than a rule allows.",
    # spares
    "spare-short": "A pool has fewer spare hosts in a region than the policy asks for.",
    "spare-used": "A spare host runs something.",
    "spare-too-small": "A spare host cannot take over from some used host of its pool and region.",
    # nodes
    "unknown-workload": "A node belongs to nothing that must run.",
    "node-twice": "A node is listed more than once.",
    "node-missing": "A cluster or a platform service has fewer nodes than it must have.",
    "node-surplus": "A cluster or a platform service has more nodes than it must have.",
    "node-name-wrong": "A node is not called by its workload and a number.",
    "node-differs": "A node is of another pool, kind, region or tier than its workload.",
    "node-demand-wrong": "A node is stated to need something else than a node of its kind and tier.",
    "role-wrong": "A node has a role that it cannot have, or a cluster or shard has not exactly one primary.",
    "shard-wrong": "A node is in a shard that there is not, or a shard has not its number of nodes.",
    "shard-together": "Nodes of one shard stand on one host, or more of them in one zone than must.",
    "primaries-together": "Two primaries of one sharded cluster stand on one host.",
    # databases and caches
    "database-missing": "A service that needs a database has none.",
    "database-unneeded": "A service has a database and needs none.",
    "database-twice": "A service has more than one database.",
    "database-wrong": "A figure of a database is not what fleet and model give.",
    "database-name-wrong": "A database is not called by the model's pattern, or like another.",
    "cache-missing": "A service that needs a cache has none.",
    "cache-unneeded": "A service has a cache and needs none.",
    "cache-twice": "A service has more than one cache.",
    "cache-wrong": "A figure of a cache is not what fleet and model give.",
    "key-prefix-wrong": "A key prefix is not the service's own.",
    "key-prefix-clash": "A key prefix is the beginning of another one.",
    # clusters
    "unknown-cluster": "A database or cache is in a cluster that the plan does not have.",
    "cluster-twice": "A cluster is listed more than once.",
    "cluster-unused": "A cluster serves no service.",
    "cluster-region": "A service uses a cluster of another region.",
    "isolation": "Services share a cluster whose sensitivity classes must not.",
    "load-profiles-together": "Services share a cluster whose load profiles keep apart.",
    "functions-together": "Caches of different functions share a Valkey.",
    "arrangement-wrong": "Databases or caches are arranged otherwise than policy and model ask for.",
    "cluster-over-limit": "The services of a cluster ask for more of something than may be planned of its tier.",
    "cluster-wrong": "A figure of a cluster is not that of its services, its tier or the model.",
    "cluster-name-wrong": "A cluster is not called by the rules for names.",
    "address-wrong": "A host name or a port is not that of the model's pattern.",
    "tier-wrong": "A tier is not to be had, or not the one that the rules choose.",
    "primaries-wrong": "A sharded Valkey has fewer or more primaries than the model allows.",
    "data-tier-wrong": "A figure of the data tier in the summary is not that of tables, fleet and certificates.",
    # network
    "segment-unknown": "A host stands in a segment that its place does not have.",
    "segment-full": "More hosts stand in a segment than it has room for.",
    "nic-unknown": "A host has a NIC that the model does not know.",
    "nic-wrong": "A host has another NIC than the inventory, its size or the policy says.",
    "link-missing": "A NIC or a bundle of links has no row in links.csv.",
    "link-unknown": "links.csv has a row for a link that there is not, or two for one.",
    "link-wrong": "A figure of a link is not that of the topology and of the traffic over it.",
    "link-overloaded": "More traffic flows over a link than it can take.",
    "network-alert-wrong": "An alert about the network is missing, too much, or wrong.",
    "network-cut-wrong": "A cut does not prove what it says.",
    "network-mend-wrong": "A mend names what there is not, has another price, or does not lift what it says.",
    "network-summary-wrong": "A figure of the network in the summary is not that of tables and fleet.",
    # moves and waves
    "moves-wrong": "The summary counts other moves than the fleet's table of where things run gives.",
    "wave-invalid": "A step moves what does not stand there, or to a host that is none.",
    "wave-size": "A step has more moves than asked for.",
    "wave-unavailable": "A step moves more instances of a service, or nodes of a cluster, than may be.",
    "wave-over-limit": "A host is asked for more than it can take while a step is carried out.",
    "wave-host-closed": "A step moves something to a host that drains or has failed.",
    "wave-rule": "A step breaks a rule between instances.",
    "wave-end": "The steps do not end in the plan.",
    # figures
    "cost-wrong": "A cost in the summary is not the sum of the hosts' prices.",
    "count-wrong": "A number of hosts in the summary is not the number in the table.",
    "pool-wrong": "The summary's figures for a pool are not those of its hosts and certificates.",
    "gap-wrong": "A gap is not (cost - bound) / bound.",
    "bound-wrong": "The bound in the summary is not the sum of the certificates' bounds.",
    "bound-above-cost": "The bound is higher than the cost.",
    "status-wrong": "The status claims more than the figures show.",
    "currency-wrong": "The plan counts in another currency than the fleet.",
    # certificates
    "certificate-missing": "No certificate proves the bound of a pool in a region, or of a choice of clusters.",
    "certificate-invalid": "A certificate breaks a condition of its own proof.",
    "bound-too-high": "A certificate claims a higher bound than it proves.",
    "bound-unverified": "A certificate could not be settled, for or against, within the checker's limits.",
}
"""Every kind of finding, with what it means."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plan.

    Parameters
    ----------
    kind
        One of `FINDING_KINDS`.
    message
        What is wrong, in words, with numbers and units.
    service, host, resource
        What is concerned; empty where that has no meaning.
    value, limit
        The value found and what it should be or not exceed, in outer units (cores, MB, GB, Mbps, price).
    file, row
        Where: file of the plan and 1-based data row; 0 where the finding is not about one row.
    """

    kind: str
    message: str
    service: str = ""
    host: str = ""
    resource: str = ""
    value: float | None = None
    limit: float | None = None
    file: str = ""
    row: int = 0

    def __post_init__(self) -> None:
        if self.kind not in FINDING_KINDS:
            raise ValueError(f"no such kind of finding: {self.kind!r}")

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row}: " if self.row else f"{self.file}: " if self.file else ""
        return f"{where}{self.message} [{self.kind}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-ready data, empty fields left out."""
        data: dict[str, Any] = {
            "kind": self.kind, "message": self.message, "service": self.service, "host": self.host,
            "resource": self.resource, "value": self.value, "limit": self.limit, "file": self.file,
            "row": self.row or None,
        }  # fmt: skip
        return {key: value for key, value in data.items() if value not in ("", None)}
