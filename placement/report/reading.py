"""Figures in JSON of other commands, read by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placement.errors import Problem


def number_in(data: Mapping[str, Any], *names: str) -> float:
    """Return the number under a path of keys, 0 where there is none."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def rows_in(data: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list under a path of keys, none where there is no list."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, (list, tuple)) else []


def shape_problems(kind: str, data: Mapping[str, Any], file: str) -> list[Problem]:
    """Return what keeps data from being a comparison or a forecast: every figure is checked.

    Parameters
    ----------
    kind
        ``comparison`` or ``forecast``.
    file
        What to call it.
    """
    from pydantic import ValidationError

    from placement.compare.types import Comparison
    from placement.forecast.types import Forecast

    wanted = Comparison if kind == "comparison" else Forecast
    try:
        wanted.model_validate(data)
    except ValidationError as error:
        return [
            Problem(file, str(detail["msg"]), column=".".join(str(part) for part in detail["loc"]))
            for detail in error.errors(include_url=False, include_input=False)
        ]
    return []
