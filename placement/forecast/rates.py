"""Growth as people state it: ``75``, ``50:75:100``, ``payments=20:30:40``; in percent a year."""

from __future__ import annotations

import re
from collections.abc import Sequence

from placement.capacity.growth import MAX_ANNUAL_PERCENT, Rate
from placement.errors import InputError, Problem, nearest_name

ALL = "*"
"""Stands for all services whose domain has no growth of its own."""

_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_ALLOWED = "RATE or LOW:TYPICAL:HIGH in percent a year, e.g. 50:75:100, or DOMAIN=50:75:100"
_LONGEST_VALUE = 60


def rates_of(texts: Sequence[str], domains: Sequence[str]) -> dict[str, Rate]:
    """Return growth that is not by the model's phases: by domain, and under `ALL` that of all other services.

    Parameters
    ----------
    texts
        Without a domain's name before ``=`` a rate is that of all services whose domain no other text names.
    domains
        The fleet's domains; "" where services have none.

    Raises
    ------
    InputError
        With everything that is wrong: no rates, negative ones, low above high, unknown domains, one named twice.
    """
    problems: list[Problem] = []
    named: dict[str, Rate] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        rate = _rate(text, value.strip(), problems)
        if equals and name not in domains:
            known = [domain for domain in domains if domain]
            problems.append(
                _problem("the fleet has no such domain", name, ", ".join(known) or "none", nearest_name(name, known))
            )
        key = name if equals else ALL
        if key in named:
            problems.append(_problem("stated twice", text, "each domain once"))
        if rate is not None:
            named[key] = rate
    if problems:
        raise InputError(problems)
    return named


def _rate(text: str, value: str, problems: list[Problem]) -> Rate | None:
    if not re.fullmatch(rf"{_NUMBER}(:{_NUMBER}:{_NUMBER})?", value, re.ASCII):
        problems.append(_problem("not a growth rate", text, _ALLOWED))
        return None
    numbers = [float(number) for number in value.split(":")]
    low, typical, high = numbers * 3 if len(numbers) == 1 else numbers
    if min(low, typical, high) < 0:
        problems.append(_problem("negative growth", text, f"0 to {MAX_ANNUAL_PERCENT:,} % a year"))
    elif max(low, typical, high) > MAX_ANNUAL_PERCENT:
        problems.append(_problem("too large", text, f"0 to {MAX_ANNUAL_PERCENT:,} % a year"))
    elif not low <= typical <= high:
        problems.append(_problem("contradictory range", text, "low <= typical <= high"))
    else:
        return Rate(low, typical, high)
    return None


def _problem(message: str, value: str, allowed: str, suggestion: str = "") -> Problem:
    value = value[:_LONGEST_VALUE]
    return Problem("command line", message, column="--growth", value=value, allowed=allowed, suggestion=suggestion)
