"""Results as JSON lines: a file per run, its first record the machine, then a record per measurement.

Tables and pictures are made from these files and from nothing else, so that they can be made again. A run may be
interrupted and continued: what its file already has is not measured again.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine

FOLDER = Path(__file__).parent / "results"
Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run as it stands in its file: the record of the machine, and the measurements in their order."""

    head: Record
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """Name of the run, of its file, too."""
        return str(self.head["run"])

    def of_kind(self, kind: str) -> list[Record]:
        """Return the measurements of a kind; of two of the same thing, the later one."""
        latest = {key_of(record): record for record in self.records if record["kind"] == kind}
        return list(latest.values())


def key_of(record: Record) -> tuple[str, str, str]:
    """Return what was measured: kind, case, and peer where there is one."""
    return record["kind"], record["case"], record.get("peer", "")


def read(path: Path) -> Run:
    """Read a run."""
    head, *records = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    if head.get("kind") != "run":
        raise ValueError(f"{path.name}: the first line must be a record of kind 'run'")
    return Run(head, tuple(records))


def read_all(folder: Path = FOLDER) -> list[Run]:
    """Read all runs of a folder, the oldest first."""
    return sorted((read(path) for path in folder.glob("*.jsonl")), key=lambda run: (run.head["date"], run.name))


class Recorder:
    """Appends to a run's file as soon as something is measured.

    Parameters
    ----------
    path
        The file; made with the machine's record where there is none.
    note
        What changed since the run before, for the history.
    again
        Whether to measure again what the file already has.
    """

    def __init__(self, path: Path, note: str = "", *, again: bool = False) -> None:
        self.path = path
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
            head = {"kind": "run", "run": path.stem, "date": today, "note": note, "commit": machine.commit()}
            self._append(head | {"machine": machine.describe()})
        self._known = set() if again else {key_of(record) for record in read(path).records}

    def has(self, kind: str, case: str, peer: str = "") -> bool:
        """Whether the run already has this measurement."""
        return (kind, case, peer) in self._known

    def add(self, kind: str, case: str, **figures: Any) -> Record:
        """Write a measurement and return its record."""
        record = {"kind": kind, "case": case, **figures}
        self._append(record)
        return record

    def _append(self, record: Record) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def latest(runs: list[Run], kind: str) -> Iterator[tuple[Run, Record]]:
    """Yield the newest measurement of everything of a kind, with the run it stands in, in the order first measured."""
    newest: dict[tuple[str, str, str], tuple[Run, Record]] = {}
    for run in runs:
        for record in run.of_kind(kind):
            newest[key_of(record)] = run, record
    yield from newest.values()
