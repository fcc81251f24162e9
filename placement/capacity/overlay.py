"""Overlays: a user's changes to single figures of a model, and additions to its tables.

An overlay is a mapping whose keys are dotted paths, nested mappings, or both. It is laid over the raw content
of a model's files before that is checked: what comes out obeys the same schema and the same invariants.

A figure that an overlay changes gets the overlay's ``status`` and ``source``, by default ``estimate`` and
``override``; the owner stays. A figure given only a status and a source keeps its numbers: that is how an
estimate that a load test confirmed becomes a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from placement.capacity.figures import FIGURE_KEYS, NUMBER_KEYS, is_number, is_raw_figure
from placement.errors import nearest_name

OVERRIDE_SOURCE = "override"

Path = tuple[str, ...]


@dataclass
class Overlaid:
    """A model's raw content with an overlay applied.

    Parameters
    ----------
    content
        The content, as from the files.
    added
        Paths of rows and keys that the files do not have, with the nearest name that they have, or "".
    bad_keys
        Paths of keys that are no text.
    """

    content: dict[str, Any]
    added: dict[Path, str] = field(default_factory=dict)
    bad_keys: list[Path] = field(default_factory=list)


def apply_overlay(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> Overlaid:
    """Return `content` with `overlay` laid over it; neither is changed."""
    result = Overlaid(content={})
    result.content = _merge(content, overlay, (), result)
    return result


def _merge(base: Mapping[str, Any], overlay: Mapping[Any, Any], path: Path, result: Overlaid) -> dict[str, Any]:
    merged = dict(base)
    for dotted, change in overlay.items():
        if not isinstance(dotted, str):
            result.bad_keys.append((*path, str(dotted)))
            continue
        key, _, rest = dotted.partition(".")
        value = {rest: change} if rest else change
        here = (*path, key)
        known = key in merged
        if not known:
            result.added[here] = nearest_name(key, base)
        merged[key] = _change(merged[key], value, here, result) if known else _add(value, here)
    return merged


def _change(old: Any, new: Any, path: Path, result: Overlaid) -> Any:
    if is_raw_figure(old) and (is_number(new) or (new and isinstance(new, Mapping) and FIGURE_KEYS.issuperset(new))):
        return _change_figure(old, new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _merge(old, new, path, result)
    return new


def _change_figure(old: Any, new: Any) -> dict[str, Any]:
    change = dict(new) if isinstance(new, Mapping) else {"value": new}
    before = dict(old) if isinstance(old, Mapping) else {"value": old}
    figure = {"owner": before["owner"]} if "owner" in before else {}
    if NUMBER_KEYS.isdisjoint(change):
        figure = before
    elif "value" not in change:
        # one end of a range was moved: the other ends stay, a derived typical is derived anew
        if "value" in before:
            figure |= {"low": before["value"], "high": before["value"]}
        figure |= {key: before[key] for key in ("low", "typical", "high") if key in before}
        if "typical" in before and "typical" not in change and not _between(figure | change):
            del figure["typical"]
    return figure | {"status": "estimate", "source": OVERRIDE_SOURCE} | change


def _between(figure: Mapping[str, Any]) -> bool:
    try:
        return bool(figure["low"] <= figure["typical"] <= figure["high"])
    except (KeyError, TypeError):
        return True  # the schema has the say


def _add(value: Any, path: Path) -> Any:
    if is_number(value):
        return _change_figure(value, value)
    if not isinstance(value, Mapping):
        return value
    if is_raw_figure(value):
        return {"status": "estimate", "source": OVERRIDE_SOURCE} | dict(value)
    row = _undotted(value)
    holds_figures = any(is_number(part) or isinstance(part, Mapping) for part in row.values())
    provenance = row.get("provenance", {})
    if path[-1] == "provenance" or "provenance_of" in path or not holds_figures or not isinstance(provenance, Mapping):
        return row
    # a whole row or table: all of it is the overlay's
    ours = {"status": "estimate", "source": OVERRIDE_SOURCE}
    if path[:-1] == ("prices",):
        ours["owner"] = OVERRIDE_SOURCE  # no enclosing table names one
    return row | {"provenance": ours | dict(provenance)}


def _undotted(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    plain: dict[Any, Any] = {}
    for dotted, value in mapping.items():
        key, _, rest = dotted.partition(".") if isinstance(dotted, str) else (dotted, "", "")
        part = {rest: value} if rest else value
        if isinstance(part, Mapping):
            part = _undotted(part)
            if isinstance(plain.get(key), dict):
                part = plain[key] | part
        plain[key] = part
    return plain
