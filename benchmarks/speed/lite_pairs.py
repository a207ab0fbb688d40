# SPDX-License-Identifier: Apache-2.0
"""Random pictures with and without a reference: parts of photos, moved, turned, mirrored, worn."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from skimage import data

SCALES = (2, 3, 4, 8)


class RandomPair(NamedTuple):
    scale: int
    small: np.ndarray
    photo: np.ndarray | None


def photos() -> list[np.ndarray]:
    names = "astronaut", "coffee", "chelsea", "rocket", "immunohistochemistry"
    return [data.stereo_motorcycle()[0], *(getattr(data, name)() for name in names)]


def random_pair(number: int, of: list[np.ndarray]) -> RandomPair:
    """The same for the same number; four of five have a reference."""
    rng = np.random.default_rng(number)
    photo = of[rng.integers(len(of))]
    scale = int(rng.choice(SCALES, p=[0.2, 0.15, 0.5, 0.15]))
    limit = [x // scale for x in photo.shape[:2]]
    rows, columns = (min(int(rng.integers(24, 48)), most) * scale for most in limit)
    top, left = (
        int(rng.integers(most - side + 1))
        for most, side in zip(photo.shape, (rows, columns), strict=False)
    )
    part = Image.fromarray(photo[top : top + rows, left : left + columns])
    small = _worn(part.resize((columns // scale, rows // scale), Image.Resampling.BICUBIC), rng)
    if rng.random() < 0.2:
        return RandomPair(scale, small, None)
    more = int(rng.integers(40))
    box = max(0, left - more), max(0, top - more), left + columns + more, top + rows + more
    other = _other(Image.fromarray(photo), rng)
    box = *box[:2], min(box[2], other.width), min(box[3], other.height)
    return RandomPair(scale, small, np.asarray(other.crop(box)))


def _other(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The scene once more, by another camera."""
    kind = rng.integers(4)
    if kind == 1:
        angle, zoom = rng.uniform(-0.15, 0.15), rng.uniform(0.85, 1.2)
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        y, x = rng.uniform(-5, 5, 2)
        maps = (cos, sin, x, -sin, cos, y)
        return photo.transform(photo.size, Image.Transform.AFFINE, maps, Image.Resampling.BICUBIC)
    if kind == 2:
        return photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if kind == 3:
        return photo.rotate(float(rng.uniform(-40, 40)), Image.Resampling.BICUBIC)
    return photo


def _worn(small: Image.Image, rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(4)
    if kind == 1:
        file = io.BytesIO()
        small.save(file, "JPEG", quality=int(rng.integers(30, 95)))
        return np.asarray(Image.open(file))
    if kind == 2:
        noise = rng.uniform(1, 10) * rng.standard_normal((small.height, small.width, 3))
        return np.clip(np.asarray(small) + noise, 0, 255).astype(np.uint8)
    if kind == 3:
        return np.asarray(small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2)))))
    return np.asarray(small)
