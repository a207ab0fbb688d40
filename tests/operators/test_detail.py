# SPDX-License-Identifier: Apache-2.0
"""The blend of details against the same in plain loops, in double precision."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from searchtransfer.images import up
from searchtransfer.images.resize import enlarging_weights
from searchtransfer.operators.detail import REACH, Blend, Blocks, around, blend, reductions_say


class Case(NamedTuple):
    """What the cells bring, and what goes with it."""

    blocks: Blocks
    weight: Tensor
    gain: Tensor
    confidence: Tensor
    mean: Tensor


def case(size: tuple[int, int], scale: int, patch_size: int = 3, seed: int = 0) -> Case:
    """Random blocks; a third of their cells lie outside, never the middle one."""
    generator = torch.Generator().manual_seed(seed)
    count = len(around(patch_size))
    shape = (*size, 3, count, scale, scale)
    inside = (torch.rand(*size, count, generator=generator) > 0.33).float()
    inside[..., around(patch_size).index((0, 0))] = 1
    weight, gain, confidence = torch.rand(3, *size, generator=generator)
    known = torch.randn(*size, 3, count, generator=generator)
    blocks = Blocks(torch.randn(shape, generator=generator), inside, known)
    mean = torch.rand(3, *size, generator=generator)
    return Case(blocks, weight + 0.01, gain + 0.5, confidence, mean)


def parts(blocks: Blocks, rows: int) -> Iterator[Blocks]:
    """So many rows of cells at a time."""
    for top in range(0, blocks.inside.shape[0], rows):
        some = slice(top, top + rows)
        yield Blocks(blocks.detail[some], blocks.inside[some], blocks.known[some])


def patch_size_of(c: Case) -> int:
    return {1: 1, 9: 3, 13: 5}[c.blocks.detail.shape[3]]


def run(c: Case, rows: int = 1000) -> Blend:
    scale, patch_size = c.blocks.detail.shape[4], patch_size_of(c)
    return blend(parts(c.blocks, rows), c.weight, c.gain, c.confidence, c.mean, scale, patch_size)


def looped(c: Case) -> Blend:
    """Cell by cell, candidate by candidate."""
    patch_size, scale = patch_size_of(c), c.blocks.detail.shape[4]
    places = around(patch_size)
    radius = patch_size // 2
    height, width = c.weight.shape
    picture = torch.zeros(3, height * scale, width * scale, dtype=torch.float64)
    confidence, spread, energy = torch.zeros(3, height, width, dtype=torch.float64)
    known = torch.zeros(3, height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            cells, weights, trusts, lows = [], [], [], []
            for py in range(max(0, y - radius), min(height, y + radius + 1)):
                for px in range(max(0, x - radius), min(width, x + radius + 1)):
                    if (y - py, x - px) not in places:
                        continue
                    number = places.index((y - py, x - px))
                    if c.blocks.inside[py, px, number]:
                        there = c.blocks.detail[py, px, :, number].double()
                        cells.append(there * c.gain[py, px].item())
                        weights.append(c.weight[py, px].item())
                        trusts.append(c.confidence[py, px].item())
                        low = c.blocks.known[py, px, :, number] * c.gain[py, px]
                        lows.append((low + c.mean[:, py, px]).double())
            share = torch.tensor(weights, dtype=torch.float64) / sum(weights)
            stack = torch.stack(cells)
            mean = (share[:, None, None, None] * stack).sum(0)
            picture[:, y * scale : (y + 1) * scale, x * scale : (x + 1) * scale] = mean
            confidence[y, x] = (share * torch.tensor(trusts)).sum()
            spread[y, x] = (share * (stack - mean).square().mean((1, 2, 3))).sum()
            energy[y, x] = mean.square().mean()
            known[:, y, x] = (share[:, None] * torch.stack(lows)).sum(0)
    return Blend(picture, confidence, spread, energy, known)


def assert_same(ours: Blend, expected: Blend, tolerance: float = 2e-5) -> None:
    for name, a, b in zip(Blend._fields, ours, expected, strict=True):
        off = (a.double() - b).abs().max().item()
        assert off <= tolerance, f"{name} is off by {off:.1e}"


@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    scale=st.sampled_from([1, 2, 3, 4]),
    patch_size=st.sampled_from([1, 3, 5]),
    seed=st.integers(0, 1000),
)
def test_equal_to_the_loop(size: tuple[int, int], scale: int, patch_size: int, seed: int) -> None:
    c = case(size, scale, patch_size, seed)
    assert_same(run(c), looped(c))


def test_blocks_are_three_cells_wide_unless_said() -> None:
    c = case((4, 5), 2)
    plain = blend(iter([c.blocks]), c.weight, c.gain, c.confidence, c.mean, 2)
    assert_same(plain, run(c), tolerance=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_strips(size: tuple[int, int]) -> None:
    c = case(size, 4)
    assert_same(run(c), looped(c))


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_rows_at_a_time_do_not_matter(rows: int) -> None:
    c = case((7, 5), 4)
    assert_same(run(c, rows), run(c), tolerance=1e-6)


def test_helper_fails_on_wrong_input() -> None:
    c = case((3, 3), 4)
    with pytest.raises(AssertionError, match="detail is off"):
        assert_same(run(c._replace(gain=c.gain + 1e-3)), looped(c))
    with pytest.raises(AssertionError, match="confidence is off"):
        assert_same(run(c._replace(confidence=c.confidence + 1e-3)), looped(c))


@pytest.mark.parametrize(("patch_size", "count"), [(1, 1), (3, 9), (5, 13), (7, 25)])
def test_larger_blocks_bring_every_second_cell(patch_size: int, count: int) -> None:
    places = around(patch_size)
    assert len(places) == count
    assert places[count // 2] == (0, 0)


def test_candidates_that_contradict_each_other_spread_and_others_do_not() -> None:
    c = case((5, 5), 4)
    mixed = run(c)
    assert (mixed.spread > mixed.energy).float().mean() > 0.8
    same = torch.rand(4, 4).expand(5, 5, 3, 9, 4, 4)
    agreed = run(c._replace(blocks=c.blocks._replace(detail=same), gain=torch.ones(5, 5)))
    assert agreed.spread.max() < 1e-6


def test_inputs_are_left_alone() -> None:
    c = case((3, 4), 4)
    before = [x.clone() for x in (*c.blocks, *c[1:])]
    run(c)
    for a, b in zip((*c.blocks, *c[1:]), before, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("patch_size", [1, 3, 5])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_block_is_enlarged_as_a_picture_is(scale: int, patch_size: int) -> None:
    """The middle of a picture enlarged, whose border no pixel of the block sees."""
    side = patch_size + 2 * REACH
    cells = torch.rand(side, side, dtype=torch.float64)
    picture = up(cells[None], scale)[0]
    said = cells.flatten() @ reductions_say(enlarging_weights(scale), patch_size)
    mean = cells[side // 2 - 2 : side // 2 + 3, side // 2 - 2 : side // 2 + 3].mean()
    places = around(patch_size)
    pixels, themselves = said.split([len(places) * scale**2, len(places)])
    for number, (dy, dx) in enumerate(places):
        y, x = dy + side // 2, dx + side // 2
        expected = picture[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale]
        ours = pixels.view(-1, scale, scale)[number]
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(themselves[number], cells[y, x] - mean, rtol=0, atol=1e-12)
