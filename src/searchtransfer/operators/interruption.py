# SPDX-License-Identifier: Apache-2.0
"""Ending a search that runs: from another thread, or when a time is up.

Ctrl-C ends a search by itself. Everything else asks a function of the caller's, which raises to end
it; compiled code asks between rows, the others between tiles.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[tuple[Callable[[], object], ...]] = ContextVar(
    "searchtransfer_asked", default=()
)


@contextmanager
def interruptible(ask: Callable[[], object]) -> Iterator[None]:
    """Inside, long operators call `ask` about twenty times a second, in the thread they run in.

    Args:
        ask: raises to end the operator; what it raises is what the caller of the operator sees.

    Examples:
        >>> from threading import Event
        >>> stop = Event()
        >>> def ask():
        ...     if stop.is_set():
        ...         raise TimeoutError("stopped")
        >>> stop.set()  # from another thread, in earnest
        >>> with interruptible(ask):
        ...     search(torch.rand(1, 4, 9, 9), torch.rand(1, 4, 9, 9))
        Traceback (most recent call last):
        TimeoutError: stopped
    """
    token = _asked.set((*_asked.get(), ask))
    try:
        yield
    finally:
        _asked.reset(token)


def check() -> None:
    """Ask whoever wants to be asked."""
    for ask in _asked.get():
        ask()
