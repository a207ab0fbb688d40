# SPDX-License-Identifier: Apache-2.0
"""A photo with everything that depends on it alone, computed once."""

import torch
from jaxtyping import Float
from torch import Tensor

from .copy import Copy, resized, upright, warped
from .geometry import Keypoints, Plane, keypoints, softened
from .kept import Kept
from .maps import Map, identity, jacobian_at, resizing, scale_of, turning

SHARPEST = 1.25
"""Pixels of the photo for a pixel of the result from which on it is reduced first."""


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
    def keypoints(self) -> Keypoints:
        """What geometry is found by."""
        return self._kept.once("keypoints", lambda: keypoints(softened(self.pixels, self.scale)))

    @property
    def upright(self) -> Copy:
        """The photo as it is."""
        return self._kept.once("upright", lambda: upright(self.pixels, self.number, self.scale))

    def prepare(self) -> None:
        """Compute now what a search needs."""
        _ = self.keypoints, self.upright.luma

    def zoomed(self, zoom: float) -> Copy:
        """The photo `zoom` times as large; no side below one cell, the proportions stay."""
        zoom = max(zoom, self.scale / min(self.size))
        size = round(self.size[0] * zoom), round(self.size[1] * zoom)
        pixels, back = self.at(size), resizing(size, self.size)
        name = f"zoomed {zoom:.2f}"
        # Where it gets smaller, what is finer than the result must not alias into it.
        if zoom < 1:
            return Copy(self.number, name, pixels, identity(), back, pixels, self.scale)
        return Copy(self.number, name, self.pixels, back, back, pixels, self.scale)

    def turned(self, turns: int, mirrored: bool) -> Copy:
        """The photo mirrored, if wanted, and turned by quarters."""
        pixels = torch.rot90(self.pixels.flip(2) if mirrored else self.pixels, turns, (1, 2))
        back = torch.linalg.inv(turning(self.size, turns, mirrored))
        name = f"{'mirrored, ' if mirrored else ''}turned by {90 * turns}"
        return Copy(self.number, name, self.pixels, back, back, pixels.contiguous(), self.scale)

    def on_plane(self, plane: Plane, size: tuple[int, int]) -> Copy:
        """The photo as a plane shows it in a frame of `size` rows and columns, the result's."""
        factor = scale_of(jacobian_at(plane.to_photo, plane.middle)).item()
        source, back = self.pixels, identity()
        if factor > SHARPEST:
            smaller = tuple(max(1, round(n / factor)) for n in self.size)
            source = self.at((smaller[0], smaller[1]))
            back = resizing((smaller[0], smaller[1]), self.size)
        to_source = torch.linalg.inv(back) @ plane.to_photo
        pixels, inside = warped(source, to_source, size, plane.middle)
        name = f"on a plane of {plane.count} keypoints, zoomed {1 / factor:.2f}"
        to_photo = plane.to_photo
        return Copy(self.number, name, source, to_source, to_photo, pixels, self.scale, inside)

    def at(self, size: tuple[int, int]) -> Float[Tensor, "3 _ _"]:
        """The photo at another size, without aliasing where it gets smaller."""
        level = 0
        while all(n // 2 ** (level + 1) >= wanted for n, wanted in zip(self.size, size, strict=True)):
            level += 1
        return resized(self._half(level), size)

    def _half(self, level: int) -> Float[Tensor, "3 _ _"]:
        if not level:
            return self.pixels

        def make() -> Tensor:
            above = self._half(level - 1)
            return resized(above, (above.shape[1] // 2, above.shape[2] // 2))

        return self._kept.once(("half", level), make)
