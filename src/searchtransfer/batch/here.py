# SPDX-License-Identifier: Apache-2.0
"""The engine that works in this process, one item after the other."""

from collections.abc import Iterator

from ..process.stop import Stop
from .maker import Made, Maker
from .plan import Job
from .watcher import Watcher


def here(maker: Maker, jobs: Iterator[Job], watcher: Watcher, stop: Stop) -> Iterator[Made]:
    """Make the items.

    Raises:
        Stopped: it was asked for.
    """

    def progress(stage: str, done: float) -> None:
        stop.check()
        watcher.progressed(stage, done)

    for job in jobs:
        yield maker(job, progress, stop, lambda job=job: watcher.started(job))  # type: ignore[misc]
