# SPDX-License-Identifier: Apache-2.0
"""Processes that work for another one: stopped by it alone, and never left behind."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .signals import SIGNALS


@contextmanager
def deaf_from_the_start() -> Iterator[None]:
    """Processes that are started here hear no signal before they call `ignore_signals`.

    A process that Python starts imports for seconds first; a Ctrl-C would end it there, with a
    traceback of its own. What comes to this thread meanwhile is heard afterwards. The process that
    `multiprocessing` has beside its locks must run, for to start it opens this thread's ears.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_signals() -> None:
    """Leave signals to the whole group (Ctrl-C, a service manager's SIGTERM) to the parent."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def serve_only_the_parent() -> None:
    """In a process that `multiprocessing` started: its parent alone says when to end.

    The parent finishes its work first; and if it is gone, however it ended, so is this process.
    """
    ignore_signals()
    threading.Thread(target=_follow_the_parent, daemon=True).start()


def _follow_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
