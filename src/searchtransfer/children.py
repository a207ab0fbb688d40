# SPDX-License-Identifier: Apache-2.0
"""Processes that work for another one: stopped by it alone, and never left behind."""

import multiprocessing
import os
import signal
import threading

from .signals import SIGNALS


def serve_only_the_parent() -> None:
    """In a process that `multiprocessing` started: its parent alone says when to end.

    Signals to the whole group (Ctrl-C, a service manager's SIGTERM) are left to the parent, which
    finishes its work first; and if the parent is gone, however it ended, so is this process.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_follow_the_parent, daemon=True).start()


def _follow_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
