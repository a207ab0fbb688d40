# SPDX-License-Identifier: Apache-2.0
"""The search as the article writes it: unfold, normalise, one product, maximum. The oracle.

Meant to be read and trusted, not to be fast: it holds all blocks and all relevances at once.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..blocks import unfold
from ..numbering import firsts


def unit_blocks(features: Float[Tensor, "c h w"], patch_size: int) -> Float[Tensor, "n ckk"]:
    """All blocks of a feature map as rows of length one; an all-zero block stays zero."""
    blocks = unfold(features[None], patch_size, padding=patch_size // 2)[0].T
    norm = torch.linalg.vector_norm(blocks, dim=1, keepdim=True)
    return blocks / torch.where(norm > 0, norm, 1)


def best_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
    muted: Sequence[Bool[Tensor, "_ _"] | None] = (),
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Highest relevance of every query block, and the key block that has it.

    Key blocks are numbered through all keys, in order; ties go to the lowest number.
    """
    key_blocks = torch.cat([unit_blocks(key, patch_size) for key in keys])
    relevance = unit_blocks(query, patch_size) @ key_blocks.T  # [H*W, N]
    for first, mute in zip(firsts(key[0].numel() for key in keys), muted, strict=False):
        if mute is not None:
            relevance[:, first + mute.flatten().nonzero()[:, 0]] = -torch.inf
    size = query.shape[1:]
    return relevance.amax(1).reshape(size), relevance.argmax(1).reshape(size)
