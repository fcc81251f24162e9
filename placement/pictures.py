"""Pictures for documents, PNG and SVG: one look, and the same bytes for the same figures.

Needs matplotlib, an optional extra.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from placement.errors import InputError, Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by everybody
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "font.size": 10,
    # names are text, not mathematics between dollar signs
    "text.parse_math": False,
    "svg.hashsalt": "placement",
    "svg.fonttype": "path",
}
_DPI = 150


def check_installed() -> None:
    """Raise an InputError unless pictures can be drawn here."""
    if importlib.util.find_spec("matplotlib") is None:
        message = "matplotlib is not installed here; install it with: pip install 'placement[plots]'"
        raise InputError(Problem("command line", message, column="--plots"))


def style() -> AbstractContextManager[None]:
    """Return the look of all pictures, for a ``with`` block."""
    import matplotlib as mpl

    mpl.use("Agg")
    return mpl.rc_context(_STYLE)  # type: ignore[arg-type]


def save_pictures(makers: Mapping[str, Callable[[], Figure | None]], folder: Path) -> list[Path]:
    """Draw pictures and write each as PNG and SVG; a maker that returns None has nothing to show.

    Parameters
    ----------
    makers
        By the file's name without its ending.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If matplotlib is not installed, or the folder cannot be written to.
    """
    check_installed()
    written = []
    with style():
        import matplotlib.pyplot as plt

        for name, make in makers.items():
            figure = make()
            if figure is None:
                continue
            try:
                folder.mkdir(parents=True, exist_ok=True)
                figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
                figure.savefig(folder / f"{name}.png", dpi=_DPI, metadata={"Software": None})
            except OSError as error:
                message = f"cannot be written: {error.strerror}"
                raise InputError(Problem(str(folder), message, column="--plots")) from None
            finally:
                plt.close(figure)
            written += [folder / f"{name}.svg", folder / f"{name}.png"]
    return written
