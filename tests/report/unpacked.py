"""The payload of a page, unpacked as the browser does it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any


def unpacked(page: str) -> dict[str, Any]:
    """Return the columns of a page's payload by name."""
    match = re.search(r'<script type="text/plain" id="packed">([^<]*)</script>', page)
    assert match is not None
    return columns_of(match[1])


def columns_of(packed: str) -> dict[str, Any]:
    content = zlib.decompress(base64.b64decode(packed), wbits=-15)
    head, _, rest = content.partition(b"\n")
    columns: dict[str, Any] = {}
    at = 0
    for column in json.loads(head):
        part = rest[at : at + column["bytes"]]
        at += column["bytes"]
        if column["kind"] == "text":
            columns[column["name"]] = json.loads(part)
        else:
            rows, width = column["rows"], column["width"]
            columns[column["name"]] = [
                sum(part[plane * rows + row] << (8 * plane) for plane in range(width)) for row in range(rows)
            ]
    assert at == len(rest)
    return columns


def choice(columns: dict[str, Any], name: str) -> list[str]:
    return [columns[name][number] for number in columns[f"{name}_no"]]
