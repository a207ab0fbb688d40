# SPDX-License-Identifier: Apache-2.0
"""Variations that keep every pixel: crops, flips and quarter turns."""

import numpy as np

from .pixels import Pixels


def turn_and_flip(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One of the eight symmetries of a square, all equally likely."""
    turned = np.rot90(pixels, int(rng.integers(4)))
    return np.ascontiguousarray(turned[:, ::-1] if rng.integers(2) else turned)


def random_corner(pixels: Pixels, size: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a crop of `size` x `size` may begin: row and column."""
    row, column = (int(rng.integers(n - size + 1)) for n in pixels.shape[:2])
    return row, column


def crop(pixels: Pixels, corner: tuple[int, int], size: int) -> Pixels:
    """The `size` x `size` pixels from a corner on."""
    row, column = corner
    return pixels[row : row + size, column : column + size]
