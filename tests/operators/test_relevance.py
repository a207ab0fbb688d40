# SPDX-License-Identifier: Apache-2.0
"""Norms of blocks and the gradient of their cosine, for blocks of any size."""

import pytest
import torch
from torch import Tensor

from searchtransfer.operators.relevance import (
    block_norm,
    box_sum,
    inverse_norm,
    relevance_gradient,
    relevance_tangent,
)

SIZES = [1, 3, 5, 7]


def blocks(features: Tensor, patch_size: int) -> Tensor:
    """`[B, N, C*p*p]`."""
    return torch.nn.functional.unfold(features, patch_size, padding=patch_size // 2).mT


@pytest.mark.parametrize("patch_size", SIZES)
def test_sums_and_norms(patch_size: int) -> None:
    features = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    features[:, :, :2, :2] = 0
    norm = blocks(features, patch_size).norm(dim=2).view(2, 5, 6)
    expected = torch.where(norm > 0, 1 / norm, 0)
    torch.testing.assert_close(inverse_norm(features, patch_size), expected)
    torch.testing.assert_close(1 / block_norm(features, patch_size), expected)
    plane = features[:, :1]
    torch.testing.assert_close(
        box_sum(plane[:, 0], patch_size), blocks(plane, patch_size).sum(2).view(2, 5, 6)
    )


def test_of_an_all_zero_block() -> None:
    nothing = torch.zeros(1, 2, 3, 4)
    assert inverse_norm(nothing, 3).eq(0).all()
    assert block_norm(nothing, 3).isposinf().all()


@pytest.mark.parametrize("patch_size", SIZES)
@pytest.mark.parametrize("magnitude", [1e-30, 1.0, 1e30])
def test_gradient_and_tangent_are_those_of_the_cosine(patch_size: int, magnitude: float) -> None:
    generator = torch.Generator().manual_seed(patch_size)

    def randn(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64)

    query, key = randn(2, 3, 4, 5) * magnitude, randn(2, 3, 6, 3)
    index = torch.randint(18, (2, 4, 5), generator=generator)

    def cosine(query: Tensor, key: Tensor) -> Tensor:
        ours, theirs = blocks(query, patch_size), blocks(key, patch_size)
        chosen = theirs.gather(1, index.flatten(1)[..., None].expand(-1, -1, theirs.shape[2]))
        return torch.cosine_similarity(ours, chosen, dim=2, eps=0).view(index.shape)

    score, weight = cosine(query, key), randn(2, 4, 5)
    leaves = [x.clone().requires_grad_() for x in (query, key)]
    (cosine(*leaves) * weight).sum().backward()
    found = relevance_gradient(weight, query, key, score, index, patch_size)
    for gradient, leaf in zip(found, leaves, strict=True):
        assert leaf.grad is not None
        size = leaf.detach().abs().mean()
        torch.testing.assert_close(gradient * size, leaf.grad * size)
    moves = randn(2, 3, 4, 5) * magnitude, randn(2, 3, 6, 3)
    _, expected = torch.autograd.functional.jvp(cosine, (query, key), moves)
    tangent = relevance_tangent(*moves, query, key, score, index, patch_size)
    torch.testing.assert_close(tangent, expected)
