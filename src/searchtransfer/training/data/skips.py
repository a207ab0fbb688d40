# SPDX-License-Identifier: Apache-2.0
"""Files that training had to leave out: counted, capped, and named at the end."""

from collections.abc import Iterable

from ...errors import DataError, OptionError


class SkipLog:
    """What could not be used, each file once, with the reason.

    Args:
        cap: how many files may be left out before training stops.

    Raises:
        OptionError: cap is below 0.
    """

    def __init__(self, cap: int = 10) -> None:
        if cap < 0:
            raise OptionError(f"SkipLog: cap must be at least 0, got {cap}")
        self.cap = cap
        self.reasons: set[str] = set()

    def add(self, reasons: Iterable[str]) -> None:
        """Take note of what a batch skipped.

        Raises:
            DataError: more files than the cap allows; all are named.
        """
        self.reasons.update(reasons)
        if len(self.reasons) > self.cap:
            raise DataError(f"{self.summary()}\nMore than the {self.cap} that are allowed; stopped")

    def summary(self) -> str:
        """All files and reasons, one a line; empty if nothing was left out."""
        if not self.reasons:
            return ""
        lines = [f"  {reason}" for reason in sorted(self.reasons)]
        return "\n".join([f"{len(lines)} files could not be used:", *lines])
