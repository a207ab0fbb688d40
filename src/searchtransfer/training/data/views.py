# SPDX-License-Identifier: Apache-2.0
"""References from quite another place: turned, mirrored, tilted, nearer or farther."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .augment import crop, random_corner
from .pixels import Pixels, resize
from .synthesis import homography, recoloured


@dataclass(frozen=True)
class Views:
    """How far made references may be from their target. Fields as in `config.Views`."""

    chance: float = 0.0
    """Of such a reference; the others are near."""
    turn: float = 180.0
    """Degrees, to either side."""
    upright: float = 0.3
    """The chance that it is a number of quarter turns, as of a camera held upright."""
    mirror: float = 0.1
    """The chance of a mirror image."""
    tilt: float = 0.25
    """How far each corner may be off, as a part of the side."""
    zoom: tuple[float, float] = (0.4, 3.0)
    """How many times larger the reference shows things, evenly on a logarithmic scale."""


NEAR = Views()
"""No reference is quite another view."""


def wide_pair(
    photo: Pixels, sides: tuple[int, int], multiple: int, rng: np.random.Generator, views: Views
) -> tuple[Pixels, Pixels]:
    """A patch of a photo, and quite another view of what it shows.

    Args:
        photo: no side is below the smallest.
        sides: of a patch at least, which limits the zoom; of target and reference at most.
        multiple: what the sides are multiples of.
        rng: source of randomness.
        views: how far off the reference may be.

    Returns:
        Two squares.
    """
    ours, theirs = two_scales(photo, sides[0], rng, views)
    size, side = (min(sides[1], min(x.shape[:2])) // multiple * multiple for x in (ours, theirs))
    corner = random_corner(ours, size, rng)
    row, column = (
        (n + size / 2) * theirs.shape[axis] / ours.shape[axis] for axis, n in enumerate(corner)
    )
    seen = seen_otherwise(theirs, (row, column), side, rng, views)
    return crop(ours, corner, size), recoloured(seen, rng, float(rng.uniform()))


def two_scales(
    photo: Pixels, smallest: int, rng: np.random.Generator, views: Views
) -> tuple[Pixels, Pixels]:
    """A photo for the target and one for the reference, one of them reduced: by a zoom.

    To enlarge would show nothing that the other lacks, so the one that shows things smaller is
    reduced. No side falls below `smallest`, which limits the zoom.
    """
    room = min(photo.shape[:2]) / smallest
    low, high = (float(np.clip(zoom, 1 / room, room)) for zoom in views.zoom)
    zoom = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    sizes = [round(n / max(zoom, 1 / zoom)) for n in photo.shape[:2]]
    reduced = resize(photo, *(max(smallest, n) for n in sizes))
    return (reduced, photo) if zoom > 1 else (photo, reduced)


def seen_otherwise(
    photo: Pixels,
    middle: tuple[float, float],
    size: int,
    rng: np.random.Generator,
    views: Views,
) -> Pixels:
    """A turned, tilted, perhaps mirrored view of what is around a point.

    Args:
        photo: any size; mirrored at its borders where the view leaves it.
        middle: row and column of the point.
        size: side of the view in pixels.
        rng: source of randomness.
        views: how far it may go; zoom and chance are not looked at.

    Returns:
        `size` x `size` pixels.
    """
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])  # x, y
    quarter = bool(rng.random() < views.upright)
    degrees = 90.0 * rng.integers(4) if quarter else rng.uniform(-views.turn, views.turn)
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = square + rng.uniform(-views.tilt, views.tilt, (4, 2)) / 2
    if rng.random() < views.mirror:
        corners = corners * [-1, 1]
    seen = corners @ rotation * size + [middle[1], middle[0]]
    margin = size
    mirrored = np.pad(photo, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    view = Image.fromarray(mirrored).transform(
        (size, size),
        Image.Transform.PERSPECTIVE,
        homography((square + 0.5) * size, seen + margin).tolist(),
        Image.Resampling.BICUBIC,
    )
    return np.array(view)
