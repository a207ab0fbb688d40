# SPDX-License-Identifier: Apache-2.0
"""Crops of FusionNet: a target and a reference, useful, useless, or none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np

from ...errors import DataError, ImageFileError
from ...images.pairs import Pair
from ..data.augment import crop, random_corner
from ..data.locate import locate
from ..data.pixels import Pixels, pad_to, read_pixels, resize
from ..data.synthesis import made_reference
from ..data.views import NEAR, Views, seen_otherwise, wide_pair
from ..degradations import ALBUM, CLEAN, Album, Recipe, draw_wear
from .split import photo_name, scene_name

T = TypeVar("T")

TARGET = 64
"""Side of a target in cells, less where the photo is smaller."""
REFERENCE = 96
"""Side of the part of a real reference that is searched, in cells."""
_MAX_TRIES = 10
_CHANCES = {"scene": 0.19, "cufed": 0.02, "useless": 0.13, "made": 0.21, "alone": 0.45}
_FACTORS = (0.6, 1.8)
"""Photos are reduced or enlarged first: many that people have are softer than their size says."""
_AS_IT_IS = 0.4  # the chance that a photo is not


def smallest(scale: int) -> int:
    """Side of a target at least, in pixels: 32 cells, less where few photos would be as large."""
    return min(32 * scale, 192)


@dataclass(frozen=True)
class Sources:
    """The photos of a data folder."""

    scenes: list[Pair] = field(default_factory=list)
    """Real neighbours."""
    cufed: list[Pair] = field(default_factory=list)
    """Real pairs of small photos."""
    singles: list[Pair] = field(default_factory=list)
    """Photos whose reference is made."""
    views: Views = NEAR
    """How far off that may be."""
    recipe: Recipe = CLEAN
    """What small pictures have been through."""
    album: Album = ALBUM
    """What references have been through."""
    scale: int = 4
    """Pixels of a cell on a side."""
    unusable: set[str] = field(default_factory=set)
    """Why files could not be used by `draw`; each begins with the name."""

    def draw(self, rng: np.random.Generator) -> tuple[Pixels, Pixels | None, str]:
        """A target, a reference if any, and of which kind they are.

        Raises:
            DataError: ten draws in a row met files that cannot be used.
        """
        for _ in range(_MAX_TRIES):
            try:
                return self._drawn(rng)
            except ImageFileError as error:
                self.unusable.add(str(error))
        raise DataError(f"no crop can be made: {'; '.join(sorted(self.unusable)[:5])}")

    def _drawn(self, rng: np.random.Generator) -> tuple[Pixels, Pixels | None, str]:
        pools = {"scene": self.scenes, "cufed": self.cufed, "useless": self._among_others}
        pools |= {"made": self.singles, "alone": self.singles + self.scenes}
        kinds = [kind for kind, pool in pools.items() if pool]
        chances = np.array([_CHANCES[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=chances / chances.sum()))]
        pair = _any(pools[kind], rng)
        if kind in ("scene", "cufed"):
            target, reference = _real(pair, rng, self.views, self.scale)
            return target, self._perhaps_worn(reference, rng), kind
        photo = _of_any_sharpness(read_pixels(pair.target), rng, smallest(self.scale))
        if kind == "made":
            target, reference = _made(photo, rng, self.views, self.scale)
            return target, draw_wear(rng, self.album).apply(reference), kind
        size = _size(photo, self.scale)
        target = crop(photo, random_corner(photo, size, rng), size)
        if kind == "alone":
            return target, None, kind
        other = read_pixels(_any(self._others(pair), rng).target)
        side = min(_size(other, self.scale), *other.shape[:2])
        reference = crop(other, random_corner(other, side, rng), side)
        return target, self._perhaps_worn(reference, rng), kind

    def _perhaps_worn(self, reference: Pixels, rng: np.random.Generator) -> Pixels:
        """A real reference, which is worn already, by chance even more so."""
        if self.album.real and rng.random() < self.album.real:
            return draw_wear(rng, self.album).apply(reference)
        return reference

    @property
    def _among_others(self) -> list[Pair]:
        """Photos that one of something else can be shown beside."""
        return self.singles if len(set(self._groups.values())) > 1 else []

    @cached_property
    def _groups(self) -> dict[str, str]:
        """What each photo is of: a scene, or only itself."""
        groups = {photo_name(pair.target): photo_name(pair.target) for pair in self.singles}
        for pair in self.scenes:
            groups[photo_name(pair.target)] = scene_name(pair.target.parent)
        return groups

    def _others(self, pair: Pair) -> list[Pair]:
        """Photos of something else."""
        same = self._groups[photo_name(pair.target)]
        known = self.singles + self.scenes
        return [x for x in known if self._groups[photo_name(x.target)] != same]


def _real(pair: Pair, rng: np.random.Generator, views: Views, scale: int) -> tuple[Pixels, Pixels]:
    """The same reduction for both: large photos are often soft, and content varies in size.

    By the chance of other views the reference is turned too, as if the camera had been.
    """
    target, reference = read_pixels(pair.target), read_pixels(_any(pair.references, rng))
    if min(target.shape[:2]) > 2 * TARGET * scale:
        factor = float(rng.uniform(0.5, 1))
        target, reference = (
            resize(x, round(x.shape[0] * factor), round(x.shape[1] * factor))
            for x in (target, reference)
        )
    size = _size(target, scale)
    patch = crop(target, random_corner(target, size, rng), size)
    row, column = locate(patch, pad_to(reference, size))
    side = REFERENCE * scale
    margin = (side - size) // 2
    top, left = max(0, row - margin), max(0, column - margin)
    seen = reference[top : top + side, left : left + side]
    if views.chance and rng.random() < views.chance:
        height, width = seen.shape[:2]
        seen = seen_otherwise(seen, (height / 2, width / 2), min(height, width), rng, views)
    return patch, seen


def _made(
    photo: Pixels, rng: np.random.Generator, views: Views, scale: int
) -> tuple[Pixels, Pixels]:
    """A patch and another view of it, half of them reduced afterwards where the photo is large.

    To warp is to interpolate, and to interpolate is to blur; a reduced picture is sharp again, as
    a second photo is.
    """
    strength = float(rng.uniform(0, 1)) ** 2
    if views.chance and rng.random() < views.chance:
        patch, reference = wide_pair(photo, (smallest(scale), TARGET * scale), scale, rng, views)
    else:
        size = _size(photo, scale)
        corner = random_corner(photo, size, rng)
        patch = crop(photo, corner, size)
        reference = made_reference(photo, corner, size, rng, strength)
    small, smaller = (len(x) // (2 * scale) * scale for x in (patch, reference))
    if min(small, smaller) >= smallest(scale) and rng.random() < 0.5:
        return resize(patch, small, small), resize(reference, smaller, smaller)
    return patch, reference


def _of_any_sharpness(photo: Pixels, rng: np.random.Generator, least: int) -> Pixels:
    if rng.random() < _AS_IT_IS:
        return photo
    shortest = min(photo.shape[:2])
    lowest, largest = max(_FACTORS[0], least / shortest), _FACTORS[1]
    factor = float(np.exp(rng.uniform(np.log(min(lowest, 1.0)), np.log(largest))))
    return resize(photo, *(max(least, round(n * factor)) for n in photo.shape[:2]))


def _size(photo: Pixels, scale: int) -> int:
    """Side of the target that is cut from a photo."""
    return min(TARGET * scale, int(min(photo.shape[:2])) // scale * scale)


def _any(things: Sequence[T], rng: np.random.Generator) -> T:
    return things[int(rng.integers(len(things)))]
