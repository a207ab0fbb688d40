# SPDX-License-Identifier: Apache-2.0
"""Search: for every block of the query, the key block that explains it best (TTSR, eq. 1-3)."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError
from ..given import check_list
from ..process.devices import has_float64
from .backends import IN_TORCH, check_backend, choose, native
from .checks import check_features, check_not_traced, check_odd
from .copies import lowest_copies
from .derivatives import batched, or_zeros
from .faint import FEW, improve, share
from .features import faint_blocks, survey, to_moderate
from .forking import note_threads
from .keys import Keys
from .match import Match, ViewMatch
from .precision import in_own_precision
from .relevance import relevance_gradient, relevance_tangent

LAYOUT = "[B, C, H, W]"

log = logging.getLogger(__name__)


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
    check_not_traced("search")
    _check(query, [key], patch_size)
    check_backend(backend)
    # Compilers see one operator; eager code gets every kind of derivative.
    if torch.compiler.is_compiling():
        score, index = _search(query, key, patch_size, backend)
    else:
        score, index = _Search.apply(query, key, patch_size, backend)  # type: ignore[no-untyped-call]
    return Match(score, index)


@torch.no_grad()
@in_own_precision
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
    check_not_traced("search")
    check_backend(backend)
    if isinstance(keys, Keys):
        _check_against(query, keys, patch_size)
    else:
        _check(query, keys, patch_size)
    score, index, view = _empty(query), _empty(query).long(), _empty(query).long()
    for i in range(len(query) if query.numel() else 0):
        own = keys if isinstance(keys, Keys) else _keys([key[i] for key in keys], patch_size)
        score[i], position = _best_match(query[i], own, backend)
        view[i], index[i] = own.view_and_index(position)
    return ViewMatch(score, index, view)


def _keys(views: list[Tensor], patch_size: int) -> Keys:
    """Keys of one search: nobody gets to write to them before it ends."""
    return Keys(views, patch_size, copy=False)


def _best_match(
    query: Float[Tensor, "c h w"], keys: Keys, backend: str
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Score and position through all keys, for one image."""
    note_threads()
    query = query.to(keys.dtype)
    seen = survey("query", query)
    faint = faint_blocks(query, seen, keys.patch_size)
    few = share([faint], query[0].numel()) + share(keys.faint, sum(keys.counts)) <= FEW
    # The compiled backend has no float64; where there is none at all, faint blocks go one by one.
    wider = backend != "native" and has_float64(query.device)
    if query.dtype == torch.float32 and not few and wider:
        log.info("search runs in float64: many blocks are too faint beside others for float32")
        return _best_match(query.double(), keys.doubled, backend)
    query = to_moderate(query, seen.largest)
    chosen = choose(backend, query, keys.views, keys.patch_size)
    if chosen == "native":  # it drops copies when it prepares
        score, position = native.best_match(query, keys.prepared, keys.patch_size)
    else:
        score, position = IN_TORCH[chosen](query, keys.views, keys.patch_size, keys.faint)
    if any(x is not None for x in (faint, *keys.faint)):
        improve(query, keys.views, keys.patch_size, faint, keys.faint, score, position)
        chosen = ""
    if chosen != "native":
        position = lowest_copies(position, keys.views, keys.patch_size)
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
@in_own_precision
def _search_eagerly(
    query: Tensor, key: Tensor, patch_size: int, backend: str
) -> tuple[Tensor, Tensor]:
    score, index = _empty(query), _empty(query).long()
    for i in range(len(query) if query.numel() else 0):
        score[i], index[i] = _best_match(query[i], _keys([key[i]], patch_size), backend)
    return score, index


@torch.library.register_fake(_NAME)  # type: ignore[untyped-decorator]
def _search_shapes(
    query: Tensor, key: Tensor, patch_size: int, backend: str
) -> tuple[Tensor, Tensor]:
    score = _empty(query)
    return score, torch.empty_like(score, dtype=torch.int64)


