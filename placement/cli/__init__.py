"""The command line: parse, call, print. Nothing is computed here.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done and clean; 1 the plan breaks a rule or none
exists; 2 wrong usage or bad input; 3 a fault of ours.
"""

from __future__ import annotations


def main() -> None:
    """Run the ``placement`` command."""
    from placement.cli.app import run

    run()
