# SPDX-License-Identifier: Apache-2.0
"""Stopping a batch from outside, between files or in the middle of one, with nothing half done."""

import threading


class Stopped(Exception):
    """The batch was asked to stop; no error."""


class Stop:
    """Asks a running batch to stop.

    Files are written while `writing` is held. Whoever holds it knows that no file is half written,
    and that none will be begun.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.writing = threading.Lock()

    def check(self) -> None:
        """Raise where the batch was asked to stop.

        Raises:
            Stopped: it was.
        """
        if self.requested.is_set():
            raise Stopped
