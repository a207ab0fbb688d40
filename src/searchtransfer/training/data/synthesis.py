# SPDX-License-Identifier: Apache-2.0
"""A reference made from the photo itself: cropped beside the patch, warped, zoomed, recoloured."""

import numpy as np
from PIL import Image

from .pixels import Pixels

# Ranges are symmetric about "no change".
_SHIFT = 0.25  # of the patch
_TURN = 10.0  # degrees
_ZOOM = 0.25  # as a power: from 0.8 to 1.25
_BEND = 0.05  # of the patch, each corner on its own
_GAMMA = 0.25  # as a power
_GAIN = 0.1  # each channel on its own
_OFFSET = 0.05  # of the full range


def made_reference(
    photo: Pixels,
    corner: tuple[int, int],
    size: int,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Pixels:
    """Another view of what is around a patch, as a second photo might show it.

    Args:
        photo: any size from `size` x `size`; mirrored at its borders where the view leaves it.
        corner: row and column of the patch in the photo.
        size: side of the patch and of the reference.
        rng: source of randomness.
        strength: factor on all ranges of change; 0 gives the patch itself.

    Returns:
        `size` x `size` pixels.
    """
    return recoloured(warped(photo, corner, size, rng, strength), rng, strength)


def warped(
    photo: Pixels,
    corner: tuple[int, int],
    size: int,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Pixels:
    """A shifted, turned, zoomed and slightly bent view."""
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])  # x, y
    turn = np.deg2rad(strength * rng.uniform(-_TURN, _TURN))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    zoom = (1 + _ZOOM) ** (strength * rng.uniform(-1, 1))
    bend = strength * rng.uniform(-_BEND, _BEND, (4, 2))
    shift = strength * rng.uniform(-_SHIFT, _SHIFT, 2)
    middle = np.array([corner[1], corner[0]]) + size / 2
    seen = ((square * zoom) @ rotation + bend + shift) * size + middle

    margin = size
    mirrored = np.pad(photo, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    coefficients = homography((square + 0.5) * size, seen + margin)
    view = Image.fromarray(mirrored).transform(
        (size, size),
        Image.Transform.PERSPECTIVE,
        coefficients.tolist(),
        Image.Resampling.BICUBIC,
    )
    return np.array(view)


def recoloured(pixels: Pixels, rng: np.random.Generator, strength: float = 1.0) -> Pixels:
    """Another exposure and white balance."""
    gamma = (1 + _GAMMA) ** (strength * rng.uniform(-1, 1))
    gain = 1 + strength * rng.uniform(-_GAIN, _GAIN, 3)
    offset = strength * rng.uniform(-_OFFSET, _OFFSET)
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * gain + offset  # [256, 3]
    table = np.clip(levels * 255, 0, 255).round().astype(np.uint8)
    return np.stack([table[pixels[..., c], c] for c in range(3)], axis=2)


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The eight numbers of the projective map that takes four points to four others.

    `x' = (a x + b y + c) / (g x + h y + 1)`, `y' = (d x + e y + f) / (g x + h y + 1)`, as Pillow
    orders them.
    """
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows), target.reshape(-1))
