# SPDX-License-Identifier: Apache-2.0
"""What a run tells while it goes on, and at its end."""

from dataclasses import dataclass, field
from pathlib import Path

from .validation import Scores


@dataclass(frozen=True)
class Progress:
    """What happened just now."""

    step: int
    """Steps taken."""
    steps: int
    """Steps there are."""
    phase: str = ""
    losses: dict[str, float] = field(default_factory=dict)
    """After a step."""
    scores: Scores = field(default_factory=dict)
    """After a validation."""
    prepared: tuple[int, int] | None = None
    """Before the first step: pieces of work done, and how many there are."""
    note: str = ""
    """Something to be told, such as a damaged checkpoint."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    step: int
    steps: int
    weights: Path
    """The last weights; the best ones of all validations are beside them."""
    best_psnr: float | None
    """Of all validations, in dB; None without any."""
    skipped: str
    """Files that could not be used, one a line after the first; empty if there were none."""
    interrupted: bool
    """By a signal, after a checkpoint."""
