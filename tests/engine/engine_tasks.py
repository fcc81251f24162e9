"""Tasks for the executor's tests: functions of a module, so that worker processes can import them."""

from __future__ import annotations

import os
import signal
import time


def double(payload, *, cores, report, stop):
    report(f"doubling {payload}")
    return 2 * payload


def where(payload, *, cores, report, stop):
    return os.getpid(), cores


def until_stopped(payload, *, cores, report, stop):
    report("waiting")
    for _ in range(600):
        if stop():
            return "stopped"
        time.sleep(0.1)
    return "gave up"


def killed_where_odd(payload, *, cores, report, stop):
    if payload % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return until_stopped(payload, cores=cores, report=report, stop=stop)


def faulty(payload, *, cores, report, stop):
    raise ZeroDivisionError("by zero")
