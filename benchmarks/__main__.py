"""Measures and reports. ``python -m benchmarks --help``; how to repeat everything: benchmarks/README.md."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import cases, measure, results, trace, vectorpack
from benchmarks.peers import compare
from benchmarks.registry import BY_NAME, CASES

_ROOT = Path(__file__).parent.parent
PARTS = ("cases", "vectorpack", "peers", "traces")


def _say(line: str) -> None:
    print(f"{datetime.datetime.now(tz=datetime.UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _measure_cases(given: argparse.Namespace, recorder: results.Recorder, scratch: Path) -> None:
    known_later = {*trace.CASES, *compare.FLEETS} if given.part is None else set()
    names = given.names or [case.name for case in CASES if case.is_short or not given.short]
    for name in names:
        case = BY_NAME[name]
        if recorder.has("case", name):
            continue
        if case.needs_data and given.data is None:
            _say(f"{name}: left out, needs --data")
            continue
        fleet = cases.prepare(case, scratch, given.data)
        figures = cases.plan_and_check(case, fleet, given.repeat)
        recorder.add("case", name, **figures)
        missed = cases.missed(case, figures)
        shown = f"gap {figures['gap']:.4%}, {figures['wall_s']} s, {figures['peak_mb']} MB" if "gap" in figures else ""
        _say(f"{name}: {shown}{'; missed: ' + ', '.join(missed) if missed else ''}")
        if name not in known_later:
            shutil.rmtree(fleet)


def _measure_vectorpack(given: argparse.Namespace, recorder: results.Recorder, scratch: Path) -> None:
    if given.data is None:
        _say("vectorpack: left out, needs --data")
        return
    if all(recorder.has("vectorpack", name) for name in vectorpack.SETS):
        return
    # a line an instance, kept outside the results, so that an interrupted run goes on
    folder = _ROOT / "build" / "bench" if given.keep else scratch
    lines = folder / f"{recorder.path.stem}.vectorpack.jsonl"
    lines.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    measure.apart("benchmarks.vectorpack", given.data, lines, log=lines.with_suffix(".shortcomings.txt"))
    _say(f"vectorpack: {time.monotonic() - start:.0f} s; what falls short: {lines.with_suffix('.shortcomings.txt')}")
    known = vectorpack.read_known(given.data)
    found = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    for name in vectorpack.SETS:
        recorder.add("vectorpack", name, **vectorpack.summarise(known, found, name))


def _measure_peers(given: argparse.Namespace, recorder: results.Recorder, scratch: Path) -> None:
    interpreters = {
        peer: str(python)
        for peer in ("rebalancer", "vpsolver")
        if (python := given.environments / peer / "bin" / "python").exists()
    }
    setup = compare.Setup(interpreters, given.peer_seconds, given.data, scratch)
    for name in given.names or (*compare.FLEETS, compare.SAMPLE):
        if (name == compare.SAMPLE or BY_NAME[name].needs_data) and given.data is None:
            _say(f"{name}: left out, needs --data")
            continue
        compare.compare(name, tuple(given.peers or compare.PEERS), setup, recorder, _say)


def _measure_traces(given: argparse.Namespace, recorder: results.Recorder, scratch: Path) -> None:
    for name in given.names or trace.CASES:
        case = BY_NAME[name]
        if recorder.has("trace", name) or (case.needs_data and given.data is None):
            continue
        fleet, out = cases.prepare(case, scratch, given.data), scratch / f"{name}.trace.json"
        measure.apart("benchmarks.trace", fleet, out)
        points = json.loads(out.read_text(encoding="utf-8"))
        recorder.add("trace", name, points=points)
        _say(f"{name}: {len(points)} points")


def _warm_up(scratch: Path) -> None:
    """Plan once, so that compiled kernels are in their cache before anything is measured."""
    command = [sys.executable, "-m", "placement", "plan", "fixtures/fifty", "-o", str(scratch / "warm"), "--quiet"]
    measure.run(command)


_MEASURE = {
    "cases": _measure_cases,
    "vectorpack": _measure_vectorpack,
    "peers": _measure_peers,
    "traces": _measure_traces,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        choices=("short", "full", "report", *PARTS),
        help="short: the short cases, nothing kept; full: all parts, then the report; report: tables and pictures "
        "from what is recorded; or one part",
    )
    parser.add_argument("names", nargs="*", help="of cases; default: all of the part")
    parser.add_argument("--data", type=Path, help="folder with the public data (see benchmarks/README.md)")
    parser.add_argument("--run", help="name of the run; default: today; what it has is not measured again")
    parser.add_argument("--note", default="", help="what changed since the run before, for the history")
    parser.add_argument("--again", action="store_true", help="measure again what the run already has")
    parser.add_argument("--out", type=Path, help="folder of runs; default: benchmarks/results")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each plan command; the median counts")
    parser.add_argument("--peers", nargs="*", choices=compare.PEERS, help="default: all")
    parser.add_argument("--peer-seconds", type=float, default=120.0, help="time limit of each peer")
    parser.add_argument(
        "--environments",
        type=Path,
        default=_ROOT / "build" / "peers",
        help="where make bench-peers put its environments",
    )
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BY_NAME and name != compare.SAMPLE]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(BY_NAME)}, {compare.SAMPLE}")
    if given.data is not None and not given.data.is_dir():
        parser.error(f"--data: no such folder: {given.data}")
    given.short = given.what == "short"
    given.part = given.what if given.what in PARTS else None
    given.keep = not given.short
    given.data = given.data and given.data.resolve()
    return given


def main() -> None:
    """Measure what is asked for, and print or write the tables."""
    given = _arguments()
    os.chdir(_ROOT)  # peers run this package's modules by name
    from benchmarks import report  # needs matplotlib: only for the report

    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        given.out = given.out or (results.FOLDER if given.keep else scratch)
        if given.what != "report":
            today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
            path = given.out.resolve() / f"{given.run or ('short' if given.short else today)}.jsonl"
            recorder = results.Recorder(path, given.note, again=given.again)
            _warm_up(scratch)
            for part in [given.part] if given.part else ("cases",) if given.short else PARTS:
                _MEASURE[part](given, recorder, scratch)
            if given.what != "full":
                print(report.of_run(results.read(path)))
                return
    report.write(results.read_all(given.out), _ROOT)


if __name__ == "__main__":
    main()
