# SPDX-License-Identifier: Apache-2.0
"""Unfinished files: their names, whose they are, and how those of dead processes go.

Whoever writes an unfinished file holds a lock on it, which the system drops when the process dies,
however it dies. A file that nobody holds is therefore a leftover. Where there are no such locks
(Windows, some network file systems), one that is an hour old counts as left.
"""

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from .locks import HAVE_LOCKS, lock

LEFTOVER_SECONDS = 3600
"""Age of an unfinished file that counts as left where nothing else can be known."""

_NAME = re.compile(r"\.searchtransfer-[0-9a-f]{16}\.part")


def begin(folder: Path) -> tuple[Path, int]:
    """Make an unfinished file that is ours; returns its path and handle.

    Raises:
        OSError: the folder cannot be written to.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = folder / f".searchtransfer-{secrets.token_hex(8)}.part"
        handle = os.open(path, flags, 0o666)
        lock(handle, wait=True)
        if not HAVE_LOCKS or os.fstat(handle).st_nlink:
            return path, handle
        os.close(handle)  # somebody cleared it before it was locked


def clear_leftovers(folder: Path) -> None:
    """Remove the unfinished files of dead processes from a folder; of the living none."""
    with contextlib.suppress(OSError):  # what cannot be listed or removed does no harm
        for entry in list(os.scandir(folder)):
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _clear(Path(entry.path))


def _clear(path: Path) -> None:
    aged = time.time() - path.lstat().st_mtime > LEFTOVER_SECONDS
    if not HAVE_LOCKS:
        if aged:
            path.unlink()
        return
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:  # the lock is kept until the name is gone: see `begin`
        ours = lock(handle, wait=False)
        if ours or (ours is None and aged):
            path.unlink()
    finally:
        os.close(handle)
