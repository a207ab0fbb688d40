# SPDX-License-Identifier: Apache-2.0
"""`torch.nn.functional` on arrays, as far as the pipeline uses it: padding, pooling, filters."""

from typing import Any

import numpy as np

from .resampling import grid_sample as grid_sample
from .resampling import interpolate as interpolate
from .tensor import Tensor, quiet, tensor_of

_MODES: dict[str, Any] = {"replicate": "edge", "reflect": "reflect"}


def pad(x: Any, sides: Any, mode: str = "constant", value: Any = 0) -> Tensor:
    """Sides of the last dimension first: before, after; negative ones cut off."""
    pairs = [(0, 0)] * (x.ndim - len(sides) // 2)
    pairs += [(sides[i], sides[i + 1]) for i in range(len(sides) - 2, -1, -2)]
    cut = tuple(slice(max(0, -a), n + min(0, b)) for n, (a, b) in zip(x.shape, pairs, strict=True))
    grown = [(max(0, a), max(0, b)) for a, b in pairs]
    plain = np.asarray(x)[cut]
    if mode == "constant":
        return tensor_of(np.pad(plain, grown, constant_values=value))
    return tensor_of(np.pad(plain, grown, _MODES[mode]))


def _windows(x: np.ndarray, size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """`[..., H', W', kh, kw]`, a view."""
    found = np.lib.stride_tricks.sliding_window_view(x, size, (-2, -1))
    return found[..., :: stride[0], :: stride[1], :, :]


@quiet
def avg_pool2d(
    x: Any,
    size: Any,
    stride: Any = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Means of windows, of what lies inside where the padding is not to count."""
    if ceil_mode and count_include_pad:
        raise NotImplementedError("avg_pool2d: ceil_mode only without the padding")
    plain = np.asarray(x)
    count = np.ones(plain.shape[-2:], plain.dtype)
    windows = zip(plain.shape[-2:], _pair(size), _pair(stride or size), strict=True)
    # What the last window lacks, if it is to reach over all.
    ends = [(padding, padding + -(n - k) % step * ceil_mode) for n, k, step in windows]
    if any(map(any, ends)):
        plain = np.pad(plain, [(0, 0)] * (plain.ndim - 2) + ends)
        count = np.pad(count, ends, constant_values=int(count_include_pad))
    return tensor_of(_box(plain, size, stride) / _box(count, size, stride))


def _box(x: np.ndarray, size: Any, stride: Any) -> np.ndarray:
    """Sums of windows: along columns, then along rows."""
    (rows, columns), (down, right) = _pair(size), _pair(stride or size)
    lines = _sums(x.swapaxes(-1, -2), columns, right).swapaxes(-1, -2)
    return _sums(lines, rows, down)


def _sums(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """Of so many neighbours along the last axis but one."""
    end = (x.shape[-2] - size) // step * step + 1
    total = x[..., :end:step, :].copy()
    for i in range(1, size):
        total += x[..., i : i + end : step, :]
    return total


def _pair(x: Any) -> tuple[int, int]:
    return (x, x) if isinstance(x, int) else tuple(x)


def max_pool2d(x: Any, size: Any, stride: Any = None, padding: int = 0) -> Tensor:
    plain = np.asarray(x)
    if padding:
        sides = [(0, 0)] * (plain.ndim - 2) + [(padding, padding)] * 2
        plain = np.pad(plain, sides, constant_values=-np.inf)
    (rows, columns), (down, right) = _pair(size), _pair(stride or size)
    lines = _windows(plain, (rows, 1), (down, 1)).max((-2, -1))
    return tensor_of(_windows(lines, (1, columns), (1, right)).max((-2, -1)))


def unfold(x: Any, size: int, dilation: int = 1, padding: int = 0, stride: int = 1) -> Tensor:
    """`[B, C*k*k, N]`."""
    plain = np.pad(np.asarray(x), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    reach = dilation * (size - 1)
    height, width = (n - reach for n in plain.shape[2:])
    parts = [
        plain[:, :, y : y + height : stride, z : z + width : stride]
        for y in range(0, reach + 1, dilation)
        for z in range(0, reach + 1, dilation)
    ]
    stacked = np.stack(parts, 2)  # [B, C, k*k, H', W']
    return tensor_of(stacked.reshape(len(plain), plain.shape[1] * size**2, -1))


def linear(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight.T + bias


def conv1d(x: Any, weight: Any, stride: int = 1) -> Tensor:
    return tensor_of(
        np.asarray(conv2d(x[..., None, :], weight[..., None, :], stride=(1, stride)))[..., 0, :]
    )


@quiet
def conv2d(x: Any, weight: Any, stride: Any = 1) -> Tensor:
    """A product with the filters for each of their places: no copy of all windows."""
    down, right = _pair(stride)
    plain, filters = np.asarray(x), np.asarray(weight)
    rows, columns = filters.shape[2:]
    height, width = (
        (n - k) // s + 1
        for n, k, s in zip(plain.shape[2:], (rows, columns), (down, right), strict=True)
    )
    total = np.zeros((len(plain), len(filters), height * width), plain.dtype)
    for y in range(rows):
        for z in range(columns):
            part = plain[
                :,
                :,
                y : y + (height - 1) * down + 1 : down,
                z : z + (width - 1) * right + 1 : right,
            ]
            total += filters[:, :, y, z] @ part.reshape(len(plain), plain.shape[1], -1)
    return tensor_of(total.reshape(len(plain), len(filters), height, width))
