# SPDX-License-Identifier: Apache-2.0
"""A photo with everything that depends on it alone, computed once."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.resize import softened
from ..process.budget import BYTES_A_PIXEL, MEMORY, for_copies
from .blank import without_blank_corners
from .copy import Copy, resized, upright, warped
from .geometry import Keypoints, Plane, keypoints, reduced_and_enlarged
from .kept import Kept
from .maps import Map, jacobian_at, resizing, scale_of, turning
from .sharpness import part_of_filter

SHARPEST = 1.05
"""Pixels of the photo for a pixel of the result from which on what is finer is filtered out."""

DENSE = 2.0
"""Pixels of a filtered photo for a pixel of the result at least; it has less than twice as many."""


AS_IT_IS = "as it is"


def alignment_name(zoom: float, turns: int, mirrored: bool) -> str:
    """What was done to a photo, in words."""
    parts = [
        *(["mirrored"] if mirrored else []),
        *([f"turned by {90 * turns}"] if turns else []),
        *([f"zoomed {zoom:.2f}"] if zoom != 1 else []),
    ]
    return ", ".join(parts) or AS_IT_IS


class Photo:
    """A reference photo at every half size, with its keypoints and the copy of it as it is.

    Everything is computed when it is first asked for, by one thread, and kept. Copies of it are
    not: they are made for one image.

    Args:
        pixels: `[3, H, W]` in [0, 1].
        number: among the photos of a reference.
        scale: of the result.
    """

    def __init__(self, pixels: Float[Tensor, "3 _ _"], number: int, scale: int) -> None:
        self.pixels, self.number, self.scale = pixels, number, scale
        self._kept = Kept()

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def shown(self) -> Float[Tensor, "3 _ _"]:
        """The photo without blank corners."""
        return self._kept.once("shown", lambda: without_blank_corners(self.pixels))

    @property
    def keypoints(self) -> Keypoints:
        """What geometry is found by."""
        return self._kept.once(
            "keypoints", lambda: keypoints(reduced_and_enlarged(self.shown, self.scale))
        )

    @property
    def upright(self) -> Copy:
        """The photo as it is."""
        return self._kept.once("upright", lambda: upright(self.shown, self.number, self.scale))

    def prepare(self) -> None:
        """Compute now what a search needs.

        A photo too large to be searched as it is, within the usual memory, is only reduced.
        """
        _ = self.keypoints
        if BYTES_A_PIXEL * self.size[0] * self.size[1] <= for_copies(MEMORY):
            _ = self.upright.luma
            _ = self.upright.halved.luma

    def aligned(self, zoom: float = 1.0, turns: int = 0, mirrored: bool = False) -> Copy:
        """The photo `zoom` times as large, mirrored if wanted, and turned by quarters.

        No side is below one cell, and the proportions stay.
        """
        size = self.size_at(zoom)
        there = torch.linalg.inv(turning(size, turns, mirrored))
        to_photo = resizing(size, self.size) @ there
        level = self.at(size)
        pixels = torch.rot90(level.flip(2) if mirrored else level, turns, (1, 2)).contiguous()
        source, source_to_photo = self.softened(self.size[0] / size[0])
        to_source = torch.linalg.inv(source_to_photo) @ to_photo
        name = alignment_name(zoom, turns, mirrored)
        return Copy(self.number, name, source, to_source, to_photo, pixels, self.scale)

    def size_at(self, zoom: float) -> tuple[int, int]:
        """Rows and columns of the photo `zoom` times as large."""
        zoom = max(zoom, self.scale / min(self.size))
        return round(self.size[0] * zoom), round(self.size[1] * zoom)

    def on_plane(self, plane: Plane, size: tuple[int, int]) -> Copy:
        """The photo as a plane shows it in a frame of `size` rows and columns, the result's."""
        factor = scale_of(jacobian_at(plane.to_photo, plane.middle)).item()
        source, source_to_photo = self.softened(factor)
        to_source = torch.linalg.inv(source_to_photo) @ plane.to_photo
        pixels, inside = warped(source, to_source, size, plane.middle)
        to_photo = plane.to_photo
        return Copy(
            self.number, str(plane), source, to_source, to_photo, pixels, self.scale, inside
        )

    def softened(self, factor: float) -> tuple[Float[Tensor, "3 _ _"], Map]:
        """The photo without what is finer than the result, and the map from there to its pixels.

        Not reduced to the size of the result, so that what lies between pixels can be sampled
        without a loss: texture is only filtered once, and sampled once.

        Args:
            factor: pixels of the photo for a pixel of the result.
        """
        level = max(0, math.floor(math.log2(factor / DENSE))) if factor > 0 else 0
        half = self._half(level)
        left = factor * half.shape[1] / self.size[0]
        source = half
        if left > SHARPEST:
            about = round(left, 1)
            part = self._kept.once(("part", level, about), lambda: part_of_filter(half, about))
            source = softened(half, max(1.0, part * left))
        return source, resizing((half.shape[1], half.shape[2]), self.size)

    def at(self, size: tuple[int, int]) -> Float[Tensor, "3 _ _"]:
        """The photo at another size, without aliasing where it gets smaller."""
        level = 0
        while all(
            n // 2 ** (level + 1) >= wanted for n, wanted in zip(self.size, size, strict=True)
        ):
            level += 1
        return resized(self._half(level), size)

    def _half(self, level: int) -> Float[Tensor, "3 _ _"]:
        if not level:
            return self.shown

        def make() -> Tensor:
            above = self._half(level - 1)
            return resized(above, (above.shape[1] // 2, above.shape[2] // 2))

        return self._kept.once(("half", level), make)
