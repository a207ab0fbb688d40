# SPDX-License-Identifier: Apache-2.0
"""The standard streams of a process, from its beginning to its end."""

import io
import os
import sys
from typing import NoReturn

from .console import silence

INTERRUPTED = 130
"""Exit code."""


def prepare_streams() -> None:
    """Make all three usable.

    Where the caller has closed one, its number would go to the next file that is opened, and what
    a library prints would end in a picture: nothing is put in its place. What the terminal's
    encoding cannot show is escaped instead of failing.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave(code: object) -> NoReturn:
    """End the process; at once after an interrupt, when work may still go on in its thread."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream)
    if code == INTERRUPTED:
        # Compiled code cannot be stopped, and the interpreter must not be torn down under it.
        os._exit(INTERRUPTED)
    raise SystemExit(code)
