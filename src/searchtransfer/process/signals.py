# SPDX-License-Identifier: Apache-2.0
"""Signals that ask the process to end: Ctrl-C, SIGTERM and SIGHUP, and what is done about them.

A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays ignored.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""In this order; Windows has no SIGHUP."""


@contextmanager
def answered(
    answer: Callable[[int, FrameType | None], None], numbers: Sequence[int] = SIGNALS
) -> Iterator[None]:
    """Within this signals are answered so, if this is the main thread; others never get them."""
    main = threading.current_thread() is threading.main_thread()
    heard = [s for s in numbers if main and signal.getsignal(s) != signal.SIG_IGN]
    before = {s: signal.signal(s, answer) for s in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopRequest:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.made = False


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """A first signal asks to stop after the present step; a second one ends it at once."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if request.made:
            raise KeyboardInterrupt
        request.made = True

    with answered(note):
        yield request
