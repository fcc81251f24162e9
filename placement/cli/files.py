"""Files that commands write beside what they print: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from placement.errors import InputError, Problem


def check_writable(path: Path | None, option: str) -> list[Problem]:
    """Return what is wrong with a file's name before anything is computed for it."""
    if path is None:
        return []
    if path.is_dir():
        return [Problem("command line", "a folder, not a file", column=option, value=str(path))]
    return _folder_problems(path.absolute().parent, option, str(path))


def check_folder(path: Path | None, option: str) -> list[Problem]:
    """Return what is wrong with a folder's name that pictures are to be written to."""
    if path is None:
        return []
    if path.exists() and not path.is_dir():
        return [Problem("command line", "a file, not a folder", column=option, value=str(path))]
    return _folder_problems(path.absolute(), option, str(path))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; folders that lack are made.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
        temporary = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(Problem(str(path), f"cannot be written: {error.strerror}")) from None


def _folder_problems(folder: Path, option: str, value: str) -> list[Problem]:
    """Return what keeps a folder from being made or written to."""
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        return [Problem("command line", "cannot be written there", column=option, value=value)]
    return []


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
