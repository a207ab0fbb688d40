# SPDX-License-Identifier: Apache-2.0
"""The finished segments of a film, in a hidden folder beside it, until they are joined."""

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..files import clear_leftovers, write_file
from ..foreign import shown
from ..process.stop import Stop
from .pyav import pyav

JOB = "job.json"

LONGEST = 255
"""Bytes of a name."""


@dataclass(frozen=True)
class Part:
    """A finished segment."""

    path: Path
    start: int
    """Time stamp of its first frame."""
    count: int
    """Of its frames."""
    notes: dict[str, Any]


class Parts:
    """The parts of one film.

    Args:
        target: the film that they will be.
        made_from: all that decides what they are; parts made from something else are removed.
    """

    def __init__(self, target: Path, made_from: dict[str, Any]) -> None:
        self.folder = target.with_name(_hidden(target.name))
        self._made_from = json.dumps(made_from, sort_keys=True)
        self.found: list[Part] = []

    def open(self) -> list[Part]:
        """Make the folder, or find the parts that a run which was stopped has left.

        Raises:
            OutputError: the folder cannot be written to.
        """
        job = self.folder / JOB
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if job.read_text() != self._made_from:
                shutil.rmtree(self.folder, ignore_errors=True)
        if not job.is_file():
            shutil.rmtree(self.folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # the next line says what is wrong
                self.folder.mkdir()
            write_file(job, self._made_from.encode(), what="part of film")
        clear_leftovers(self.folder)
        self.found = []
        while (part := _read(self._path(len(self.found)))) is not None:
            self.found.append(part)
        return self.found

    def add(self, content: bytes, stop: Stop) -> None:
        """Keep the next segment.

        Raises:
            OutputError: it cannot be written, or not be read again.
            Stopped: it was asked for.
        """
        path = self._path(len(self.found))
        with stop.writing:
            stop.check()
            write_file(path, content, on_exists="overwrite", what="part of film")
        part = _read(path)
        if part is None:
            raise OutputError(
                f"part of film {shown(path)}: it was written and cannot be read back; see whether "
                "the disk is sound and nothing else writes there, and run again to go on"
            )
        self.found.append(part)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.mp4"


def _hidden(name: str) -> str:
    """The name of the folder for a file; where that would be too long, a digest."""
    hidden = f".{name}.searchtransfer"
    if len(os.fsencode(hidden)) <= LONGEST:
        return hidden
    return f".{hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()}.searchtransfer"


def _read(path: Path) -> Part | None:
    """A part that is there and whole; None otherwise."""
    av = pyav()
    if not path.is_file():
        return None
    try:
        with av.open(str(path.absolute())) as file:
            notes = json.loads(file.metadata["comment"])
            count = sum(1 for x in file.demux(video=0) if x.size)
            return Part(path, int(notes["start"]), count, notes) if count else None
    except (av.error.FFmpegError, OSError, ValueError, KeyError, TypeError):
        return None
