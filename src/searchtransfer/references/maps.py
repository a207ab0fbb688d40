# SPDX-License-Identifier: Apache-2.0
"""Maps from one picture to another: projective, on rows and columns of pixel middles.

A map is a 3 x 3 matrix in double precision that takes `(row, column, 1)` to a multiple of
`(row, column, 1)`; the middle of the first pixel is (0, 0).
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

Map = Float64[Tensor, "3 3"]


def identity() -> Map:
    """Every place stays where it is."""
    return torch.eye(3, dtype=torch.float64, device="cpu")


def resizing(before: tuple[int, int], after: tuple[int, int]) -> Map:
    """From a picture of `before` (rows, columns) to the same picture resized to `after`."""
    result = identity()
    for axis in (0, 1):
        factor = after[axis] / before[axis]
        result[axis, axis] = factor
        result[axis, 2] = (factor - 1) / 2  # the border, at -1/2, stays at -1/2
    return result


def turning(size: tuple[int, int], turns: int, mirrored: bool) -> Map:
    """From a picture of `size` to its mirror image (left to right), if wanted, turned.

    Args:
        size: rows and columns of the picture.
        turns: quarter turns against the clock, as of `torch.rot90`.
        mirrored: mirror it first.
    """
    height, width = size
    result = identity()
    if mirrored:
        result = torch.tensor(
            [[1, 0, 0], [0, -1, width - 1], [0, 0, 1]], dtype=torch.float64, device="cpu"
        )
    for _ in range(turns % 4):
        # rot90 puts column `width - 1` into the first row.
        quarter = torch.tensor(
            [[0, -1, width - 1], [1, 0, 0], [0, 0, 1]], dtype=torch.float64, device="cpu"
        )
        result = quarter @ result
        height, width = width, height
    return result


def applied(to: Map, place: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
    """Where a map takes places, `(row, column)`."""
    a = to.to(place)
    y, x = place.unbind(-1)
    depth = a[2, 0] * y + a[2, 1] * x + a[2, 2]
    rows = a[0, 0] * y + a[0, 1] * x + a[0, 2]
    columns = a[1, 0] * y + a[1, 1] * x + a[1, 2]
    return torch.stack([rows / depth, columns / depth], -1)


def jacobian_at(to: Map, place: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2 2"]:
    """How far a step at these places leads: derivatives of row and column by row and column."""
    a = to.to(place)
    y, x = place.unbind(-1)
    depth = (a[2, 0] * y + a[2, 1] * x + a[2, 2])[..., None, None]
    there = applied(to, place)[..., None]
    change: Tensor = (a[:2, :2] - there * a[2, :2]) / depth
    return change


def scale_of(jacobian: Float[Tensor, "*n 2 2"]) -> Float[Tensor, "*n"]:
    """By how much lengths grow: the root of the determinant's size."""
    area: Tensor = torch.linalg.det(jacobian)
    return area.abs().sqrt()


def fault_of(
    to: Map, places: Float64[Tensor, "n 2"], largest: float = 64.0, tilt: float = 4.0
) -> str | None:
    """Why a map can not be of a plane that these places show, seen from its front or mirrored.

    Args:
        to: the map.
        places: what it was found by.
        largest: by how much lengths may grow, or shrink.
        tilt: by how much more in one direction than in another, in the middle of the places.

    Returns:
        The fault in words; None for a sound map.
    """
    if not bool(torch.isfinite(to).all()):
        return "not finite"
    depth = places @ to[2, :2] + to[2, 2]
    signs = torch.linalg.det(jacobian_at(to, places)).sign() * depth.sign()
    if not bool((depth * depth[0] > 0).all() & (signs * signs[0] > 0).all()):
        return "folded"
    middle = places.median(0).values
    lengths = torch.linalg.svdvals(jacobian_at(to, middle))
    if lengths[0] > largest or lengths[1] < 1 / largest:
        return f"lengths grow by {lengths[1]:.2g} to {lengths[0]:.2g}"
    if lengths[0] > tilt * lengths[1]:
        return f"tilted by {lengths[0] / lengths[1]:.1f}"
    return None
