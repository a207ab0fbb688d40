# SPDX-License-Identifier: Apache-2.0
"""What every search does before and after its backend: ranges made safe, exact copies found."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..errors import NonFiniteError
from .contributors import neighbours

SAFE_RANGE = 2.0**20
"""Features between one over this and this are squared and summed as they are."""

SPREAD = 2.0**40
"""Cells further apart than this in magnitude would lose squares to underflow in float32."""


PAIRS = 2048
"""Blocks compared at a time: 2048 blocks of 3 x 3 x 256 float32 take 19 MB."""


def balanced(
    query: Float[Tensor, "c h w"], keys: Sequence[Float[Tensor, "c _ _"]]
) -> tuple[Float[Tensor, "c h w"], list[Float[Tensor, "c _ _"]]]:
    """The same features, in a dtype and at a magnitude whose squares neither vanish nor overflow.

    Half precision becomes float32. A side whose largest feature is far from 1 is multiplied by a
    power of two, which changes no relevance and no bit of the mantissa. If the cells of one side
    differ in magnitude by more than `SPREAD`, both sides become float64.

    Raises:
        NonFiniteError: NaN or infinity in `query` or `key`.
    """
    dtype = torch.float64 if query.dtype == torch.float64 else torch.float32
    cell_sizes = [_cell_magnitude("query", query.to(dtype))]
    cell_sizes += [_cell_magnitude("key", key.to(dtype)) for key in keys]
    largest_query = cell_sizes[0].amax().item()
    largest_key = max(size.amax().item() for size in cell_sizes[1:])
    if any(_is_spread(size) for size in cell_sizes):
        dtype = torch.float64
    return (
        _scaled(query.to(dtype), largest_query),
        [_scaled(key.to(dtype), largest_key) for key in keys],
    )


def _cell_magnitude(name: str, features: Tensor) -> Float[Tensor, "h w"]:
    size: Tensor = torch.linalg.vector_norm(features, ord=torch.inf, dim=0)
    if not bool(torch.isfinite(size).all()):
        raise NonFiniteError(
            f"search: {name} holds NaN or infinity in {int((~torch.isfinite(size)).sum())} "
            f"of its {size.numel()} cells; look for an overflow in the layer that made it"
        )
    return size


def _is_spread(cell_size: Float[Tensor, "h w"]) -> bool:
    positive = cell_size[cell_size > 0]
    if positive.numel() == 0:
        return False
    low, high = (x.item() for x in torch.aminmax(positive))
    return high > low * SPREAD


def _scaled(features: Tensor, largest: float) -> Tensor:
    if largest == 0 or 1 / SAFE_RANGE < largest < SAFE_RANGE:
        return features
    exponent = -int(torch.tensor(largest, dtype=torch.float64).frexp().exponent)
    half = exponent // 2  # two steps: 2**exponent itself may not be representable
    return features.mul(2.0**half).mul_(2.0 ** (exponent - half))


def lowest_copy(
    position: Int64[Tensor, "h w"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Int64[Tensor, "h w"]:
    """Replace each chosen key block by the first one that is equal to it in every bit.

    A fast product may round equal blocks differently, depending on where they stand; this makes
    ties between exact copies go to the lowest position, whatever the backend and its tiles.
    Copies are found by hash, then compared.
    """
    marks = torch.cat([_block_hash(key, patch_size).flatten() for key in keys])
    _, group = torch.unique(marks, return_inverse=True)
    order = torch.arange(len(marks), device=marks.device)
    first = torch.full_like(order, len(marks)).scatter_reduce(0, group, order, "amin")
    candidate = first[group[position]]
    changed = candidate != position
    if not bool(changed.any()):
        return position
    same = _equal_blocks(position[changed], candidate[changed], keys, patch_size)
    result = position.clone()
    result[changed] = torch.where(same, candidate[changed], position[changed])
    return result


def _block_hash(key: Float[Tensor, "c h w"], patch_size: int) -> Int64[Tensor, "h w"]:
    """A 64-bit sum over the bits of a block, each with the odd factor of its channel and cell."""
    channels, height, width = key.shape
    radius = patch_size // 2
    generator = torch.Generator().manual_seed(channels)
    factors = torch.randint(2**61, (channels + patch_size**2,), generator=generator) * 2 + 1
    as_integers = torch.int64 if key.element_size() == 8 else torch.int32
    pixels = torch.zeros(height, width, dtype=torch.int64, device=key.device)
    for channel, factor in zip(key, factors[:channels].tolist(), strict=True):
        bits = (channel + 0.0).view(as_integers).to(torch.int64)  # + 0.0: one zero, not two
        pixels += (bits ^ (bits >> 15)) * factor
    pixels ^= pixels >> 29
    padded = torch.nn.functional.pad(pixels, (radius, radius, radius, radius))
    marks = torch.zeros_like(pixels)
    for i, factor in enumerate(factors[channels:].tolist()):
        dy, dx = divmod(i, patch_size)
        marks += padded[dy : dy + height, dx : dx + width] * factor
    return marks


def _equal_blocks(
    a: Int64[Tensor, " n"],
    b: Int64[Tensor, " n"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
) -> Bool[Tensor, " n"]:
    """Whether the key blocks at positions `a` and `b` are equal, a few thousand pairs at a time."""
    parts = [
        (_blocks_at(some_a, keys, patch_size) == _blocks_at(some_b, keys, patch_size)).all(0)
        for some_a, some_b in zip(torch.split(a, PAIRS), torch.split(b, PAIRS), strict=True)
    ]
    return torch.cat(parts)


def _blocks_at(
    position: Int64[Tensor, " n"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Float[Tensor, "ckk n"]:
    """The blocks at these positions, one column each, zeros outside their key."""
    channels = keys[0].shape[0]
    blocks = keys[0].new_zeros(patch_size**2, channels, len(position))
    first = 0
    for key in keys:
        size = (key.shape[1], key.shape[2])
        count = size[0] * size[1]
        here = ((position >= first) & (position < first + count)).nonzero()[:, 0]
        index = (position[here] - first)[None, None]
        for cell, (_, source, inside) in zip(
            blocks, neighbours(index, size, patch_size), strict=True
        ):
            cell[:, here] = torch.where(inside[0, 0], key.flatten(1)[:, source[0, 0]], 0)
        first += count
    return blocks.flatten(0, 1)
