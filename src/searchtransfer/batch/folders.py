# SPDX-License-Identifier: Apache-2.0
"""Folders for results: made when a file goes in, never left behind empty."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from ..foreign import shown


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
    """Makes folders to see whether it works; in the end those that are empty are removed."""
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.extend(make_folder(folder))

    try:
        yield make
    finally:
        for path in reversed(made):
            try:
                path.rmdir()
            except OSError:
                continue
