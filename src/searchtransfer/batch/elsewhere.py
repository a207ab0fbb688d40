# SPDX-License-Identifier: Apache-2.0
"""Files that lie elsewhere: URLs of fsspec, and the paths that stand for them here.

The only file that knows fsspec; `docs/design/elsewhere.md` says how it is used.
"""

import contextlib
import re
import secrets
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..errors import (
    ImageFileError,
    MissingExtraError,
    OptionError,
    OutputError,
    SearchTransferError,
)
from ..files.urls import is_elsewhere, path_in
from ..foreign import short
from ..images import ImageWarning
from .plan import NO_FOLDERS, Job

NOTES = ".searchtransfer"
"""A folder beside the results, for what is not finished."""

WHOLE_AT_ONCE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "memory"}
"""Protocols of stores in which an object appears when all of it is there."""

TRIES = 3
"""To make a folder that others make at the same moment."""

SLICE = 500
"""Objects that are read together."""


@dataclass(frozen=True)
class Place:
    """A folder or file elsewhere, and the path that stands for it."""

    url: str
    here: Path

    def url_of(self, path: Path) -> str:
        """The URL of a path below."""
        head, chain, tail = self.url.partition("::")
        rest = path.relative_to(self.here).as_posix()
        below = "" if rest == "." else f"/{rest}"
        return f"{head.rstrip('/') if below else head}{below}{chain}{tail}"

    def opened(self) -> tuple[Any, str]:
        """The file system, and the name of this place on it."""
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(self.url)
        return found

    def found(self, path: Path) -> tuple[Any, str]:
        """The file system, and the name on it of a path below."""
        system, root = self.opened()
        rest = path.relative_to(self.here).as_posix()
        system.invalidate_cache()
        above = f"{root.rstrip('/')}/" if root else ""
        return system, root if rest == "." else f"{above}{rest}"

    @property
    def whole_at_once(self) -> bool:
        """Whether what is uploaded appears when all of it is there."""
        return self.url.partition(":")[0] in WHOLE_AT_ONCE


