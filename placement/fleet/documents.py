"""fleet.yaml and the policy: what they may say, and what is wrong with one that says else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from placement.capacity.yaml_text import read_yaml
from placement.errors import InputError, Problem
from placement.fleet.columns import NAME_ALLOWED, NAME_PATTERN
from placement.fleet.faults import cell_text, shorten, suggest
from placement.fleet.tables import check_file, read_bytes
from placement.fleet.types import Policy

FLEET_FILE = "fleet.yaml"
FLEET_FORMAT = "placement/fleet/1"

HEADROOM_RESOURCES = ("cpu", "memory", "open_files", "threads", "disk")
DEFAULT_HEADROOM = 0.70

_MAX_YAML_BYTES = 4_000_000
_MAX_DEPTH = 50

DnsLabel = Annotated[str, Field(pattern=NAME_PATTERN)]
FilePath = Annotated[str, Field(min_length=1, max_length=4096)]

_Document = TypeVar("_Document", bound=BaseModel)


class Strict(BaseModel):
    """A document: frozen, unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FleetDocument(Strict):
    """fleet.yaml: what a fleet is made of. Paths are relative to its folder."""

    format: Literal["placement/fleet/1"]
    name: DnsLabel = Field(description="The fleet's name.")
    model: FilePath = Field(description="A bundled capacity model, or the path of one.")
    override: dict[str, Any] | None = Field(None, description="Single numbers of the model, changed.")
    services: FilePath = Field(description="Table of services.")
    interference: FilePath | None = Field(None, description="Table of interference rules.")
    hosts: FilePath | None = Field(None, description="Table of what already stands.")
    current: FilePath | None = Field(None, description="Table of where instances run today.")
    topology: FilePath | None = Field(None, description="topology.yaml: regions, zones, segments and their links.")
    calls: FilePath | None = Field(None, description="Table of what services send to services.")
    sizes: FilePath | list[DnsLabel] | None = Field(
        None,
        description="What may be bought: names of the model's sizes, or a table of sizes. "
        "Default: all of the model; []: only what stands in `hosts`.",
    )
    prices: FilePath | None = Field(None, description="Table of prices, or the name of a price list of the model.")
    currency: str | None = Field(
        None,
        pattern=r"^[A-Z]{3}$",
        description="Currency of the fleet's own prices (ISO 4217). Default: that of the model's price list.",
    )
    policy: Policy = Field(default_factory=Policy, description="How full hosts may be, and how many stand by.")


