# SPDX-License-Identifier: Apache-2.0
"""Transfer by masked gathers against unfold, gather, fold and division."""

import sys

import pytest
import torch
from article import transfer as article_transfer
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from searchtransfer import transfer
from searchtransfer.errors import DTypeError, OptionError, ShapeError
from searchtransfer.operators.backends import native
from searchtransfer.operators.transfer import Overlap

SIDE = st.integers(1, 7)


def case(
    size: tuple[int, int],
    key_size: tuple[int, int],
    scale: int,
    batch: int = 2,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """A random value and a random index into its cells."""
    value = torch.randn(batch, 3, scale * key_size[0], scale * key_size[1], dtype=dtype)
    return value, torch.randint(key_size[0] * key_size[1], (batch, *size))


class TestEqualToTheArticle:
    @given(
        h=SIDE,
        w=SIDE,
        hr=SIDE,
        wr=SIDE,
        scale=st.integers(1, 8),
        overlap=st.sampled_from(["mean", "constant"]),
        compiled=st.booleans(),
    )
    def test_bit_for_bit(
        self, h: int, w: int, hr: int, wr: int, scale: int, overlap: Overlap, compiled: bool
    ) -> None:
        value, index = case((h, w), (hr, wr), scale)
        with pytest.MonkeyPatch.context() as patch:
            if not compiled:
                patch.setattr(native, "why_not_tensor", lambda tensor: "switched off")
            texture = transfer(value, index, (hr, wr), scale, overlap)
        expected = article_transfer(value, index.flatten(1), (h, w), scale, mean=overlap == "mean")
        assert torch.equal(texture, expected)

    @given(h=SIDE, w=SIDE, patch_size=st.sampled_from([1, 3, 5]))
    def test_identity_restores_the_value(self, h: int, w: int, patch_size: int) -> None:
        value = torch.randn(1, 2, 3 * h, 3 * w, dtype=torch.float64)
        index = torch.arange(h * w).view(1, h, w)
        texture = transfer(value, index, (h, w), 3, patch_size=patch_size)
        torch.testing.assert_close(texture, value)


class TestOverlap:
    """Golden values: what is transferred is 1 everywhere."""

    ONES = torch.ones(1, 1, 8, 8)
    IDENTITY = torch.arange(16).view(1, 4, 4)

    def test_mean_keeps_the_range_everywhere(self) -> None:
        assert transfer(self.ONES, self.IDENTITY, (4, 4), 2).eq(1).all()

    def test_constant_dims_borders_and_corners(self) -> None:
        texture = transfer(self.ONES, self.IDENTITY, (4, 4), 2, "constant")[0, 0]
        cells = texture[::2, ::2]
        assert torch.equal(cells, texture[1::2, 1::2])
        row = torch.tensor([4 / 9, 6 / 9, 6 / 9, 4 / 9])
        inner = torch.tensor([6 / 9, 1.0, 1.0, 6 / 9])
        torch.testing.assert_close(cells, torch.stack([row, inner, inner, row]))

    def test_constant_dims_where_the_reference_ends(self) -> None:
        # All cells choose the corner of the key: only the blocks' parts inside the key arrive.
        index = torch.zeros(1, 4, 4, dtype=torch.int64)
        texture = transfer(self.ONES, index, (4, 4), 2, "constant")[0, 0, ::2, ::2]
        # A cell gets d = 0 always; right, down and diagonal ones if the neighbour q - d exists.
        expected = torch.tensor([[1.0, 2, 2, 2], [2, 4, 4, 4], [2, 4, 4, 4], [2, 4, 4, 4]]) / 9
        torch.testing.assert_close(texture, expected)
        assert transfer(self.ONES, index, (4, 4), 2).eq(1).all()


class TestInputs:
    def test_one_cell(self) -> None:
        value = torch.arange(4.0).view(1, 1, 2, 2)
        index = torch.zeros(1, 1, 1, dtype=torch.int64)
        assert torch.equal(transfer(value, index, (1, 1), 2), value)

    def test_empty_batch(self) -> None:
        value, index = case((3, 4), (2, 2), 4, batch=0)
        assert transfer(value, index, (2, 2), 4).shape == (0, 3, 12, 16)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_summed_in_float32(self, dtype: torch.dtype) -> None:
        value, index = case((5, 6), (4, 3), 2)
        value = value.to(dtype)
        texture = transfer(value, index, (4, 3), 2)
        assert texture.dtype == dtype
        assert torch.equal(texture, transfer(value.float(), index, (4, 3), 2).to(dtype))

    def test_layout_does_not_matter(self) -> None:
        value, index = case((5, 6), (4, 3), 2)
        expected = transfer(value, index, (4, 3), 2)
        channels_last = value.contiguous(memory_format=torch.channels_last)
        assert torch.equal(transfer(channels_last, index, (4, 3), 2), expected)
        turned = index.transpose(1, 2).contiguous().transpose(1, 2)
        assert torch.equal(transfer(value, turned, (4, 3), 2), expected)

    def test_values_that_are_not_chosen_do_not_matter(self) -> None:
        value = torch.full((1, 1, 4, 4), torch.nan)
        value[..., 1:, 1:] = 1
        index = torch.full((1, 1, 1), 15)
        assert transfer(value, index, (4, 4)).tolist() == [[[[1.0]]]]

    def test_strips_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        value, index = case((7, 5), (4, 6), 2, dtype=torch.float64)  # not compiled
        expected = transfer(value, index, (4, 6), 2)
        module = sys.modules["searchtransfer.operators.transfer"]
        for bytes_allowed in (1, 3000, 9000):
            monkeypatch.setattr(module, "WORKING_MEMORY", bytes_allowed)
            assert torch.equal(transfer(value, index, (4, 6), 2), expected)

    @pytest.mark.parametrize(
        ("dtype", "scale", "channels", "width"),
        [(torch.float64, 3, 5, 7), (torch.float16, 1, 2, 4)],
    )
    def test_strips_are_as_high_as_memory_allows(
        self,
        dtype: torch.dtype,
        scale: int,
        channels: int,
        width: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A pixel takes a sum and what is added, at most in float64, and two numbers."""
        module = sys.modules["searchtransfer.operators.transfer"]
        assert module.WORKING_MEMORY == 64 << 20  # as it says
        per_row = 2 * width * scale**2 * (2 * 8 * channels // 2 + 2 * 8)
        strips: list[int] = []

        def strip(value: Tensor, index: Tensor, *options: object) -> Tensor:
            rows = index.shape[1] - 2
            strips.append(rows)
            return value.new_zeros(2, channels, rows * scale, width * scale)

        monkeypatch.setattr(module, "_strip", strip)
        value = torch.zeros(2, channels, 2 * scale, 2 * scale, dtype=dtype)
        index = torch.zeros(2, 10, width, dtype=torch.int64)
        for memory, expected in (
            (3 * per_row, [3, 3, 3, 1]),
            (3 * per_row - 1, [2, 2, 2, 2, 2]),
            (1, [1] * 10),
            (10 * per_row, [10]),
        ):
            strips.clear()
            monkeypatch.setattr(module, "WORKING_MEMORY", memory)
            transfer(value, index, (2, 2), scale)
            assert strips == expected


class TestGradient:
    @pytest.mark.parametrize("overlap", ["mean", "constant"])
    @pytest.mark.parametrize("scale", [1, 2])
    def test_gradcheck(self, scale: int, overlap: Overlap) -> None:
        value, index = case((3, 2), (2, 2), scale, batch=1, dtype=torch.float64)
        value.requires_grad_()
        run = lambda v: transfer(v, index, (2, 2), scale, overlap)  # noqa: E731
        assert torch.autograd.gradcheck(run, (value,))
        assert torch.autograd.gradgradcheck(run, (value,))

    @pytest.mark.parametrize("scale", [3, 8])
    def test_of_a_sum_counts_what_came_from_each_pixel(self, scale: int) -> None:
        index = torch.arange(6).view(1, 2, 3).repeat(2, 1, 1)
        value = torch.zeros(2, 2, 2 * scale, 3 * scale, requires_grad=True)
        transfer(value, index, (2, 3), scale).sum().backward()
        assert value.grad is not None
        torch.testing.assert_close(value.grad, torch.ones_like(value))

    def test_adds_up_where_a_cell_is_used_many_times(self) -> None:
        value = torch.zeros(1, 1, 1, 3, requires_grad=True)
        index = torch.ones(1, 1, 5, dtype=torch.int64)
        transfer(value, index, (1, 3), patch_size=1).sum().backward()
        assert value.grad is not None
        assert value.grad.tolist() == [[[[0.0, 5.0, 0.0]]]]


@pytest.mark.usefixtures("as_users_run")  # symbolic sizes are not int
def test_registered_operator() -> None:
    value, index = case((3, 4), (4, 2), 2)
    operator = torch.ops.searchtransfer.transfer.default
    torch.library.opcheck(operator, (value, index, [4, 2], 2, True, 3))
    torch.library.opcheck(operator, (value.requires_grad_(), index, [4, 2], 2, False, 3))


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    VALUE = torch.zeros(1, 2, 8, 6)
    INDEX = torch.zeros(1, 5, 5, dtype=torch.int64)

    @pytest.mark.parametrize("scale", [0, 9])
    def test_scale(self, scale: int) -> None:
        with pytest.raises(OptionError, match=f"scale must be 1 to 8, got {scale}"):
            transfer(self.VALUE, self.INDEX, (4, 3), scale)

    def test_overlap(self) -> None:
        with pytest.raises(OptionError, match="overlap must be 'mean' or 'constant', got 'sum'"):
            transfer(self.VALUE, self.INDEX, (4, 3), 2, "sum")  # type: ignore[arg-type]

    def test_patch_size(self) -> None:
        with pytest.raises(OptionError, match="patch_size must be a positive odd number, got 2"):
            transfer(self.VALUE, self.INDEX, (4, 3), 2, patch_size=2)

    def test_ranks(self) -> None:
        with pytest.raises(ShapeError, match=r"value must be \[B, C, H, W\], got \[2, 8, 6\]"):
            transfer(self.VALUE[0], self.INDEX, (4, 3), 2)
        with pytest.raises(ShapeError, match=r"index must be \[B, H, W\], got \[5, 5\]"):
            transfer(self.VALUE, self.INDEX[0], (4, 3), 2)

    def test_dtypes(self) -> None:
        with pytest.raises(DTypeError, match=r"value must be float16.* got torch.int64"):
            transfer(self.VALUE.long(), self.INDEX, (4, 3), 2)
        with pytest.raises(DTypeError, match=r"index must be int64, got torch.int32"):
            transfer(self.VALUE, self.INDEX.int(), (4, 3), 2)

    def test_devices(self) -> None:
        with pytest.raises(DTypeError, match="same device, got cpu and meta"):
            transfer(self.VALUE, self.INDEX.to("meta"), (4, 3), 2)

    def test_batch(self) -> None:
        with pytest.raises(ShapeError, match="same batch, got 1 and 3"):
            transfer(self.VALUE, self.INDEX.repeat(3, 1, 1), (4, 3), 2)

    def test_value_size(self) -> None:
        with pytest.raises(ShapeError, match=r"2 \* \(4, 4\) = \[8, 8\] pixels, got \[8, 6\]"):
            transfer(self.VALUE, self.INDEX, (4, 4), 2)

    @pytest.mark.parametrize("value", [-1, 12])
    def test_index_outside(self, value: int) -> None:
        index = self.INDEX.clone()
        index[0, 0, 0] = value
        with pytest.raises(OptionError, match=r"index must be in \[0, 12\) for a key of 4 x 3"):
            transfer(self.VALUE, index, (4, 3), 2)
