# SPDX-License-Identifier: Apache-2.0
"""Files that lie elsewhere: the places of a command, and the paths that stand for them here.

`docs/design/elsewhere.md` says how it is used.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..errors import ImageFileError, OptionError, OutputError
from ..files.urls import is_elsewhere, path_in
from .listing import list_files, try_writing
from .place import Place, reached
from .plan import Job


@dataclass
class Elsewhere:
    """The places of a command; each has a path below a folder.

    Args:
        folder: temporary, and empty.
    """

    folder: Path
    places: list[Place] = field(default_factory=list)
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """In the names of our unfinished files."""
    _systems: list[Any] = field(default_factory=list)

    def __reduce__(self) -> tuple[type["Elsewhere"], tuple[Path, list[Place], str]]:
        return Elsewhere, (self.folder, self.places, self.token)

    # Before the work: what is there.

    def inputs(self, words: Sequence[str], what: str) -> list[Path]:
        """Paths for words that are paths or URLs; for a URL, with an empty file for each file.

        Raises:
            OptionError, MissingExtraError: a URL is of no kind that is known.
            ImageFileError: nothing is there, or it cannot be listed.

        Warns:
            ImageWarning: a name cannot be that of a file, and is left out.
        """
        return [self._input(x, what) if is_elsewhere(x) else Path(path_in(x)) for x in words]

    def output(self, word: str, what: str = "output") -> str:
        """A path for results, as text; for a URL, with an empty file for each that is there.

        Raises:
            OptionError, MissingExtraError: a URL is of no kind that is known.
            OutputError: nothing can be written there.
        """
        if not is_elsewhere(word):
            return path_in(word)
        name = f"{what} {word!r}"
        place = self._new(word, name)
        with reached(name, "listed", OutputError):
            list_files(place)
        with reached(name, "written", OutputError):
            try_writing(place)
        return str(place.here) + ("/" if word.partition("::")[0].endswith("/") else "")

    def _input(self, url: str, what: str) -> Path:
        name = f"{what} {url!r}"
        place = self._new(url, name)
        with reached(name, "listed", ImageFileError):
            if not list_files(place):
                raise FileNotFoundError
        return place.here

    def _new(self, url: str, name: str) -> Place:
        with reached(name, "used", OptionError):
            system, root = Place(url, self.folder).opened()
        if system not in self._systems:
            self._systems.append(system)
        parts = [x for x in root.partition("?")[0].split("/") if x not in ("", ".")]
        if ".." in parts:
            raise OptionError(f"{name}: has '..' in it; name the place directly")
        parts = parts or [PurePosixPath(urlsplit(url).path).name or "all"]
        place = Place(url, Path(self.folder, str(self._systems.index(system)), *parts))
        self.places.append(place)
        return place

    # During the work: which path is which place.

    def place_of(self, path: Path) -> Place | None:
        """Where the file lies that a path stands for; None where it is the path."""
        return next((x for x in self.places if path.is_relative_to(x.here)), None)

    def at(self, path: Path) -> Place:
        """Where the file lies.

        Raises:
            FileNotFoundError: the path stands for none elsewhere.
        """
        place = self.place_of(path)
        if place is None:
            raise FileNotFoundError(path)
        return place

    def has_of(self, job: Job) -> bool:
        """Whether any file of a job lies elsewhere."""
        return any(self.place_of(x) is not None for x in _files_of(job))

    def is_all_of(self, job: Job) -> bool:
        """Whether all files of a job lie elsewhere."""
        return all(self.place_of(x) is not None for x in _files_of(job))

    def name_of(self, path: Path) -> str:
        """Of a file, wherever it lies."""
        place = self.place_of(path)
        return str(path) if place is None else place.url_of(path)

    def told(self, text: str, folder: Path | None = None) -> str:
        """A text in which URLs stand in the place of paths below a folder that is as ours."""
        folder = folder or self.folder

        def named(match: re.Match[str]) -> str:
            return self.name_of(Path(f"{self.folder}{match[1]}"))

        return re.sub(rf"{re.escape(str(folder))}(/[^'\"\n]*)", named, text)


def _files_of(job: Job) -> tuple[Path, ...]:
    return job.source, *job.references, *job.outputs
