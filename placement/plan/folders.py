"""Folders that are replaced whole or not at all.

A folder is written beside its target under a temporary name, forced to disk, and exchanged with the target
in one step (`renameat2` with ``RENAME_EXCHANGE``, Linux). Where the system or the file system has no such
step, the old folder is moved aside and the new one in; if the program is killed between the two moves, `recover`
puts the old one back. A temporary folder is locked as long as its writer lives, so the next writer can tell
leftovers from work in progress.

Names beside a target ``plan``: ``.plan.tmp-*`` (unfinished or replaced), ``.plan.old-*`` (moved aside).
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: leftovers then stay until someone removes them
    fcntl = None  # type: ignore[assignment]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV})
_SYNCED_ONE_BY_ONE = 100
"""Up to so many files are forced to disk each for itself; of more, their file system is, once."""


def replace_folder(folder: Path, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
    """Put a folder with these files in the place of `folder`, in one step.

    Parameters
    ----------
    folder
        Resolved path of the target. What stands there is replaced and deleted; its parent is created.
    files
        Content by file name, or pairs of name and content as they are made; ``a/b`` is the file b in the subfolder a.
        Names are not checked.

    Raises
    ------
    OSError
        If the system refuses (permissions, disk full …); the target is then as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    _remove_leftovers(folder)
    with _temporary_folder(folder) as temporary:
        _write_all(temporary, files.items() if isinstance(files, Mapping) else files)
        _swap(temporary, folder)
        _sync_folder(folder.parent)


def _write_all(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files and force them to disk."""
    written: list[Path] = []
    folders = {folder}
    for name, content in files:
        path = folder / name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.update(parent for parent in path.parents if parent.is_relative_to(folder))
        path.write_bytes(content)
        written.append(path)
    if len(written) + len(folders) <= _SYNCED_ONE_BY_ONE or not _sync_file_system(folder):
        for path in [*written, *sorted(folders, reverse=True)]:
            _sync(path)


def recover(folder: Path) -> bool:
    """Finish an exchange that was interrupted between its two moves; return whether there was one.

    Only the fallback without an atomic exchange can leave the target missing and the old folder aside.
    """
    if os.path.lexists(folder):
        return False
    for old in sorted(folder.parent.glob(f".{_escaped(folder.name)}.old-*")):
        with suppress(OSError):
            old.rename(folder)
            return True
    return False


def _swap(temporary: Path, folder: Path) -> None:
    """Put `temporary` in the place of `folder`; what stood there gets the temporary name or is removed."""
    if not os.path.lexists(folder):
        temporary.rename(folder)
    elif not _exchange(temporary, folder):
        old = folder.with_name(f".{folder.name}.old-{secrets.token_hex(4)}")
        folder.rename(old)
        try:
            temporary.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names atomically; return False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield a new, empty, locked folder beside `folder`; whatever has that name afterwards is removed."""
    while True:
        temporary = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(4)}")
        temporary.mkdir()
        lock = _lock(temporary)
        if lock is not None:
            break  # otherwise another writer took it for a leftover before it was locked
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if lock >= 0:
            os.close(lock)


def _lock(path: Path) -> int | None:
    """Lock a folder without waiting; return its descriptor (-1: no locks here), None if locked or gone."""
    if fcntl is None:
        return -1
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left beside the target; what a living writer has locked stays.

    A folder moved aside is removed only while the target stands: otherwise it is the only plan there is.
    """
    if fcntl is None:
        return
    name = _escaped(folder.name)
    leftovers = sorted(folder.parent.glob(f".{name}.tmp-*"))
    if os.path.lexists(folder):
        leftovers += sorted(folder.parent.glob(f".{name}.old-*"))
    for leftover in leftovers:
        lock = _lock(leftover)
        if lock is not None:
            shutil.rmtree(leftover, ignore_errors=True)
            os.close(lock)


def _sync(path: Path) -> None:
    """Force a file, or a folder's entries, to disk."""
    if path.is_dir():
        _sync_folder(path)
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Force the folder's entries to disk, where folders can be opened."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_file_system(path: Path) -> bool:
    """Force all of a file system to disk; return False where the system has no such step.

    Thousands of files are on disk after one call, which for each of them would take minutes on some disks.

    Raises
    ------
    OSError
        If something could not be written.
    """
    if not sys.platform.startswith("linux"):
        return False
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if syncfs(descriptor) == 0:
            return True
        number = ctypes.get_errno()
        if number == errno.ENOSYS:
            return False
        raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def _escaped(name: str) -> str:
    """Return the name with what `glob` would take for a pattern escaped."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
