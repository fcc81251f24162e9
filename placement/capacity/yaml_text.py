"""YAML read strictly: safe types only, no duplicate keys, no aliases, keys are text."""

from __future__ import annotations

from typing import Any

import yaml

from placement.errors import InputError, Problem

MAX_BYTES = 4_000_000
"""YAML is for people; a file beyond this is not one of theirs."""

MAX_DEPTH = 30
"""Deepest nesting; the parser written in C recurses, and would crash the process far beyond it."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(content: bytes, file: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Parameters
    ----------
    content
        The file's bytes, UTF-8.
    file
        Its name, for messages.

    Raises
    ------
    InputError
        With the place, where YAML gives one.
    """
    if len(content) > MAX_BYTES:
        raise InputError(Problem(file, "too large", value=f"{len(content)} bytes", allowed=f"{MAX_BYTES}"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(Problem(file, f"not UTF-8 text (byte {error.start + 1})")) from None
    if _is_too_deep(text):
        raise InputError(Problem(file, "nested too deeply", allowed=f"at most {MAX_DEPTH} levels"))
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise InputError(Problem(file, "empty", allowed="a mapping of keys to values"))
        problems = _structure_problems(root, file)
        if problems:
            raise InputError(problems)
        data = loader.construct_document(root)
    except yaml.YAMLError as error:
        raise InputError(Problem(file, f"not YAML: {_describe(error)}")) from None
    except (ValueError, OverflowError, RecursionError) as error:
        # e.g. 2026-99-99, which looks like a date, or a number of more digits than Python converts
        raise InputError(Problem(file, f"not YAML that can be read: {error}")) from None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise InputError(Problem(file, "not a mapping", allowed="a mapping of keys to values"))
    return data


def _is_too_deep(text: str) -> bool:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    return True
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        pass  # told by the reading proper
    return False


def _structure_problems(root: yaml.Node, file: str) -> list[Problem]:
    problems: list[Problem] = []
    seen: set[int] = set()
    stack: list[tuple[yaml.Node, str]] = [(root, "")]
    while stack:
        node, path = stack.pop()
        if id(node) in seen:
            problems.append(_at(node, file, path, "an alias (*name)", "the value itself"))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend((item, f"{path}[{number}]") for number, item in enumerate(node.value, 1))
        if not isinstance(node, yaml.MappingNode):
            continue
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                problems.append(_at(key, file, path, "a key that is not text", "text; quote it if need be"))
                continue
            here = f"{path}.{key.value}" if path else key.value
            if key.value in keys:
                problems.append(_at(key, file, here, "duplicate key", "each key once"))
            keys.add(key.value)
            stack.append((value, here))
    return sorted(problems)


def _at(node: yaml.Node, file: str, path: str, message: str, allowed: str) -> Problem:
    return Problem(file, f"{message} in line {node.start_mark.line + 1}", column=path, allowed=allowed)


def _describe(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or "cannot be parsed"
    mark = getattr(error, "problem_mark", None)
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}" if mark else str(problem)
