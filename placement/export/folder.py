"""The folder of an export: replaced whole or not at all, and only if it is an export or empty.

Beside the target's files it has ``export.json`` (what it is, and the plan's digest) and ``SHA256SUMS``, which
``sha256sum --check`` verifies.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placement.errors import InputError, InternalError, Problem
from placement.plan.folders import recover, replace_folder

EXPORT_FORMAT = "placement/export/1"
MANIFEST_FILE = "export.json"
SUMS_FILE = "SHA256SUMS"

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")
_LONGEST_PART = 255
_STRANGERS_SHOWN = 5


@dataclass
class Written:
    """How much was written."""

    num_files: int = 0
    num_bytes: int = 0


def write_folder(folder: Path, manifest: dict[str, Any], files: Iterable[tuple[str, bytes]]) -> Written:
    """Write an export, in the place of an older one of the same target if there is one.

    Parameters
    ----------
    folder
        Where to. Missing parents are created.
    manifest
        Content of ``export.json``.
    files
        Pairs of path relative to the folder and content, as they are made.

    Raises
    ------
    InputError
        If `folder` is a file, or a folder that holds anything but such an export, or cannot be written.
    """
    written = Written()
    try:
        target = Path(folder).resolve()
        recover(target)
        _refuse_what_is_no_export(target, str(folder), str(manifest["target"]))
        replace_folder(target, _counted(written, manifest, files))
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: a loop of links; ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(Problem(str(folder), f"the export cannot be written here: {reason}")) from error
    return written


def _counted(
    written: Written, manifest: dict[str, Any], files: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files, those that say what they are last."""
    sums: dict[str, str] = {}
    for path, content in files:
        if path in sums or path in (MANIFEST_FILE, SUMS_FILE):
            raise InternalError(f"the export has two files {path}")
        _refuse_other_places(path)
        sums[path] = hashlib.sha256(content).hexdigest()
        written.num_bytes += len(content)
        yield path, content
    written.num_files = len(sums)
    content = (json.dumps(manifest | {"files": len(sums)}, ensure_ascii=False, indent=2) + "\n").encode()
    sums[MANIFEST_FILE] = hashlib.sha256(content).hexdigest()
    yield MANIFEST_FILE, content
    yield SUMS_FILE, "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())).encode()


def _refuse_other_places(path: str) -> None:
    """Raise InputError for a path that could lead out of the folder, or that is hidden or odd in any way."""
    if not all(_PART.fullmatch(part) and len(part) <= _LONGEST_PART for part in path.split("/")):
        raise InputError(Problem("export", "is no path that is written", value=path[:60], allowed=_PART.pattern))


def _refuse_what_is_no_export(target: Path, shown: str, kind: str) -> None:
    """Raise InputError if replacing the target would delete something other than an export of this kind."""
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(Problem(shown, "is a file; an export is a folder"))
    if not any(target.iterdir()):
        return
    allowed = f"a new name, an empty folder or an older export to {kind}"
    try:
        manifest = json.loads((target / MANIFEST_FILE).read_bytes())
        # any version: an export of a later version is an export as well
        is_export = str(manifest["format"]).startswith("placement/export/") and manifest["target"] == kind
        lines = (target / SUMS_FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_export, lines = False, []
    if not is_export:
        raise InputError(
            Problem(
                shown, f"the folder is not empty and holds no export to {kind}, so it stays as it is", allowed=allowed
            )
        )
    known = {line[66:] for line in lines} | {SUMS_FILE}
    strangers = sorted(path for path in _paths(target) if path not in known)
    if strangers:
        more = f" and {len(strangers) - _STRANGERS_SHOWN} more" if len(strangers) > _STRANGERS_SHOWN else ""
        names = ", ".join(strangers[:_STRANGERS_SHOWN])
        raise InputError(
            Problem(
                shown,
                f"the folder holds files that are not part of the export and would be lost: {names}{more}",
                allowed="a folder with the files of an export only; move the others away",
            )
        )


def _paths(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(where) / name).relative_to(folder).as_posix()
