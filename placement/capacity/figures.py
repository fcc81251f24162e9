"""Figures: numbers of a capacity model, each with its range, unit and provenance.

In a model file a figure is written in one of three ways::

    memory_mb: 120                                  # a value
    memory_mb: {low: 200, high: 400}                # a range; typical is its midpoint, as a note says
    memory_mb: {low: 200, typical: 280, high: 400}  # a range

and a mapping may also carry ``status``, ``source``, ``owner``, ``note`` and, as a check for the reader,
``unit``. What a figure does not say of its provenance comes from the nearest enclosing table that does.
The unit is fixed by the key (``memory_mb`` is in MB), so that a file cannot change what a formula computes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from placement.errors import nearest_name

Status = Literal["estimate", "measured"]
End = Literal["low", "typical", "high"]

STATUSES: tuple[Status, ...] = ("estimate", "measured")
ENDS: tuple[End, ...] = ("low", "typical", "high")

LARGEST_FIGURE = 10**9
"""Largest number a model may hold; times 1,000 (cores to millicores, GB to MB) it is `units.LARGEST`."""

NUMBER_KEYS = frozenset({"value", "low", "typical", "high"})
PROVENANCE_KEYS = frozenset({"status", "source", "owner", "note"})
FIGURE_KEYS = NUMBER_KEYS | PROVENANCE_KEYS | {"unit"}

MIDPOINT_NOTE = "typical is the midpoint of the range"

FIGURE_MARK = "x-figure"
"""Key that marks a figure, with its unit, in a schema as pydantic makes it."""

_ALLOWED_NUMBER = f"a number from 0 to {LARGEST_FIGURE}"


class Provenance(BaseModel):
    """Where a number comes from and how far it can be trusted; blanks come from the enclosing table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("", description="Document and section, measurement, or public source with its date.")
    status: Status | None = Field(None, description="estimate: to be validated by the owner; or measured.")
    owner: str = Field("", description="Who must validate the number.")
    note: str = Field("", description="What a reader of the number should know.")

    def within(self, outer: Provenance) -> Provenance:
        """Return this provenance with its blanks filled from that of the enclosing table.

        A note says something of its source: who names another source does not take it over.
        """
        return Provenance(
            source=self.source or outer.source,
            status=self.status or outer.status,
            owner=self.owner or outer.owner,
            note=self.note or ("" if self.source else outer.note),
        )


class Figure(Provenance):
    """A number with its range: ``low <= typical <= high``; the three are equal where there is no range."""

    low: int | float
    typical: int | float
    high: int | float
    unit: str = ""

    @property
    def is_range(self) -> bool:
        """Whether the figure is a range and not a single value."""
        return self.low != self.high

    def at(self, end: End) -> int | float:
        """Return the number at one end of the range, or its typical value."""
        return {"low": self.low, "typical": self.typical, "high": self.high}[end]


class Table(BaseModel):
    """A table or row of a model: figures, texts, further tables, and the provenance that they share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: Provenance = Provenance()
    provenance_of: dict[str, Provenance] = Field(
        default_factory=dict,
        description="Provenance of a key, wherever it occurs below this table; beats `provenance`.",
    )

    def unit_of(self, figure: Figure) -> str:
        """Return the unit of one of this table's figures."""
        return figure.unit


@dataclass(frozen=True)
class In:
    """The unit that a field's figures are in, for ``Annotated[Figure, In("MB")]``; "": the table says it."""

    unit: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.parse, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        # put in place of a reference by `expand_figures`: three hundred copies of it would fill the schema
        return {FIGURE_MARK: self.unit}

    def parse(self, raw: object) -> dict[str, Any] | Figure:
        """Turn what a file says into the fields of a `Figure`.

        Raises
        ------
        PydanticCustomError
            With everything that is wrong with this figure.
        """
        if isinstance(raw, Figure):
            return raw
        if not isinstance(raw, Mapping):
            number = _number(raw)
            if number is None:
                raise _fault("not a figure", allowed=_ALLOWED_NUMBER)
            return {"low": number, "typical": number, "high": number, "unit": self.unit}
        return self._parse_mapping(raw)

    def _parse_mapping(self, raw: Mapping[Any, Any]) -> dict[str, Any]:
        faults: dict[str, str] = {}  # what is wrong: what is allowed
        for key in raw:
            if key not in FIGURE_KEYS:
                near = nearest_name(str(key), FIGURE_KEYS)
                hint = f" (did you mean {near!r}?)" if near else ""
                faults[f"unknown key {str(key)!r}{hint}"] = f"the keys {', '.join(sorted(FIGURE_KEYS))}"
        numbers: dict[str, int | float] = {}
        for key in ("value", "low", "typical", "high"):
            if key in raw:
                number = _number(raw[key])
                if number is None:
                    faults[f"{key} is {str(raw[key])[:40]!r}"] = _ALLOWED_NUMBER
                else:
                    numbers[key] = number
        if "unit" in raw and raw["unit"] != self.unit:
            faults[f"unit is {raw['unit']!r}"] = f"the unit {self.unit!r}" if self.unit else "the table's unit"
        if "value" in raw and ("low" in raw or "typical" in raw or "high" in raw):
            faults["both a value and a range"] = "value, or low and high (and typical)"
        elif "value" not in raw and not ("low" in raw and "high" in raw):
            faults["neither a value nor a range"] = "value, or low and high (and typical)"
        if faults:
            raise _fault("; ".join(faults), allowed="; ".join(dict.fromkeys(faults.values())))
        note = str(raw.get("note", ""))
        if "value" in numbers:
            low = typical = high = numbers["value"]
        else:
            low, high = numbers["low"], numbers["high"]
            typical = numbers.get("typical", _whole((low + high) / 2))
            if "typical" not in numbers and low != high:
                note = f"{note}; {MIDPOINT_NOTE}" if note else MIDPOINT_NOTE
        if not low <= typical <= high:
            raise _fault(f"low {low}, typical {typical}, high {high}", allowed="low <= typical <= high")
        provenance = {key: raw[key] for key in PROVENANCE_KEYS if key in raw}
        return {
            **provenance,
            "note": note,
            "low": low,
            "typical": typical,
            "high": high,
            "unit": self.unit,
        }


