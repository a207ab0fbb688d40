# SPDX-License-Identifier: Apache-2.0
"""How the system schedules the threads of this process, kept as it is.

SVT-AV1, run by root, makes its threads and the one that calls it real-time threads of the highest
priority. Those that begin later inherit it; two of them that wait for each other then take the
whole machine.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scheduling_kept() -> Iterator[None]:
    """Whatever is called makes no thread of this process another than the caller was."""
    if sys.platform != "linux":  # elsewhere nobody asks for it
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for task in Path("/proc/self/task").iterdir():
            thread = int(task.name)
            with suppress(OSError):  # it has ended, or it is not ours to change
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameter)
