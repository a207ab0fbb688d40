# SPDX-License-Identifier: Apache-2.0
"""The blend of details against the same in plain loops, in double precision."""

import sys
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from pictures import texture
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.images import up
from searchtransfer.operators.detail import REACH, Blend, blend
from searchtransfer.reference import SCALES


class Case(NamedTuple):
    """Matches into a reference, and what goes with them."""

    reference: Reference
    view: Tensor
    index: Tensor
    weight: Tensor
    gain: Tensor
    confidence: Tensor


def case(
    size: tuple[int, int], photos: list[tuple[int, int]], scale: int, seed: int = 0, border: int = 0
) -> Case:
    """Random matches; `border` keeps them that many cells away from the border of their view."""
    generator = torch.Generator().manual_seed(seed)
    photo_list = [texture(h, w, seed + i) for i, (h, w) in enumerate(photos)]
    reference = Reference.build(photo_list, scale)
    view = torch.randint(len(reference.views), size, generator=generator)
    rows, columns = reference.values.size[view].unbind(-1)
    row = (torch.rand(size, generator=generator) * (rows - 2 * border)).long() + border
    column = (torch.rand(size, generator=generator) * (columns - 2 * border)).long() + border
    weight, gain, confidence = torch.rand(3, *size, generator=generator)
    return Case(reference, view, row * columns + column, weight + 0.01, gain + 0.5, confidence)


def run(c: Case, patch_size: int = 3) -> Blend:
    return blend(
        c.reference.values, c.view, c.index, c.weight, c.gain, c.confidence, patch_size=patch_size
    )


def details(reference: Reference, *, repeat: bool) -> list[Tensor]:
    """For each view the part of its photo that the enlarged view lacks, `[3, h*s, w*s]`.

    Args:
        reference: its views are taken as they are.
        repeat: enlarge with the border cells repeated, as `blend` does; else by `images.up`,
            which drops the weights outside and rescales the others.
    """
    scale, result = reference.scale, []
    for photo, dy, dx, low in reference.views:
        height, width = low.shape[1] * scale, low.shape[2] * scale
        sharp = reference.photos[photo][:, dy : dy + height, dx : dx + width].double()
        around = (REACH,) * 4 if repeat else (0,) * 4
        wide = up(F.pad(low[None].double(), around, mode="replicate")[0], scale)
        cut = around[0] * scale
        result.append(sharp - wide[:, cut : cut + height, cut : cut + width])
    return result


def looped(c: Case, patch_size: int = 3, *, repeat: bool = True) -> Blend:
    """Cell by cell, candidate by candidate."""
    scale, radius = c.reference.scale, patch_size // 2
    cell_details = details(c.reference, repeat=repeat)
    height, width = c.view.shape
    picture = torch.zeros(3, height * scale, width * scale, dtype=torch.float64)
    confidence, spread, energy = torch.zeros(3, height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            cells, weights, trusts = [], [], []
            for py in range(max(0, y - radius), min(height, y + radius + 1)):
                for px in range(max(0, x - radius), min(width, x + radius + 1)):
                    view = int(c.view[py, px])
                    rows, columns = c.reference.views[view].low.shape[1:]
                    row = int(c.index[py, px]) // columns + y - py
                    column = int(c.index[py, px]) % columns + x - px
                    if 0 <= row < rows and 0 <= column < columns:
                        there = cell_details[view].unflatten(1, (rows, scale))
                        there = there[:, row].unflatten(2, (columns, scale))[:, :, column]
                        cells.append(there * c.gain[py, px].item())
                        weights.append(c.weight[py, px].item())
                        trusts.append(c.confidence[py, px].item())
            share = torch.tensor(weights, dtype=torch.float64) / sum(weights)
            stack = torch.stack(cells)
            mean = (share[:, None, None, None] * stack).sum(0)
            picture[:, y * scale : (y + 1) * scale, x * scale : (x + 1) * scale] = mean
            confidence[y, x] = (share * torch.tensor(trusts)).sum()
            spread[y, x] = (share * (stack - mean).square().mean((1, 2, 3))).sum()
            energy[y, x] = mean.square().mean()
    return Blend(picture, confidence, spread, energy)


def assert_same(ours: Blend, expected: Blend, tolerance: float = 2e-5) -> None:
    for name, a, b in zip(Blend._fields, ours, expected, strict=True):
        off = (a.double() - b).abs().max().item()
        assert off <= tolerance, f"{name} is off by {off:.1e}"


class TestEqualToTheLoop:
    @given(
        size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
        scale=st.sampled_from(SCALES),
        more=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=3),
        patch_size=st.sampled_from([1, 3, 5]),
        seed=st.integers(0, 1000),
    )
    def test_any_sizes_of_any_number_of_photos(
        self,
        size: tuple[int, int],
        scale: int,
        more: list[tuple[int, int]],
        patch_size: int,
        seed: int,
    ) -> None:
        c = case(size, [(scale + h, scale + w) for h, w in more], scale, seed)
        assert_same(run(c, patch_size), looped(c, patch_size))

    def test_one_cell_of_one_cell(self) -> None:
        c = case((1, 1), [(4, 4)], 4)
        ours = run(c)
        assert_same(ours, looped(c))
        assert ours.spread.item() <= 1e-9

    @pytest.mark.parametrize("size", [(1, 9), (9, 1)])
    def test_strip(self, size: tuple[int, int]) -> None:
        c = case(size, [(4, 30), (30, 4)], 4)
        assert_same(run(c), looped(c))


