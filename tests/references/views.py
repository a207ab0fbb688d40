# SPDX-License-Identifier: Apache-2.0
"""Pairs that are known exactly: an image cut from a picture, and a photo made of it by a map."""

import math

import torch
from pictures import texture
from torch import Tensor

from searchtransfer.images import crop_to_multiple, down
from searchtransfer.references.field import Field
from searchtransfer.references.maps import Map, applied, identity
from searchtransfer.references.sampling import sampled


def smooth(height: int, width: int, seed: int = 0) -> Tensor:
    """A texture without anything finer than three pixels, so that it can be interpolated."""
    from searchtransfer.images.resize import softened

    return softened(texture(height, width, seed), 3.0).clamp(0, 1)


def seen_through(photo: Tensor, to: Map, size: tuple[int, int]) -> Tensor:
    """What a map sees of a photo from a frame of `size`."""
    rows, columns = (torch.arange(n, dtype=torch.float32) for n in size)
    place = applied(to, torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1))
    return sampled(photo, place, "bicubic").clamp(0, 1)


def low_of(sharp: Tensor, scale: int = 4) -> Tensor:
    return down(crop_to_multiple(sharp, scale), scale).clamp(0, 1)


def similarity(degrees: float, zoom: float, shift: tuple[float, float]) -> Map:
    """A turn and a zoom about the origin, then a shift."""
    turn = math.radians(degrees)
    to = identity()
    to[:2, :2] = zoom * torch.tensor(
        [[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]], dtype=torch.float64
    )
    to[0, 2], to[1, 2] = shift
    return to


def inner(x: Tensor, border: int = 4) -> Tensor:
    """The cells of a map without those near its border."""
    return x[border:-border, border:-border]


def at_places(copy: int, centre: Tensor) -> Field:
    """Upright matches, as maps."""
    shape = centre.shape[:-1]
    still = torch.eye(2).expand(*shape, 2, 2).contiguous()
    return Field(torch.full(shape, copy), centre.float(), still, torch.ones(shape))
