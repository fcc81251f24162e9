"""Fixtures of the tests of replanning."""

from __future__ import annotations

import sys
from pathlib import Path

# fleets whose blanks are all filled, as the planner's tests have them
sys.path.append(str(Path(__file__).resolve().parents[1] / "planner"))
