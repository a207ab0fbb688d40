# SPDX-License-Identifier: Apache-2.0
"""Errors as visitors see them: a sentence and an id; the log has the rest."""

import logging
import secrets
from typing import NamedTuple

from ..errors import SearchTransferError
from ..memory import lacks_memory
from ..stop import Stopped
from .work import OutOfTime

log = logging.getLogger(__name__)


class Fault(NamedTuple):
    """What went wrong."""

    message: str
    id: str
    """Also in the log; empty for what is no fault, but was asked for."""


def explain(error: Exception, names: dict[str, str]) -> Fault:
    """Put an error in words, and in the log.

    Args:
        error: whatever was raised.
        names: what visitors call things, for what the server calls them.
    """
    if isinstance(error, Stopped):
        return Fault("Cancelled.", "")
    number = secrets.token_hex(4)
    if isinstance(error, OutOfTime):
        message = str(error)
    elif lacks_memory(error):
        message = "There is not enough memory for this. Use a smaller image, scale or reference."
    elif isinstance(error, SearchTransferError):
        message = renamed(str(error), names)
    else:
        log.error("fault %s", number, exc_info=error)
        return Fault("Something went wrong here; it is not your picture's fault.", number)
    log.info("fault %s: %s", number, error, exc_info=error)
    return Fault(message[:1].upper() + message[1:], number)


def renamed(message: str, names: dict[str, str]) -> str:
    """A message without the server's paths."""
    for path, name in names.items():
        message = message.replace(path, name)
    return message
