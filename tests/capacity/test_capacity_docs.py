"""The examples of docs/capacity-model.md are correct."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from placement.capacity import load_model
from placement.capacity.figures import In
from placement.capacity.loader import SECTIONS
from placement.capacity.yaml_text import read_yaml

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "capacity-model.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(blocks("yaml overlay")) >= 4
    assert len(blocks("python")) == 1


@pytest.mark.parametrize("example", blocks("yaml overlay"))
def test_overlay(example: str) -> None:
    load_model("rithmxo-1.0", read_yaml(example.encode(), "docs"))


@pytest.mark.parametrize("example", blocks("python"))
def test_python(example: str) -> None:
    exec(compile(example, "docs/capacity-model.md", "exec"), {})


def test_figures() -> None:
    (example,) = blocks("yaml figures")
    for raw in yaml.safe_load(example).values():
        In("MB").parse(raw)


def test_every_file_is_listed() -> None:
    listed = set(re.findall(r"^  ([a-z]+)\.yaml ", TEXT, flags=re.MULTILINE))
    assert listed == {"model", *SECTIONS}
