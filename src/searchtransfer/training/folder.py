# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: one process at a time, nothing overwritten, leftovers removed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import OutputError
from ..files import clear_leftovers
from .checkpoint import checkpoints


@contextmanager
def run_folder(folder: Path, resume: bool) -> Iterator[None]:
    """Make a folder ready, and keep other runs out of it; a killed run keeps nobody out.

    Raises:
        OutputError: it cannot be written to, another run works in it, or it holds a run that is
            not to be gone on with.
    """
    try:
        for part in (folder, folder / "checkpoints", folder / "weights"):
            part.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise OutputError(f"{folder}: cannot hold a run: {error.strerror or error}") from None
    try:
        with FileLock(folder / ".lock", timeout=0):
            if not resume and checkpoints(folder / "checkpoints"):
                raise OutputError(
                    f"{folder}: holds a run already; resume it, or set run.folder to another place"
                )
            for name in ("", "checkpoints", "weights"):
                clear_leftovers(folder / name)
            yield
    except Timeout:
        raise OutputError(f"{folder}: another run works in this folder") from None