def load_yaml(path: Path, file: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    InputError
        If it cannot be read, is no mapping, repeats a key, uses aliases or tags of a programming language.
    """
    check_file(path, file, "a YAML file", _MAX_YAML_BYTES)
    content = read_bytes(path, file)
    _check_structure(content, file)
    return read_yaml(content, file)


def _check_structure(content: bytes, file: str) -> None:
    """Raise for aliases, and for nesting that would overflow the C stack of the YAML composer."""
    depth = 0
    try:
        for event in yaml.parse(content.decode("utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH:
                    raise InputError(Problem(file, "nested too deeply", allowed=f"at most {_MAX_DEPTH} levels"))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                # read_yaml refuses them too, but one by one, and there may be very many
                where = f" in line {event.start_mark.line + 1}" if event.start_mark else ""
                raise InputError(Problem(file, f"an alias (*name){where}", allowed="the value itself"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # read_yaml says it better


def parse_fleet(data: Mapping[str, Any], file: str) -> tuple[FleetDocument | None, list[Problem]]:
    """Return fleet.yaml as a value and everything that is wrong with it.

    Where something is wrong, the value is what is left without it, or None where too little is.
    """
    given = {key: value for key, value in data.items() if value is not None}
    policy, problems = parse_policy(given.pop("policy", {}), file)
    sizes = given.get("sizes")
    if sizes is not None and not isinstance(sizes, str):
        # the two forms are told apart here, because a union's errors name both
        problems += _size_name_problems(sizes, file)
        if any(problem.column.startswith("sizes") for problem in problems):
            given["sizes"] = []
    document, more = validated(FleetDocument, given, file)
    problems += more
    if document is None:
        # what can be read is read on, so that one slip in this file does not hide those in others
        broken = {re.split(r"[.\[]", problem.column)[0] for problem in more}
        rest = {key: value for key, value in given.items() if key not in broken}
        stand_ins = {"format": FLEET_FORMAT, "name": "fleet"}
        document, _ = validated(FleetDocument, {**stand_ins, **rest}, file)
    return (document and document.model_copy(update={"policy": policy})), problems


def _size_name_problems(sizes: object, file: str) -> list[Problem]:
    allowed = "a list of names of the model's sizes, or the file name of a table"
    if not isinstance(sizes, list):
        return [
            Problem(
                file,
                "neither a list nor a file name",
                column="sizes",
                value=cell_text(sizes),
                allowed=allowed,
            )
        ]
    return [
        Problem(file, "not a size's name", column=f"sizes[{number}]", value=cell_text(name), allowed=allowed)
        for number, name in enumerate(sizes, start=1)
        if not isinstance(name, str)
    ]


def parse_policy(data: object, file: str, prefix: str = "policy") -> tuple[Policy, list[Problem]]:
    """Return a policy (the default where it cannot be read) and everything that is wrong with it."""
    if isinstance(data, Policy):
        data = data.model_dump()
    if not isinstance(data, Mapping):
        return Policy(), [
            Problem(file, "not a mapping", column=prefix, value=cell_text(data), allowed="keys and values")
        ]
    given = dict(data)
    headroom = given.pop("headroom", None)
    problems = [] if headroom is None else _headroom_problems(headroom, file, f"{prefix}.headroom")
    policy, more = validated(Policy, given, file, prefix)
    problems += more
    if policy is None or problems:
        return Policy(), problems
    if headroom is None:
        return policy, []
    shares = (
        {key: float(share) for key, share in headroom.items()} if isinstance(headroom, Mapping) else float(headroom)
    )
    return policy.model_copy(update={"headroom": shares}), []


def _headroom_problems(headroom: object, file: str, column: str) -> list[Problem]:
    allowed = "a number above 0 and up to 1"
    if not isinstance(headroom, Mapping):
        if _is_share(headroom):
            return []
        words = f"{allowed}, or one per resource ({', '.join(HEADROOM_RESOURCES)})"
        return [Problem(file, "not a share", column=column, value=cell_text(headroom), allowed=words)]
    problems = []
    for key, share in headroom.items():
        here = f"{column}.{key}"
        if key not in HEADROOM_RESOURCES:
            note = " (network has its own key, network_limit)" if key == "network" else ""
            problems.append(
                Problem(
                    file,
                    f"no such resource{note}",
                    column=here,
                    allowed=", ".join(HEADROOM_RESOURCES),
                    suggestion=suggest(str(key), HEADROOM_RESOURCES),
                )
            )
        elif not _is_share(share):
            problems.append(Problem(file, "not a share", column=here, value=cell_text(share), allowed=allowed))
    return problems


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def headroom_of(policy: Policy, resource: str) -> float:
    """Return the share of a resource that may be used."""
    if isinstance(policy.headroom, dict):
        return policy.headroom.get(resource, DEFAULT_HEADROOM)
    return policy.headroom


# --- pydantic's errors as problems --------------------------------------------------------------------


def validated(
    kind: type[_Document], data: Mapping[str, Any], file: str, prefix: str = ""
) -> tuple[_Document | None, list[Problem]]:
    """Return a document of this kind (None where it cannot be one) and what is wrong with it, key by key."""
    try:
        return kind.model_validate(dict(data), strict=True), []
    except ValidationError as error:
        found = [_problem(kind, dict(entry), file, prefix) for entry in error.errors(include_url=False)]
        # the branches of a union complain one by one of the same value
        distinct = {(problem.column, problem.message): problem for problem in found}
        return None, list(distinct.values())


def _problem(kind: type[BaseModel], entry: Mapping[str, Any], file: str, prefix: str) -> Problem:
    where = [part for part in entry["loc"] if not (isinstance(part, str) and _is_union_tag(part))]
    column = _dotted(where, prefix)
    what, context = entry["type"], entry.get("ctx", {})
    if what == "extra_forbidden":
        owner = _owner(kind, where)
        known = tuple(owner.model_fields)
        name = str(where[-1])
        return Problem(file, "unknown key", column=column, allowed=", ".join(known), suggestion=suggest(name, known))
    if what == "missing":
        return Problem(file, "the key is missing", column=column, allowed=_field_words(kind, where))
    messages = {
        "string_type": "not text",
        "string_pattern_mismatch": "not a currency" if column == "currency" else "not a name",
        "string_too_short": "blank",
        "string_too_long": "text is too long",
        "literal_error": "not a known value",
        "list_type": "not a list",
        "dict_type": "not a mapping",
        "model_type": "not a mapping",
        "float_type": "not a number",
        "int_type": "not a whole number",
        "greater_than": "too small",
        "greater_than_equal": "too small",
        "less_than": "too large",
        "less_than_equal": "too large",
        "finite_number": "not a finite number",
        "too_short": "empty",
    }
    allowed = {
        "string_type": "text; quote it if need be",
        "string_pattern_mismatch": "three capital letters, e.g. EUR" if column == "currency" else NAME_ALLOWED,
        "literal_error": str(context.get("expected", "")).replace("'", "").replace(" or ", ", "),
        "list_type": "a list",
        "dict_type": "keys and values",
        "model_type": "keys and values",
        "too_short": "at least one",
    }.get(what) or _field_words(kind, where)
    is_nan = isinstance(entry["input"], float) and math.isnan(entry["input"])
    return Problem(
        file,
        "not a number" if is_nan else messages.get(what, str(entry["msg"]).lower()),
        column=column,
        value=cell_text(entry["input"]),
        allowed=allowed,
        suggestion=_literal_suggestion(entry) if what == "literal_error" else "",
    )


def _is_union_tag(part: str) -> bool:
    return part in ("constrained-str", "str") or "[" in part or part == "float"


def _literal_suggestion(entry: Mapping[str, Any]) -> str:
    words = [word.strip(" '") for word in str(entry["ctx"]["expected"]).replace(" or ", ",").split(",")]
    return suggest(str(entry["input"]), words) if isinstance(entry["input"], str) else ""


def _dotted(where: Sequence[str | int], prefix: str) -> str:
    path = prefix
    for part in where:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{shorten(part)}" if path else shorten(part)
    return path


def _owner(kind: type[BaseModel], where: Sequence[str | int]) -> type[BaseModel]:
    for part in where[:-1]:
        if isinstance(part, str) and part in kind.model_fields:
            kind = next(_models_in(kind.model_fields[part].annotation), kind)
    return kind


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _field_words(kind: type[BaseModel], where: Sequence[str | int]) -> str:
    """Say what a field may hold: its limits where it is a number, its description elsewhere."""
    name = next((part for part in reversed(where) if isinstance(part, str)), "")
    field = _owner(kind, where).model_fields.get(name)
    if field is None:
        return ""
    limits = {type(limit).__name__: limit for limit in field.metadata}
    words = []
    if "Gt" in limits:
        words.append(f"above {limits['Gt'].gt:,}")
    if "Ge" in limits:
        words.append(f"from {limits['Ge'].ge:,}")
    if "Le" in limits:
        words.append(f"up to {limits['Le'].le:,}")
    if words:
        return "a number " + " ".join(words)
    if name == "format":
        return str(get_args(field.annotation)[0])
    words_of_field = (field.description or "").rstrip(".")
    return words_of_field[:1].lower() + words_of_field[1:]
