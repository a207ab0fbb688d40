# SPDX-License-Identifier: Apache-2.0
"""What people see: messages on stderr, results on stdout.

Streams that are closed, full, or whose reader has gone are no reason for the work to end: what
cannot be told is dropped, and where it was a result, stderr says so once.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..foreign import in_line, in_lines, shown

DEBUG_VARIABLE = "SEARCHTRANSFER_DEBUG"

_levels = {"quiet": 0, "verbose": 0}
_lost = {"results": False}
_results_on = {"stderr": False}
_names: list[Callable[[str], str]] = []
"""By which names files are told of that are called otherwise than their paths."""


def set_quiet(value: bool) -> bool:
    """Show errors only."""
    _levels["quiet"] = int(value)
    return value


def set_verbose(value: int) -> int:
    """Show log messages: from 1 what is done, from 2 everything, with tracebacks."""
    _levels["verbose"] = value
    log = logging.getLogger("searchtransfer")
    for handler in [x for x in log.handlers if isinstance(x, _Stderr)]:
        log.removeHandler(handler)
    if value:
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        log.addHandler(handler)
    log.setLevel([logging.WARNING, logging.INFO, logging.DEBUG][min(value, 2)])
    return value


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _write(sys.stderr, in_lines(self.format(record)))


def reset() -> None:
    """Forget what the last command of this process had set."""
    set_quiet(False)
    set_verbose(0)
    _lost["results"] = _results_on["stderr"] = False
    _names.clear()


def call_it(path: Path, name: str) -> None:
    """Tell of a file by another name than its path."""
    called = shown(path)[1:-1]
    name_them(lambda message: message.replace(called, name))


def name_them(names: Callable[[str], str]) -> None:
    """Tell of files by other names: in each message, what a function puts in their place."""
    _names.append(names)


def results_to_stderr() -> None:
    """Tell results on stderr, since a picture goes to stdout."""
    _results_on["stderr"] = True


def is_quiet() -> bool:
    """Whether only errors are wanted."""
    return bool(_levels["quiet"])


def wants_tracebacks() -> bool:
    """Whether a traceback was asked for, by -vv or the environment."""
    return _levels["verbose"] >= 2 or bool(os.environ.get(DEBUG_VARIABLE))


def say_lines(message: str) -> None:
    """Tell results of several lines, on stdout."""
    for line in message.split("\n"):
        say(line)


def say(message: str) -> None:
    """Tell a line of results, on stdout."""
    if _results_on["stderr"]:
        note(message)
        return
    fault = _write(sys.stdout, in_line(message))
    if fault is not None and not _lost["results"]:
        _lost["results"] = True
        if not isinstance(fault, BrokenPipeError):  # `| head` has seen what it wanted
            note(f"warning: standard output cannot be written ({_reason(fault)})")


def all_said() -> bool:
    """Whether every result could be told; a reader that went away does not count."""
    return not _lost["results"]


def note(message: str) -> None:
    """Tell a line of anything else, on stderr."""
    _write(sys.stderr, in_line(message))


def warn(message: str) -> None:
    """Tell of something that is not as expected, on stderr, unless quiet."""
    if not is_quiet():
        note(f"warning: {message}")


def fail(message: str) -> None:
    """Tell why something was not done, on stderr."""
    note(f"error: {message}")


def show_traceback() -> None:
    """The error that is being handled, as developers want it."""
    _write(sys.stderr, in_lines(traceback.format_exc().rstrip()))


def _write(stream: TextIO | None, message: str) -> Exception | None:
    """Write and flush; what went wrong, if anything did, and from then on nothing is written."""
    if stream is None:
        return None
    for names in _names:
        message = names(message)
    try:
        stream.write(message + "\n")
        stream.flush()
    # A closed stream is a ValueError; streams that others put in our place may raise anything.
    except Exception as error:
        silence(stream)
        return error
    return None


def _reason(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault)


def silence(stream: TextIO) -> None:
    """Let whatever is still in a stream, and comes, go nowhere."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # it is closed, or no file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
