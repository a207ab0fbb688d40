# SPDX-License-Identifier: Apache-2.0
"""Agreement: do neighbouring cells find their matches side by side?

Small patches of any photo are found in any other with high scores, but scattered. Only what shows
the same thing is found in one piece.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def agreement(
    photo: Int64[Tensor, "h w"], pixel: Int64[Tensor, "h w 2"], scale: int, tolerance: int = 1
) -> Float[Tensor, "h w"]:
    """The share of its (up to four) neighbours that a cell was found beside.

    Args:
        photo: number of the reference of each cell.
        pixel: row and column of its match there, in pixels of the full-size reference.
        scale: pixels of a cell; two matches are side by side if they are that far apart.
        tolerance: pixels that they may be off, in either direction.

    Returns:
        0 to 1; 1 for a cell without neighbours, since nothing contradicts it.
    """
    votes = torch.zeros(photo.shape, device=photo.device)
    voters = torch.zeros_like(votes)
    height, width = photo.shape
    for dy, dx in ((0, 1), (1, 0)):
        here = (slice(0, height - dy), slice(0, width - dx))
        there = (slice(dy, height), slice(dx, width))
        off = pixel[there] - pixel[here] - scale * torch.tensor([dy, dx], device=pixel.device)
        beside = (off.abs() <= tolerance).all(-1) & (photo[there] == photo[here])
        for cells in (here, there):
            votes[cells] += beside
            voters[cells] += 1
    return torch.where(voters > 0, votes / voters.clamp(min=1), 1.0)
