"""A folder of steps: waves.csv, and for each step a file of its hosts for ``ansible-playbook --limit @FILE``."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from placement.errors import InputError, Problem
from placement.plan.folders import recover, replace_folder

WAVES_FILE = "waves.csv"
_LIMIT_FILE = re.compile(r"wave-\d{4,}\.limit")


def write_waves(waves: pl.DataFrame, folder: Path, failed: frozenset[str] = frozenset()) -> None:
    """Write the steps, in the place of older ones, whole or not at all.

    Parameters
    ----------
    waves
        With `placement.replan.waves.WAVES_SCHEMA`.
    failed
        Hosts that have failed: nothing can be done there, so no limit file names them.

    Raises
    ------
    InputError
        If the folder holds anything else, or cannot be written.
    """
    files = {WAVES_FILE: waves.write_csv(line_terminator="\n").encode()}
    for wave, rows in waves.group_by("wave", maintain_order=True):
        hosts = {*rows["from"], *rows["to"]} - {""}
        # an empty file would limit Ansible to nothing less than all hosts
        files[f"wave-{int(str(wave[0])):04d}.limit"] = "".join(
            f"{host}\n" for host in sorted(hosts - failed or hosts)
        ).encode()
    try:
        target = folder.resolve()
        recover(target)
        if target.exists():
            names = {path.name for path in target.iterdir()}
            others = sorted(name for name in names if name != WAVES_FILE and not _LIMIT_FILE.fullmatch(name))
            if others:
                message = f"the folder holds other files, which would be lost: {', '.join(others[:5])}"
                raise InputError(Problem(str(folder), message, allowed="a new name, an empty folder or older steps"))
        replace_folder(target, files)
    except OSError as error:
        raise InputError(Problem(str(folder), f"cannot be written: {error.strerror or error}")) from error
