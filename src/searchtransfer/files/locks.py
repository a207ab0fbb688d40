# SPDX-License-Identifier: Apache-2.0
"""Locks on open files, which the system drops with the process, however it ends."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HAVE_LOCKS = fcntl is not None


def lock(handle: int, *, wait: bool) -> bool | None:
    """Whether the file is ours now; None where the system cannot say."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold the lock of a file, where there are locks."""
    held = lock(handle, wait=True)
    try:
        yield
    finally:
        if held and fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)
