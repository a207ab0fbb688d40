# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM are obeyed at once, also while compiled code runs, with nothing half written.

The work runs in a thread of its own; the main thread waits, and so hears signals.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ..process.signals import SIGNALS, answered

if TYPE_CHECKING:
    from types import FrameType

    from ..batch import Stop

T = TypeVar("T")

GRACE_SECONDS = 0.5
"""How long work that was asked to stop may take to do so."""


def interruptible(work: Callable[["Stop"], T]) -> T:
    """Do `work(stop)`, and on a signal make sure that no file is half written.

    Raises:
        KeyboardInterrupt: there was a signal. The work may still go on in its thread; it cannot
            write any more, and the process is to be left (see `streams.leave`).
        Exception: whatever the work raises.
    """
    from ..batch import Stop

    stop = Stop()
    results: list[T] = []
    faults: list[BaseException] = []
    done = threading.Event()  # not `Thread.join`: Python 3.11 takes an interrupted one for ended

    def run() -> None:
        try:
            results.append(work(stop))
        except BaseException as error:
            faults.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name="work", daemon=True)
    try:
        with terminable():
            thread.start()
            while not done.wait(0.2):
                pass
    except KeyboardInterrupt:
        stop.requested.set()
        stop.writing.acquire()  # a file being written is finished first; then none is begun
        done.wait(GRACE_SECONDS)
        raise
    if faults:
        raise faults[0]
    return results[0]


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM and SIGHUP count as Ctrl-C."""

    def interrupt(number: int, frame: "FrameType | None") -> None:
        raise KeyboardInterrupt

    with answered(interrupt, SIGNALS[1:]):
        yield
