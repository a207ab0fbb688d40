# SPDX-License-Identifier: Apache-2.0
"""How long work reports how far it is."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of a stage and the part of it done, 0 to 1; an exception in it stops."""


def silent(stage: str, done: float) -> None:
    """Report nothing."""
