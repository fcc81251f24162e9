"""Numbers and units in the words of findings."""

from __future__ import annotations

from placement.units import MICROS, RESOURCES


def amount(value: int, resource_idx: int) -> str:
    """Return an internal quantity in the unit people use, e.g. ``22.4 cores``."""
    resource = RESOURCES[resource_idx]
    return f"{outer(value, resource_idx):,.12g} {resource.unit}"


def outer(value: int, resource_idx: int) -> float:
    """Return an internal quantity in the outer unit."""
    return value / RESOURCES[resource_idx].factor


def money(micros: int) -> str:
    """Return a price per hour."""
    return f"{micros / MICROS:,.12g} an hour"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
