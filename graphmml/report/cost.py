"""What a piece of work costs: seconds on the clock, and memory as far as it can be seen from outside."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import TypeVar

Result = TypeVar("Result")

STATM = Path("/proc/self/statm")
PAUSE = 0.002
MEGABYTE = 1e6


@dataclass(frozen=True)
class Cost:
    """Seconds passed, and megabytes by which the process grew at most (NaN where the system does not tell).

    The process's own memory is read every two milliseconds, C++ libraries included. It is a lower bound: a peak
    between two readings is missed, and work that fits into memory which was freed before adds nothing.
    """

    seconds: float
    megabytes: float


def costed(work: Callable[[], Result]) -> tuple[Result, Cost]:
    """Do some work and return its result with its cost."""
    before, done = own_memory(), Event()
    peak = before

    def look() -> None:
        nonlocal peak
        while not done.wait(PAUSE):
            peak = max(peak, own_memory())

    watching = Thread(target=look, daemon=True)
    watching.start()
    start = perf_counter()
    try:
        result = work()
    finally:
        seconds = perf_counter() - start
        done.set()
        watching.join()
    return result, Cost(seconds, (max(peak, own_memory()) - before) / MEGABYTE)


def own_memory() -> float:
    """Return the bytes that are this process's own: resident, not shared with files; NaN where unknown."""
    try:
        _, resident, shared = STATM.read_text(encoding="ascii").split()[:3]
    except (OSError, ValueError):
        return float("nan")
    return float(int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
