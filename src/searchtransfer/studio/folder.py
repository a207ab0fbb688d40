# SPDX-License-Identifier: Apache-2.0
"""The folder of all visitors' pictures: gone at the end, and after a kill at the next start.

Whoever uses such a folder holds a lock in it; the system lets go of it however the process ends. So
a folder whose lock is free belongs to nobody any more.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

PREFIX = "searchtransfer-studio-"
LOCK = "lock"
TRIES = 100


@contextlib.contextmanager
def studio_folder() -> Iterator[Path]:
    """A folder that only this user can read, as long as the studio runs."""
    clear_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / LOCK).open("w") as lock:
            _locked(lock)
            yield folder
    finally:
        delete(folder)


@contextlib.contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Copies that readers of pictures make for a moment lie there too, and go with it."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def clear_abandoned() -> None:
    """Delete what studios left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or not folder.is_dir() or not _is_ours(folder):
                continue
            with (folder / LOCK).open("r+") as lock:
                if _locked(lock):
                    delete(folder)
                    log.info("deleted what a studio that was killed had left")


def delete(folder: Path) -> None:
    """Delete a folder, also where a last file is just being written into it."""
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
    log.error("a folder of pictures cannot be deleted: %s", folder)


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _locked(file: IO[str]) -> bool:
    """Lock a file, until it is closed; False where another process has it locked."""
    try:
        import fcntl
    except ImportError:  # Windows keeps an open file from being deleted, which is as good
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
