# SPDX-License-Identifier: Apache-2.0
"""Functions of torch on arrays, as far as the pipeline uses them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .tensor import Double, Extreme, Long, Single, Tensor, quiet, tensor_of


def tensor(values: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A copy of numbers; fractions become single precision."""
    found = np.array(values, dtype)
    plain = dtype is None and not isinstance(values, np.ndarray)
    return tensor_of(found.astype(Single) if plain and found.dtype == Double else found)


def as_tensor(values: Any, dtype: Any = None) -> Tensor:
    return tensor_of(values) if isinstance(values, np.ndarray) else tensor(values, dtype)


def from_numpy(values: np.ndarray) -> Tensor:
    return tensor_of(values)


def _made(make: Any, size: tuple[Any, ...], dtype: Any) -> Tensor:
    sides = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return tensor_of(make(tuple(sides), dtype or Single))


def empty(*size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _made(np.empty, size, dtype)


def zeros(*size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _made(np.zeros, size, dtype)


def ones(*size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _made(np.ones, size, dtype)


def full(size: Any, value: Any, dtype: Any = None, device: Any = None) -> Tensor:
    if dtype is None:
        dtype = Long if isinstance(value, int) else Single
    return tensor_of(np.full(tuple(size), value, dtype))


def zeros_like(x: np.ndarray, dtype: Any = None) -> Tensor:
    return tensor_of(np.zeros(x.shape, dtype or x.dtype))


def ones_like(x: np.ndarray) -> Tensor:
    return tensor_of(np.ones(x.shape, x.dtype))


def empty_like(x: np.ndarray, dtype: Any = None) -> Tensor:
    return tensor_of(np.empty(x.shape, dtype or x.dtype))


def full_like(x: np.ndarray, value: Any) -> Tensor:
    return tensor_of(np.full(x.shape, value, x.dtype))


def eye(size: int, dtype: Any = None, device: Any = None) -> Tensor:
    return tensor_of(np.eye(size, dtype=dtype or Single))


def arange(*bounds: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return tensor_of(np.arange(*bounds, dtype=dtype))


def diag(x: np.ndarray) -> Tensor:
    return tensor_of(np.diag(np.asarray(x)))


def meshgrid(*axes: np.ndarray, indexing: str) -> list[Tensor]:
    plain: Any = [np.asarray(x) for x in axes]
    return [tensor_of(x) for x in np.meshgrid(*plain, indexing="ij" if indexing == "ij" else "xy")]


def cartesian_prod(a: np.ndarray, b: np.ndarray) -> Tensor:
    return stack([x.flatten() for x in meshgrid(a, b, indexing="ij")], -1)


def cat(parts: Sequence[np.ndarray], dim: int = 0) -> Tensor:
    return tensor_of(np.concatenate([np.asarray(x) for x in parts], dim))


def stack(parts: Sequence[np.ndarray], dim: int = 0) -> Tensor:
    return tensor_of(np.stack([np.asarray(x) for x in parts], dim))


def split(x: Any, size: int | list[int], dim: int = 0) -> tuple[Tensor, ...]:
    steps = [size] * (-(-x.shape[dim] // size)) if isinstance(size, int) else size
    return tuple(tensor_of(p) for p in np.split(np.asarray(x), np.cumsum(steps)[:-1], dim))


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """Numbers and arrays without dimensions take the dtype of the other side."""
    a, b = (x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in (a, b))
    found = np.where(np.asarray(condition), _bare(a), _bare(b))
    if found.dtype == Double and not any(getattr(x, "dtype", None) == Double for x in (a, b)):
        found = found.astype(Single)
    return tensor_of(found)


def _bare(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, Tensor) else x


@quiet
def lerp(a: Any, b: Any, weight: Any) -> Tensor:
    """From a to b; from the nearer end, as torch does, so that both ends are exact."""
    weight = np.asarray(weight)
    step = np.asarray(b) - np.asarray(a)
    near = np.asarray(a) + weight * step
    return tensor_of(np.where(np.abs(weight) < 0.5, near, np.asarray(b) - step * (1 - weight)))


def div(a: Any, b: Any, rounding_mode: str | None = None) -> Any:
    return a // b if rounding_mode == "floor" else a / b


def add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a + b * alpha


def maximum(a: Any, b: Any) -> Any:
    return np.maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    return np.minimum(a, b)


def exp(x: Any) -> Any:
    return np.exp(x)


def cos(x: Any) -> Any:
    return np.cos(x)


@quiet
def sinc(x: Any) -> Any:
    return tensor_of(np.sinc(np.asarray(x)).astype(x.dtype))


def isnan(x: Any) -> Any:
    return np.isnan(x)


def isfinite(x: Any) -> Any:
    return np.isfinite(x)


def aminmax(x: Any) -> tuple[Any, Any]:
    return x.amin(), x.amax()


def bmm(a: Any, b: Any) -> Any:
    return a @ b


@quiet
def tensordot(a: Any, b: Any, dims: int) -> Tensor:
    return tensor_of(np.tensordot(np.asarray(a), np.asarray(b), dims))


@quiet
def einsum(formula: str, *parts: Any) -> Tensor:
    return tensor_of(np.einsum(formula, *map(np.asarray, parts)))


def gather(x: Any, dim: int, index: Any) -> Tensor:
    found: Tensor = x.gather(dim, index)
    return found


def rot90(x: Any, turns: int, dims: Sequence[int]) -> Tensor:
    return tensor_of(np.rot90(np.asarray(x), turns, (dims[0], dims[1])))


def unique(x: Any, return_inverse: bool = False) -> Any:
    if not return_inverse:
        return tensor_of(np.unique(np.asarray(x)))
    found, back = np.unique(np.asarray(x), return_inverse=True)
    return tensor_of(found), tensor_of(back.reshape(x.shape))


def bincount(x: Any) -> Tensor:
    return tensor_of(np.bincount(np.asarray(x)))


def searchsorted(ordered: Any, x: Any) -> Tensor:
    return tensor_of(np.searchsorted(np.asarray(ordered), np.asarray(x)))


def bucketize(x: Any, ends: Any, right: bool = False) -> Tensor:
    side: Any = "right" if right else "left"
    return tensor_of(np.searchsorted(np.asarray(ends), np.asarray(x), side))


@quiet
def quantile(x: Any, q: float, dim: int) -> Tensor:
    return tensor_of(np.quantile(np.asarray(x), np.asarray(q, x.dtype), axis=dim))


def promote_types(a: Any, b: Any) -> Any:
    return np.promote_types(a, b)


class iinfo:
    """Bounds of whole numbers."""

    def __init__(self, dtype: Any) -> None:
        self.max = int(np.iinfo(dtype).max)


class Generator:
    """Random numbers; others than torch's."""

    def manual_seed(self, seed: int) -> "Generator":
        self.source = np.random.default_rng(seed)
        return self


def randint(below: int, size: Any, generator: Generator, device: Any = None) -> Tensor:
    return tensor_of(generator.source.integers(below, size=size))


class linalg:
    """`torch.linalg`."""

    @staticmethod
    @quiet
    def vector_norm(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        plain = np.asarray(x)
        return tensor_of(np.sqrt(np.sum(plain * plain, axis=dim, keepdims=keepdim)))

    @staticmethod
    @quiet
    def det(x: Any) -> Any:
        """Of two by two or three by three, written out."""
        if x.shape[-1] == 2:
            return x[..., 0, 0] * x[..., 1, 1] - x[..., 0, 1] * x[..., 1, 0]
        return tensor_of(np.linalg.det(np.asarray(x)))

    @staticmethod
    @quiet
    def inv(x: Any) -> Any:
        return tensor_of(np.linalg.inv(np.asarray(x)))

    @staticmethod
    @quiet
    def svdvals(x: Any) -> Any:
        return tensor_of(np.linalg.svd(np.asarray(x), compute_uv=False))

    @staticmethod
    @quiet
    def eigvalsh(x: Any) -> Any:
        return tensor_of(np.linalg.eigvalsh(np.asarray(x)))

    @staticmethod
    @quiet
    def qr(x: Any) -> Any:
        return _Factors(*map(tensor_of, np.linalg.qr(np.asarray(x))))


class _Factors(Extreme):
    @property
    def Q(self) -> Any:
        return self.values
