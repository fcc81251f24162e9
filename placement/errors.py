"""Every exception of the package, and nothing else.

::

    PlacementError
    ├── InputError        bad input: every problem found, exit code 2
    ├── InfeasibleError   no plan exists: every reason found, exit code 1
    ├── RefusedError      a plan that must not be used: every reason found, exit code 1
    └── InternalError     a fault of ours, exit code 3

What went wrong is data (`Problem`, `Reason`), so that tools can read it; the words are made from the data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


class PlacementError(Exception):
    """Base of everything that this package raises on purpose."""

    exit_code = 3


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with an input, told so that its author can mend it.

    Parameters
    ----------
    file
        Name of the file as the user gave it (relative to the fleet folder where it lies inside it).
    message
        What is wrong, in words, without repeating the other fields.
    rows
        1-based data rows (the header is not counted) that share the problem, the first few of them.
    num_rows
        How many rows share it; 0 where the problem is not about rows.
    column
        Column of a table, or dotted key of a YAML file.
    value
        The offending value as written, shortened to a readable length.
    allowed
        What would be accepted.
    suggestion
        The nearest known name, where there is one.
    """

    file: str
    message: str
    rows: tuple[int, ...] = ()
    num_rows: int = 0
    column: str = ""
    value: str = ""
    allowed: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        where = self.file
        if self.rows:
            shown = ", ".join(str(row) for row in self.rows)
            more = self.num_rows - len(self.rows)
            where += f", row {shown}" if len(self.rows) == 1 else f", rows {shown}"
            where += f" and {more} more" if more > 0 else ""
        if self.column:
            where += f", {self.column}"
        text = f"{where}: {self.message}"
        if self.value:
            text += f": {self.value!r}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.suggestion:
            text += f"; did you mean {self.suggestion!r}?"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as JSON-ready data, empty fields left out."""
        data = {
            "file": self.file, "message": self.message, "rows": list(self.rows), "num_rows": self.num_rows,
            "column": self.column, "value": self.value, "allowed": self.allowed, "suggestion": self.suggestion,
        }  # fmt: skip
        return {key: value for key, value in data.items() if value}


class InputError(PlacementError):
    """Input that cannot be used, with every problem that was found in it."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Reason:
    """One reason why no plan exists, with its numbers.

    Parameters
    ----------
    kind
        One of `REASON_KINDS`.
    message
        The reason in words, numbers and units included.
    service, resource
        The service and resource concerned, empty where the reason is about the whole fleet.
    value, limit
        What is asked for and the most there is, in the units of the input (cores, MB, GB, Mbps, hosts …).
    repair
        The cheapest change that would remove the reason.
    details
        Further numbers by name.
    """

    kind: str
    message: str
    service: str = ""
    resource: str = ""
    value: float | None = None
    limit: float | None = None
    repair: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.message}; {self.repair}" if self.repair else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON-ready data, empty fields left out."""
        data: dict[str, Any] = {
            "kind": self.kind, "message": self.message, "service": self.service, "resource": self.resource,
            "value": self.value, "limit": self.limit, "repair": self.repair, "details": self.details,
        }  # fmt: skip
        return {key: value for key, value in data.items() if value not in ("", None, {})}


REASON_KINDS = (
    "too-large",  # one instance is larger than every host that may be used
    "too-few-hosts",  # a service's replicas need more hosts, zones or segments than there are
    "stock-short",  # the stock of hosts cannot carry the fleet's demand
    "rules-clash",  # rules that cannot all hold within the stock there is
    "spare-short",  # no host is left to stand by as a spare
    "cache-too-small",  # caches that must be in one Valkey need more memory than the largest may hold
    "cache-too-large",  # one service's cache needs more memory than the largest cluster may hold
    "database-too-large",  # a service asks more of its database than any tier gives
    "server-too-small",  # services that are to share one server ask more than any tier gives
    "no-tier",  # no host may hold a node of any tier that would do
    "name-clash",  # two workloads or databases would have the same name
    "moves-short",  # no plan was found within the moves allowed
    "waves-stuck",  # moves wait for one another
    "not-found",  # no plan was found, and none was excluded either
)


class InfeasibleError(PlacementError):
    """No plan exists (or, for `not-found`, none was found), with the reasons."""

    exit_code = 1

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(str(reason) for reason in self.reasons))


class RefusedError(PlacementError):
    """A plan that must not be used: it is not the one that was expected, or the checker finds faults in it.

    Parameters
    ----------
    reasons
        Every reason, in words.
    """

    exit_code = 1

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class InternalError(PlacementError):
    """A fault in this package: a plan that its own checker refuses, say."""

    exit_code = 3


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name nearest to `name`, or the empty string where none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""
