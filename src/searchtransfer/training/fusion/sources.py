# SPDX-License-Identifier: Apache-2.0
"""Where the crops of FusionNet come from: a target and a reference, useful, useless, or none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from ...errors import DataError
from ...pairs import Pair, cufed_pairs, scene_pairs, single_photos
from ..data.augment import crop, random_corner
from ..data.locate import locate
from ..data.pixels import SCALE, Pixels, pad_to, read_pixels, resize
from ..data.synthesis import made_reference
from .wear import worn

T = TypeVar("T")

TARGET = 256
"""Side of a target in pixels, less where the photo is smaller."""
REFERENCE = 384
"""Side of the part of a real reference that is searched."""
_SMALLEST = 128
_HELD_OUT_SCENES = ("et", "monstree")
_HELD_OUT_SINGLES = 20
_CHANCES = {"scene": 0.19, "cufed": 0.02, "useless": 0.13, "made": 0.21, "alone": 0.45}
_FACTORS = (0.6, 1.8)
"""Photos are reduced or enlarged first: many that people have are softer than their size says."""
_AS_IT_IS = 0.4  # the chance that a photo is not


@dataclass(frozen=True)
class Sources:
    """The photos of a data folder."""

    scenes: list[Pair] = field(default_factory=list)
    """Real neighbours."""
    cufed: list[Pair] = field(default_factory=list)
    """Real pairs of small photos."""
    singles: list[Pair] = field(default_factory=list)
    """Photos whose reference is made."""

    def draw(self, rng: np.random.Generator) -> tuple[Pixels, Pixels | None, str]:
        """A target, a reference if any, and of which kind they are."""
        pools = {"scene": self.scenes, "cufed": self.cufed, "useless": self.singles}
        pools |= {"made": self.singles, "alone": self.singles + self.scenes}
        kinds = [kind for kind, pool in pools.items() if pool]
        chances = np.array([_CHANCES[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=chances / chances.sum()))]
        pair = _any(pools[kind], rng)
        if kind in ("scene", "cufed"):
            return *_real(pair, rng), kind
        photo = _of_any_sharpness(read_pixels(pair.target), rng)
        size = _size(photo)
        corner = random_corner(photo, size, rng)
        if kind == "alone":
            return crop(photo, corner, size), None, kind
        if kind == "made":
            target, reference = _made(photo, corner, size, rng)
            return target, worn(reference, rng), kind
        others = self.singles + self.scenes
        other = read_pixels(_any(others, rng).target)
        side = min(_size(other), *other.shape[:2])
        return crop(photo, corner, size), crop(other, random_corner(other, side, rng), side), kind


def find_sources(data: Path, held_out: bool = False) -> Sources:
    """Photos for training, or those that are held out to choose checkpoints by.

    Args:
        data: holds `scenes/`, `pairs/cufed/`, `singles/`, or some of them; else all photos below it
            are singles.
        held_out: scenes et and monstree, and 20 singles; training takes the others.

    Raises:
        DataError: nothing is there.
    """
    scenes = _if_there(data / "scenes")
    pairs = [
        pair
        for folder in scenes
        if (folder.name in _HELD_OUT_SCENES) == held_out
        for pair in scene_pairs(folder, neighbours=2)
    ]
    cufed = data / "pairs" / "cufed"
    small = cufed_pairs(cufed) if cufed.is_dir() and not held_out else []
    singles = data / "singles"
    bare = not scenes and not cufed.is_dir() and not singles.is_dir()
    photos = single_photos(data if bare else singles) if bare or singles.is_dir() else []
    # Many folders hold thumbnails too; their sizes are known without decoding them.
    photos = [pair for pair in photos if _shorter_side(pair.target) >= _SMALLEST]
    order = np.random.default_rng(0).permutation(len(photos))
    count = min(_HELD_OUT_SINGLES, len(photos) // 10)
    chosen = order[:count] if held_out else order[count:]
    found = Sources(pairs, small, [photos[i] for i in sorted(chosen)])
    if not (found.scenes or found.cufed or found.singles):
        raise DataError(f"{data}: no photos of at least {_SMALLEST} pixels a side are in it")
    return found


def _real(pair: Pair, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """The same reduction for both: large photos are often soft, and content varies in size."""
    target, reference = read_pixels(pair.target), read_pixels(_any(pair.references, rng))
    if min(target.shape[:2]) > 2 * TARGET:
        factor = float(rng.uniform(0.5, 1))
        target, reference = (
            resize(x, round(x.shape[0] * factor), round(x.shape[1] * factor))
            for x in (target, reference)
        )
    size = _size(target)
    patch = crop(target, random_corner(target, size, rng), size)
    row, column = locate(patch, pad_to(reference, size))
    margin = (REFERENCE - size) // 2
    top, left = max(0, row - margin), max(0, column - margin)
    return patch, reference[top : top + REFERENCE, left : left + REFERENCE]


def _made(
    photo: Pixels, corner: tuple[int, int], size: int, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """A patch and another view of it, half of them reduced afterwards where the photo is large.

    To warp is to interpolate, and to interpolate is to blur; a reduced picture is sharp again, as
    a second photo is.
    """
    strength = float(rng.uniform(0, 1)) ** 2
    reference = made_reference(photo, corner, size, rng, strength)
    patch = crop(photo, corner, size)
    half = size // (2 * SCALE) * SCALE
    if half >= _SMALLEST and rng.random() < 0.5:
        return resize(patch, half, half), resize(reference, half, half)
    return patch, reference


def _of_any_sharpness(photo: Pixels, rng: np.random.Generator) -> Pixels:
    if rng.random() < _AS_IT_IS:
        return photo
    shortest = min(photo.shape[:2])
    smallest, largest = max(_FACTORS[0], _SMALLEST / shortest), _FACTORS[1]
    factor = float(np.exp(rng.uniform(np.log(min(smallest, 1.0)), np.log(largest))))
    return resize(photo, *(max(_SMALLEST, round(n * factor)) for n in photo.shape[:2]))


def _size(photo: Pixels) -> int:
    """Side of the target that is cut from a photo."""
    shortest = int(min(photo.shape[:2]))
    return min(TARGET, shortest - shortest % SCALE)


def _any(things: Sequence[T], rng: np.random.Generator) -> T:
    return things[int(rng.integers(len(things)))]


def _shorter_side(path: Path) -> int:
    with Image.open(path) as image:
        return int(min(image.size))


def _if_there(folder: Path) -> list[Path]:
    return sorted(x for x in folder.iterdir() if x.is_dir()) if folder.is_dir() else []
