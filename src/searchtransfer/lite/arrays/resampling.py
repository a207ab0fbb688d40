# SPDX-License-Identifier: Apache-2.0
"""Pictures between pixels, and at other sizes, as torch computes them."""

import math
from typing import Any

import numpy as np

from .tensor import Tensor, quiet, tensor_of

BETWEEN, SMALLER = -0.75, -0.5
"""The constant of the cubic that samples, and of the one that resizes without aliasing."""


@quiet
def grid_sample(
    x: Any, grid: Any, mode: str, padding_mode: str = "border", align_corners: bool = True
) -> Tensor:
    """`[1, C, N, K]` of a picture `[1, C, H, W]` at places `[1, N, K, 2]`, columns first."""
    if padding_mode != "border" or not align_corners or len(x) != 1:
        raise NotImplementedError("grid_sample: one picture, border, aligned corners only")
    picture = np.ascontiguousarray(np.asarray(x)[0])
    height, width = picture.shape[1:]
    half = np.float32(0.5)
    column = (np.asarray(grid)[0, ..., 0] + 1) * (half * (width - 1))
    row = (np.asarray(grid)[0, ..., 1] + 1) * (half * (height - 1))
    sample = _bilinear if mode == "bilinear" else _bicubic
    return tensor_of(sample(picture, row, column)[None])


def _bilinear(picture: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    height, width = picture.shape[1:]
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    top, left = top.astype(np.intp), left.astype(np.intp)
    below, beside = np.minimum(top + 1, height - 1) * width, np.minimum(left + 1, width - 1)
    top *= width
    corners = (
        (top + left, (1 - right) * (1 - down)),
        (top + beside, right * (1 - down)),
        (below + left, (1 - right) * down),
        (below + beside, right * down),
    )
    planes = picture.reshape(len(picture), -1)
    total = np.zeros((len(picture), *row.shape), picture.dtype)
    for index, weight in corners:
        for plane, into in zip(planes, total, strict=True):
            into += plane.take(index) * weight
    return total


def _bicubic(picture: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    height, width = picture.shape[1:]
    top, left = np.floor(row), np.floor(column)
    rows, columns = _taps(row - top), _taps(column - left)
    top, left = top.astype(np.intp), left.astype(np.intp)
    across = [np.clip(left + i, 0, width - 1) for i in range(-1, 3)]
    planes = picture.reshape(len(picture), -1)
    total = np.zeros((len(picture), *row.shape), picture.dtype)
    for i, share in enumerate(rows):
        first = np.clip(top + (i - 1), 0, height - 1) * width
        places = [first + x for x in across]
        for plane, into in zip(planes, total, strict=True):
            line = plane.take(places[0]) * columns[0]
            for place, weight in zip(places[1:], columns[1:], strict=True):
                line += plane.take(place) * weight
            line *= share
            into += line
    return total


def _taps(part: np.ndarray) -> list[np.ndarray]:
    """Weights of the pixel before, those around, and the one behind."""
    return [_cubic(abs(part - i), BETWEEN) for i in range(-1, 3)]


def _cubic(x: Any, a: float) -> Any:
    """Of distances from 0 to 2."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype(x.dtype)


@quiet
def interpolate(
    x: Any, size: Any, mode: str, align_corners: bool | None = None, antialias: bool = False
) -> Tensor:
    """A picture `[B, C, H, W]` at another size."""
    plain = np.asarray(x)
    for axis, after in ((3, size[1]), (2, size[0])):
        before = plain.shape[axis]
        if mode == "nearest":
            step = np.float32(before / after)
            index = (np.arange(after, dtype=np.float32) * step).astype(np.intp)
            plain = plain.take(np.minimum(index, before - 1), axis)
        elif mode == "area":
            plain = _means(plain, axis, after)
        elif mode == "bicubic" and antialias:
            plain = _resized(plain, axis, after)
        elif mode == "bilinear" and not (antialias or align_corners):
            plain = _between(plain, axis, after)
        else:
            raise NotImplementedError(f"interpolate: {mode}, antialias={antialias}")
    return tensor_of(plain)


def _means(x: np.ndarray, axis: int, after: int) -> np.ndarray:
    before = x.shape[axis]
    edges = [(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]
    lines = np.moveaxis(x, axis, 0)
    return np.moveaxis(np.stack([lines[a:b].mean(0) for a, b in edges]), 0, axis)


def _between(x: np.ndarray, axis: int, after: int) -> np.ndarray:
    """One axis at another length: straight lines between the pixels."""
    before = x.shape[axis]
    place = (np.arange(after, dtype=x.dtype) + x.dtype.type(0.5)) * x.dtype.type(before / after)
    place = np.maximum(place - x.dtype.type(0.5), 0)
    first = np.minimum(place.astype(np.intp), before - 1)
    part = place - first.astype(x.dtype)
    lines = np.moveaxis(x, axis, -1)
    found = lines.take(first, -1) * (1 - part)
    found += lines.take(np.minimum(first + 1, before - 1), -1) * part
    return np.moveaxis(found, -1, axis)


def _resized(x: np.ndarray, axis: int, after: int) -> np.ndarray:
    """One axis at another length: a cubic, widened where it gets shorter."""
    before = x.shape[axis]
    if before == after:
        return x
    # In single precision, as torch does: the weights are not those of exact places.
    step = x.dtype.type(before / after)
    wide = max(x.dtype.type(1), step)
    centre = (np.arange(after, dtype=x.dtype) + x.dtype.type(0.5)) * step
    first = np.maximum((centre - 2 * wide + x.dtype.type(0.5)).astype(np.intp), 0)
    last = np.minimum((centre + 2 * wide + x.dtype.type(0.5)).astype(np.intp), before)
    taps = np.arange(math.ceil(4 * wide) + 2)
    place = first[:, None] + taps
    off = taps + (first.astype(x.dtype) - centre)[:, None] + x.dtype.type(0.5)
    weight = _cubic(abs(off.astype(x.dtype) * (1 / wide)), SMALLER)
    weight[place >= last[:, None]] = 0
    weight /= weight.sum(1, keepdims=True)
    place = np.minimum(place, before - 1)
    lines = np.moveaxis(x, axis, -1)
    total = np.zeros((*lines.shape[:-1], after), x.dtype)
    for tap in taps:
        total += lines.take(place[:, tap], -1) * weight[:, tap]
    return np.ascontiguousarray(np.moveaxis(total, -1, axis))
