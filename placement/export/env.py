"""Target ``env``: an environment file per service, as systemd's ``EnvironmentFile=`` reads it.

::

    services/{service}.env
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from placement.errors import InputError, Problem
from placement.export.names import refuse_control_characters
from placement.export.settings import Connections
from placement.export.source import Source

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = str.maketrans({letter: f"\\{letter}" for letter in '"\\`$'})


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    connections = Connections(source)
    for service in connections.services():
        lines = [env_line(key, value) for key, value in connections.settings(service)]
        yield f"services/{service}.env", ("\n".join(lines) + "\n").encode()


def env_line(key: str, value: str) -> str:
    r"""Return an assignment whose value systemd reads back as it is.

    In double quotes ``"``, ``\``, `````` ` `````` and ``$`` are escaped; variables and specifiers are not expanded in
    environment files. Characters that systemd does not take in an environment are refused.

    Raises
    ------
    InputError
        If the name is none of a variable, or the value has control characters.
    """
    if not _KEY.fullmatch(key):
        raise InputError(Problem("environment", "is no name of a variable", value=key[:60]))
    refuse_control_characters(value, "environment", key)
    return f'{key}="{value.translate(_ESCAPED)}"'
