# SPDX-License-Identifier: Apache-2.0
"""Finding image files, and saying which others a folder has."""

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import ImageFileError
from ..foreign import shown
from .formats import NAMES
from .image import ImageWarning
from .listing import LeftOut, left_out_text, why_not

MANIFEST = "searchtransfer.jsonl"
"""That a folder of results has; no input."""


def some_images_in(
    folder: Path,
    what: str = "folder",
    *,
    leave_out: Iterable[Path] = (),
    on_left_out: Callable[[LeftOut], None] | None = None,
) -> list[Path]:
    """As `images_in`; at least one. `what` is the folder's word in the error.

    Raises:
        ImageFileError: the folder cannot be listed, or has no images; what it has is named.

    Warns:
        ImageWarning: as `images_in`.
    """
    left: list[LeftOut] = []
    found = images_in(folder, leave_out=leave_out, on_left_out=left.append)
    _tell(folder, left, on_left_out)
    if not found:
        # Who hears of them one by one may not come to show them.
        others = f"; {left_out_text(left)}" if left and on_left_out is not None else ""
        raise ImageFileError(
            f"{what} {shown(folder)}: has no images ({NAMES}, by extension){others}"
        )
    return found


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
            if name.startswith(".") or name == MANIFEST:
                continue
            if reason := why_not(path):
                left.append(LeftOut(path, reason))
            else:
                found.append(path)
    _tell(folder, sorted(left), on_left_out)
    return sorted(found)


def _tell(folder: Path, left: list[LeftOut], on_left_out: Callable[[LeftOut], None] | None) -> None:
    if on_left_out is not None:
        for item in left:
            on_left_out(item)
    elif left:
        warnings.warn(f"folder {shown(folder)}: {left_out_text(left)}", ImageWarning, stacklevel=4)
