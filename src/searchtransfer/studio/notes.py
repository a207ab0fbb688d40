# SPDX-License-Identifier: Apache-2.0
"""This package's warnings, heard by the thread that causes them.

`warnings.catch_warnings` changes the whole process, so it cannot be used in several threads.
"""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_heard = threading.local()


@contextmanager
def listening() -> Iterator[None]:
    """While the server runs: warnings go to the thread that asked for them, others to the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _hear
        yield


@contextmanager
def heard() -> Iterator[list[Warning]]:
    """Collect what is warned of in this thread."""
    notes: list[Warning] = []
    _heard.notes = notes
    try:
        yield notes
    finally:
        del _heard.notes


def _hear(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    notes: list[Warning] | None = getattr(_heard, "notes", None)
    ours = category.__module__.partition(".")[0] == __name__.partition(".")[0]
    if notes is not None and ours:
        notes.append(message if isinstance(message, Warning) else category(message))
    else:
        log.info("%s: %s", category.__name__, message)
