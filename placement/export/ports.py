"""TCP ports of service instances: a pair each, the even one for the back end, the next for the front end.

A port follows from the names of service and instance, so that an instance keeps it when others come and go. Where two
instances of a host would meet, the later one by service and number takes the next free pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

FIRST_PORT = 10_000
LAST_PORT = 32_767
"""Above the ports of well-known services, below those that Linux hands out to clients (from 32,768 on)."""

_NUM_PAIRS = (LAST_PORT + 1 - FIRST_PORT) // 2


def ports_on_host(instances: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return the first port of each instance's pair.

    Parameters
    ----------
    instances
        Service and number of every instance on one host.

    Raises
    ------
    ValueError
        If there are more instances than pairs.
    """
    taken: set[int] = set()
    ports = {}
    for service, number in sorted(instances):
        if len(taken) == _NUM_PAIRS:
            raise ValueError(f"more than {_NUM_PAIRS:,} instances on one host have no ports")
        hashed = hashlib.blake2b(f"{service}@{number}".encode(), digest_size=8).digest()
        pair = int.from_bytes(hashed, "big") % _NUM_PAIRS
        while pair in taken:
            pair = (pair + 1) % _NUM_PAIRS
        taken.add(pair)
        ports[service, number] = FIRST_PORT + 2 * pair
    return ports
