"""Numbers on the command line, told apart from what is none with the message that the contract asks for."""

from __future__ import annotations

import re

from placement.errors import Problem

_LONGEST_VALUE = 60


def number_of(
    text: str,
    option: str,
    least: float,
    most: float,
    problems: list[Problem],
    *,
    whole: bool = False,
    above: bool = False,
) -> float:
    """Return the number that an option states; note a problem, and return the least, where it states none.

    Parameters
    ----------
    whole
        Whether it must be a whole number.
    above
        Whether `least` itself is too small.
    """
    kind = "a whole number" if whole else "a number"
    allowed = f"{kind} {'above' if above else 'from'} {least:,g} to {most:,g}"
    pattern = r"\d{1,12}" if whole else r"\d{1,12}(\.\d{1,9})?|\.\d{1,9}"
    shown = text[:_LONGEST_VALUE]
    if re.fullmatch(pattern, text, re.ASCII):
        number = float(text)
        if least <= number <= most and not (above and number == least):
            return number
        message = "too large" if number > most else "too small"
    else:
        is_negative = re.fullmatch(r"-\d{1,12}(\.\d{1,9})?", text, re.ASCII)
        message = "too small" if is_negative else f"not {kind}"
    problems.append(Problem("command line", message, column=option, value=shown, allowed=allowed))
    return least
