# SPDX-License-Identifier: Apache-2.0
"""What is done at which step: the phase, and the share of the learning rate.

Both are functions of the number of the step alone, so there is nothing to resume.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from .config import Optimiser, Phase


class Stretch(NamedTuple):
    """A phase in steps."""

    phase: Phase
    stop: int
    """The first step after it."""


def stretches(phases: Sequence[Phase], samples: int, batch: int) -> list[Stretch]:
    """Phases in steps.

    Args:
        phases: at least one.
        samples: of an epoch.
        batch: samples of a step.
    """
    result: list[Stretch] = []
    for phase in phases:
        length = phase.steps or max(1, math.ceil((phase.epochs or 0) * samples / batch))
        start = result[-1].stop if result else 0
        result.append(Stretch(phase, start + length))
    return result


def stretch_at(plan: Sequence[Stretch], step: int) -> Stretch:
    """The phase of a step, counted from 0."""
    return next(stretch for stretch in plan if step < stretch.stop)


def rate_share(optimiser: Optimiser, step: int, steps: int) -> float:
    """Share of the learning rate at a step: linear warm-up, then constant or half a cosine.

    Args:
        optimiser: kind and numbers of the schedule.
        step: counted from 0.
        steps: how many there are.
    """
    if step < optimiser.warm_up_steps:
        return (step + 1) / optimiser.warm_up_steps
    if optimiser.schedule == "constant":
        return 1.0
    done = (step - optimiser.warm_up_steps) / max(1, steps - optimiser.warm_up_steps)
    low = optimiser.final_share
    return low + (1 - low) * (1 + math.cos(math.pi * done)) / 2
