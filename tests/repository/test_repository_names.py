"""The public names: all there, sorted, and light to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import placement

ROOT = Path(__file__).parents[2]


def test_every_public_name_is_there():
    for name in placement.__all__:
        assert getattr(placement, name) is not None
    assert set(placement.__all__) <= set(dir(placement))


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, placement; print(sorted({'ortools', 'polars', 'numba', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
