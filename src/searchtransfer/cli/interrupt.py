# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM are obeyed at once, also while compiled code runs, with nothing half written.

The work runs in a thread of its own; the main thread waits, and so hears signals.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from .console import fail

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
            write any more, and the process is to be left (see `console.leave`).
        Exception: whatever the work raises.
    """
    from ..batch import Stop

    stop = Stop()
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(stop))
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=run, name="work", daemon=True)
    try:
        with _terminable():
            thread.start()
            while thread.is_alive():
                thread.join(0.2)
    except KeyboardInterrupt:
        fail("interrupted; finished files are kept")
        stop.requested.set()
        stop.writing.acquire()  # a file being written is finished first; then none is begun
        thread.join(GRACE_SECONDS)
        raise
    if faults:
        raise faults[0]
    return results[0]


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM counts as Ctrl-C."""

    def interrupt(number: int, frame: "FrameType | None") -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