class TestBorderOfAView:
    """`blend` enlarges with border cells repeated; `images.up` rescales the weights inside."""

    @pytest.mark.parametrize("scale", SCALES)
    def test_away_from_it_the_rules_agree(self, scale: int) -> None:
        # The match and its neighbours see 1 + REACH cells around.
        c = case((6, 6), [(9 * scale, 10 * scale)], scale, border=1 + REACH)
        assert_same(run(c), looped(c, repeat=False))

    @pytest.mark.parametrize("scale", SCALES)
    def test_at_it_they_differ_by_little(self, scale: int) -> None:
        """Measured over several views: up to 0.005, 0.015, 0.016, 0.040 at scale 2, 3, 4, 8."""
        c = case((6, 6), [(4 * scale, 4 * scale)], scale)
        off = (run(c).detail.double() - looped(c, repeat=False).detail).abs().max().item()
        assert 1e-4 < off < 0.06


def test_helper_fails_on_wrong_input() -> None:
    c = case((3, 3), [(20, 20)], 4)
    wrong = c._replace(gain=c.gain + 1e-3)
    with pytest.raises(AssertionError, match="detail is off"):
        assert_same(run(wrong), looped(c))
    with pytest.raises(AssertionError, match="confidence is off"):
        assert_same(run(c._replace(confidence=c.confidence + 1e-3)), looped(c))


def test_own_place_gives_the_photo_back() -> None:
    """Detail of the identity match plus the enlarged view is the photo."""
    photo = texture(24, 32)
    reference = Reference.build([photo], 4)
    ones = torch.ones(6, 8)
    index = torch.arange(48).view(6, 8)
    mixed = blend(reference.values, torch.zeros_like(index), index, ones, ones, ones)
    low = reference.views[0].low
    inside = (slice(None), slice(8, -8), slice(8, -8))
    torch.testing.assert_close((up(low, 4) + mixed.detail)[inside], photo[inside])
    assert mixed.spread.max() < 1e-7  # nine times the same


def test_candidates_that_contradict_each_other_spread() -> None:
    c = case((5, 5), [(60, 60)], 4)
    mixed = run(c)
    assert (mixed.spread > mixed.energy).float().mean() > 0.5


@pytest.mark.parametrize("bytes_allowed", [1, 30_000, 60_000])
def test_strips_do_not_matter(bytes_allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    c = case((7, 5), [(30, 30), (9, 14)], 4)
    expected = run(c)
    module = sys.modules["searchtransfer.operators.detail"]
    monkeypatch.setattr(module, "WORKING_MEMORY", bytes_allowed)
    for ours, whole in zip(run(c), expected, strict=True):
        torch.testing.assert_close(ours, whole, rtol=0, atol=1e-6)


def test_inputs_are_left_alone() -> None:
    c = case((3, 4), [(20, 20)], 4)
    before = [x.clone() for x in (*c[1:], *c.reference.values[:6])]
    run(c)
    for a, b in zip((*c[1:], *c.reference.values[:6]), before, strict=True):
        assert torch.equal(a, b)
