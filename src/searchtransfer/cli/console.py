# SPDX-License-Identifier: Apache-2.0
"""What people see: messages on stderr, results on stdout, and how the process ends."""

import logging
import os
import sys
from typing import NoReturn, TextIO

INTERRUPTED = 130
"""Exit code."""

DEBUG_VARIABLE = "SEARCHTRANSFER_DEBUG"

_levels = {"quiet": 0, "verbose": 0}


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
        _write(sys.stderr, self.format(record))


def is_quiet() -> bool:
    """Whether only errors are wanted."""
    return bool(_levels["quiet"])


def wants_tracebacks() -> bool:
    """Whether a traceback was asked for, by -vv or the environment."""
    return _levels["verbose"] >= 2 or bool(os.environ.get(DEBUG_VARIABLE))


def say(message: str) -> None:
    """Tell a result, on stdout."""
    _write(sys.stdout, message)


def warn(message: str) -> None:
    """Tell of something that is not as expected, on stderr, unless quiet."""
    if not is_quiet():
        _write(sys.stderr, f"warning: {message}")


def fail(message: str) -> None:
    """Tell why something was not done, on stderr."""
    _write(sys.stderr, f"error: {message}")


def _write(stream: TextIO, message: str) -> None:
    """A line; a reader that has gone away (`| head`) does not stop the work."""
    try:
        stream.write(message + "\n")
        stream.flush()
    except BrokenPipeError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def prepare_streams() -> None:
    """Escape what the terminal's encoding cannot show, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def leave(code: object) -> NoReturn:
    """End the process; at once after an interrupt, when work may still go on in its thread."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
    if code == INTERRUPTED:
        # Compiled code cannot be stopped, and the interpreter must not be torn down under it.
        os._exit(INTERRUPTED)
    raise SystemExit(code)
