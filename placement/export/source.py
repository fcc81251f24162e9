"""What every target draws on: the plan with its names checked, its digest, the model, the fleet if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from placement.capacity import CapacityModel, load_model
from placement.capacity.loader import bundled_models
from placement.errors import InputError, InternalError, Problem
from placement.export.names import check_names
from placement.fleet.types import Fleet
from placement.plan.digest import plan_digest
from placement.plan.types import Plan


@dataclass(frozen=True)
class Source:
    """A plan to export.

    Parameters
    ----------
    plan
        The plan; its names are such that they can stand in paths and addresses.
    digest
        The plan's digest.
    fleet
        The fleet it was made for, if it is known.
    """

    plan: Plan
    digest: str
    fleet: Fleet | None = None

    @cached_property
    def model(self) -> CapacityModel:
        """The capacity model that the plan was made with: the fleet's, or the bundled one that the plan names.

        Raises
        ------
        InputError
            If the fleet is not known and the plan's model is no bundled one, or one with changes.
        """
        if self.fleet is not None:
            return self.fleet.model
        settings = self.plan.summary.settings
        name = str(settings.get("model", ""))
        if name in bundled_models():
            model = load_model(name)
            if model.digest == settings.get("model_digest"):
                return model
        raise InputError(
            Problem(
                "plan.json",
                "the plan was made with a model of its own, or with changes of a bundled one: its fleet is needed",
                column="settings.model",
                value=name,
                allowed="--fleet FLEET",
            )
        )

    @property
    def known_fleet(self) -> Fleet:
        """The fleet, for the targets that need it."""
        if self.fleet is None:
            raise InternalError("this target needs the fleet, which was to be asked for")
        return self.fleet


def source_of(plan: Plan, fleet: Fleet | None = None) -> Source:
    """Return the source of exports of a plan.

    Raises
    ------
    InputError
        If a name cannot stand in paths and addresses.
    """
    check_names(plan)
    return Source(plan, plan_digest(plan), fleet)
