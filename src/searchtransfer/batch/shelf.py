# SPDX-License-Identifier: Apache-2.0
"""References of each image, read and prepared when first asked for; the latest are kept."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..images import MAX_PIXELS, Image
from ..process.budget import BYTES_A_PIXEL, MEMORY
from ..references import Reference
from .plan import Job
from .references import References, read_references

Photos = tuple[Path, ...]


class Shelf:
    """A provider of references that jobs name by their paths; for any number of threads.

    What is kept takes about `memory` bytes at most, or is one set. A pickle of it is empty.

    Args:
        prepare: as of an `Upscaler`.
        scale: of the model.
        needed: whether there must be references.
        keep_going: leave out photos that cannot be used, with a warning.
        max_pixels: as in `images.read_image`.
        memory: bytes that the kept photos may take, with all that is computed from them.
    """

    def __init__(
        self,
        prepare: Callable[[list[Image]], Reference],
        scale: int,
        needed: bool = False,
        keep_going: bool = False,
        max_pixels: int = MAX_PIXELS,
        memory: int = MEMORY,
    ) -> None:
        self._made_from = prepare, scale, needed, keep_going, max_pixels, memory
        self._sets: dict[Photos, References] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["Shelf"], tuple[object, ...]]:
        return Shelf, self._made_from

    @property
    def scale(self) -> int:
        """Of the model."""
        return self._made_from[1]

    def read(self, paths: Sequence[Path]) -> Photos:
        """Read references, files and folders, and keep them; returns those that can be used.

        Raises:
            OptionError, ImageFileError: as `of`.
        """
        found = self._read(paths)
        photos = tuple(found.photos)
        with self._lock:
            self._sets[photos] = found
        return photos

    def chosen(self, job: Job) -> Job:
        """The job: its references are those that it names."""
        return job

    def of(self, job: Job) -> References:
        """The references of a job.

        Raises:
            OptionError: it names none, and one is needed.
            ImageFileError: one cannot be used, or with `keep_going` none can.

        Warns:
            ImageWarning: a photo was left out, or not all of its file was understood.
        """
        *_, memory = self._made_from
        with self._lock:
            found = self._sets.pop(job.references, None) or self._read(job.references)
            self._sets[job.references] = found  # the latest comes last
            while len(self._sets) > 1 and sum(map(_bytes_of, self._sets.values())) > memory:
                del self._sets[next(iter(self._sets))]
            return found

    def _read(self, paths: Sequence[Path]) -> References:
        prepare, scale, needed, keep_going, max_pixels, _ = self._made_from
        photos = read_references(
            paths, scale=scale, keep_going=keep_going, needed=needed, max_pixels=max_pixels
        )
        return References(photos, prepare)


def same_for_all(jobs: Sequence[Job], paths: Sequence[Path], shelf: Shelf) -> list[Job]:
    """Jobs that all have the same references, which are read now.

    Args:
        jobs: from `plan_batch`.
        paths: files and folders.
        shelf: gets the photos.

    Raises:
        OptionError, ImageFileError: as `Shelf.of`.
    """
    photos = shelf.read(paths)
    return [replace(job, references=photos) for job in jobs]


def _bytes_of(references: References) -> int:
    """About what a set takes when it is prepared."""
    return sum(BYTES_A_PIXEL * x.size[0] * x.size[1] for x in references.photos.values())
