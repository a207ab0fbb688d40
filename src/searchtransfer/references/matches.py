# SPDX-License-Identifier: Apache-2.0
"""Matches: where in the original photos the cells of an image were found."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..given import check_flag


@dataclass(frozen=True, eq=False)
class Matches:
    """Where the texture of each cell (pixel of the small image) comes from.

    A cell covers `scale` x `scale` pixels of the result; in the photo they form a parallelogram.
    """

    photo: Int64[Tensor, "h w"]
    """Number of the reference; -1 where there is none."""
    position: Float[Tensor, "h w 2"]
    """Row and column there of the middle of the cell, to a fraction of a pixel; the middle of the
    first pixel is (0, 0)."""
    jacobian: Float[Tensor, "h w 2 2"]
    """Pixels of the photo for a step of one pixel of the result, down and right: the first column
    is where a step down leads."""
    scale: int
    """Pixels of the result that a cell covers, on a side."""

    @property
    def pixel(self) -> Int64[Tensor, "h w 2"]:
        """Row and column of the pixel of the photo that is the first of each cell, rounded."""
        return self.corners(inner=True)[..., 0, :].round().long()

    @property
    def zoom(self) -> Float[Tensor, "h w"]:
        """How many times larger the result shows things than the photo; 1 where there is none."""
        area = torch.linalg.det(self.jacobian).abs()
        return torch.where(area > 0, area, 1.0).rsqrt()

    def corners(self, inner: bool = False) -> Float[Tensor, "h w 4 2"]:
        """The corners of each match in the photo: top left, top right, bottom right, bottom left.

        Args:
            inner: the middles of the corner pixels instead of their outer corners.
        """
        check_flag("Matches: inner", inner)
        half = (self.scale - 1) / 2 if inner else self.scale / 2
        square = self.position.new_tensor([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * half
        return self.position[..., None, :] + torch.einsum("...ab,kb->...ka", self.jacobian, square)


def no_matches(size: tuple[int, int], scale: int, like: Tensor) -> Matches:
    """The matches of an image without a reference."""
    nowhere = like.new_full((*size, 2), -1.0)
    photo = torch.full(size, -1, dtype=torch.int64, device=like.device)
    return Matches(photo, nowhere, like.new_zeros(*size, 2, 2), scale)


def whole_cells(photo: Int64[Tensor, "h w"], pixel: Int64[Tensor, "h w 2"], scale: int) -> Matches:
    """Upright matches that begin at whole pixels."""
    position = pixel.float() + (scale - 1) / 2
    still = torch.eye(2, dtype=position.dtype, device=position.device).expand(*photo.shape, 2, 2)
    return Matches(photo, position, still.contiguous(), scale)
