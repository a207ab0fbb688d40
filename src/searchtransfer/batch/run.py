# SPDX-License-Identifier: Apache-2.0
"""Running a plan: everything is checked, then one image after the other is made.

An item that fails does not stop the others, unless the disk is full.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

from ..files import clear_leftovers
from ..foreign import shown
from ..items import Failure, attempt, harmless
from ..stop import Stop
from ..upscaler import Upscaler
from .checks import check_job
from .claim import claimed
from .folders import trial_folders
from .item import upscale_file
from .notes import recorded
from .outcome import Outcome
from .plan import Job
from .references import References
from .settings import Settings


@runtime_checkable
class Watcher(Protocol):
    """Hears how a batch goes; an error in it is logged, and ends nothing."""

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


class _Harmless:
    def __init__(self, watcher: Watcher) -> None:
        self.started = harmless(watcher.started)
        self.progressed = harmless(watcher.progressed)
        self.finished = harmless(watcher.finished)


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
    watcher, stop = _Harmless(watcher or _Silent()), stop or Stop()
    outcomes: list[Outcome] = []

    def decide(outcome: Outcome) -> None:
        outcomes.append(outcome)
        watcher.finished(outcome)

    ready = []
    with trial_folders() as make_folder:

        def check(job: Job) -> None:
            for output in job.outputs:
                make_folder(output.parent)
            check_job(job, settings, upscaler, references)

        for job in jobs:
            stop.check()
            if settings.keeps(job.target):
                decide(Outcome(job, "skipped"))
                continue
            checked = attempt(_name(job), partial(check, job))
            if isinstance(checked, Failure):
                decide(Outcome(job, "failed", error=checked.message))
            else:
                ready.append(job)
    for folder in {output.parent for job in ready for output in job.outputs}:
        clear_leftovers(folder)
    full = False
    for job in ready:
        stop.check()
        if full:
            message = f"{_name(job)}: not begun, because the disk is full; free some space"
            decide(Outcome(job, "failed", error=message))
            continue
        with claimed(job.target) as free:
            outcome, full = (
                _one(job, upscaler, references, settings, watcher, stop)
                if free
                else (_taken(job, settings), False)
            )
        decide(outcome)
    return outcomes


def _taken(job: Job, settings: Settings) -> Outcome:
    """What becomes of an image that another run is making at this moment."""
    message = f"output {shown(job.target)}: another run is making it just now"
    if settings.on_exists == "skip":
        return Outcome(job, "skipped", warnings=(message,))
    return Outcome(job, "failed", error=f"{message}; let it finish, or choose another output")


def _name(job: Job) -> str:
    return f"image {shown(job.source)}"


def _one(
    job: Job,
    upscaler: Upscaler,
    references: References,
    settings: Settings,
    watcher: _Harmless,
    stop: Stop,
) -> tuple[Outcome, bool]:
    """What became of an image, and whether the disk was full."""
    if settings.keeps(job.target):  # made by another run, since the check
        return Outcome(job, "skipped"), False

    def progress(stage: str, done: float) -> None:
        stop.check()
        watcher.progressed(stage, done)

    watcher.started(job)
    start = time.perf_counter()
    with recorded() as notes:
        made = attempt(
            _name(job),
            lambda: upscale_file(job, upscaler, references, settings, progress, stop),
        )
    if isinstance(made, Failure):
        failed = Outcome(job, "failed", error=made.message, warnings=tuple(notes))
        return failed, made.disk_full
    seconds = time.perf_counter() - start
    return replace(made, seconds=seconds, warnings=tuple(notes)), False