def is_number(raw: object) -> bool:
    """Whether a value read from YAML is a number (a boolean is not one)."""
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def is_raw_figure(raw: object) -> bool:
    """Whether a value read from YAML is written as a figure."""
    if isinstance(raw, Mapping):
        return bool(raw) and FIGURE_KEYS.issuperset(raw) and not NUMBER_KEYS.isdisjoint(raw)
    return is_number(raw)


def expand_figures(schema: Any) -> Any:
    """Return a JSON Schema with its marks of figures replaced by references to ``#/$defs/Figure``."""
    if isinstance(schema, list):
        return [expand_figures(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if FIGURE_MARK not in schema:
        return {key: expand_figures(part) for key, part in schema.items()}
    unit = schema[FIGURE_MARK] or "the unit that the table says"
    rest = {key: part for key, part in schema.items() if key != FIGURE_MARK}
    return {"$ref": "#/$defs/Figure", "description": f"In {unit}.", **rest}


def figure_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a figure, in any of its three forms."""
    number = {"type": "number", "minimum": 0, "maximum": LARGEST_FIGURE}
    text = {"type": "string"}
    common = {"unit": text, "status": {"enum": list(STATUSES)}, "source": text, "owner": text, "note": text}
    value = {"properties": {"value": number, **common}, "required": ["value"]}
    ends = {"properties": {"low": number, "typical": number, "high": number, **common}}
    mapping = {"type": "object", "additionalProperties": False}
    return {
        "title": "Figure",
        "description": "A number, or a mapping with a value or a range (low <= typical <= high).",
        "anyOf": [number, mapping | value, mapping | ends | {"required": ["low", "high"]}],
    }


def _number(raw: object) -> int | float | None:
    """Return a number that a model may hold, whole ones as integers, or None."""
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        return None
    if not (math.isfinite(raw) and 0 <= raw <= LARGEST_FIGURE):
        return None
    return _whole(raw)


def _whole(number: int | float) -> int | float:
    # 4 and 4.0 are the same figure, and must give the same digest
    return int(number) if float(number).is_integer() else number


def _fault(message: str, allowed: str) -> PydanticCustomError:
    return PydanticCustomError("figure", "{message}", {"message": message, "allowed": allowed})


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""Names of rows: lower-case letters, digits and hyphens; no dots, which part the keys of a path."""

Cores = Annotated[Figure, In("cores")]
PercentOfCore = Annotated[Figure, In("% of one core")]
Bytes = Annotated[Figure, In("bytes")]
Megabytes = Annotated[Figure, In("MB")]
Gigabytes = Annotated[Figure, In("GB")]
MegabytesPerSecond = Annotated[Figure, In("MB/s")]
Mbps = Annotated[Figure, In("Mbps")]
OpenFiles = Annotated[Figure, In("files")]
Threads = Annotated[Figure, In("threads")]
ServiceCount = Annotated[Figure, In("services")]
HostCount = Annotated[Figure, In("hosts")]
InstanceCount = Annotated[Figure, In("instances")]
NodeCount = Annotated[Figure, In("nodes")]
Connections = Annotated[Figure, In("connections")]
RowCount = Annotated[Figure, In("rows")]
Port = Annotated[Figure, In("port number")]
Share = Annotated[Figure, In("share")]
Percent = Annotated[Figure, In("%")]
Factor = Annotated[Figure, In("factor")]
Seconds = Annotated[Figure, In("s")]
Days = Annotated[Figure, In("days")]
Weeks = Annotated[Figure, In("weeks")]
Months = Annotated[Figure, In("months")]
Years = Annotated[Figure, In("years")]
UnitOfTable = Annotated[Figure, In("")]
