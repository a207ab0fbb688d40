# SPDX-License-Identifier: Apache-2.0
"""Finding image files."""

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import ImageFileError
from ..foreign import shown
from ..images.formats import FORMATS

EXTENSIONS = frozenset(extension for format in FORMATS for extension in format.extensions)


def images_in(folder: Path, *, leave_out: Iterable[Path] = ()) -> list[Path]:
    """The image files of a folder and its subfolders, sorted.

    Files are told by their extension. Hidden ones (`.name`) are left out, and anything that is no
    regular file. Links to folders are not followed, so that a loop of them does no harm.

    Args:
        folder: where to look.
        leave_out: subfolders not to look into, such as that of the results.

    Raises:
        ImageFileError: a folder cannot be listed.
    """

    def complain(error: OSError) -> None:
        raise ImageFileError(
            f"folder {shown(error.filename)}: cannot be listed ({error.strerror})"
        ) from None

    banned = {os.path.realpath(path) for path in leave_out}
    found = []
    for place, folders, files in os.walk(folder, onerror=complain):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(Path(place, name)) not in banned
        ]
        for name in files:
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
                continue
            if path.is_file():
                found.append(path)
    return sorted(found)
