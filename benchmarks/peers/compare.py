"""Runs the peers on the same problems, one after another, each in a process of its own, checked and priced here."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import cases, measure, vectorpack
from benchmarks.peers.export import from_pool
from benchmarks.peers.problem import Answer, Problem, cost_of, faults_of
from benchmarks.registry import BY_NAME
from benchmarks.results import Recorder
from placement.units import MICROS

OURS = "placement"
PEERS = ("first-fit", "best-fit", "alignment", "cp-sat", "rebalancer", "vpsolver")
"""In the order they are run; Rebalancer starts from what first fit found."""

FLEETS = ("measured-300", "profile-100k", "measured-100k", "tclab", "tclab-rules", "cloud-200-600")
SAMPLE = "vectorpack-sample"
_SAMPLE_SIZE = 15
_GRACE_S = 60.0
"""For starting, compiling, reading and building, beyond the time limit."""
_SHORT_GRACE_S = 5.0
"""The same for VPSolver, which takes no limit and is ended when its time is up."""


@dataclass(frozen=True)
class Setup:
    """How peers are run.

    Parameters
    ----------
    interpreters
        Python of each peer that lives in an environment of its own.
    seconds
        Time limit of each peer.
    data
        Folder of public data.
    scratch
        Folder for problems and answers.
    """

    interpreters: Mapping[str, str]
    seconds: float
    data: Path | None
    scratch: Path

    def has(self, peer: str) -> bool:
        """Whether the peer is there to be run."""
        return peer not in ("rebalancer", "vpsolver") or peer in self.interpreters


def compare(case: str, peers: tuple[str, ...], setup: Setup, recorder: Recorder, say: Callable[[str], None]) -> None:
    """Measure this package and the peers on a case, and record each as soon as it is measured."""
    run = _on_sample if case == SAMPLE else _on_fleet
    for peer in (OURS, *peers):
        if recorder.has("peer", case, peer):
            continue
        if not setup.has(peer):
            say(f"{case}, {peer}: left out, not installed (see benchmarks/README.md)")
            continue
        record = recorder.add("peer", case, peer=peer, **run(case, peer, setup))
        say(f"{case}, {peer}: " + ", ".join(f"{key} {value}" for key, value in record.items() if key != "kind"))


def _on_fleet(name: str, peer: str, setup: Setup) -> dict[str, Any]:
    fleet = cases.prepare(BY_NAME[name], setup.scratch, setup.data)
    if peer == OURS:
        figures = cases.plan_and_check(BY_NAME[name], fleet)
        kept = ("status", "cost", "bound", "hosts", "wall_s", "peak_mb")
        return {key: figures[key] for key in kept if key in figures} | {"seconds": figures.get("wall_s")}
    problem = setup.scratch / f"{name}.npz"
    if not problem.exists():
        measure.apart("benchmarks.peers.export", fleet, problem)
    return _run(peer, problem, setup)


def _on_sample(_: str, peer: str, setup: Setup) -> dict[str, Any]:
    """Add up over the sample what was packed; a peer that fails on some is priced on the others."""
    if setup.data is None:
        return {"status": "needs --data"}
    found = []
    setup = dataclasses.replace(setup, seconds=min(setup.seconds, vectorpack.LIMIT_S))
    for number, instance in enumerate(sample(setup.data)):
        problem = setup.scratch / f"vectorpack-{number}.npz"
        if not problem.exists():
            from_pool(vectorpack.problem_of(instance)).write(problem)
        found.append(_run(peer, problem, setup))
    done = [figures for figures in found if figures["status"] == "ok"]
    faults = sorted({figures["status"] for figures in found} - {"ok"})
    return {
        "status": "ok" if not faults else f"{len(found) - len(done)} of {len(found)}: {faults[0]}",
        "solved": [number for number, figures in enumerate(found) if figures["status"] == "ok"],
        "hosts_each": [figures.get("hosts") for figures in found],
        "bound_each": [figures["bound"] for figures in found] if peer == OURS and not faults else None,
        "hosts": sum(figures["hosts"] for figures in done),
        "cost": sum(figures["cost"] for figures in done),
        "seconds": round(sum(figures["seconds"] for figures in done), 3),
        "peak_mb": max((figures["peak_mb"] for figures in done), default=0),
    }


def sample(data: Path) -> list[vectorpack.Instance]:
    """Return a spread of Vectorpack's instances, the same every time."""
    instances = sorted(vectorpack.read_instances(data), key=lambda instance: (instance.set_name, instance.name))
    return instances[:: len(instances) // _SAMPLE_SIZE][:_SAMPLE_SIZE]


def _run(peer: str, problem: Path, setup: Setup) -> dict[str, Any]:
    """Run a peer; return its figures, or how it failed."""
    answer, log = problem.with_suffix(f".{peer}.npz"), problem.with_suffix(f".{peer}.log")
    first_fit = problem.with_suffix(".first-fit.npz")
    python = setup.interpreters.get(peer, sys.executable)
    command = [python, "-m", "benchmarks.peers.worker", peer, str(problem), str(answer), str(setup.seconds)]
    if peer == "rebalancer":
        if not first_fit.exists():
            return {"status": "has no first-fit plan to start from"}
        command.append(str(first_fit))
    longest_s = setup.seconds + (_SHORT_GRACE_S if peer == "vpsolver" else _GRACE_S)
    usage = measure.run(command, timeout_s=longest_s, log=log)
    took = {"wall_s": usage.wall_s, "peak_mb": usage.peak_mb}
    if usage.timed_out:
        return {"status": f"no answer after {longest_s:.0f} s", **took}
    if usage.exit_code or not answer.exists():
        return {"status": measure.last_line(log) or f"exit code {usage.exit_code}", **took}
    read, found = Problem.read(problem), Answer.read(answer)
    faults = faults_of(read, found)
    return {
        "status": "; ".join(faults) if faults else "ok",
        "cost": cost_of(read, found) / MICROS,
        "bound": found.bound_micros / MICROS,
        "hosts": len(set(found.host_of.tolist())),
        "seconds": round(found.seconds, 3),
        "note": found.note,
        **took,
    }
