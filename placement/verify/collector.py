"""Collecting findings: all are counted, the first of each kind are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from placement.plan.findings import Finding

MAX_TOLD_PER_KIND = 100
"""Findings of one kind that are told one by one; the rest are counted."""


class Collector:
    """Takes findings in, one by one or as row numbers."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, message: str, **where: Any) -> None:
        """Add one finding; `where` are further fields of `Finding`."""
        self._counts[kind] += 1
        if self._counts[kind] <= MAX_TOLD_PER_KIND:
            self._findings.append(Finding(kind, message, **where))

    def add_rows(self, kind: str, rows: Iterable[int] | np.ndarray, tell: Callable[[int], Finding]) -> None:
        """Add a finding per row; `tell` makes it, and is called only for those that are told."""
        numbers = np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows, dtype=np.int64)
        room = max(0, MAX_TOLD_PER_KIND - self._counts[kind])
        self._findings.extend(tell(int(row)) for row in numbers[:room])
        self._counts[kind] += len(numbers)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each kind there are, by kind."""
        return {kind: count for kind, count in sorted(self._counts.items()) if count}

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found, and for each kind that was cut short how many more there are."""
        more = [
            Finding(kind, f"{count - MAX_TOLD_PER_KIND:,} further findings of this kind")
            for kind, count in self.counts.items()
            if count > MAX_TOLD_PER_KIND
        ]
        return (*self._findings, *more)
