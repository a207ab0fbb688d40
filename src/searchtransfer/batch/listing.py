# SPDX-License-Identifier: Apache-2.0
"""What there is at a place elsewhere, and whether it can be written to."""

import secrets
import warnings
from pathlib import Path, PurePosixPath

from ..foreign import short
from ..images import ImageWarning
from .place import NOTES, Place, is_folder, make_folder
from .plan import NO_FOLDERS


def list_files(place: Place) -> bool:
    """Make an empty file here for each that is there; whether there is anything.

    Warns:
        ImageWarning: a name cannot be that of a file, and is left out.
    """
    system, root = place.found(place.here)
    if not is_folder(system, root):
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


def try_writing(place: Place) -> None:
    """Write and remove a file, since only trying tells."""
    system, root = place.found(place.here)
    is_file = PurePosixPath(root).suffix.lower() in NO_FOLDERS and not system.isdir(root)
    folder = root.rpartition("/")[0] if is_file else root.rstrip("/")
    make_folder(system, folder)
    name = f"{folder}/{NOTES}-{secrets.token_hex(8)}.part"
    system.pipe_file(name, b"?")
    system.rm_file(name)


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
