# SPDX-License-Identifier: Apache-2.0
"""The article's operator restated in plain steps: unfold, normalise, product, gather, fold, divide.

Independent of the package, so that agreement says something. Everything is held at once.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def search(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Score and index, `[B, H*W]`."""
    q = F.normalize(F.unfold(query, 3, padding=1), dim=1)
    k = F.normalize(F.unfold(key, 3, padding=1), dim=1)
    return torch.max(k.transpose(1, 2) @ q, dim=1)


def transfer(
    value: Tensor, index: Tensor, size: tuple[int, int], scale: int, mean: bool = True
) -> Tensor:
    """Gathered blocks, folded and divided; `size` is the query grid."""
    geometry = {"kernel_size": 3 * scale, "stride": scale, "padding": scale}
    output = (size[0] * scale, size[1] * scale)

    def chosen(image: Tensor) -> Tensor:
        blocks = F.unfold(image, **geometry)
        picked = blocks.gather(2, index[:, None].expand(-1, blocks.shape[1], -1))
        return F.fold(picked, output, **geometry)

    if mean:
        return chosen(value) / chosen(torch.ones_like(value))
    return chosen(value) / 9


def search_transfer(
    query: Tensor, key: Tensor, *values: Tensor, mean: bool = True
) -> tuple[Tensor, ...]:
    """Score `[B, 1, H, W]` and one texture for each value."""
    size = (query.shape[2], query.shape[3])
    score, index = search(query, key)
    textures = [
        transfer(value, index, size, value.shape[2] // key.shape[2], mean) for value in values
    ]
    return (score.view(len(query), 1, *size), *textures)
