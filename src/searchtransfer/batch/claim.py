# SPDX-License-Identifier: Apache-2.0
"""Claims: two runs that work on one folder do not make the same image twice, nor take away folders.

A claim is a locked file in the system's temporary folder, never beside the results. The lock ends
with its process, however that ends. Runs on other machines do not see it; what they both make is
still written whole, and by one of them.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claimed(target: Path) -> Iterator[bool]:
    """Hold the claim to a file while it is made; False where another process holds it.

    Where there can be no locks, everything is free.
    """
    try:
        import fcntl

        path = _folder() / hashlib.sha256(os.fsencode(os.path.realpath(target))).hexdigest()[:32]
        handle = _opened(path)
    except (ImportError, OSError):
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file after we opened it.
            free = _is_still(handle, path)
        except OSError:
            free = False
        try:
            yield free
        finally:
            if free:
                with contextlib.suppress(OSError):
                    path.unlink()
    finally:
        os.close(handle)


@contextmanager
def folders_stay() -> Iterator[None]:
    """Meanwhile no other run on this machine takes an empty folder away, as far as there are locks.

    Held from when a folder is made until a file is in it.
    """
    with _turn(exclusive=False):
        yield


@contextmanager
def folders_may_go() -> Iterator[bool]:
    """Whether empty folders may be taken away: not while another run needs them."""
    with _turn(exclusive=True) as free:
        yield free


@contextmanager
def _turn(exclusive: bool) -> Iterator[bool]:
    try:
        import fcntl

        handle = _opened(_folder() / "folders")
    except (ImportError, OSError):
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
            free = True
        except OSError:
            free = False
        yield free
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o600)


def _is_still(handle: int, path: Path) -> bool:
    ours = os.fstat(handle)
    with contextlib.suppress(FileNotFoundError):
        there = path.lstat()
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
    return False


def _folder() -> Path:
    """Of this user alone, for names in the shared temporary folder can be guessed."""
    user = os.getuid()
    folder = Path(tempfile.gettempdir(), f"searchtransfer-claims-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if folder.is_symlink() or state.st_uid != user:
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder
