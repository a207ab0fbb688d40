# SPDX-License-Identifier: Apache-2.0
"""Errors as visitors see them: a sentence; an id in the log where it is our fault, not theirs."""

import logging
import secrets
import traceback
from typing import NamedTuple

from ..errors import SearchTransferError
from ..process.memory import lacks_memory
from .scrubbing import scrubbed

log = logging.getLogger(__name__)

NO_MEMORY = "There is not enough memory for this. Use a smaller image, scale or reference."
OURS = "Something went wrong here; it is not your picture's fault."


class OutOfTime(Exception):
    """A job took longer than is allowed; the message says so to visitors."""


class Cancelled(Exception):
    """It was asked for; no error."""


class Fault(NamedTuple):
    """What went wrong."""

    message: str
    id: str = ""
    """Also in the log; empty for what the visitor can mend."""
    wanted: bool = False
    """It was asked for."""


def explain(error: BaseException, names: dict[str, str]) -> Fault:
    """Put an error in words, and in the log; what the error still holds is let go.

    Args:
        error: whatever was raised.
        names: what visitors call things, for what the server calls them.
    """
    if isinstance(error, Cancelled):
        return Fault("Cancelled.", wanted=True)
    if isinstance(error, OutOfTime):
        message = str(error)
    elif lacks_memory(error):
        message = NO_MEMORY
    elif isinstance(error, SearchTransferError):
        message = scrubbed(str(error), names)
    else:
        number = secrets.token_hex(4)
        log.error("fault %s", number, exc_info=error)
        _let_go(error)
        return Fault(OURS, number)
    log.info("refused: %s", error, exc_info=error)
    _let_go(error)
    return Fault(message[:1].upper() + message[1:])


def _let_go(error: BaseException | None) -> None:
    """Free the local variables that a traceback keeps: pictures, for example."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
