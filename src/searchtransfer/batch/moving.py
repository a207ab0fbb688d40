# SPDX-License-Identifier: Apache-2.0
"""Files are moved between here and elsewhere; results appear there whole or not at all."""

import contextlib
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import ImageFileError, OutputError
from .elsewhere import Elsewhere
from .place import NOTES, is_folder, make_folder, reached

SLICE = 500
"""Objects that are read together."""


def get(elsewhere: Elsewhere, path: Path, to: Path) -> bool:
    """Fetch a file; whether it was there.

    Raises:
        ImageFileError, MissingExtraError: it cannot be read.
    """
    with reached(f"image {elsewhere.name_of(path)!r}", "read", ImageFileError):
        system, name = elsewhere.at(path).found(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            system.get_file(name, str(to))
        except BaseException:
            to.unlink(missing_ok=True)
            if _is_missing(system, name):  # not every library says so
                return False
            raise
    return True


def put(elsewhere: Elsewhere, file: Path, path: Path, what: str, replace: bool) -> None:
    """Put a file where a path stands for; it appears there whole, or not at all.

    Raises:
        OutputError, MissingExtraError: it cannot be written, or is there and not to be
            replaced.
    """
    title = f"{what} {elsewhere.name_of(path)!r}"
    with reached(title, "written", OutputError):
        place = elsewhere.at(path)
        system, name = place.found(path)
        if not replace and system.exists(name):
            raise OutputError(f"{title}: appeared while it was being made; it was left as is")
        folder = name.rpartition("/")[0]
        make_folder(system, folder)
        if place.whole_at_once:
            system.put_file(str(file), name)
            return
        # Below the place as a whole, so that those of killed workers are found.
        root = folder if path == place.here else place.found(place.here)[1].rstrip("/")
        make_folder(system, f"{root}/{NOTES}")
        partial = f"{root}/{NOTES}/{elsewhere.token}-{secrets.token_hex(8)}.part"
        try:
            system.put_file(str(file), partial)
            system.mv(partial, name)
        except BaseException:
            with contextlib.suppress(Exception):
                system.rm_file(partial)
            raise


def fetch_files(elsewhere: Elsewhere, paths: Sequence[Path]) -> None:
    """Fetch files to the paths that stand for them.

    Raises:
        ImageFileError, MissingExtraError: one cannot be read.
    """
    for path in paths:
        if elsewhere.place_of(path) is not None:
            get(elsewhere, path, path)


def in_folder(elsewhere: Elsewhere, path: Path) -> list[str]:
    """The names on their file system of the files in a folder; none where there is none."""
    with reached(f"folder {elsewhere.name_of(path)!r}", "listed", OutputError):
        system, name = elsewhere.at(path).found(path)
        try:
            return sorted(system.find(name))  # names of `ls` are not always whole
        except FileNotFoundError:
            return []


def contents(elsewhere: Elsewhere, path: Path, names: Sequence[str]) -> Iterable[bytes]:
    """What files hold that `in_folder` has named; those that are gone are passed over."""
    with reached(f"folder {elsewhere.name_of(path)!r}", "read", OutputError):
        system, _ = elsewhere.at(path).found(path)
        for start in range(0, len(names), SLICE):
            part = list(names[start : start + SLICE])
            for content in system.cat(part, on_error="return").values():
                if isinstance(content, bytes):
                    yield content
                elif not isinstance(content, FileNotFoundError):
                    raise content


def remove(elsewhere: Elsewhere, path: Path, names: Sequence[str]) -> None:
    """Remove files that `in_folder` has named, as far as they are there."""
    system, _ = elsewhere.at(path).found(path)
    for start in range(0, len(names), SLICE):
        with contextlib.suppress(Exception):  # what stays is read again, and does no harm
            system.rm(list(names[start : start + SLICE]))


def tidy(elsewhere: Elsewhere) -> None:
    """Remove the folders of what was not finished, where they are empty."""
    for place in elsewhere.places if elsewhere.folder.is_dir() else ():
        if place.whole_at_once:
            continue  # stores have no folders
        with contextlib.suppress(Exception):
            system, root = place.found(place.here)
            above = root.rstrip("/") if is_folder(system, root) else root.rpartition("/")[0]
            system.rmdir(f"{above}/{NOTES}")


def _is_missing(system: Any, name: str) -> bool:
    """Whether a file is known not to be there; not so where nothing can be known."""
    try:
        system.info(name)
    except FileNotFoundError:
        return True
    except Exception:
        return False
    return False