class _Search(torch.autograd.Function):
    """The operator for eager code: what `register_autograd` offers, and forward mode and vmap."""

    @staticmethod
    def forward(query: Tensor, key: Tensor, patch_size: int, backend: str) -> tuple[Tensor, Tensor]:
        score, index = _search(query, key, patch_size, backend)
        return score, index

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        query, key, ctx.patch_size, _ = inputs
        ctx.save_for_backward(query, key, *output)
        ctx.save_for_forward(query, key, *output)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(
        ctx: Any, score_grad: Tensor, index_grad: Tensor | None
    ) -> tuple[Tensor, Tensor, None, None]:
        query, key, score, index = ctx.saved_tensors
        dtype = score.dtype
        query_grad, key_grad = relevance_gradient(
            score_grad, query.to(dtype), key.to(dtype), score, index, ctx.patch_size
        )
        return query_grad.to(query.dtype), key_grad.to(key.dtype), None, None

    @staticmethod
    def jvp(
        ctx: Any, query_tangent: Tensor | None, key_tangent: Tensor | None, *_: None
    ) -> tuple[Tensor, None]:
        query, key, score, index = ctx.saved_tensors
        dtype = score.dtype
        query, key = query.to(dtype), key.to(dtype)
        tangent = relevance_tangent(
            or_zeros(query_tangent, query),
            or_zeros(key_tangent, key),
            query,
            key,
            score,
            index,
            ctx.patch_size,
        )
        return tangent, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], query: Tensor, key: Tensor, *options: Any
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        inputs = batched(info.batch_size, (query, key), in_dims)
        found = _Search.apply(*inputs, *options)  # type: ignore[no-untyped-call]
        score, index = (x.unflatten(0, (info.batch_size, -1)) for x in found)
        return (score, index), (0, 0)


def _save_for_gradient(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    query, key, ctx.patch_size, _ = inputs
    ctx.save_for_backward(query, key, *output)
    ctx.mark_non_differentiable(output[1])


torch.library.register_autograd(_NAME, _Search.backward, setup_context=_save_for_gradient)


def _check(query: Tensor, keys: Sequence[Tensor], patch_size: int) -> None:
    check_odd("search", patch_size)
    check_list("search: keys", keys, "tensors")
    if not len(keys):
        raise ShapeError("search: there must be at least one key, got none")
    check_features("search: query", query, LAYOUT)
    for key in keys:
        check_features("search: key", key, LAYOUT)
        for what, i in (("batch", 0), ("channels", 1)):
            if query.shape[i] != key.shape[i]:
                raise ShapeError(
                    f"search: query and key must have the same {what}, got "
                    f"{query.shape[i]} and {key.shape[i]} "
                    f"(query {list(query.shape)}, key {list(key.shape)})"
                )
        _check_same("dtype", query.dtype, key.dtype)
        _check_same("device", query.device, key.device)
        if query.shape[1] == 0 or key.shape[2] == 0 or key.shape[3] == 0:
            raise ShapeError(
                "search: key must have at least one channel and one cell, "
                f"got query {list(query.shape)}, key {list(key.shape)}"
            )


def _check_against(query: Tensor, keys: Keys, patch_size: int) -> None:
    """Prepared keys serve every dtype that is searched in theirs, and any batch."""
    check_odd("search", patch_size)
    if keys.patch_size != patch_size:
        raise OptionError(
            f"search: keys were prepared for patch_size {keys.patch_size}, got {patch_size}"
        )
    check_features("search: query", query, LAYOUT)
    if query.shape[1] != len(keys.views[0]):
        raise ShapeError(
            "search: query and key must have the same channels, got "
            f"{query.shape[1]} and {len(keys.views[0])} (query {list(query.shape)})"
        )
    dtype = torch.float64 if query.dtype == torch.float64 else torch.float32
    _check_same("dtype", dtype, keys.dtype)
    _check_same("device", query.device, keys.views[0].device)


def _check_same(what: str, query: object, key: object) -> None:
    if query != key:
        raise DTypeError(f"search: query and key must have the same {what}, got {query} and {key}")
