# SPDX-License-Identifier: Apache-2.0
"""A maker of items whose files lie elsewhere: fetched, made here, and put in their places.

See `docs/design/elsewhere.md`.
"""

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ImageFileError
from ..files import check_file
from ..process.items import Failure, attempt
from ..process.progress import Progress
from ..process.stop import Stop
from .claim import claimed
from .elsewhere import Elsewhere
from .folders import make_folder
from .gathering import Notes
from .maker import Made, Maker, name_of
from .manifest import Manifest
from .moving import get, put
from .outcome import Outcome
from .plan import Job

KEPT = 2**30
"""Bytes of references that a worker keeps on its disk for the next items."""


@dataclass
class Staged(Maker):
    """A `Maker` for jobs whose paths stand for files elsewhere, all or some of them."""

    elsewhere: Elsewhere = field(kw_only=True)
    _stage: "_Stage | None" = field(default=None, init=False)
    """Of a process that makes items."""

    def check(self, job: Job, make_folders: Callable[[Job], None]) -> Job | Outcome:
        """As of `Maker`; of what lies elsewhere only the names are looked at, nothing is read."""
        if not self.elsewhere.has_of(job):
            return super().check(job, make_folders)

        def look() -> Job:
            make_folders(job)
            for output in job.outputs if self.settings.on_exists != "skip" else ():
                check_file(output, on_exists=self.settings.replace)
            return job

        found = attempt(name_of(job), look)
        return self._failed(job, found.message) if isinstance(found, Failure) else found

    def __call__(
        self,
        job: Job,
        progress: Progress,
        stop: Stop,
        begin: Callable[[], None] = lambda: None,
    ) -> Made:
        """As of `Maker`."""
        if not self.elsewhere.has_of(job):
            return super().__call__(job, progress, stop, begin)
        if self._stage is None:
            self._stage = _Stage(self.elsewhere, self.manifest)
            self.manifest = self._stage.manifest
        with claimed(Path("/", self.elsewhere.name_of(job.target))) as free:
            made = self._staged(self._stage, job, progress, stop, begin) if free else None
        outcome = self._taken(job) if made is None else made.outcome
        told = tuple(map(self._in_urls, outcome.warnings))
        return Made(replace(outcome, job=job, warnings=told), made is not None and made.disk_full)

    def close(self) -> None:
        """As of `Maker`."""
        super().close()
        if self._stage is not None:
            self._stage.close()

    def _staged(
        self,
        stage: "_Stage",
        job: Job,
        progress: Progress,
        stop: Stop,
        begin: Callable[[], None],
    ) -> Made:
        here = stage.job(job)

        def failed(said: Failure) -> Made:
            return Made(self._failed(here, said.message), said.disk_full)

        try:
            fetched = attempt(name_of(here), lambda: stage.fetch(job))
            if isinstance(fetched, Failure):
                made = failed(fetched)
            else:
                made = self._made(here, progress, stop, begin)
            with stop.writing:
                put = attempt(name_of(here), lambda: stage.put(job))
            return failed(put) if isinstance(put, Failure) else made
        finally:
            stage.clear(job)

    def _made(self, job: Job, progress: Progress, stop: Stop, begin: Callable[[], None]) -> Made:
        """Check and make an item, all of whose files are here."""

        def make_folders(job: Job) -> None:
            for output in job.outputs:
                make_folder(output.parent)

        checked = super().check(job, make_folders)
        if isinstance(checked, Outcome):
            return Made(checked)
        return super().__call__(checked, progress, stop, begin)

    # What is said of an item names files where they are.

    def _told(self, outcome: Outcome) -> dict[str, object]:
        facts: dict[str, object] = json.loads(self._in_urls(json.dumps(super()._told(outcome))))
        return facts

    def _failed(self, job: Job, message: str, notes: list[str] | None = None) -> Outcome:
        return super()._failed(job, self._in_urls(message), notes)

    def _in_urls(self, text: str) -> str:
        return self.elsewhere.told(text, None if self._stage is None else self._stage.folder)


class _Stage:
    """The folder of a process, with the files of the item that is made.

    Paths in it are as in the folder of the command.
    """

    def __init__(self, elsewhere: Elsewhere, manifest: Manifest | None) -> None:
        self._elsewhere = elsewhere
        above = elsewhere.folder if elsewhere.folder.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="stage-", dir=above))
        self.close = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        """Remove it; also done when the process ends."""
        self._kept: dict[Path, int] = {}
        """References that are here, the latest last, and their bytes."""
        self._before: dict[Path, tuple[int, int]] = {}
        """Results that were there, and how they are here."""
        self._notes: Notes | None = None
        self.manifest = manifest
        if manifest is not None and elsewhere.place_of(manifest.folder) is not None:
            self._notes = Notes(elsewhere, manifest, self._at(manifest.folder))
            self.manifest = self._notes.manifest

    def _at(self, path: Path) -> Path:
        """The path here of one of the command's."""
        if self._elsewhere.place_of(path) is None:
            return path
        return self.folder / path.relative_to(self._elsewhere.folder)

    def job(self, job: Job) -> Job:
        """A job whose files are here."""
        return replace(
            job,
            source=self._at(job.source),
            target=self._at(job.target),
            score_map=None if job.score_map is None else self._at(job.score_map),
            report=None if job.report is None else self._at(job.report),
            references=tuple(map(self._at, job.references)),
        )

    def fetch(self, job: Job) -> None:
        """Get what an item needs: what is there already, what is noted of it, and its pictures.

        Raises:
            ImageFileError: something is not there, or cannot be read.
        """
        if self._notes is not None:
            self._notes.get(job)
        for path in job.outputs:
            if self._at(path) != path and get(self._elsewhere, path, self._at(path)):
                self._before[path] = _state(self._at(path))
        self._need(job.source)
        for path in job.references:
            if path not in self._kept:
                self._need(path)
            if self._at(path) != path:
                self._kept.pop(path, None)
                self._kept[path] = self._at(path).stat().st_size

    def _need(self, path: Path) -> None:
        if self._at(path) != path and not get(self._elsewhere, path, self._at(path)):
            name = self._elsewhere.name_of(path)
            raise ImageFileError(f"image {name!r}: is not there any more")

    def put(self, job: Job) -> None:
        """Put what is new in its place: the result last, behind its note, as on a disk.

        Raises:
            OutputError: it cannot be written.
        """
        others = [x for x in job.outputs if x != job.target]
        for path in others:
            self._put(path)
        if self._notes is not None:
            self._notes.put(job)
        self._put(job.target)

    def _put(self, path: Path) -> None:
        here, before = self._at(path), self._before.get(path)
        if here != path and here.is_file() and _state(here) != before:
            put(self._elsewhere, here, path, "output", replace=before is not None)

    def clear(self, job: Job) -> None:
        """Remove what the next item does not need."""
        self._before.clear()
        for path in (job.source, *job.outputs):
            if self._at(path) != path:
                self._at(path).unlink(missing_ok=True)
        while sum(self._kept.values()) > KEPT:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._at(oldest).unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int]:
    """What is another for another file of the same name."""
    state = path.stat()
    return state.st_ino, state.st_mtime_ns
