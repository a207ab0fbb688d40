# SPDX-License-Identifier: Apache-2.0
"""What every search is compared with: all relevances, in float64, by brute force."""

from collections.abc import Sequence

import torch
from torch import Tensor

from searchtransfer.operators.backends.literal import unit_blocks

ROUNDING = 2e-6
"""Two float32 scores closer than this may come out in either order."""


def relevances(query: Tensor, keys: Sequence[Tensor], patch_size: int) -> Tensor:
    """`[H*W, N]` cosines of all blocks of one image, keys numbered one after the other."""
    key_blocks = torch.cat([unit_blocks(key.double(), patch_size) for key in keys])
    return unit_blocks(query.double(), patch_size) @ key_blocks.T


def assert_best(
    score: Tensor, position: Tensor, relevance: Tensor, rounding: float = ROUNDING
) -> None:
    """The margin rule: the right index wherever the margin exceeds rounding, else one as good.

    Args:
        score: `[H, W]`, what a search found.
        position: `[H, W]`, where it found it, through all keys.
        relevance: `[H*W, N]`, from `relevances`.
        rounding: how far apart two scores must be for their order to be certain.
    """
    score, position = score.flatten().double(), position.flatten()
    best = relevance.amax(1)
    chosen = relevance.gather(1, position[:, None])[:, 0]
    worst = (best - chosen).max().item()
    assert worst <= rounding, f"a chosen block is {worst:.2e} less relevant than the best"
    off = (score - chosen).abs().max().item()
    assert off <= rounding, f"a score is {off:.2e} off the relevance of the chosen block"
    if relevance.shape[1] > 1:
        top = relevance.topk(2, dim=1).values
        certain = top[:, 0] - top[:, 1] > 2 * rounding
        wrong = (position != relevance.argmax(1)) & certain
        assert not wrong.any(), f"{int(wrong.sum())} of {len(wrong)} indices differ, margin or not"
