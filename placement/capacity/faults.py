"""Faults of a model's content, told by path, and how they become problems that name a file."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from placement.capacity.figures import Figure
from placement.errors import Problem, nearest_name

Path = tuple[str, ...]

_LONGEST_VALUE = 60


@dataclass(frozen=True, order=True)
class Fault:
    """Something wrong at a path of the content; fields as in `Problem`."""

    path: Path
    message: str
    value: str = ""
    allowed: str = ""
    suggestion: str = ""

    def to_problem(self, file_of: Callable[[Path], str]) -> Problem:
        """Return the problem, with the file that the path's content comes from."""
        return Problem(
            file=file_of(self.path),
            message=self.message,
            column=".".join(self.path),
            value=self.value,
            allowed=self.allowed,
            suggestion=self.suggestion,
        )


def schema_faults(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return the faults that pydantic found, in the words of a model's author."""
    faults = []
    missing: dict[Path, list[str]] = {}
    for item in error.errors(include_url=False):
        path = tuple(str(part) for part in item["loc"])
        if item["type"] == "missing":
            missing.setdefault(path[:-1], []).append(path[-1])
        else:
            faults.append(_fault(path, item, model))
    for path, keys in missing.items():
        words = "missing key" if len(keys) == 1 else "missing keys"
        faults.append(Fault(path, f"{words} {', '.join(keys)}"))
    return sorted(faults)


def _fault(path: Path, item: Any, model: type[BaseModel]) -> Fault:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        keys = table_keys(model, path[:-1])
        suggestion = nearest_name(path[-1], keys)
        return Fault(path, "unknown key", allowed="" if suggestion else ", ".join(keys), suggestion=suggestion)
    if kind == "figure":
        value = item["input"]
        shown = "" if isinstance(value, dict) else short(value)
        return Fault(path, context["message"], value=shown, allowed=context["allowed"])
    if path and path[-1] == "[key]":
        return Fault(
            path[:-1],
            "not a name",
            value=path[-2],
            allowed="lower-case letters, digits and hyphens, at most 63, beginning and ending with no hyphen",
        )
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        keys = table_keys(model, path)
        return Fault(path, "not a mapping", short(item["input"]), f"a mapping with {', '.join(keys) or 'names'}")
    if kind in ("literal_error", "enum"):
        return Fault(path, "not one of the allowed values", short(item["input"]), context.get("expected", ""))
    return Fault(path, item["msg"].replace("Input should", "should"), short(item["input"]))


def short(value: Any) -> str:
    """Return a value as text of a readable length."""
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def table_keys(model: type[BaseModel], path: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that the schema knows at a path; none where it takes any name."""
    here: Any = model
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            if part not in here.model_fields:
                return ()
            here = _plain(here.model_fields[part].annotation)
        elif typing.get_origin(here) is dict:
            here = _plain(typing.get_args(here)[1])
        else:
            return ()
    if isinstance(here, type) and issubclass(here, BaseModel) and not issubclass(here, Figure):
        return tuple(here.model_fields)
    return ()


def _plain(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None`` from an annotation."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _plain(parts[0]) if len(parts) == 1 else annotation
    return annotation


def with_row_suggestions(faults: Iterable[Fault], added: Mapping[Path, str]) -> list[Fault]:
    """Add near names to faults in rows that an overlay added: likely a misspelt name of a row there is."""
    result = []
    for fault in faults:
        near = [name for path, name in added.items() if name and path == fault.path[: len(path)]]
        if near and not fault.suggestion and fault.message.startswith(("missing key", "not a mapping")):
            message = f"{fault.message}; there is no such row, and a new one needs them"
            fault = Fault(fault.path, message, fault.value, fault.allowed, near[0])  # noqa: PLW2901
        result.append(fault)
    return result
