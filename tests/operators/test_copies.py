# SPDX-License-Identifier: Apache-2.0
"""Copies of blocks: the first of them all, however keys are cut into strips."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from searchtransfer.operators import copies
from searchtransfer.operators.copies import blocks_at, lowest_copies

SIDE = st.integers(1, 7)


def every_block(keys: list[Tensor], patch_size: int) -> Tensor:
    """`[C*p*p, N]` through all keys."""
    radius = patch_size // 2
    return torch.cat(
        [torch.nn.functional.unfold(key[None], patch_size, padding=radius)[0] for key in keys], 1
    )


@given(
    sizes=st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=3),
    channels=st.integers(1, 3),
    patch_size=st.sampled_from([1, 3, 5]),
    values=st.integers(1, 3),
    strip=st.sampled_from([1, 5, 2**18]),
    blocks=st.sampled_from([1, 40, 2**22]),
    double=st.booleans(),
    seed=st.integers(0, 999),
)
def test_the_first_block_that_is_equal(
    sizes: list[tuple[int, int]],
    channels: int,
    patch_size: int,
    values: int,
    strip: int,
    blocks: int,
    double: bool,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    keys = [torch.randint(values, (channels, *size), generator=generator).float() for size in sizes]
    keys = [key.double() if double else key for key in keys]
    columns = every_block(keys, patch_size)
    same = (columns[:, :, None] == columns[:, None]).all(0)
    first = same.int().argmax(1)
    position = torch.randint(columns.shape[1], (4, 5), generator=generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "STRIP", strip)
        patch.setattr(copies, "BLOCKS", blocks)
        found = lowest_copies(position, keys, patch_size)
    assert torch.equal(found, first[position])


@given(
    size=st.tuples(SIDE, SIDE),
    channels=st.integers(1, 3),
    patch_size=st.sampled_from([1, 3, 5]),
    top=st.integers(0, 6),
    rows=st.integers(1, 7),
)
def test_the_hash_is_a_sum_over_bits(
    size: tuple[int, int], channels: int, patch_size: int, top: int, rows: int
) -> None:
    """In whole numbers modulo 2^64: each channel and each cell has an odd factor of its own."""
    key = torch.randn(channels, *size)
    top = min(top, size[0] - 1)
    bottom = min(size[0], top + rows)
    count = channels + patch_size**2
    drawn = torch.randint(2**61, (count,), generator=torch.Generator().manual_seed(channels))
    factors = [2 * n + 1 for n in drawn.tolist()]

    def signed(number: int) -> int:
        return (number + 2**63) % 2**64 - 2**63

    bits = key.view(torch.int32).tolist()
    cell = [
        [
            signed(
                sum((n ^ (n >> 15)) * factors[c] for c in range(channels) for n in [bits[c][y][x]])
            )
            for x in range(size[1])
        ]
        for y in range(size[0])
    ]
    cell = [[n ^ (n >> 29) for n in row] for row in cell]
    radius = patch_size // 2
    around = range(-radius, radius + 1)
    steps = [(dy, dx) for dy in around for dx in around]
    expected = [
        [
            signed(
                sum(
                    cell[y + dy][x + dx] * factor
                    for (dy, dx), factor in zip(steps, factors[channels:], strict=True)
                    if 0 <= y + dy < size[0] and 0 <= x + dx < size[1]
                )
            )
            for x in range(size[1])
        ]
        for y in range(top, bottom)
    ]
    assert copies._block_hash(key, top, bottom, patch_size).tolist() == expected


def test_zeros_of_either_sign_are_one() -> None:
    key = torch.tensor([[[0.0, 1.0, -0.0]]])
    assert lowest_copies(torch.tensor([[2, 1, 0]]), [key], 1).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("patch_size", [1, 3, 5])
def test_blocks_through_all_keys(patch_size: int) -> None:
    keys = [torch.randn(3, 4, 5), torch.randn(3, 1, 1), torch.randn(3, 2, 7)]
    columns = every_block(keys, patch_size)
    order = torch.randperm(columns.shape[1])
    # `unfold` has channels first, these have cells first.
    expected = columns.view(3, patch_size**2, -1).transpose(0, 1).flatten(0, 1)
    assert torch.equal(blocks_at(order, keys, patch_size), expected[:, order])