@contextmanager
def reached(name: str, verb: str, kind: type[SearchTransferError]) -> Iterator[None]:
    """Errors of file systems and of the libraries behind them, in words.

    Args:
        name: what and where, as "input 's3://bucket/a.png'".
        verb: what was to be done with it, as "read".
        kind: of the error.
    """
    try:
        yield
    except SearchTransferError:
        raise
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: a library for this kind of URL is not installed ({short(str(error))})"
        ) from error
    except FileNotFoundError as error:
        raise kind(f"{name}: is not there, or is empty") from error
    except NotImplementedError as error:
        raise kind(f"{name}: cannot be {verb}, for this kind of URL is read only") from error
    except Exception as error:  # of kinds of each library's own
        said = getattr(error, "strerror", None) or short(str(error) or type(error).__name__, 300)
        raise kind(f"{name}: cannot be {verb} ({said})") from error


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
            self._list(place)
        with reached(name, "written", OutputError):
            _try(place)
        return str(place.here) + ("/" if word.partition("::")[0].endswith("/") else "")

    def _input(self, url: str, what: str) -> Path:
        name = f"{what} {url!r}"
        place = self._new(url, name)
        with reached(name, "listed", ImageFileError):
            if not self._list(place):
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

    def _list(self, place: Place) -> bool:
        """Make the empty files; whether there is anything."""
        system, root = place.found(place.here)
        if not _is_folder(system, root):
            if found := system.isfile(root):
                _touch(place.here)
            return bool(found)
        place.here.mkdir(parents=True, exist_ok=True)
        above = f"{root.rstrip('/')}/" if root else ""
        odd = []
        for name in system.find(root):
            parts = name.removeprefix(above).split("/")
            if not name.startswith(above) or not all(x.strip(".") for x in parts):
                odd.append(name)
            elif NOTES not in parts:
                _touch(place.here.joinpath(*parts))
        if odd:
            warnings.warn(
                f"{place.url!r}: {len(odd)} left out, whose names cannot be those of files here, "
                f"the first is {short(odd[0])!r}",
                ImageWarning,
                stacklevel=5,
            )
        return True

    # During the work: paths that stand for files elsewhere, and files here.

    def place_of(self, path: Path) -> Place | None:
        """Where the file lies that a path stands for; None where it is the path."""
        return next((x for x in self.places if path.is_relative_to(x.here)), None)

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

    def get(self, path: Path, to: Path) -> bool:
        """Fetch a file; whether it was there.

        Raises:
            ImageFileError, MissingExtraError: it cannot be read.
        """
        with reached(f"image {self.name_of(path)!r}", "read", ImageFileError):
            system, name = self._at(path).found(path)
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                system.get_file(name, str(to))
            except BaseException:
                to.unlink(missing_ok=True)
                if _is_missing(system, name):  # not every library says so
                    return False
                raise
        return True

    def put(self, file: Path, path: Path, what: str, replace: bool) -> None:
        """Put a file where a path stands for; it appears there whole, or not at all.

        Raises:
            OutputError, MissingExtraError: it cannot be written, or is there and not to be
                replaced.
        """
        title = f"{what} {self.name_of(path)!r}"
        with reached(title, "written", OutputError):
            place = self._at(path)
            system, name = place.found(path)
            if not replace and system.exists(name):
                raise OutputError(f"{title}: appeared while it was being made; it was left as is")
            folder = name.rpartition("/")[0]
            _make_folder(system, folder)
            if place.whole_at_once:
                system.put_file(str(file), name)
                return
            # Below the place as a whole, so that those of killed workers are found.
            root = folder if path == place.here else place.found(place.here)[1].rstrip("/")
            _make_folder(system, f"{root}/{NOTES}")
            partial = f"{root}/{NOTES}/{self.token}-{secrets.token_hex(8)}.part"
            try:
                system.put_file(str(file), partial)
                system.mv(partial, name)
            except BaseException:
                with contextlib.suppress(Exception):
                    system.rm_file(partial)
                raise

    def fetch(self, paths: Sequence[Path]) -> None:
        """Fetch files to the paths that stand for them.

        Raises:
            ImageFileError, MissingExtraError: one cannot be read.
        """
        for path in paths:
            if self.place_of(path) is not None:
                self.get(path, path)

    def in_folder(self, path: Path) -> list[str]:
        """The names on their file system of the files in a folder; none where there is none."""
        with reached(f"folder {self.name_of(path)!r}", "listed", OutputError):
            system, name = self._at(path).found(path)
            try:
                return sorted(system.find(name))  # names of `ls` are not always whole
            except FileNotFoundError:
                return []

    def contents(self, path: Path, names: Sequence[str]) -> Iterable[bytes]:
        """What files hold that `in_folder` has named; those that are gone are passed over."""
        with reached(f"folder {self.name_of(path)!r}", "read", OutputError):
            system, _ = self._at(path).found(path)
            for start in range(0, len(names), SLICE):
                part = list(names[start : start + SLICE])
                for content in system.cat(part, on_error="return").values():
                    if isinstance(content, bytes):
                        yield content
                    elif not isinstance(content, FileNotFoundError):
                        raise content

    def remove(self, path: Path, names: Sequence[str]) -> None:
        """Remove files that `in_folder` has named, as far as they are there."""
        system, _ = self._at(path).found(path)
        for start in range(0, len(names), SLICE):
            with contextlib.suppress(Exception):  # what stays is read again, and does no harm
                system.rm(list(names[start : start + SLICE]))

    def tidy(self) -> None:
        """Remove the folders of what was not finished, where they are empty."""
        for place in self.places if self.folder.is_dir() else ():
            if place.whole_at_once:
                continue  # stores have no folders
            with contextlib.suppress(Exception):
                system, root = place.found(place.here)
                is_folder = _is_folder(system, root)
                above = root.rstrip("/") if is_folder else root.rpartition("/")[0]
                system.rmdir(f"{above}/{NOTES}")

    def _at(self, path: Path) -> Place:
        place = self.place_of(path)
        if place is None:
            raise FileNotFoundError(path)
        return place


def _files_of(job: Job) -> tuple[Path, ...]:
    return job.source, *job.references, *job.outputs


def _is_folder(system: Any, root: str) -> bool:
    # To a web server every name is that of a page.
    named_as_file = PurePosixPath(root).suffix.lower() in NO_FOLDERS
    return not (named_as_file and system.isfile(root)) and bool(system.isdir(root))


def _is_missing(system: Any, name: str) -> bool:
    """Whether a file is known not to be there; not so where nothing can be known."""
    try:
        system.info(name)
    except FileNotFoundError:
        return True
    except Exception:
        return False
    return False


def _try(place: Place) -> None:
    """Write and remove a file, since only trying tells."""
    system, root = place.found(place.here)
    is_file = PurePosixPath(root).suffix.lower() in NO_FOLDERS and not system.isdir(root)
    folder = root.rpartition("/")[0] if is_file else root.rstrip("/")
    _make_folder(system, folder)
    name = f"{folder}/{NOTES}-{secrets.token_hex(8)}.part"
    system.pipe_file(name, b"?")
    system.rm_file(name)


def _make_folder(system: Any, folder: str) -> None:
    for attempt in reversed(range(TRIES)):
        try:
            system.makedirs(folder, exist_ok=True)
        except Exception:  # another worker may just have made it, or one of those above
            system.invalidate_cache()
            if system.isdir(folder):
                return
            if not attempt:
                raise
        else:
            return


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
