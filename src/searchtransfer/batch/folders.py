# SPDX-License-Identifier: Apache-2.0
"""Folders for results: made when a file goes in, never left behind empty."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from ..foreign import shown
from .claim import folders_may_go


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the ones that were missing, topmost first.

    Raises:
        OutputError: one cannot be made; those above it stay.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    for path in missing:
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"output folder {shown(path)}: cannot be made ({error.strerror})"
            ) from error
    return missing


@contextmanager
def trial_folders() -> Iterator[Callable[[Path], None]]:
    """Makes folders to see whether it works; in the end those that are empty are removed, unless
    another run just needs one.
    """
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.extend(make_folder(folder))

    try:
        yield make
    finally:
        with folders_may_go() as free:
            for path in reversed(made) if free else ():
                with contextlib.suppress(OSError):
                    path.rmdir()
