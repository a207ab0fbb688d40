# SPDX-License-Identifier: Apache-2.0
"""Whoever wants to hear how a batch goes."""

from typing import Protocol, runtime_checkable

from ..process.items import harmless
from .outcome import Outcome
from .plan import Job


@runtime_checkable
class Watcher(Protocol):
    """Hears how a batch goes; an error in it is logged, and ends nothing."""

    def started(self, job: Job) -> None:
        """Work on an image begins; with several processes, others may be at work."""

    def progressed(self, stage: str, done: float) -> None:
        """Part of a stage of the current image is done, 0 to 1; not heard of other processes."""

    def finished(self, outcome: Outcome) -> None:
        """A job is done, skipped or failed."""


class Silent:
    """Hears nothing."""

    def started(self, job: Job) -> None:
        """Pass over it."""

    def progressed(self, stage: str, done: float) -> None:
        """Pass over it."""

    def finished(self, outcome: Outcome) -> None:
        """Pass over it."""


class Harmless:
    """A watcher whose errors are logged."""

    def __init__(self, watcher: Watcher) -> None:
        self.started = harmless(watcher.started)
        self.progressed = harmless(watcher.progressed)
        self.finished = harmless(watcher.finished)
