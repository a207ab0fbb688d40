# SPDX-License-Identifier: Apache-2.0
"""Stages as one bar and a time left."""

import time
from collections.abc import Callable
from typing import NamedTuple

STAGES = {
    "reading": ("Reading the pictures", 0.04),
    "reference": ("Preparing the references", 0.08),
    "search": ("Searching every place in the references", 0.58),
    "transfer": ("Transferring texture", 0.15),
    "pictures": ("Measuring and writing the pictures", 0.15),
}
"""Words, and the usual part of the time, of each stage."""

SETTLED = 1.0
"""Seconds after which a time left is more than a guess."""


class Moment(NamedTuple):
    """How far the work is."""

    stage: str
    """In words."""
    done: float
    """0 to 1, of everything."""
    seconds_left: float | None
    """None while nobody can say."""


class Course:
    """Follows the progress of one job. It never goes back.

    Args:
        parts: how many times it goes through all stages.
        expected: seconds that it will take, as foreseen.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        parts: int = 1,
        expected: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._parts, self._expected = clock, parts, expected
        self._start = clock()
        self._stage, self._part = next(iter(STAGES)), 0
        self._done = 0.0

    def progressed(self, stage: str, done: float, part: int = 0) -> None:
        """Hear of progress; a stage of another name counts as the one before it."""
        if stage not in STAGES:
            return
        self._stage, self._part = stage, part
        names = list(STAGES)
        before = sum(STAGES[name][1] for name in names[: names.index(stage)])
        reached = before + STAGES[stage][1] * min(max(done, 0.0), 1.0)
        self._done = max(self._done, min(1.0, (part + reached) / self._parts))

    def now(self) -> Moment:
        """The state at this moment."""
        elapsed = self._clock() - self._start
        left = None
        if elapsed >= SETTLED and self._done > 0:
            # The stages' parts differ from job to job: progress alone misleads at first.
            left = (1 - self._done) * max(self._expected, elapsed)
        words = STAGES[self._stage][0]
        if self._parts > 1:
            words = f"Image {self._part + 1} of {self._parts}: {words[0].lower()}{words[1:]}"
        return Moment(words, self._done, left)
