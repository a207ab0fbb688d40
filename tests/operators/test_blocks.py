# SPDX-License-Identifier: Apache-2.0
"""Blocks: the article's facts, for any geometry."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from searchtransfer.errors import DTypeError, OptionError, ShapeError
from searchtransfer.operators import fold, fold_mean, overlap_count, select_blocks, unfold


@st.composite
def geometries(draw: st.DrawFn) -> tuple[int, int, int, tuple[int, int]]:
    """Kernel, stride, padding and an image size with at least one block."""
    kernel = draw(st.integers(1, 6))
    stride = draw(st.integers(1, 7))
    padding = draw(st.integers(0, 4))
    smallest = max(1, kernel - 2 * padding)
    side = st.integers(smallest, smallest + 9)
    return kernel, stride, padding, (draw(side), draw(side))


def blocks_by_hand(
    image: torch.Tensor, kernel: int, stride: int, padding: int
) -> list[torch.Tensor]:
    """Each block cut out with plain indexing."""
    height, width = (n + 2 * padding for n in image.shape[2:])
    padded = torch.zeros(*image.shape[:2], height, width, dtype=image.dtype)
    padded[:, :, padding : height - padding, padding : width - padding] = image
    return [
        padded[:, :, y : y + kernel, x : x + kernel].flatten(1)
        for y in range(0, height - kernel + 1, stride)
        for x in range(0, width - kernel + 1, stride)
    ]


class TestUnfold:
    def test_shape_of_the_article(self) -> None:
        assert unfold(torch.rand(1, 3, 5, 5), 3, padding=1).shape == (1, 27, 25)

    def test_one_pixel(self) -> None:
        assert unfold(torch.full((1, 1, 1, 1), 7.0), 1).tolist() == [[[7.0]]]

    @given(geometry=geometries())
    def test_each_column_is_one_block(
        self, geometry: tuple[int, int, int, tuple[int, int]]
    ) -> None:
        kernel, stride, padding, size = geometry
        image = torch.randn(2, 2, *size)
        blocks = unfold(image, kernel, stride, padding)
        expected = blocks_by_hand(image, kernel, stride, padding)
        assert blocks.shape[2] == len(expected)
        for i, block in enumerate(expected):
            assert torch.equal(blocks[:, :, i], block)


class TestFold:
    @given(geometry=geometries())
    def test_sums_where_blocks_overlap(
        self, geometry: tuple[int, int, int, tuple[int, int]]
    ) -> None:
        kernel, stride, padding, size = geometry
        image = torch.randn(1, 2, *size, dtype=torch.float64)
        folded = fold(unfold(image, kernel, stride, padding), size, kernel, stride, padding)
        count = overlap_count(size, kernel, stride, padding, dtype=torch.float64)
        torch.testing.assert_close(folded, image * count)

    def test_range_grows_nine_times(self) -> None:
        ones = torch.ones(1, 1, 100, 100)
        folded = fold(unfold(ones, 6, 2, 2), (100, 100), 6, 2, 2)
        assert folded[..., 30:40, 30:40].eq(9).all()


class TestFoldMean:
    @given(geometry=geometries())
    def test_restores_every_covered_pixel(
        self, geometry: tuple[int, int, int, tuple[int, int]]
    ) -> None:
        kernel, stride, padding, size = geometry
        image = torch.randn(2, 3, *size, dtype=torch.float64)
        blocks = unfold(image, kernel, stride, padding)
        covered = overlap_count(size, kernel, stride, padding, dtype=torch.float64) > 0
        restored = fold_mean(blocks, size, kernel, stride, padding)
        torch.testing.assert_close(restored, image * covered)

    def test_a_constant_divisor_restores_the_interior_only(self) -> None:
        image = torch.rand(1, 1, 20, 20, dtype=torch.float64)
        by_nine = fold(unfold(image, 6, 2, 2), (20, 20), 6, 2, 2) / 9
        right = torch.isclose(by_nine, image)
        assert right[..., 4:-4, 4:-4].all()
        assert not right[..., 0, :].any()


class TestOverlapCount:
    def test_corner_edge_and_interior(self) -> None:
        count = overlap_count((5, 5), 3, padding=1)[0, 0]
        assert count[0, 0] == 4
        assert count[0, 2] == 6
        assert count[2, 2] == 9

    def test_without_padding_unless_it_is_asked_for(self) -> None:
        assert overlap_count((3, 3), 3)[0, 0].eq(1).all()
        image = torch.arange(9.0).view(1, 1, 3, 3)
        assert unfold(image, 3).shape == (1, 9, 1)
        assert torch.equal(fold(unfold(image, 3), (3, 3), 3), image)
        assert torch.equal(fold_mean(unfold(image, 2), (3, 3), 2), image)


class TestSelectBlocks:
    def test_column_j_is_the_chosen_one(self) -> None:
        blocks = torch.randn(2, 6, 5)
        index = torch.tensor([[4, 0, 4], [1, 2, 3]])
        chosen = select_blocks(blocks, index)
        assert chosen.shape == (2, 6, 3)
        for i in range(2):
            for j in range(3):
                assert torch.equal(chosen[i, :, j], blocks[i, :, index[i, j]])

    def test_gradient_adds_up_where_a_block_is_used_twice(self) -> None:
        blocks = torch.zeros(1, 1, 3, requires_grad=True)
        select_blocks(blocks, torch.tensor([[2, 2, 0]])).sum().backward()
        assert blocks.grad is not None
        assert blocks.grad.tolist() == [[[1.0, 0.0, 2.0]]]


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    @pytest.mark.parametrize(
        ("kernel", "stride", "padding", "said"),
        [
            (0, 1, 0, "kernel_size must be a whole number from 1 to 1048576, got 0"),
            (1, 0, 0, "stride must be .* from 1 .*, got 0"),
            (1, 1, -1, "padding must be .* from 0 .*, got -1"),
            (1, 1, 2**20 + 1, "padding must be .* to 1048576, got 1048577"),
            (True, 1, 0, "kernel_size must be .*, got True"),
        ],
    )
    def test_geometry(self, kernel: int, stride: int, padding: int, said: str) -> None:
        with pytest.raises(OptionError, match=said):
            unfold(torch.rand(1, 1, 4, 4), kernel, stride, padding)
        with pytest.raises(OptionError, match=said):
            fold(torch.rand(1, 1, 16), (4, 4), kernel, stride, padding)

    @pytest.mark.parametrize("size", [(0, 4), (4, -1), (2**40, 2**40), (4,), (4.0, 4), None])
    def test_output_size(self, size: object) -> None:
        with pytest.raises(OptionError, match="output_size must be"):
            overlap_count(size, 3, padding=1)  # type: ignore[arg-type]

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, "float32", None, float])
    def test_dtype_of_a_count(self, dtype: object) -> None:
        with pytest.raises(DTypeError, match="dtype must be floating point, got"):
            overlap_count((4, 4), 3, dtype=dtype)  # type: ignore[arg-type]

    def test_what_is_no_floating_point(self) -> None:
        for wrong in (None, torch.zeros(1, 1, 4, 4, dtype=torch.int32)):
            with pytest.raises(DTypeError, match="unfold: image must be"):
                unfold(wrong, 3)  # type: ignore[arg-type]
        with pytest.raises(DTypeError, match=r"fold: blocks must be .*int64"):
            fold(torch.zeros(1, 9, 4, dtype=torch.int64), (4, 4), 3)

    def test_image_rank(self) -> None:
        with pytest.raises(ShapeError, match=r"image must be \[B, C, H, W\], got \[3, 4, 4\]"):
            unfold(torch.rand(3, 4, 4), 3)

    def test_image_smaller_than_a_block(self) -> None:
        with pytest.raises(ShapeError, match="2 x 5 with padding 0, smaller than one block of 3"):
            unfold(torch.rand(1, 1, 2, 5), 3)

    def test_block_length(self) -> None:
        with pytest.raises(ShapeError, match=r"must be \[B, C\*3\*3, N\], got \[1, 10, 4\]"):
            fold(torch.rand(1, 10, 4), (4, 4), 3)

    def test_block_number(self) -> None:
        with pytest.raises(ShapeError, match=r"\(4, 5\) has 2 x 3 = 6 blocks .*got 5"):
            fold(torch.rand(1, 9, 5), (4, 5), 3)

    def test_selection_shape(self) -> None:
        with pytest.raises(ShapeError, match=r"index \[B, M\], got \[2, 3, 4\] and \[1, 2\]"):
            select_blocks(torch.rand(2, 3, 4), torch.zeros(1, 2, dtype=torch.int64))

    def test_selection_dtype(self) -> None:
        with pytest.raises(DTypeError, match=r"index must be int64, got torch.int32"):
            select_blocks(torch.rand(1, 3, 4), torch.zeros(1, 2, dtype=torch.int32))
