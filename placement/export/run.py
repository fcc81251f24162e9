"""From a plan to files: refuse a plan that is stale or broken, then write what the target asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placement.errors import InputError, Problem, RefusedError, nearest_name
from placement.export.folder import EXPORT_FORMAT, write_folder
from placement.export.source import Source, source_of
from placement.export.targets import NEEDS_FLEET, TARGETS, Target
from placement.fleet.types import Fleet
from placement.plan.types import Plan
from placement.verify import check_plan

_FINDINGS_SHOWN = 20


@dataclass(frozen=True)
class ExportResult:
    """What was exported.

    Parameters
    ----------
    target, folder
        What for, and where to.
    plan_digest
        Digest of the plan.
    num_files, num_bytes
        How much, ``export.json`` and ``SHA256SUMS`` not counted.
    """

    target: Target
    folder: str
    plan_digest: str
    num_files: int
    num_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {
            "target": self.target,
            "folder": self.folder,
            "plan_digest": self.plan_digest,
            "files": self.num_files,
            "bytes": self.num_bytes,
        }


def export_plan(
    plan: Plan, target: Target, folder: Path, *, fleet: Fleet | None = None, expect: str | None = None
) -> ExportResult:
    """Write a plan as files for deployment tooling.

    The folder is written whole or not at all, the same bytes for the same plan. The plan is checked first: against
    the fleet where it is given, else its files against each other.

    Parameters
    ----------
    plan
        The plan.
    target
        One of `TARGETS`.
    folder
        Where to. Missing parents are created. An empty folder or an older export to this target is replaced; anything
        else stays.
    fleet
        The fleet that the plan was made for; the targets in `NEEDS_FLEET` need it.
    expect
        The plan's digest, if only that plan may be exported.

    Raises
    ------
    InputError
        If there is no such target, the fleet is needed and not there, a name cannot be exported, or the folder cannot
        be written.
    RefusedError
        If the plan is not the one that was expected, or breaks a rule.
    """
    _check_arguments(target, fleet)
    source = source_of(plan, fleet)
    _refuse_other_plans(source, expect)
    manifest = {
        "format": EXPORT_FORMAT,
        "target": target,
        "plan_digest": source.digest,
        "fleet": plan.summary.fleet.name,
        "fleet_digest": plan.summary.fleet.digest,
    }
    written = write_folder(Path(folder), manifest, TARGETS[target](source))
    return ExportResult(target, str(folder), source.digest, written.num_files, written.num_bytes)


def _check_arguments(target: str, fleet: Fleet | None) -> None:
    if target not in TARGETS:
        raise InputError(
            Problem(
                "command line",
                "unknown value",
                column="--to",
                value=target[:60],
                allowed=", ".join(TARGETS),
                suggestion=nearest_name(target, TARGETS),
            )
        )
    if target in NEEDS_FLEET and fleet is None:
        raise InputError(
            Problem(
                "command line",
                f"an export to {target} has limits and hosts in it that only the fleet says",
                column="--fleet",
                allowed="the fleet that the plan was made for",
            )
        )


def _refuse_other_plans(source: Source, expect: str | None) -> None:
    """Raise RefusedError for a plan other than the expected one, for another fleet, or one that breaks a rule."""
    if expect is not None and expect != source.digest:
        raise RefusedError([f"the plan has digest {source.digest}, expected was {expect}"])
    made_for = source.plan.summary.fleet.digest
    if source.fleet is not None and source.fleet.digest != made_for:
        raise RefusedError(
            [f"the plan was made for a fleet with digest {made_for}, this one has {source.fleet.digest}: plan anew"]
        )
    findings = check_plan(source.plan, source.fleet).findings
    if findings:
        shown = [str(finding) for finding in findings[:_FINDINGS_SHOWN]]
        more = len(findings) - _FINDINGS_SHOWN
        raise RefusedError([*shown, f"and {more} more: placement check tells all"] if more > 0 else shown)
