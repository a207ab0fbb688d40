# SPDX-License-Identifier: Apache-2.0
"""Cells of very different magnitude: the right answer, and float64 only for what needs it."""

import logging

import pytest
import torch
from oracle import assert_best
from torch import Tensor

from searchtransfer import search
from searchtransfer.operators import Keys, faint, search_views
from searchtransfer.operators.backends import BACKENDS, native, tiled
from searchtransfer.operators.features import faint_blocks, magnitude, survey

needs_kernel = pytest.mark.skipif(not native.instruction_sets(), reason="the kernel is not built")


def with_faint(side: int, seed: int, exponent: float, size: int = 5) -> Tensor:
    features = torch.randn(1, 8, side, side, generator=torch.Generator().manual_seed(seed))
    features[..., 1 : 1 + size, 2 : 2 + size] *= 10.0**exponent
    return features


def true_relevances(query: Tensor, key: Tensor, patch_size: int) -> Tensor:
    """Cosines of blocks that were made moderate one by one, in float64."""

    def unit(features: Tensor) -> Tensor:
        blocks = torch.nn.functional.unfold(
            features[None].double(), patch_size, padding=patch_size // 2
        )[0].T
        blocks = blocks / blocks.abs().amax(1, keepdim=True).clamp(min=1e-320)
        return blocks / blocks.norm(dim=1, keepdim=True).clamp(min=1e-12)

    return unit(query) @ unit(key).T


@pytest.mark.parametrize("backend", [*BACKENDS, "auto"])
@pytest.mark.parametrize("exponent", [-13, -20, -30, -37, 13, 30])
@pytest.mark.parametrize("patch_size", [1, 3])
class TestTheRightAnswer:
    def test_on_either_side(self, backend: str, exponent: float, patch_size: int) -> None:
        even, odd = with_faint(26, 1, 0), with_faint(24, 2, exponent)
        for query, key in ((even, odd), (odd, even), (odd, odd.flip(3))):
            match = search(query, key, patch_size, backend)
            right = true_relevances(query[0], key[0], patch_size)
            assert_best(match.score[0], match.index[0], right)

    def test_many(self, backend: str, exponent: float, patch_size: int) -> None:
        query, key = with_faint(12, 1, exponent, 8), with_faint(11, 2, exponent, 8)
        match = search(query, key, patch_size, backend)
        right = true_relevances(query[0], key[0], patch_size)
        assert_best(match.score[0], match.index[0], right)


@pytest.mark.parametrize("backend", [*BACKENDS, "auto"])
def test_ties_of_faint_copies_go_to_the_lowest(backend: str) -> None:
    tile = torch.randn(8, 6, 6) * 1e-16
    key = torch.randn(1, 8, 40, 40)
    for y, x in ((30, 20), (10, 5), (10, 25)):
        key[0, :, y : y + 6, x : x + 6] = tile
    match = search(tile[None] * 1e16, key, backend=backend)
    assert torch.equal(
        match.index[0, 1:5, 1:5], (11 + torch.arange(4))[:, None] * 40 + torch.arange(6, 10)
    )


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "native"])
@pytest.mark.parametrize("exponent", [-130, -150, -300])
def test_float64_has_faint_blocks_too(backend: str, exponent: float) -> None:
    query, key = with_faint(22, 1, 0).double(), with_faint(23, 2, 0).double()
    query[..., 1:6, 2:7] *= 10.0**exponent
    key[..., 10:15, 2:7] *= 10.0**exponent
    match = search(query, key, backend=backend)
    assert_best(match.score[0], match.index[0], true_relevances(query[0], key[0], 3), 1e-13)


@needs_kernel
class TestOnlyWhatNeedsIt:
    """One odd cell leaves the compiled search compiled."""

    @pytest.mark.parametrize("where", ["query", "key"])
    def test_few(self, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
        features = {"query": torch.randn(1, 16, 20, 20), "key": torch.randn(1, 16, 21, 22)}
        features[where][..., 5, 5] = 1e-13
        monkeypatch.setattr(tiled, "best_match", None)
        match = search(features["query"], features["key"], patch_size=1)
        right = true_relevances(features["query"][0], features["key"][0], 1)
        assert_best(match.score[0], match.index[0], right)

    def test_prepared_keys(self) -> None:
        view = torch.randn(16, 20, 20)
        view[:, 3:8, 3:8] *= 1e-14
        keys = Keys([torch.randn(16, 9, 9), view])
        match = search_views(view[None, :, 2:12, 2:12], keys, backend="native")
        assert (match.view[0, 1:-1, 1:-1] == 1).all()
        assert torch.equal(match.index[0, 4], torch.arange(10) + 6 * 20 + 2)

    def test_many_are_said(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            search(with_faint(12, 1, -20, 8), with_faint(12, 2, 0))
        assert "search runs in float64" in caplog.text


def test_zero_blocks_and_dim_cells_beside_bright_ones_are_not_faint() -> None:
    features = torch.ones(2, 9, 9)
    features[:, 4:, 4:] = 0
    features[:, 0, 0] = 1e-30  # no block of it alone
    assert faint_blocks(features, survey("x", features), 3) is None
    alone = faint_blocks(features, survey("x", features), 1)
    assert alone is not None
    assert alone.nonzero().tolist() == [[0, 0]]


def test_blocks_that_are_compared_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    unit_blocks = faint._unit_blocks

    def seen(maps: object, cells: Tensor, patch_size: int) -> Tensor:
        held.append(len(cells))
        return unit_blocks(maps, cells, patch_size)

    query, key = with_faint(8, 1, 0), with_faint(26, 2, -20, 3)
    expected = search(query, key)
    monkeypatch.setattr(faint, "_unit_blocks", seen)
    block = 8 * 8 * 9  # bytes, in float64
    for memory, most in ((5 * block, 5), (6 * block - 1, 5), (1, 1), (2**26, 64)):
        held.clear()
        monkeypatch.setattr(faint, "WORKING_MEMORY", memory)
        match = search(query, key)
        assert torch.equal(match.index, expected.index)
        assert max(held) == most


@pytest.mark.parametrize(("size", "rows"), [((4, 11, 7), 3), ((7, 11, 4), 3), ((40, 5, 30), 1)])
def test_a_survey_looks_at_so_many_numbers(
    size: tuple[int, int, int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    strips: list[tuple[int, ...]] = []

    def seen(strip: Tensor) -> Tensor:
        strips.append(tuple(strip.shape))
        return magnitude(strip)

    monkeypatch.setattr("searchtransfer.operators.features.magnitude", seen)
    monkeypatch.setattr("searchtransfer.operators.features.STRIP", 3 * 28 + 27)
    survey("x", torch.randn(size))
    assert sum(strip[1] for strip in strips) == size[1]
    assert strips[0] == (size[0], rows, size[2])


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_a_survey_in_strips(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    features = torch.randn(4, 11, 7)
    features[:, 9, 3] = 1e-9
    features[:, 5] = 0
    monkeypatch.setattr("searchtransfer.operators.features.STRIP", rows * 28)
    seen = survey("x", features)
    assert seen.largest == features.abs().max()
    assert seen.smallest == pytest.approx(1e-9)
