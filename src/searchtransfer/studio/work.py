# SPDX-License-Identifier: Apache-2.0
"""A job in a thread of its own, one at a time, that can be cancelled and ends in time."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ..progress import Progress
from ..stop import Stop
from .course import Course

T = TypeVar("T")

_turn = threading.Lock()
"""Held by the job that runs; a cancelled one may need a moment to end."""


class OutOfTime(Exception):
    """A job took longer than is allowed; the message says so to visitors."""


class Work(Generic[T]):
    """Does `job(progress)` in a thread.

    Args:
        job: must call its progress now and then; that raises where it is to end.
        seconds: that it may take.
    """

    def __init__(self, job: Callable[[Progress], T], seconds: float) -> None:
        self.course = Course()
        self.done = threading.Event()
        self._stop = Stop()
        self._seconds = seconds
        self._job = job
        self._results: list[T] = []
        self._fault: Exception | None = None
        threading.Thread(target=self._run, name="job", daemon=True).start()

    def cancel(self) -> None:
        """Ask it to end."""
        self._stop.requested.set()

    def result(self) -> T:
        """What came of it, once it is done.

        Raises:
            Stopped: it was cancelled.
            OutOfTime: it took too long.
            Exception: whatever the job raises.
        """
        self.done.wait()
        if self._fault is not None:
            raise self._fault
        return self._results[0]

    def _run(self) -> None:
        try:
            while not _turn.acquire(timeout=0.1):
                self._stop.check()
            try:
                self._deadline = time.monotonic() + self._seconds
                self._results.append(self._job(self._progress))
                self._stop.check()
            finally:
                _turn.release()
        except Exception as error:
            self._fault = error
        finally:
            self.done.set()

    def _progress(self, stage: str, done: float) -> None:
        self._stop.check()
        if time.monotonic() > self._deadline:
            raise OutOfTime(
                f"Stopped, for a job may take {self._seconds:.0f} seconds here. Use a smaller "
                "image, fewer references, or the command line, which has no limit."
            )
        self.course.progressed(stage, done)
