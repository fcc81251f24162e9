"""The capacity model: the numbers that a plan rests on, with their units, sources and owners."""

from placement.capacity.figures import End, Figure, Provenance, Status
from placement.capacity.host_tables import HostSizeRow, PriceList
from placement.capacity.listing import SHOW_COLUMNS, Entry
from placement.capacity.loader import (
    bundled_models,
    check_model,
    load_model,
    model_schema,
    read_overlay,
    show_rows,
)
from placement.capacity.model import CapacityModel
from placement.capacity.planning_tables import AlertThreshold
from placement.capacity.service_tables import Profile
from placement.capacity.sizes import HostSize

__all__ = [
    "SHOW_COLUMNS",
    "AlertThreshold",
    "CapacityModel",
    "End",
    "Entry",
    "Figure",
    "HostSize",
    "HostSizeRow",
    "PriceList",
    "Profile",
    "Provenance",
    "Status",
    "bundled_models",
    "check_model",
    "load_model",
    "model_schema",
    "read_overlay",
    "show_rows",
]
