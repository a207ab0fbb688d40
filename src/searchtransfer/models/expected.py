# SPDX-License-Identifier: Apache-2.0
"""How long a job takes, about, before anything of it is done."""

import logging

import torch
from jaxtyping import Float
from torch import Tensor

from ..operators.backends import native
from ..references import Reference

log = logging.getLogger(__name__)

START = 0.1
"""Seconds of any job with one thread,"""

FOUND, FOUND_SLOWLY = 55e-6, 170e-6
"""of each cell that is looked for, by the compiled search and without it,"""

MADE, KNOWN = 3e-6, 0.15e-6
"""of each pixel that is made, and of each pixel of a reference; measured with AVX-512."""


def expected_seconds(cells: int, scale: int, reference: int | None) -> float:
    """Seconds of a job with one thread; other processors differ by the same factor for all jobs.

    Args:
        cells: pixels of the small image.
        scale: how many times it is enlarged.
        reference: pixels of the photos of the reference; None: without one.
    """
    seconds = START + MADE * cells * scale**2
    if reference is None:
        return seconds
    found = FOUND if native.instruction_sets() else FOUND_SLOWLY
    return seconds + found * cells + KNOWN * reference


def announce(colour: Float[Tensor, "3 h w"], scale: int, reference: Reference | None) -> None:
    """Say in the log what will be made, and about when."""
    height, width = colour.shape[1:]
    known = None if reference is None else sum(x[0].numel() for x in reference.photos)
    seconds = expected_seconds(height * width, scale, known) / torch.get_num_threads()
    log.info("%d x %d pixels, about %.2g s", width * scale, height * scale, seconds)
