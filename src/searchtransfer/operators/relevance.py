# SPDX-License-Identifier: Apache-2.0
"""Relevance, the cosine of two blocks: its norms and its gradient (TTSR, eq. 1)."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from .contributors import neighbours


def box_sum(x: Float[Tensor, "b h w"], patch_size: int) -> Float[Tensor, "b h w"]:
    """Sum over the block around every cell; zeros outside."""
    radius = patch_size // 2
    height, width = x.shape[1:]
    padded = F.pad(x, (radius, radius, radius, radius))
    lines = padded[:, :height]
    for i in range(1, patch_size):
        lines = lines + padded[:, i : i + height]
    blocks = lines[:, :, :width]
    for i in range(1, patch_size):
        blocks = blocks + lines[:, :, i : i + width]
    return blocks


def inverse_norm(features: Float[Tensor, "b c h w"], patch_size: int) -> Float[Tensor, "b h w"]:
    """One over the length of the block around every cell; 0 for an all-zero block."""
    energy = box_sum(torch.linalg.vector_norm(features, dim=1).square(), patch_size)
    return torch.where(energy > 0, torch.where(energy > 0, energy, 1).rsqrt(), 0)


def block_norm(features: Float[Tensor, "b c h w"], patch_size: int) -> Float[Tensor, "b h w"]:
    """The length of the block around every cell, however large or small; infinity for all zeros.

    No square overflows or vanishes: what is squared has been divided by the largest of its block.
    """
    radius = patch_size // 2
    height, width = features.shape[2:]
    largest = _or_one(features.detach().abs().amax(1))
    cell = torch.linalg.vector_norm(features / largest[:, None], dim=1) * largest
    around = F.pad(cell, (radius, radius, radius, radius))
    block = [
        around[:, dy : dy + height, dx : dx + width]
        for dy in range(patch_size)
        for dx in range(patch_size)
    ]
    scale = block[0].detach()
    for x in block[1:]:
        scale = torch.maximum(scale, x.detach())
    scale = _or_one(scale)
    energy = cast(Tensor, sum((x / scale).square() for x in block))
    return torch.where(energy > 0, torch.where(energy > 0, energy, 1).sqrt() * scale, torch.inf)


def _or_one(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 1)


class _Meeting(NamedTuple):
    """One cell of all query blocks beside the same cell of the key blocks they chose."""

    block: tuple[Any, ...]
    """Where the query cells lie in the padded query."""
    source: Int64[Tensor, "b c n"]
    """Which key cells."""
    query: Float[Tensor, "b c h w"]
    """The query cells, as part of a block of length one."""
    key: Float[Tensor, "b c h w"]
    """The key cells, likewise; 0 outside the key."""
    inside: Tensor
    """Whether the key cell exists, `[B, 1, H, W]`."""


def _meetings(
    query: Float[Tensor, "b c h w"],
    key: Float[Tensor, "b c hr wr"],
    query_norm: Float[Tensor, "b h w"],
    key_norm: Float[Tensor, "b h w"],
    index: Int64[Tensor, "b h w"],
    patch_size: int,
) -> Iterator[_Meeting]:
    """All cells of a block, one after the other."""
    radius = patch_size // 2
    height, width = query.shape[2:]
    padded = F.pad(query, (radius, radius, radius, radius))
    flat = key.flatten(2)
    for (dy, dx), source, inside in neighbours(index, (key.shape[2], key.shape[3]), patch_size):
        rows = slice(radius + dy, radius + dy + height)
        block = (..., rows, slice(radius + dx, radius + dx + width))
        cells = source.flatten(1)[:, None].expand(-1, query.shape[1], -1)
        gathered = flat.gather(2, cells).view_as(query) / key_norm[:, None]
        exists = inside[:, None]
        yield _Meeting(
            block,
            cells,
            padded[block] / query_norm[:, None],
            torch.where(exists, gathered, 0),
            exists,
        )


def _chosen(x: Float[Tensor, "b hr wr"], index: Int64[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    return x.flatten(1).gather(1, index.flatten(1)).view(index.shape)


def relevance_gradient(
    grad: Float[Tensor, "b h w"],
    query: Float[Tensor, "b c h w"],
    key: Float[Tensor, "b c hr wr"],
    score: Float[Tensor, "b h w"],
    index: Int64[Tensor, "b h w"],
    patch_size: int,
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c hr wr"]]:
    """Gradient of the score at a fixed index, with respect to query and key.

    With unit blocks u and v, the cosine s = u.v has ds/dq = (v - s u) / |q| and
    ds/dk = (u - s v) / |k|, one gather and one scatter for each cell of the block. An all-zero
    block gets gradient 0.
    """
    radius = patch_size // 2
    query_norm = block_norm(query, patch_size)
    key_norm = _chosen(block_norm(key, patch_size), index)
    to_query, to_key, s = (x[:, None] for x in (grad / query_norm, grad / key_norm, score))
    nothing = torch.zeros_like(to_query.expand_as(query))  # of the gradient: vmap may map over it
    query_grad = F.pad(nothing, (radius, radius, radius, radius))
    key_grad = torch.zeros_like(key).flatten(2)
    for cell in _meetings(query, key, query_norm, key_norm, index, patch_size):
        query_grad[cell.block] += to_query * (cell.key - s * cell.query)
        part = torch.where(cell.inside, to_key * (cell.query - s * cell.key), 0)
        key_grad = key_grad.scatter_add(2, cell.source, part.flatten(2))
    height, width = query.shape[2:]
    inner = (..., slice(radius, radius + height), slice(radius, radius + width))
    return query_grad[inner], key_grad.view_as(key)


def relevance_tangent(
    query_tangent: Float[Tensor, "b c h w"],
    key_tangent: Float[Tensor, "b c hr wr"],
    query: Float[Tensor, "b c h w"],
    key: Float[Tensor, "b c hr wr"],
    score: Float[Tensor, "b h w"],
    index: Int64[Tensor, "b h w"],
    patch_size: int,
) -> Float[Tensor, "b h w"]:
    """How the score moves at a fixed index when query and key move: the same, forward."""
    query_norm = block_norm(query, patch_size)
    key_norm = _chosen(block_norm(key, patch_size), index)
    s = score[:, None]
    tangent = torch.zeros_like(score)
    here = _meetings(query, key, query_norm, key_norm, index, patch_size)
    moved = _meetings(query_tangent, key_tangent, query_norm, key_norm, index, patch_size)
    for cell, change in zip(here, moved, strict=True):
        part = (cell.key - s * cell.query) * change.query
        part += (cell.query - s * cell.key) * change.key
        tangent = tangent + part.sum(1)
    return tangent
