# SPDX-License-Identifier: Apache-2.0
"""Seconds of a call, of several ways by turns, and of a program in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def seconds(
    run: Callable[[], T], clock: Callable[[], float] = time.perf_counter
) -> tuple[float, T]:
    """How long a call takes, and what comes of it."""
    start = clock()
    result = run()
    return clock() - start, result


def by_turns(
    ways: Mapping[str, Callable[[], Any]],
    repeat: int,
    clock: Callable[[], float] = time.perf_counter,
    enough: float = float("inf"),
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of each run of each way, and its last result.

    One after the other, so that a machine that slows down slows all. A way that has taken `enough`
    seconds is not run again.
    """
    times: dict[str, list[float]] = {way: [] for way in ways}
    results: dict[str, Any] = {}
    for _ in range(repeat):
        for way, run in ways.items():
            if sum(times[way]) < enough:
                took, results[way] = seconds(run, clock)
                times[way].append(took)
    return times, results


def own_process(module: str, *arguments: object) -> str:
    """What a benchmark prints when it runs alone in a process; its errors are shown.

    Args:
        module: its `__spec__.name`, as in `benchmarks.search.compare`.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
