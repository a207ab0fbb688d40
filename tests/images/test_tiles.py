# SPDX-License-Identifier: Apache-2.0
"""Tiles cover a grid once, whatever the remainders."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from searchtransfer.errors import OptionError, ShapeError
from searchtransfer.images import plan_tiles


def check(size, tile, halo):
    count = np.zeros(size, int)
    for part in plan_tiles(size, tile, halo):
        count[part.core] += 1
        for core, padded, inner, length in zip(
            part.core, part.padded, part.inner, size, strict=True
        ):
            assert 1 <= core.stop - core.start <= tile
            assert padded == slice(max(0, core.start - halo), min(length, core.stop + halo))
            assert inner == slice(core.start - padded.start, core.stop - padded.start)
    assert (count == 1).all()


def test_every_remainder():
    for length in range(1, 14):
        for tile in range(1, 16):
            check((length, 14 - length), tile, halo=tile % 4)
            heights = {
                part.core[0].stop - part.core[0].start for part in plan_tiles((length, 1), tile)
            }
            assert max(heights) - min(heights) <= 1


@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    tile=st.integers(1, 70),
    halo=st.integers(0, 70),
)
def test_any(size, tile, halo):
    check(size, tile, halo)


def test_one_tile_when_it_is_large():
    (only,) = plan_tiles((5, 7), 100, 3)
    assert only.core == only.padded == only.inner == (slice(0, 5), slice(0, 7))


def test_extreme_aspect():
    check((1, 20_000), 512, 16)
    check((20_000, 1), 512, 16)
    assert len(plan_tiles((1, 20_000), 512)) == 40


def test_a_local_filter_is_the_same_in_tiles():
    """The use of a halo: as wide as the filter reaches, it makes the seams disappear."""
    grid = torch.rand(1, 1, 23, 31)

    def filtered(part):
        return torch.nn.functional.avg_pool2d(part, 5, stride=1, padding=2, count_include_pad=False)

    whole = filtered(grid)
    for tile, halo, same in ((7, 2, True), (7, 1, False)):
        joined = torch.zeros_like(whole)
        for part in plan_tiles((23, 31), tile, halo):
            joined[..., *part.core] = filtered(grid[..., *part.padded])[..., *part.inner]
        assert torch.allclose(joined, whole, rtol=0, atol=1e-6) == same


@pytest.mark.usefixtures("as_users_run")
def test_errors():
    for size in ((0, 5), (5, 0)):
        with pytest.raises(ShapeError, match="at least 1 x 1"):
            plan_tiles(size, 4)
    for tile in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match="tile must be a whole number, at least 1"):
            plan_tiles((5, 5), tile)
    with pytest.raises(OptionError, match="halo must be a whole number, at least 0, got -1"):
        plan_tiles((5, 5), 4, -1)
