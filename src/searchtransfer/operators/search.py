# SPDX-License-Identifier: Apache-2.0
"""Search: for every block of the query, the key block that explains it best (TTSR, eq. 1-3)."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError
from .backends import BACKENDS, choose, native
from .features import cell_magnitude, is_spread, to_moderate
from .keys import Keys
from .match import Match, ViewMatch
from .relevance import relevance_gradient

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def search(
    query: Float[Tensor, "b c h w"],
    key: Float[Tensor, "b c hr wr"],
    patch_size: int = 3,
    backend: str = "auto",
) -> Match:
    """Find the key block with the highest relevance for every query block.

    Relevance is the cosine of two blocks of `patch_size` x `patch_size` cells, zeros outside the
    image (TTSR, eq. 1). The search is exact: hard attention is its argmax (eq. 2), soft attention
    its maximum (eq. 3). Where two key blocks are equally relevant, the lower index wins; where they
    differ by less than rounding, either may be returned.

    Args:
        query: `[B, C, H, W]`, features of the low-resolution image.
        key: `[B, C, Hr, Wr]`, features of the reference at the same scale; any size.
        patch_size: side of a block in cells, odd.
        backend: `"auto"`, or the name of one: see `searchtransfer.operators.backends`.

    Returns:
        `Match(score, index)`, both `[B, H, W]`. The score is a cosine in [-1, 1], in the dtype it
        was accumulated in: that of the inputs, but float32 for half precision. It is differentiable
        into query and key; index is not. An all-zero block has score 0.

    Raises:
        ShapeError: wrong rank, different batch or channels, or an empty key.
        DTypeError: not floating point, or query and key differ in dtype or device.
        NonFiniteError: NaN or infinity in query or key.
        OptionError: patch_size is not a positive odd number, or no such backend.
        BackendError: the backend asked for cannot run on these inputs; the message says why.

    Examples:
        >>> key = torch.eye(12).reshape(1, 12, 3, 4)  # every cell differs from all others
        >>> match = search(key[:, :, 1:3, 1:4], key)
        >>> match.index  # row * 4 + column
        tensor([[[ 5,  6,  7],
                 [ 9, 10, 11]]])
        >>> match.score[0, 1, 2]  # the block in the corner of both
        tensor(1.)
    """
    _check(query, [key], patch_size)
    score, index = _search(query, key, patch_size, backend)
    return Match(score, index)


@torch.no_grad()
def search_views(
    query: Float[Tensor, "b c h w"],
    keys: Sequence[Float[Tensor, "b c _ _"]] | Keys,
    patch_size: int = 3,
    backend: str = "auto",
) -> ViewMatch:
    """Search several views of the reference at once, each of any size.

    The same as `search` on each, keeping the best; the views share one running maximum. Not
    differentiable. Arguments and errors are those of `search`.

    Args:
        query: `[B, C, H, W]`.
        keys: views, each `[B, C, Hr, Wr]`; or prepared `Keys`, which all images of the batch share.
        patch_size: side of a block in cells, odd; that of the `Keys`.
        backend: see `search`.

    Returns:
        `ViewMatch(score, index, view)`, each `[B, H, W]`; ties go to the lowest view, then index.

    Examples:
        >>> cells = torch.eye(4).reshape(1, 4, 2, 2)
        >>> left, right = cells[..., :1], cells[..., 1:]
        >>> match = search_views(cells, [left, right], patch_size=1)
        >>> match.view
        tensor([[[0, 1],
                 [0, 1]]])
        >>> match.index
        tensor([[[0, 0],
                 [1, 1]]])
    """
    if isinstance(keys, Keys):
        if keys.patch_size != patch_size:
            raise OptionError(
                f"search: keys were prepared for patch_size {keys.patch_size}, got {patch_size}"
            )
        _check(
            query, [view[None].expand(len(query), -1, -1, -1) for view in keys.views], patch_size
        )
    else:
        _check(query, keys, patch_size)
    score, index, view = _empty(query), _empty(query).long(), _empty(query).long()
    for i in range(len(query) if query.numel() else 0):
        own = keys if isinstance(keys, Keys) else Keys([key[i] for key in keys], patch_size)
        score[i], position = _best_match(query[i], own, backend)
        view[i], index[i] = own.view_and_index(position)
    return ViewMatch(score, index, view)


def _best_match(
    query: Float[Tensor, "c h w"], keys: Keys, backend: str
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Score and position through all keys, for one image."""
    magnitude = cell_magnitude("query", query)
    spread = keys.is_spread or is_spread(magnitude)
    views = keys.doubled if spread else keys.views
    query = to_moderate(query.to(views[0].dtype), magnitude.amax().item())
    chosen = choose(backend, query, views, keys.patch_size)
    if chosen == "native":  # it drops copies when it prepares
        score, position = native.best_match(query, keys.prepared, keys.patch_size)
    else:
        score, position = BACKENDS[chosen](query, views, keys.patch_size)
        position = keys.lowest_copy(position)
    return score.clamp(-1, 1), position


