# SPDX-License-Identifier: Apache-2.0
"""One item of a batch from beginning to end: the same here, in other processes and elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

from ..foreign import shown
from ..process.items import Failure, attempt
from ..process.progress import Progress
from ..process.stop import Stop
from ..upscaler import Upscaler
from .checks import check_job
from .claim import claimed, folders_stay
from .folders import make_folder
from .identity import hash_of, settings_of, versions
from .item import Finished, upscale_file
from .manifest import Manifest, Origin
from .notes import recorded
from .outcome import Outcome
from .plan import Job
from .references import References
from .settings import Settings
from .standing import Standing, standing


@runtime_checkable
class Provider(Protocol):
    """Knows the references of each job."""

    def chosen(self, job: Job) -> Job:
        """The job with the paths of its references."""
        ...

    def of(self, job: Job) -> References:
        """The references of such a job, read and ready to be used."""
        ...


class Made(NamedTuple):
    """What became of an item, and whether the disk was full."""

    outcome: Outcome
    disk_full: bool = False


@dataclass
class Maker:
    """Makes items, and notes each in the manifest.

    A pickle of it takes along no photos and nothing that can be computed again.
    """

    upscaler: Upscaler
    references: Provider
    settings: Settings
    manifest: Manifest | None = None
    facts: dict[str, object] = field(init=False)
    """The settings as the manifest has them."""

    def __post_init__(self) -> None:
        self.facts = {} if self.manifest is None else settings_of(self.upscaler, self.settings)

    def check(self, job: Job, make_folders: Callable[[Job], None]) -> Job | Outcome:
        """A job with its references; or what became of it, where that can be told at once.

        Args:
            job: as planned.
            make_folders: makes those that its outputs go to, to see whether it can be done.
        """

        def look() -> Job | Outcome:
            chosen, stands = self._found(job)
            if stands.outcome is not None:
                return stands.outcome
            with folders_stay():
                make_folders(job)
                check_job(chosen, self._settings(stands), self.upscaler)
            return chosen

        with recorded():  # the work itself warns again
            found = attempt(name_of(job), look)
            if isinstance(found, Failure) and self.settings.keeps(job.target):
                found = attempt(name_of(job), look)  # another run has made it meanwhile
        if isinstance(found, Failure):
            return self._failed(job, found.message)
        return found

    def __call__(
        self,
        job: Job,
        progress: Progress,
        stop: Stop,
        begin: Callable[[], None] = lambda: None,
    ) -> Made:
        """Make an item, unless another process is at it or it is done already.

        Args:
            job: as planned.
            progress: hears how far it is; an exception in it ends the work.
            stop: a way to end it early.
            begin: called when the work begins.

        Raises:
            Stopped: it was asked for.
        """
        with claimed(job.target) as free:
            if not free:
                return Made(self._taken(job))
            with recorded() as notes:
                found = attempt(name_of(job), lambda: self._found(job))
            if isinstance(found, Failure):
                return Made(self._failed(job, found.message, notes), found.disk_full)
            chosen, stands = found
            if stands.outcome is not None:
                return Made(stands.outcome)
            begin()
            notes += filter(None, [stands.again])
            return self._make(chosen, stands, notes, progress, stop)

    def close(self) -> None:
        """Close what is open; its lines are on the disk then."""
        if self.manifest is not None:
            self.manifest.close()

    def _make(
        self, job: Job, stands: Standing, notes: list[str], progress: Progress, stop: Stop
    ) -> Made:
        start = time.perf_counter()
        settings = self._settings(stands)

        def work() -> Finished:
            return upscale_file(job, self.upscaler, self.references.of(job), settings, progress)

        def store(made: Finished) -> Outcome:
            seconds = time.perf_counter() - start
            outcome = replace(made.outcome, seconds=seconds, warnings=tuple(notes))
            with stop.writing, folders_stay():
                stop.check()
                for output in job.outputs:
                    make_folder(output.parent)
                made.write_others(settings)
                self._note(outcome, hash_of(made.content))
                made.write(settings)
            return outcome

        with recorded() as more:
            made = attempt(name_of(job), work)
        notes += more
        done = made if isinstance(made, Failure) else attempt(name_of(job), partial(store, made))
        if isinstance(done, Failure):
            return Made(self._failed(job, done.message, notes), done.disk_full)
        return Made(done)

    def _settings(self, stands: Standing) -> Settings:
        """Those of an item: what is made again is replaced."""
        return replace(self.settings, on_exists="overwrite") if stands.again else self.settings

    def _found(self, job: Job) -> tuple[Job, Standing]:
        """A job with its references, and how it stands."""
        chosen = self.references.chosen(job)
        origin = partial(self._origin, chosen)
        return chosen, standing(chosen, self.settings, self.manifest, origin)

    def _origin(self, job: Job) -> Origin:
        return Origin.of(job.source, job.references, self.facts)

    def _note(self, outcome: Outcome, digest: str) -> None:
        if self.manifest is None:
            return
        self.manifest.add(outcome.job.target, {"output_hash": digest} | self._told(outcome))

    def _told(self, outcome: Outcome) -> dict[str, object]:
        """What a line of the manifest says of an outcome."""
        facts = outcome.as_dict()
        del facts["output"]
        origin = attempt(name_of(outcome.job), lambda: self._origin(outcome.job).as_dict())
        if isinstance(origin, Failure):  # of an input that cannot be read
            origin = {"settings": self.facts}
        return facts | origin | {"versions": versions()}

    def _failed(self, job: Job, message: str, notes: list[str] | None = None) -> Outcome:
        """A failure, noted unless the manifest tells of the same, or of a result that is there."""
        outcome = Outcome(job, "failed", error=message, warnings=tuple(notes or ()))

        def note() -> None:
            if self.manifest is None or job.target.exists():
                return
            before = self.manifest.failed(job.target)
            if before is None or before.get("error") != message:
                self.manifest.add(job.target, self._told(outcome))

        attempt(name_of(job), note)  # a manifest that cannot be written fails whatever is made
        return outcome

    def _taken(self, job: Job) -> Outcome:
        """What becomes of an image that another run is making at this moment."""
        message = f"output {shown(job.target)}: another run is making it just now"
        if self.settings.on_exists == "skip":
            return Outcome(job, "skipped", warnings=(message,))
        return Outcome(job, "failed", error=f"{message}; let it finish, or choose another output")


def name_of(job: Job) -> str:
    """What a job is called in errors."""
    return f"image {shown(job.source)}"


def not_begun(job: Job) -> Outcome:
    """What becomes of a job for which there is no room."""
    message = f"{name_of(job)}: not begun, because the disk is full; free some space"
    return Outcome(job, "failed", error=message)
