# SPDX-License-Identifier: Apache-2.0
"""What the operators share where they are mapped and differentiated."""

from collections.abc import Sequence

import torch
from torch import Tensor


def batched(size: int, inputs: Sequence[Tensor], dims: Sequence[int | None]) -> list[Tensor]:
    """Fold the dimension that `torch.vmap` maps over into the batch of each input."""
    moved = (
        x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in zip(inputs, dims, strict=False)
    )
    return [x.flatten(0, 1) for x in moved]


def or_zeros(tangent: Tensor | None, like: Tensor) -> Tensor:
    """A tangent in the dtype of what moves; zeros where nothing moves."""
    return torch.zeros_like(like) if tangent is None else tangent.to(like.dtype)