def _empty(query: Tensor) -> Float[Tensor, "b h w"]:
    """Room for the scores of a search."""
    dtype = torch.float64 if query.dtype == torch.float64 else torch.float32
    return query.new_empty((query.shape[0], query.shape[2], query.shape[3]), dtype=dtype)


# Not `custom_op`: its first call imports the compiler of torch, which takes a second.
_NAME = "searchtransfer::search"
torch.library.define(
    _NAME, "(Tensor query, Tensor key, int patch_size, str backend) -> (Tensor, Tensor)"
)
_search = torch.ops.searchtransfer.search


@torch.library.impl(_NAME, "default")
def _search_eagerly(
    query: Tensor, key: Tensor, patch_size: int, backend: str
) -> tuple[Tensor, Tensor]:
    score, index = _empty(query), _empty(query).long()
    for i in range(len(query) if query.numel() else 0):
        score[i], index[i] = _best_match(query[i], Keys([key[i]], patch_size), backend)
    return score, index


@torch.library.register_fake(_NAME)  # type: ignore[untyped-decorator]
def _search_shapes(
    query: Tensor, key: Tensor, patch_size: int, backend: str
) -> tuple[Tensor, Tensor]:
    score = _empty(query)
    return score, torch.empty_like(score, dtype=torch.int64)


def _save_for_gradient(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    query, key, ctx.patch_size, _ = inputs
    ctx.save_for_backward(query, key, *output)
    ctx.mark_non_differentiable(output[1])


def _search_gradient(
    ctx: Any, score_grad: Tensor, index_grad: Tensor | None
) -> tuple[Tensor, Tensor, None, None]:
    query, key, score, index = ctx.saved_tensors
    dtype = score.dtype
    query_grad, key_grad = relevance_gradient(
        score_grad, query.to(dtype), key.to(dtype), score, index, ctx.patch_size
    )
    return query_grad.to(query.dtype), key_grad.to(key.dtype), None, None


torch.library.register_autograd(_NAME, _search_gradient, setup_context=_save_for_gradient)


def _check(query: Tensor, keys: Sequence[Tensor], patch_size: int) -> None:
    if patch_size < 1 or patch_size % 2 == 0:
        raise OptionError(f"search: patch_size must be a positive odd number, got {patch_size}")
    if not keys:
        raise ShapeError("search: there must be at least one key, got none")
    for key in keys:
        _check_pair(query, key)


def _check_pair(query: Tensor, key: Tensor) -> None:
    for name, x in (("query", query), ("key", key)):
        if x.dim() != 4:
            raise ShapeError(f"search: {name} must be [B, C, H, W], got {list(x.shape)}")
        if x.dtype not in FLOATS:
            raise DTypeError(
                f"search: {name} must be float16, bfloat16, float32 or float64, got {x.dtype}; "
                "convert it with .float()"
            )
    for what, i in (("batch", 0), ("channels", 1)):
        if query.shape[i] != key.shape[i]:
            raise ShapeError(
                f"search: query and key must have the same {what}, got "
                f"{query.shape[i]} and {key.shape[i]} "
                f"(query {list(query.shape)}, key {list(key.shape)})"
            )
    for what, a, b in (
        ("dtype", query.dtype, key.dtype),
        ("device", query.device, key.device),
    ):
        if a != b:
            raise DTypeError(f"search: query and key must have the same {what}, got {a} and {b}")
    if query.shape[1] == 0 or key.shape[2] == 0 or key.shape[3] == 0:
        raise ShapeError(
            "search: key must have at least one channel and one cell, "
            f"got query {list(query.shape)}, key {list(key.shape)}"
        )
