# SPDX-License-Identifier: Apache-2.0
"""How long work reports how far it is."""

from collections.abc import Callable

from ..errors import OptionError

Progress = Callable[[str, float], None]
"""Called with the name of a stage and the part of it done, 0 to 1; an exception in it stops."""


def silent(stage: str, done: float) -> None:
    """Report nothing."""


def callback(given: Progress | None) -> Progress:
    """What was given to be called, or for None what reports nothing.

    Raises:
        OptionError: it cannot be called.
    """
    if given is None:
        return silent
    if not callable(given):
        raise OptionError(
            f"on_progress must be a function of a stage and the part done, got {given!r}"
        )
    return given
