# SPDX-License-Identifier: Apache-2.0
# The methods are torch's, not NumPy's of the same name; all that they return are tensors.
# mypy: disable-error-code="override, return-value, no-any-return"
"""A NumPy array with the methods of a tensor.

Doubles come from doubles only: whole numbers and single precision make single precision, and an
array without dimensions takes the dtype of what it meets.
"""

from typing import Any, NamedTuple

import numpy as np

from .device import CPU, Device

Single = np.dtype(np.float32)
Double = np.dtype(np.float64)
Long = np.dtype(np.int64)


quiet = np.errstate(all="ignore")
"""Infinities and NaN are numbers like others in torch, whatever the process asks of NumPy."""


class Extreme(NamedTuple):
    """What `max` and the like return along a dimension."""

    values: Any
    indices: Any


class Tensor(np.ndarray):
    """See the module docstring; methods are those of `torch.Tensor`, as far as they are used."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        wide = any(isinstance(x, np.ndarray) and x.ndim for x in inputs)
        plain = [_plain(x, wide) for x in inputs]
        out = options.pop("out", None)
        with np.errstate(all="ignore"):
            if out is not None:
                getattr(ufunc, method)(*plain, out=tuple(map(np.asarray, out)), **options)
                return out[0]
            result = getattr(ufunc, method)(*plain, **options)
        if isinstance(result, tuple):
            return tuple(map(tensor_of, result))
        if result.dtype == Double and not any(_is_double(x) for x in inputs):
            result = result.astype(Single)
        return tensor_of(result)

    def __getitem__(self, where: Any) -> Any:
        return tensor_of(np.asarray(self)[_plain_index(where)])

    # What it is.

    device: Device = CPU  # type: ignore[assignment]  # what NumPy has is a word
    layout = "strided"
    requires_grad = False

    @property
    def mT(self) -> "Tensor":
        return tensor_of(np.swapaxes(self, -1, -2))

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self.size

    def element_size(self) -> int:
        return self.itemsize

    def is_contiguous(self) -> bool:
        return bool(self.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def is_meta(self) -> bool:
        return False

    def data_ptr(self) -> int:
        return int(self.ctypes.data)

    # The same numbers.

    def detach(self) -> "Tensor":
        return self

    cpu = resolve_neg = detach

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    def clone(self) -> "Tensor":
        return tensor_of(np.array(self, order="C"))

    def contiguous(self, memory_format: Any = None) -> "Tensor":
        return self if self.flags.c_contiguous else self.clone()

    def to(self, *what: Any, dtype: Any = None, copy: bool = False, **_: Any) -> "Tensor":
        for x in what:
            dtype = (
                x.dtype if isinstance(x, np.ndarray) else x if isinstance(x, np.dtype) else dtype
            )
        if dtype is None or dtype == self.dtype:
            return self.clone() if copy else self
        with np.errstate(invalid="ignore"):
            return tensor_of(np.asarray(self).astype(dtype))

    def float(self) -> "Tensor":
        return self.to(Single)

    def double(self) -> "Tensor":
        return self.to(Double)

    def long(self) -> "Tensor":
        return self.to(Long)

    def byte(self) -> "Tensor":
        return self.to(np.dtype(np.uint8))

    # Other shapes.

    def view(self, *shape: Any) -> Any:
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, tuple, list)):
            return np.ndarray.view(self, shape[0])
        return self.reshape(*shape)

    def view_as(self, other: np.ndarray) -> Any:
        return self.reshape(other.shape)

    def flatten(self, start: int = 0, end: int = -1) -> Any:
        if not self.ndim:
            return self.reshape(1)
        end %= self.ndim
        return self.reshape(*self.shape[:start], -1 if self.size else 0, *self.shape[end + 1 :])

    def permute(self, *order: Any) -> "Tensor":
        return tensor_of(np.transpose(np.asarray(self), _sizes(order)))

    def transpose(self, a: int, b: int) -> Any:
        return tensor_of(np.swapaxes(np.asarray(self), a, b))

    def movedim(self, source: int, target: int) -> "Tensor":
        return tensor_of(np.moveaxis(np.asarray(self), source, target))

    def expand(self, *sizes: Any) -> "Tensor":
        sizes = _sizes(sizes)
        old = (1,) * (len(sizes) - self.ndim) + self.shape
        shape = [a if b == -1 else b for a, b in zip(old, sizes, strict=True)]
        return tensor_of(np.broadcast_to(np.asarray(self), shape))

    def expand_as(self, other: np.ndarray) -> "Tensor":
        return self.expand(*other.shape)

    def flip(self, *dims: Any) -> "Tensor":
        return tensor_of(np.flip(np.asarray(self), _sizes(dims)))

    def repeat_interleave(self, times: int, dim: int) -> "Tensor":
        return tensor_of(np.repeat(np.asarray(self), times, dim))

    def unfold(self, dim: int, size: int, step: int) -> "Tensor":
        windows = np.lib.stride_tricks.sliding_window_view(np.asarray(self), size, dim)
        cut = [slice(None)] * self.ndim
        cut[dim] = slice(None, None, step)
        return tensor_of(windows[tuple(cut)])

    def unbind(self, dim: int = 0) -> "tuple[Tensor, ...]":
        return tuple(tensor_of(x) for x in np.moveaxis(np.asarray(self), dim, 0))

    # New ones like it.

    def new_empty(self, *size: Any, dtype: Any = None) -> "Tensor":
        return tensor_of(np.empty(_sizes(size), dtype or self.dtype))

    def new_zeros(self, *size: Any, dtype: Any = None) -> "Tensor":
        return tensor_of(np.zeros(_sizes(size), dtype or self.dtype))

    def new_ones(self, *size: Any, dtype: Any = None) -> "Tensor":
        return tensor_of(np.ones(_sizes(size), dtype or self.dtype))

    def new_full(self, size: Any, value: Any, dtype: Any = None) -> "Tensor":
        return tensor_of(np.full(size, value, dtype or self.dtype))

    def new_tensor(self, values: Any) -> "Tensor":
        return tensor_of(np.array(values, self.dtype))

    # Numbers made of numbers.

    def square(self) -> Any:
        return self * self

    def sqrt(self) -> Any:
        return np.sqrt(self)

    def rsqrt(self) -> Any:
        return 1 / np.sqrt(self)

    def abs(self) -> Any:
        return np.abs(self)

    def sign(self) -> Any:
        return np.sign(self)

    def pow(self, exponent: Any) -> Any:
        return np.power(self, exponent)

    def relu(self) -> Any:
        return np.maximum(self, 0)

    def isnan(self) -> Any:
        return np.isnan(self)

    def masked_fill(self, mask: np.ndarray, value: Any) -> "Tensor":
        return self.clone().masked_fill_(mask, value)

    def round(self) -> Any:
        return np.rint(self)

    def div(self, other: Any) -> "Tensor":
        return self / other

    def mul(self, other: Any) -> "Tensor":
        return self * other

    def minimum(self, other: Any) -> Any:
        return np.minimum(self, other)

    def maximum(self, other: Any) -> Any:
        return np.maximum(self, other)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        low = self if min is None else np.maximum(self, min)
        return low if max is None else np.minimum(low, max)

    def nan_to_num(self, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> "Tensor":
        plain = np.asarray(self)
        return tensor_of(np.nan_to_num(plain, nan=nan, posinf=posinf, neginf=neginf))

    # In place.

    def mul_(self, other: Any) -> "Tensor":
        self *= other
        return self

    def div_(self, other: Any) -> "Tensor":
        self /= other
        return self

    def add_(self, other: Any, alpha: Any = 1) -> "Tensor":
        """Rounded once where there is a factor, as torch's fused product and sum is."""
        if isinstance(alpha, int) and alpha == 1:
            self += other
        else:
            product = np.asarray(other).astype(Double) * float(self.dtype.type(alpha))
            self[...] = np.asarray(self) + product
        return self

    def clamp_(self, min: Any = None, max: Any = None) -> "Tensor":
        self[...] = self.clamp(min, max)
        return self

    def fill_(self, value: Any) -> "Tensor":
        self[...] = value
        return self

    def masked_fill_(self, mask: np.ndarray, value: Any) -> "Tensor":
        np.copyto(np.asarray(self), value, where=np.asarray(mask))
        return self

    def scatter_reduce_(self, dim: int, index: Any, source: Any, reduce: str) -> "Tensor":
        if (dim, reduce, self.ndim) != (0, "amin", 1):
            raise NotImplementedError("scatter_reduce_: only the least, of one dimension")
        np.minimum.at(np.asarray(self), np.asarray(index), np.asarray(source))
        return self

    # Along dimensions.

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        return tensor_of(np.sum(np.asarray(self), axis=dim, keepdims=keepdim))

    def mean(self, dim: Any = None, keepdim: bool = False) -> Any:
        return tensor_of(np.mean(np.asarray(self), axis=_axes(dim), keepdims=keepdim))

    def var(self, dim: Any = None) -> Any:
        return tensor_of(np.var(np.asarray(self), axis=dim, ddof=1))

    def norm(self, dim: Any = None, keepdim: bool = False) -> Any:
        return tensor_of(np.linalg.norm(np.asarray(self), axis=dim, keepdims=keepdim))

    def all(self, dim: Any = None) -> Any:
        return tensor_of(np.all(np.asarray(self), axis=dim))

    def any(self, dim: Any = None) -> Any:
        return tensor_of(np.any(np.asarray(self), axis=dim))

    def amax(self, dim: Any = None) -> Any:
        return tensor_of(np.max(np.asarray(self), axis=_axes(dim)))

    def amin(self, dim: Any = None) -> Any:
        return tensor_of(np.min(np.asarray(self), axis=_axes(dim)))

    def max(self, dim: Any = None) -> Any:
        if dim is None:
            return self.amax()
        return Extreme(self.amax(dim), tensor_of(np.argmax(np.asarray(self), axis=dim)))

    def min(self, dim: Any = None) -> Any:
        if dim is None:
            return self.amin()
        return Extreme(self.amin(dim), tensor_of(np.argmin(np.asarray(self), axis=dim)))

    def median(self, dim: int | None = None) -> Any:
        """The lower of the two in the middle."""
        if dim is None:
            return self.flatten().median(0).values
        order = np.argsort(np.asarray(self), axis=dim, kind="stable")
        middle = order.take([(self.shape[dim] - 1) // 2], axis=dim)
        values = np.take_along_axis(np.asarray(self), middle, dim).squeeze(dim)
        return Extreme(tensor_of(values), tensor_of(middle.squeeze(dim)))

    def topk(self, count: int, dim: int) -> Extreme:
        """The largest, in falling order."""
        plain = np.asarray(self)
        best = np.argpartition(-plain, count - 1, dim).take(range(count), axis=dim)
        values = np.take_along_axis(plain, best, dim)
        order = np.argsort(-values, axis=dim, kind="stable")
        values, best = (np.take_along_axis(x, order, dim) for x in (values, best))
        return Extreme(tensor_of(values), tensor_of(best))

    def argsort(self, dim: int = -1, descending: bool = False) -> Any:
        values = -np.asarray(self) if descending else np.asarray(self)
        return tensor_of(np.argsort(values, axis=dim, kind="stable"))

    def cumsum(self, dim: int) -> Any:
        return tensor_of(np.cumsum(np.asarray(self), axis=dim))

    def nonzero(self) -> Any:
        return tensor_of(np.argwhere(np.asarray(self)))

    def gather(self, dim: int, index: np.ndarray) -> "Tensor":
        return tensor_of(np.take_along_axis(np.asarray(self), np.asarray(index), dim))


def tensor_of(x: Any) -> Tensor:
    """An array or number of NumPy as a tensor; memory is shared."""
    return np.ndarray.view(np.asarray(x), Tensor)


def _plain(x: Any, wide: bool) -> Any:
    """An input of NumPy's own; without dimensions a number, which has no dtype to impose."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    if wide and not x.ndim:
        return x.item()
    return np.asarray(x)


def _plain_index(where: Any) -> Any:
    if isinstance(where, tuple):
        return tuple(map(_plain_index, where))
    return np.asarray(where) if isinstance(where, Tensor) else where


def _is_double(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype == Double


def _sizes(sizes: Any) -> Any:
    """Sizes as they come: several numbers, or one tuple of them."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim
