# SPDX-License-Identifier: Apache-2.0
"""Detail: what the matched places of a full-size reference know beyond their reduced views.

A view is the reference reduced by `scale` from a sub-cell phase on. A match names a cell of a view;
the cell covers scale x scale pixels of the full-size photo. Its detail is those pixels minus the
enlarged view. The difference is made where it is gathered, so that the photos are kept once and the
views once, never `scale**2` enlarged views.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

WORKING_MEMORY = 128 * 2**20
"""Bytes that one blend may use beyond its inputs and outputs."""


class Views(NamedTuple):
    """All views of a reference set, laid out in two flat buffers so that one gather reaches any."""

    pixels: Float[Tensor, "3 n"]
    """The photos, row-major, one after the other."""
    low: Float[Tensor, "3 m"]
    """The views, each with a border of `REACH` repeated cells, one after the other."""
    size: Int64[Tensor, "v 2"]
    """Rows and columns of each view."""
    pixel_start: Int64[Tensor, " v"]
    """Where pixel (0, 0) of cell (0, 0) of each view is in `pixels`."""
    pixel_pitch: Int64[Tensor, " v"]
    """Columns of the photo of each view."""
    low_start: Int64[Tensor, " v"]
    """Where cell (0, 0) of each view is in `low`."""
    enlarge: Float[Tensor, "s taps"]
    """Weights of the cells around, `REACH` before to `REACH` after, at each pixel place."""
    scale: int


REACH = 2
"""Cells that the bicubic enlargement sees on either side."""


class Blend(NamedTuple):
    """Weighted means over the candidates of each cell."""

    detail: Float[Tensor, "3 hs ws"]
    """The mean detail."""
    confidence: Float[Tensor, "h w"]
    """The mean of what `blend` got as confidence."""
    spread: Float[Tensor, "h w"]
    """Mean squared distance of the candidates from their mean, per sample."""
    energy: Float[Tensor, "h w"]
    """Mean square of the mean detail, per sample."""


def blend(
    views: Views,
    view: Int64[Tensor, "h w"],
    index: Int64[Tensor, "h w"],
    weight: Float[Tensor, "h w"],
    gain: Float[Tensor, "h w"],
    confidence: Float[Tensor, "h w"],
    patch_size: int = 3,
) -> Blend:
    """Average the detail that each cell receives from the matches of its neighbours.

    As in `transfer`, output cell q receives from each neighbour p = q - d the cell d away from the
    match of p; here from any view, weighted by `weight[p]` and multiplied by `gain[p]`.

    Args:
        views: the reference.
        view: `[H, W]`, the view of each match.
        index: `[H, W]`, its cell there, `row * columns + column`.
        weight: `[H, W]`, positive.
        gain: `[H, W]`, factor on the detail.
        confidence: `[H, W]`, averaged along.
        patch_size: side of the neighbourhood in cells, odd.
    """
    height, width = view.shape
    scale = views.scale
    radius = patch_size // 2
    columns = views.size[view, 1]
    row = torch.div(index, columns, rounding_mode="floor")
    # Everything a neighbour needs to know of a match, padded by cells without weight.
    around = (radius, radius, radius, radius)
    places = [F.pad(x, around) for x in (view, row, index - row * columns)]
    amounts = [F.pad(x, around) for x in (weight, gain, confidence)]

    detail = views.pixels.new_empty(3, height * scale, width * scale)
    maps = views.pixels.new_empty(3, height, width)
    per_row = width * 4 * 3 * (6 * scale**2 + 2 * (2 * REACH + 1) ** 2)
    rows = max(1, WORKING_MEMORY // per_row)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = slice(top, bottom + 2 * radius)
        part = _strip(views, [x[strip] for x in places], [x[strip] for x in amounts], patch_size)
        detail[:, top * scale : bottom * scale] = part[0]
        maps[:, top:bottom] = part[1]
    return Blend(detail, maps[0], maps[1], maps[2])


def _strip(
    views: Views, places: list[Tensor], amounts: list[Tensor], patch_size: int
) -> tuple[Float[Tensor, "3 hs ws"], Float[Tensor, "3 h w"]]:
    """A few rows of the blend; the matches come with half a block more on every side."""
    radius, scale = patch_size // 2, views.scale
    height, width = (n - 2 * radius for n in places[0].shape)
    total = views.pixels.new_zeros(3, height, width, scale, scale)
    weights, confidences, squares = views.pixels.new_zeros(3, height, width)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            here = (
                slice(radius - dy, radius - dy + height),
                slice(radius - dx, radius - dx + width),
            )
            view, row, column = (x[here] for x in places)
            weight, gain, confidence = (x[here] for x in amounts)
            row, column = row + dy, column + dx
            size = views.size[view]
            inside = (row >= 0) & (row < size[..., 0]) & (column >= 0) & (column < size[..., 1])
            weight = torch.where(inside, weight, 0)
            row, column = torch.where(inside, row, 0), torch.where(inside, column, 0)
            cells = detail_at(views, view, row, column) * gain[..., None, None]
            total += weight[..., None, None] * cells
            squares += weight * cells.square().mean((0, 3, 4))
            weights += weight
            confidences += weight * confidence
    mean = total / weights[..., None, None]
    energy = mean.square().mean((0, 3, 4))
    spread = (squares / weights - energy).clamp(min=0)
    image = mean.permute(0, 1, 3, 2, 4).reshape(3, height * scale, width * scale)
    return image, torch.stack([confidences / weights, spread, energy])


def around(
    views: Views,
    view: Int64[Tensor, "h w"],
    row: Int64[Tensor, "h w"],
    column: Int64[Tensor, "h w"],
) -> Float[Tensor, "3 h w k k"]:
    """The cells around these, `REACH` on every side; those of the border repeated outside."""
    pitch = views.size[view][..., 1] + 2 * REACH
    step = torch.arange(-REACH, REACH + 1, device=view.device)
    start = views.low_start[view] + row * pitch + column
    return _take(views.low, start[..., None, None] + step[:, None] * pitch[..., None, None] + step)


def detail_at(
    views: Views, view: Tensor, row: Tensor, column: Tensor
) -> Float[Tensor, "3 h w s s"]:
    """The pixels of these cells minus what their views say of them."""
    scale = views.scale
    pitch = views.pixel_pitch[view]
    step = torch.arange(scale, device=view.device)
    start = views.pixel_start[view] + (row * pitch + column) * scale
    pixels = start[..., None, None] + step[:, None] * pitch[..., None, None] + step
    sharp = _take(views.pixels, pixels)  # [3, H, W, s, s]
    return sharp - views.enlarge @ around(views, view, row, column) @ views.enlarge.T


def _take(buffer: Float[Tensor, "3 n"], where: Int64[Tensor, "h w a b"]) -> Tensor:
    return buffer.index_select(1, where.flatten()).view(3, *where.shape)
