# SPDX-License-Identifier: Apache-2.0
"""Relevance, the cosine of two blocks: its norms and its gradient (TTSR, eq. 1)."""

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
    lines = torch.stack([padded[:, i : i + height] for i in range(patch_size)]).sum(0)
    return torch.stack([lines[:, :, i : i + width] for i in range(patch_size)]).sum(0)


def inverse_norm(features: Float[Tensor, "b c h w"], patch_size: int) -> Float[Tensor, "b h w"]:
    """One over the length of the block around every cell; 0 for an all-zero block."""
    energy = box_sum(torch.linalg.vector_norm(features, dim=1).square(), patch_size)
    return torch.where(energy > 0, torch.where(energy > 0, energy, 1).rsqrt(), 0)


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
    ds/dk = (u - s v) / |k|. The cross terms take one gather and one scatter for each cell of the
    block; the terms in s are a box filter of a per-cell factor. An all-zero block gets gradient 0.
    """
    radius = patch_size // 2
    batch, channels, height, width = query.shape
    key_size = (key.shape[2], key.shape[3])
    query_scale = inverse_norm(query, patch_size)
    key_scale = inverse_norm(key, patch_size)
    chosen_scale = key_scale.flatten(1).gather(1, index.flatten(1)).view_as(score)
    cross = grad * query_scale * chosen_scale  # [B, H, W]

    flat_key = key.flatten(2)
    padded_query = F.pad(query, (radius, radius, radius, radius))
    query_grad = torch.zeros_like(padded_query)
    key_grad = torch.zeros_like(flat_key)
    for (dy, dx), source, inside in neighbours(index, key_size, patch_size):
        weight = torch.where(inside, cross, 0)[:, None]  # [B, 1, H, W]
        cells = source.flatten(1)[:, None].expand(-1, channels, -1)  # [B, C, H*W]
        block = (
            ...,
            slice(radius + dy, radius + dy + height),
            slice(radius + dx, radius + dx + width),
        )
        query_grad[block] += weight * flat_key.gather(2, cells).view_as(query)
        key_grad = key_grad.scatter_add(2, cells, (weight * padded_query[block]).flatten(2))
    query_grad = query_grad[..., radius : radius + height, radius : radius + width]

    query_pull = box_sum(grad * score * query_scale.square(), patch_size)
    pulled = (grad * score * chosen_scale.square()).flatten(1)
    key_pull = pulled.new_zeros(batch, flat_key.shape[2]).scatter_add(1, index.flatten(1), pulled)
    key_pull = box_sum(key_pull.view(batch, *key_size), patch_size)
    return (
        query_grad - query * query_pull[:, None],
        key_grad.view_as(key) - key * key_pull[:, None],
    )
