# SPDX-License-Identifier: Apache-2.0
"""How like a cell what a picture shows at its match is: compiled where that can run."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..operators.backends.native_sampling import Described, Matched, can_sample, compare
from ..operators.descriptors import LUMA, SIDE, by_sample, described, frequencies, made_like
from ..process.devices import at_once
from .field import lies_within, pixel_at
from .sampling import sampled_around

CELLS = 8192
"""Cells compared at a time in torch: their samples take about 20 MB."""


def likeness(matched: Matched, apart: int, noise: float) -> Float[Tensor, " n"]:
    """The cosines of descriptors and of those of the patches at their matches.

    Args:
        matched: what with what.
        apart: pixels from cell to cell of a patch.
        noise: see `describe`.

    Returns:
        0 where one of the two is constant, -1 where a match does not lie in the picture.
    """
    if can_sample(matched.picture, matched.centre, matched.jacobian, matched.query):
        return compare(matched, patch_described(apart, noise, matched.centre))
    return in_torch(matched, apart, noise)


def in_torch(matched: Matched, apart: int, noise: float) -> Float[Tensor, " n"]:
    """The same on any device."""
    steps = patch_described(apart, noise, matched.centre).steps
    score = matched.query.new_empty(len(matched.query))
    most = at_once(CELLS, score.device)
    for i in range(0, len(score), most):
        some = slice(i, i + most)
        centre, jacobian, query = matched.centre[some], matched.jacobian[some], matched.query[some]
        patches = sampled_around(matched.picture, centre, jacobian, steps, "bilinear")
        key = described(patches.transpose(0, 1), noise)
        norm = torch.linalg.vector_norm(key, dim=1).clamp(min=1e-30)
        score[some] = ((query * key).sum(1) / norm).clamp(-1, 1)
    return torch.where(_lies_inside(matched), score, -1.0)


def _lies_inside(matched: Matched) -> Tensor:
    size = (matched.picture.shape[1], matched.picture.shape[2])
    within: Tensor = lies_within(matched.centre, size)
    if matched.shown is not None:
        within = within & matched.shown[pixel_at(matched.centre, size)]
    return within


def patch_described(apart: int, noise: float, like: Tensor) -> Described:
    """How a patch of 5 x 5 cells, so many pixels apart, is described; see `describe`."""
    rows = torch.arange(SIDE, device=like.device, dtype=like.dtype) - SIDE // 2
    steps = apart * torch.cartesian_prod(rows, rows)
    filters, weights = made_like(by_sample, like), made_like(frequencies, like, noise)
    return Described(steps, filters, weights, filters[:, :, :LUMA].sum(1) * weights[:LUMA])
