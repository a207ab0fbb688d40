# SPDX-License-Identifier: Apache-2.0
"""Running a plan: everything is checked, then one image after the other is made.

An item that fails does not stop the others, unless the disk is full.
"""

import errno
import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, runtime_checkable

from ..errors import OutputError, SearchTransferError
from ..files import clear_leftovers, shown
from ..images import ImageWarning
from ..upscaler import Upscaler, WeakReferenceWarning
from .checks import check_job
from .folders import trial_folders
from .item import upscale_file
from .outcome import Outcome
from .plan import Job
from .references import References
from .settings import Settings
from .stop import Stop, Stopped

log = logging.getLogger(__name__)


@runtime_checkable
class Watcher(Protocol):
    """Hears how a batch goes."""

    def started(self, job: Job) -> None:
        """Work on an image begins."""

    def progressed(self, stage: str, done: float) -> None:
        """Part of a stage of the current image is done, 0 to 1."""

    def finished(self, outcome: Outcome) -> None:
        """A job is done, skipped or failed."""


class _Silent:
    def started(self, job: Job) -> None: ...

    def progressed(self, stage: str, done: float) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


def run_batch(
    jobs: Sequence[Job],
    upscaler: Upscaler,
    references: References,
    settings: Settings,
    *,
    watcher: Watcher | None = None,
    stop: Stop | None = None,
) -> list[Outcome]:
    """Make every image of a plan.

    Before the first one is made, all inputs are read and all outputs checked; those that cannot be
    made are reported at once, and the others go on. Warnings of this package are part of the
    outcome, not issued.

    Args:
        jobs: from `plan_batch`.
        upscaler: the model, for all.
        references: the photos, for all.
        settings: see there.
        watcher: hears of everything as it happens.
        stop: a way to end it early.

    Returns:
        An outcome for each job, in the order in which they were decided.

    Raises:
        Stopped: it was asked for through `stop`. Finished files stay.
    """
    watcher, stop = watcher or _Silent(), stop or Stop()
    outcomes: list[Outcome] = []

    def decide(outcome: Outcome) -> None:
        outcomes.append(outcome)
        watcher.finished(outcome)

    ready = []
    with trial_folders() as make_folder:
        for job in jobs:
            stop.check()
            try:
                if settings.on_exists == "skip" and job.target.is_file():
                    decide(Outcome(job, "skipped"))
                    continue
                for output in job.outputs:
                    make_folder(output.parent)
                check_job(job, settings, upscaler.scale, references)
                ready.append(job)
            except Exception as error:
                decide(_failed(job, error))
    for folder in {output.parent for job in ready for output in job.outputs}:
        clear_leftovers(folder)
    full: OutputError | None = None
    for job in ready:
        stop.check()
        if full is not None:
            decide(Outcome(job, "failed", error="not begun, because the disk is full"))
            continue
        watcher.started(job)
        outcome, fault = _one(job, upscaler, references, settings, watcher, stop)
        decide(outcome)
        if isinstance(fault, OutputError) and _is_full(fault):
            full = fault
    return outcomes


def _one(
    job: Job,
    upscaler: Upscaler,
    references: References,
    settings: Settings,
    watcher: Watcher,
    stop: Stop,
) -> tuple[Outcome, Exception | None]:
    def progress(stage: str, done: float) -> None:
        stop.check()
        watcher.progressed(stage, done)

    start = time.perf_counter()
    with _recorded() as notes:
        try:
            outcome = upscale_file(job, upscaler, references, settings, progress, stop)
        except Stopped:
            raise
        except Exception as error:
            return replace(_failed(job, error), warnings=tuple(notes)), error
    seconds = time.perf_counter() - start
    return replace(outcome, seconds=seconds, warnings=tuple(notes)), None


def _failed(job: Job, error: Exception) -> Outcome:
    log.debug("%s failed", shown(job.source), exc_info=error)
    if isinstance(error, SearchTransferError):
        message = str(error)
    elif isinstance(error, MemoryError) or "not enough memory" in str(error):  # torch's allocator
        message = f"image {shown(job.source)}: not enough memory; use smaller tiles"
    else:
        message = (
            f"image {shown(job.source)}: unexpected fault, {type(error).__name__}: {error}; "
            "please report it"
        )
    return Outcome(job, "failed", error=message)


def _is_full(error: OutputError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _recorded() -> Iterator[list[str]]:
    """Collects the messages of this package's warnings; others are issued as they were."""
    ours = (ImageWarning, WeakReferenceWarning)
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield notes
        finally:
            notes += [str(w.message) for w in caught if issubclass(w.category, ours)]
    for other in caught:
        if not issubclass(other.category, ours):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
