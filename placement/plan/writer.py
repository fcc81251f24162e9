"""Writing a plan folder, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from placement.errors import InputError, Problem
from placement.plan.digest import plan_files
from placement.plan.folders import recover, replace_folder
from placement.plan.tables import SUMMARY_FILE, TABLE_FORMATS, TableFormat, known_files
from placement.plan.types import Plan


def write_plan(plan: Plan, folder: Path, *, table_format: TableFormat = "csv") -> None:
    """Write the plan as a folder, in the place of an older plan if there is one.

    Killed at any moment, it leaves the old plan or the new one. The same plan gives the same bytes.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where to. Missing parents are created. An empty folder or a plan is replaced; anything else stays.
    table_format
        ``csv`` or ``parquet``.

    Raises
    ------
    InputError
        If `folder` is a file, or a folder that holds anything but a plan, or cannot be written.
    InternalError
        If the plan holds what its format cannot (a missing column, NaN …).
    """
    folder = Path(folder)
    if table_format not in TABLE_FORMATS:
        raise InputError(
            Problem(str(folder), "unknown table format", value=table_format, allowed=", ".join(TABLE_FORMATS))
        )
    files = plan_files(plan, table_format)
    try:
        target = folder.resolve()
        recover(target)
        _refuse_what_is_no_plan(target, str(folder))
        replace_folder(target, files)
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: a loop of links; ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(Problem(str(folder), f"the plan cannot be written here: {reason}")) from error


def _refuse_what_is_no_plan(target: Path, shown: str) -> None:
    """Raise InputError if replacing the target would delete something other than a plan."""
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(Problem(shown, "is a file; a plan is a folder"))
    names = {path.name for path in target.iterdir()}
    if not names:
        return
    if not _is_plan(target / SUMMARY_FILE):
        raise InputError(
            Problem(
                shown,
                "the folder is not empty and holds no plan, so it is left as it is",
                allowed="a new name, an empty folder or an older plan",
            )
        )
    strangers = sorted(names - known_files())
    if strangers:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise InputError(
            Problem(
                shown,
                f"the folder holds files that are not part of a plan and would be lost: "
                f"{', '.join(strangers[:5])}{more}",
                allowed="a folder with the files of a plan only; move the others away",
            )
        )


def _is_plan(summary: Path) -> bool:
    try:
        content = json.loads(summary.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    # any version: a plan of a later version is a plan as well
    return isinstance(content, dict) and str(content.get("format", "")).startswith("placement/plan/")
