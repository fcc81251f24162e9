"""Plans of mixes, side by side: what goes to a worker, and what comes back."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from placement.compare.measures import measured, without_plan
from placement.compare.types import MixPlan
from placement.compare.variation import Variation
from placement.engine import place
from placement.errors import InfeasibleError
from placement.executor import Function, Task, run_tasks
from placement.fleet.types import Fleet
from placement.packing.options import Options

_SMALL = 30_000
"""Instances of all plans together up to which they are made sooner than processes start."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Packed:
    """A fleet on its way to workers: serialised once, however many tasks share it."""

    data: bytes
    key: str

    @classmethod
    def of(cls, fleet: Fleet) -> Packed:
        """Return the fleet, packed."""
        return cls(pickle.dumps(fleet, pickle.HIGHEST_PROTOCOL), fleet.digest)

    def open(self) -> Fleet:
        """Return the fleet; a worker unpacks it once."""
        return _opened(self)

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=2)
def _opened(packed: Packed) -> Fleet:
    fleet: Fleet = pickle.loads(packed.data)
    return fleet


@dataclass(frozen=True)
class MixTask:
    """A mix to plan."""

    fleet: Packed
    variation: Variation
    options: Options


def plan_mix(task: MixTask, *, cores: int, report: Callable[[Any], None], stop: Callable[[], bool]) -> MixPlan:
    """Plan one mix and measure the plan; where there is none, say why. Reports ``began`` and ``done``."""
    del cores
    report("began")
    fleet = task.variation.of(task.fleet.open())
    try:
        plan = place(fleet, task.options, stop=stop)
    except InfeasibleError as error:
        report("done")
        return without_plan(task.variation, error.reasons)
    made = measured(task.variation, fleet, plan)
    report("done")
    return made


def side_by_side(
    function: Function,
    payloads: Sequence[Any],
    names: Sequence[str],
    num_instances: int,
    options: Options,
    report: Callable[[int, Any], None],
    stop: Callable[[], bool],
) -> list[Any]:
    """Run a function on each payload through the executor and return the results in order.

    Parameters
    ----------
    num_instances
        Instances of one payload's fleet: small work is done in this process, unless workers were asked for.
    options
        `workers` and `executor` say where; a task itself runs in one process.
    """
    small = options.workers is None and num_instances * len(payloads) <= _SMALL
    tasks = [Task(name, function, _given(payload)) for name, payload in zip(names, payloads, strict=True)]
    workers = 1 if small else options.workers
    return run_tasks(tasks, executor=options.executor, workers=workers, report=report, stop=stop)


def _given(payload: _Result) -> Callable[[int], _Result]:
    return lambda _slots: payload
