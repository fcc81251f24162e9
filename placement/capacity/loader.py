"""Reading capacity models: bundled ones by name, a user's by folder, with or without an overlay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from placement.capacity.faults import schema_faults, with_row_suggestions
from placement.capacity.figures import expand_figures, figure_json_schema
from placement.capacity.invariants import invariant_faults, unpriced_faults
from placement.capacity.listing import show_row
from placement.capacity.model import CapacityModel
from placement.capacity.overlay import apply_overlay
from placement.capacity.yaml_text import read_yaml
from placement.errors import InputError, Problem, nearest_name

INDEX_FILE = "model.yaml"
PRICES_FOLDER = "prices"

SECTIONS = (
    "services", "scaling", "postgres", "grouping", "valkey", "registry", "sia", "hosts", "network",
    "observability", "growth", "procurement", "bottlenecks", "alerts",
)  # fmt: skip
"""Files of a model beside its index, without their ending; each is the table of that name."""


def bundled_models() -> tuple[str, ...]:
    """Return the names of the models that ship with this package, sorted."""
    folders = (folder for folder in _bundled_root().iterdir() if folder.is_dir())
    return tuple(sorted(folder.name for folder in folders if (folder / INDEX_FILE).is_file()))


def load_model(
    name_or_path: str | Path, override: Mapping[str, Any] | None = None, override_file: str = "override"
) -> CapacityModel:
    """Return a capacity model, checked, with an overlay applied.

    Parameters
    ----------
    name_or_path
        Name of a bundled model, or the folder of one.
    override
        Changes: dotted paths, nested mappings, or both (see `placement.capacity.overlay`).
    override_file
        What messages call the overlay, e.g. the file that it was read from.

    Raises
    ------
    InputError
        With every problem of the model's files, or else of the overlay.
    """
    return _load(name_or_path, override or {}, override_file, every_price_list=False)


def check_model(
    name_or_path: str | Path, override: Mapping[str, Any] | None = None, override_file: str = "override"
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a model; parameters as for `load_model`.

    Beyond what `load_model` asks, every price list must have a price for every size.
    """
    try:
        _load(name_or_path, override or {}, override_file, every_price_list=True)
    except InputError as error:
        return error.problems
    return ()


def read_overlay(path: str | Path) -> dict[str, Any]:
    """Return the overlay that a YAML file holds.

    Raises
    ------
    InputError
        If the file cannot be read, or is no YAML mapping.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(Problem(path.name, f"cannot be read: {error.strerror}", value=str(path))) from None
    return read_yaml(content, path.name)


def show_rows(model: CapacityModel) -> tuple[tuple[str, ...], ...]:
    """Return the rows of ``placement model show``: every figure, in the order of `SHOW_COLUMNS`."""
    return tuple(show_row(entry) for entry in model.entries())


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model.

    It describes the files put together: the keys of model.yaml at the top, a property for each further file
    by its name without ending, and `prices` with a property for each file of that folder.
    """
    schema = expand_figures(CapacityModel.model_json_schema())
    schema["$defs"]["Figure"] = figure_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _bundled_root() -> Traversable:
    """Return the folder of the bundled models.

    Installed, they are the resource package ``placement.models``. In a source tree that is not installed that
    package does not exist, and they lie in ``models`` beside the package ``placement``.
    """
    try:
        return resources.files("placement.models")
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[2] / "models"


def _locate(name_or_path: str | Path) -> Traversable:
    bundled = bundled_models()
    if isinstance(name_or_path, str) and name_or_path in bundled:
        return _bundled_root() / name_or_path
    path = Path(name_or_path)
    try:
        if (path / INDEX_FILE).is_file():
            return path
        is_folder = path.is_dir()
    except (OSError, ValueError):  # ValueError: a null character
        is_folder = False
    raise InputError(
        Problem(
            str(name_or_path),
            f"the folder has no {INDEX_FILE}" if is_folder else "no such capacity model",
            value=str(name_or_path),
            allowed=f"the folder of a model, or one of {', '.join(bundled)}",
            suggestion="" if is_folder else nearest_name(str(name_or_path), bundled),
        )
    )


def _load(
    name_or_path: str | Path, override: Mapping[str, Any], override_file: str, every_price_list: bool
) -> CapacityModel:
    content = _read_folder(_locate(name_or_path))
    model = _checked(content, every_price_list, _file_of, {})
    if not override:
        return model
    # the files are in order by themselves, so whatever is wrong from here on is the overlay's doing
    overlaid = apply_overlay(content, override)
    if overlaid.bad_keys:
        raise InputError(
            Problem(override_file, "a key that is not text", column=".".join(path)) for path in overlaid.bad_keys
        )
    return _checked(overlaid.content, every_price_list, lambda _: override_file, overlaid.added)


def _checked(
    content: Mapping[str, Any],
    every_price_list: bool,
    file_of: Callable[[tuple[str, ...]], str],
    added: Mapping[tuple[str, ...], str],
) -> CapacityModel:
    try:
        model = CapacityModel.model_validate(content)
    except ValidationError as error:
        faults = with_row_suggestions(schema_faults(error, CapacityModel), added)
    else:
        lists = model.price_lists if every_price_list else (model.default_price_list,)
        faults = sorted([*invariant_faults(model), *unpriced_faults(model, lists)])
        if not faults:
            return model
    raise InputError(fault.to_problem(file_of) for fault in faults)


def _read_folder(folder: Traversable) -> dict[str, Any]:
    """Return the content of a model's files in one mapping."""
    problems: list[Problem] = []
    content: dict[str, Any] = _read(folder / INDEX_FILE, INDEX_FILE, problems)
    problems.extend(
        Problem(INDEX_FILE, "belongs in a file of its own", column=key)
        for key in (*SECTIONS, PRICES_FOLDER)
        if key in content
    )
    for section in SECTIONS:
        content[section] = _read(folder / f"{section}.yaml", f"{section}.yaml", problems)
    content[PRICES_FOLDER] = {}
    prices = folder / PRICES_FOLDER
    if prices.is_dir():
        for file in sorted(prices.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".yaml"):
                name = f"{PRICES_FOLDER}/{file.name}"
                content[PRICES_FOLDER][file.name.removesuffix(".yaml")] = _read(file, name, problems)
    known = {INDEX_FILE, *(f"{section}.yaml" for section in SECTIONS)}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".yaml", ".yml")) and file.name not in known:
            near = nearest_name(file.name, known)
            problems.append(Problem(file.name, "no file of a model", allowed=", ".join(sorted(known)), suggestion=near))
    if problems:
        raise InputError(problems)
    return content


def _read(file: Traversable, name: str, problems: list[Problem]) -> dict[str, Any]:
    try:
        return read_yaml(file.read_bytes(), name)
    except InputError as error:
        problems.extend(error.problems)
    except FileNotFoundError:
        problems.append(Problem(name, "missing file of the model"))
    except OSError as error:
        problems.append(Problem(name, f"cannot be read: {error.strerror}"))
    return {}


def _file_of(path: tuple[str, ...]) -> str:
    match path:
        case ("prices", name, *_):
            return f"{PRICES_FOLDER}/{name}.yaml"
        case (section, *_) if section in SECTIONS:
            return f"{section}.yaml"
    return INDEX_FILE
