# SPDX-License-Identifier: Apache-2.0
"""One item after the other, unattended: what fails becomes words, and does not stop the others.

Batches and evaluations run on this.
"""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from ..errors import SearchTransferError
from .memory import lacks_memory
from .stop import Stopped

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """An item that could not be done."""

    message: str
    """What is wrong, where, and what to do."""
    disk_full: bool = False
    """So that whatever is written next would fail too."""


def attempt(item: str, work: Callable[[], T]) -> T | Failure:
    """Do one item; what it makes, or why there is nothing.

    Args:
        item: what to call it where an error does not say, such as "image 'a.png'".
        work: does it.

    Raises:
        Stopped, KeyboardInterrupt, SystemExit: only what ends the whole.
    """
    try:
        return work()
    except Stopped:
        raise
    except Exception as error:
        log.debug("%s failed", item, exc_info=error)
        return Failure(_in_words(item, error), _is_full(error))


def _in_words(item: str, error: Exception) -> str:
    if isinstance(error, SearchTransferError):
        message = str(error)
        return message if not lacks_memory(error) else f"{item}: {message}"
    if lacks_memory(error):
        return (
            f"{item}: not enough memory; use smaller tiles (--tile 128), smaller or fewer "
            "references, or cut it"
        )
    return f"{item}: unexpected fault, {type(error).__name__}: {error}; please report it"


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def harmless(watcher: Callable[P, object]) -> Callable[P, None]:
    """A function that only watches: an error in it is logged, and does not end the work."""

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            watcher(*args, **kwargs)
        except Stopped:
            raise
        except Exception as error:
            log.warning("a watcher failed: %s: %s", type(error).__name__, error)
            log.debug("a watcher failed", exc_info=error)

    return call
