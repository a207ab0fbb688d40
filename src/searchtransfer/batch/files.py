# SPDX-License-Identifier: Apache-2.0
"""Finding image files, and saying which others a folder has."""

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import ImageFileError
from ..foreign import shown
from ..images import ImageWarning
from ..images.formats import FORMATS

EXTENSIONS = frozenset(extension for format in FORMATS for extension in format.extensions)


_NAMED = 5
"""Files that a warning names; of more it says the number."""


class LeftOut(NamedTuple):
    """A file of a folder that is not taken, and why."""

    path: Path
    reason: str


def images_in(
    folder: Path,
    *,
    leave_out: Iterable[Path] = (),
    on_left_out: Callable[[LeftOut], None] | None = None,
) -> list[Path]:
    """The image files of a folder and its subfolders, sorted.

    Files are told by their extension. Hidden ones (`.name`) are passed over; other files, and what
    is no regular file, are left out and told. Links to folders are not followed, so that a loop of
    them does no harm.

    Args:
        folder: where to look.
        leave_out: subfolders not to look into, such as that of the results.
        on_left_out: hears of each file that is left out; None: a warning names them.

    Raises:
        ImageFileError: a folder cannot be listed.

    Warns:
        ImageWarning: files are left out, and nothing else hears of it.
    """

    def complain(error: OSError) -> None:
        raise ImageFileError(
            f"folder {shown(error.filename)}: cannot be listed ({error.strerror})"
        ) from None

    banned = {os.path.realpath(path) for path in leave_out}
    found: list[Path] = []
    left: list[LeftOut] = []
    for place, folders, files in os.walk(folder, onerror=complain):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(Path(place, name)) not in banned
        ]
        for name in files:
            path = Path(place, name)
            if name.startswith("."):
                continue
            if reason := _why_not(path):
                left.append(LeftOut(path, reason))
            else:
                found.append(path)
    left.sort()
    if on_left_out is not None:
        for item in left:
            on_left_out(item)
    elif left:
        warnings.warn(f"folder {shown(folder)}: {left_out_text(left)}", ImageWarning, stacklevel=2)
    return sorted(found)


def left_out_text(files: list[LeftOut]) -> str:
    """How many files are left out, and which, in one line."""
    named = ", ".join(f"{shown(file.path.name)} ({file.reason})" for file in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return f"{len(files)} left out: {named}{more}"


def _why_not(path: Path) -> str | None:
    if path.suffix.lower() not in EXTENSIONS:
        return "not an image format that is read here" if path.suffix else "no extension"
    return None if path.is_file() else "no regular file"
