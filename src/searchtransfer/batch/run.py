# SPDX-License-Identifier: Apache-2.0
"""Running a plan: everything is checked, then an engine makes one image after the other.

An item that fails does not stop the others, unless the disk is full.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ..files import clear_leftovers
from ..process.stop import Stop
from ..upscaler import Upscaler
from .elsewhere import Elsewhere
from .folders import trial_folders
from .gathering import fetch_manifest, gathered
from .here import here
from .maker import Made, Maker, Provider, not_begun
from .manifest import Manifest
from .outcome import Outcome
from .plan import Job
from .settings import Settings
from .staged import Staged
from .watcher import Harmless, Silent, Watcher

Engine = Callable[[Maker, Iterator[Job], Watcher, Stop], Iterator[Made]]
"""Makes items somewhere, in any order; takes the next job when it has a worker for it."""


def run_batch(
    jobs: Sequence[Job],
    upscaler: Upscaler,
    references: Provider,
    settings: Settings,
    *,
    manifest: Manifest | None = None,
    engine: Engine = here,
    elsewhere: Elsewhere | None = None,
    watcher: Watcher | None = None,
    stop: Stop | None = None,
) -> list[Outcome]:
    """Make every image of a plan.

    Before the first one is made, all inputs are read and all outputs checked; those that cannot be
    made are reported at once, and the others go on. Warnings of this package about an image are
    part of its outcome, not issued.

    Args:
        jobs: from `plan_batch`.
        upscaler: the model, for all.
        references: the photos, for all, or those of each job.
        settings: see there.
        manifest: of the folder of results; None: nothing is noted.
        engine: who makes the images: this process, unless told otherwise.
        elsewhere: the places that paths of jobs stand for; None: all are files here.
        watcher: hears of everything as it happens.
        stop: a way to end it early.

    Returns:
        An outcome for each job, in the order in which they were decided.

    Raises:
        OutputError: the manifest is damaged, of another version, or cannot be read.
        Stopped: it was asked for through `stop`. Finished files stay.

    Warns:
        ImageWarning: the manifest was mended, or tells of other versions.
    """
    heard, stop = Harmless(watcher or Silent()), stop or Stop()
    elsewhere = elsewhere or Elsewhere(Path())
    kind = partial(Staged, elsewhere=elsewhere) if elsewhere.places else Maker
    maker = kind(upscaler, references, settings, manifest)
    outcomes: list[Outcome] = []

    def decide(outcome: Outcome) -> None:
        outcomes.append(outcome)
        heard.finished(outcome)

    try:
        fetch_manifest(elsewhere, manifest)
        if manifest is not None:
            manifest.check()
        ready = _ready(jobs, maker, decide, stop)
        for folder in {output.parent for job in ready for output in job.outputs}:
            clear_leftovers(folder)
        full = False

        def waiting() -> Iterator[Job]:
            """Jobs as long as there is room for what they make."""
            for job in ready:
                stop.check()
                if full:
                    decide(not_begun(job))
                else:
                    yield job

        with gathered(elsewhere, manifest):
            for made in engine(maker, waiting(), heard, stop):
                full = full or made.disk_full
                decide(made.outcome)
    finally:
        maker.close()
        if manifest is not None:
            manifest.close()
    return outcomes


def _ready(
    jobs: Sequence[Job], maker: Maker, decide: Callable[[Outcome], None], stop: Stop
) -> list[Job]:
    """The jobs that can be made, as far as it can be told; the others are decided."""
    ready = []
    with trial_folders() as make_folder:

        def make_folders(job: Job) -> None:
            for output in job.outputs:
                make_folder(output.parent)

        for job in jobs:
            stop.check()
            checked = maker.check(job, make_folders)
            if isinstance(checked, Job):
                ready.append(checked)
            else:
                decide(checked)
    return ready
