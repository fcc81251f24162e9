"""A packing problem as a file that every peer can read, and the check of what a peer hands back.

Needs NumPy and nothing else: peers run in environments of their own. The check is written anew, from the arrays alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """Services, host classes, rules.

    Parameters
    ----------
    demand
        int64[num_services, num_resources]: of one instance, in whole units.
    instances, max_per_host
        int64[num_services].
    limit
        int64[num_classes, num_resources]: what may be used of a host.
    price
        int64[num_classes]: micros per hour.
    stock
        int64[num_classes]: how many hosts there are; -1: any number.
    rule_start, rule_other, rule_most
        int64[num_services + 1], int64[num_entries] twice: on a host with an instance of s, at most `rule_most[k]`
        instances of `rule_other[k]`, for k from `rule_start[s]` to `rule_start[s + 1]`.
    """

    demand: IntArray
    instances: IntArray
    max_per_host: IntArray
    limit: IntArray
    price: IntArray
    stock: IntArray
    rule_start: IntArray
    rule_other: IntArray
    rule_most: IntArray

    @property
    def service_of(self) -> IntArray:
        """int64[num_instances]: service of each instance; those of a service are contiguous."""
        return np.repeat(np.arange(len(self.instances)), self.instances)

    def write(self, path: Path) -> None:
        """Write the problem."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @staticmethod
    def read(path: Path) -> Problem:
        """Read a problem."""
        with np.load(path) as arrays:
            return Problem(**{field.name: arrays[field.name] for field in fields(Problem)})


@dataclass(frozen=True)
class Answer:
    """What a peer hands back.

    Parameters
    ----------
    host_class
        int64[num_hosts]: class of each host.
    host_of
        int64[num_instances]: host of each instance.
    seconds
        What the peer itself took, without starting, compiling and reading.
    note
        What must be known to read the figures; empty: nothing.
    bound_micros
        Lower bound that the peer itself proved, micros per hour; 0: none.
    """

    host_class: IntArray
    host_of: IntArray
    seconds: float
    note: str = ""
    bound_micros: int = 0

    def write(self, path: Path) -> None:
        """Write the answer."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @staticmethod
    def read(path: Path) -> Answer:
        """Read an answer."""
        with np.load(path) as arrays:
            return Answer(
                arrays["host_class"],
                arrays["host_of"],
                float(arrays["seconds"]),
                str(arrays["note"]),
                int(arrays["bound_micros"]),
            )


def cost_of(problem: Problem, answer: Answer) -> int:
    """Return the price of the hosts that carry something, micros per hour."""
    return int(problem.price[answer.host_class[np.unique(answer.host_of)]].sum())


def faults_of(problem: Problem, answer: Answer) -> list[str]:
    """Return what is wrong with an answer, a line per kind of fault; empty: it is valid."""
    host_of, host_class = answer.host_of, answer.host_class
    service_of = problem.service_of
    if host_of.shape != service_of.shape:
        return [f"{len(host_of)} instances instead of {len(service_of)}"]
    if len(host_of) and (host_of.min() < 0 or host_of.max() >= len(host_class)):
        return ["an instance stands on no host"]
    faults = []
    used = np.zeros((len(host_class), problem.demand.shape[1]), np.int64)
    np.add.at(used, host_of, problem.demand[service_of])
    over = int((used > problem.limit[host_class]).any(axis=1).sum())
    if over:
        faults.append(f"{over} hosts are over a limit")
    occupied = np.bincount(host_class[np.unique(host_of)], minlength=len(problem.stock))
    if ((problem.stock >= 0) & (occupied > problem.stock)).any():
        faults.append("more hosts of a class than there are")
    pair, together = np.unique(service_of * np.int64(len(host_class)) + host_of, return_counts=True)
    service, host = np.divmod(pair, max(len(host_class), 1))
    crowded = int((together > problem.max_per_host[service]).sum())
    if crowded:
        faults.append(f"{crowded} times more instances of a service on a host than allowed")
    broken = _broken_rules(problem, service, host, together)
    if broken:
        faults.append(f"{broken} rules are broken")
    return faults


def _broken_rules(problem: Problem, service: IntArray, host: IntArray, together: IntArray) -> int:
    """Count pairs (host, rule) that break the rule; arguments: the services on each host and how many instances."""
    if not len(problem.rule_other):
        return 0
    order = np.lexsort((service, host))
    service, host, together = service[order], host[order], together[order]
    key = host * np.int64(len(problem.instances)) + service
    broken = 0
    for row in range(len(service)):
        entries = slice(problem.rule_start[service[row]], problem.rule_start[service[row] + 1])
        other = problem.rule_other[entries]
        wanted = host[row] * np.int64(len(problem.instances)) + other
        at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        there = np.where(key[at] == wanted, together[at], 0)
        broken += int((there > problem.rule_most[entries]).sum())
    return broken
