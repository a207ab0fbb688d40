# SPDX-License-Identifier: Apache-2.0
"""Reference: its views, and where a match points to."""

import pytest
import torch
from pictures import texture
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import DTypeError, NonFiniteError, OptionError, ShapeError
from searchtransfer.images import down
from searchtransfer.operators.descriptors import coefficients, coefficients_of, describe
from searchtransfer.reference import SCALES

SIZES = [(1, 1), (1, 6), (5, 1), (4, 7)]


class TestViews:
    @pytest.mark.parametrize("scale", SCALES)
    def test_one_cell_has_one_view(self, scale: int) -> None:
        reference = Reference.build([texture(scale, scale)], scale)
        (view,) = reference.views
        assert view[:3] == (0, 0, 0)
        assert view.low.shape == (3, 1, 1)

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("cells", SIZES)
    @pytest.mark.parametrize("more", [0, 1, -1])
    def test_all_that_have_a_full_cell(self, scale: int, cells: tuple[int, int], more: int) -> None:
        height, width = (max(scale, n * scale + more) for n in cells)
        reference = Reference.build([texture(height, width)], scale)
        expected = [
            (dy, dx, (height - dy) // scale, (width - dx) // scale)
            for dy in range(scale)
            for dx in range(scale)
            if height - dy >= scale and width - dx >= scale
        ]
        assert [(v.dy, v.dx, *v.low.shape[1:]) for v in reference.views] == expected
        assert all(v.low.isfinite().all() for v in reference.views)

    @pytest.mark.parametrize("scale", SCALES)
    def test_each_is_the_shifted_photo_reduced(self, scale: int) -> None:
        photo = texture(7 * scale + 1, 8 * scale + 2)
        for _, dy, dx, low in Reference.build([photo], scale).views:
            height, width = low.shape[1] * scale, low.shape[2] * scale
            alone = down(photo[:, dy : dy + height, dx : dx + width], scale)
            inner = (slice(None), slice(2, -2), slice(2, -2))  # borders see the photo's other rows
            torch.testing.assert_close(low[inner], alone[inner], rtol=0, atol=1e-6)

    def test_several_photos_of_any_sizes_come_one_after_the_other(self) -> None:
        reference = Reference.build([texture(4, 4), texture(9, 30), texture(8, 5)], 4)
        numbers = [view.photo for view in reference.views]
        assert numbers == sorted(numbers)
        assert [numbers.count(i) for i in range(3)] == [1, 16, 8]

    def test_each_has_its_descriptors(self) -> None:
        reference = Reference.build([texture(9, 13), texture(6, 4)], 3)
        for key, view in zip(reference.keys.views, reference.views, strict=True):
            assert torch.equal(key, describe(view.low))


class TestLocate:
    PHOTOS = (texture(17, 23, 1), texture(8, 8, 2), texture(31, 9, 3))

    @pytest.mark.parametrize("scale", SCALES)
    def test_every_cell_points_to_its_pixels(self, scale: int) -> None:
        reference = Reference.build(self.PHOTOS, scale)
        seen = []
        for number, (photo, dy, dx, low) in enumerate(reference.views):
            index = torch.arange(low.shape[1] * low.shape[2]).view(low.shape[1:])
            where, pixel = reference.locate(torch.full_like(index, number), index)
            assert where.eq(photo).all()
            for row in range(index.shape[0]):
                for column in range(index.shape[1]):
                    expected = [row * scale + dy, column * scale + dx]
                    assert pixel[row, column].tolist() == expected
                    seen.append((photo, *expected))
        # Over all views, each place where a full cell fits is seen once.
        assert sorted(seen) == [
            (i, y, x)
            for i, photo in enumerate(self.PHOTOS)
            for y in range(photo.shape[1] - scale + 1)
            for x in range(photo.shape[2] - scale + 1)
        ]

    def test_position_through_all_views(self) -> None:
        reference = Reference.build(self.PHOTOS, 4)
        counts = [view.low[0].numel() for view in reference.views]
        view, index = reference.view_and_index(torch.arange(sum(counts))[None])
        assert view[0].tolist() == [i for i, n in enumerate(counts) for _ in range(n)]
        assert index[0].tolist() == [j for n in counts for j in range(n)]

    def test_contrast_is_the_norm_of_the_descriptor_there(self) -> None:
        reference = Reference.build(self.PHOTOS, 4)
        for number, view in enumerate(reference.views):
            index = torch.arange(view.low[0].numel()).view(view.low.shape[1:])
            patches = reference.patches_at(torch.full_like(index, number), index)
            torch.testing.assert_close(coefficients_of(patches), coefficients(view.low))

    def test_values_hold_every_cell(self) -> None:
        """Where a view's cells begin in the flat buffers."""
        reference = Reference.build(self.PHOTOS, 4)
        values = reference.values
        for number, (photo, dy, dx, low) in enumerate(reference.views):
            start = int(values.pixel_start[number])
            pitch = int(values.pixel_pitch[number])
            first = reference.photos[photo]
            assert torch.equal(values.pixels[:, start], first[:, dy, dx])
            assert torch.equal(values.pixels[:, start + pitch], first[:, dy + 1, dx])
            cell = int(values.low_start[number])
            assert torch.equal(values.low[:, cell], low[:, 0, 0])
            assert torch.equal(values.low[:, cell - 1], low[:, 0, 0])  # its border, repeated
            assert values.size[number].tolist() == list(low.shape[1:])


class TestInputs:
    def test_half_and_double_become_single(self) -> None:
        for dtype in (torch.float16, torch.bfloat16, torch.float64):
            photo = texture(8, 8).to(dtype)
            reference = Reference.build([photo])
            assert reference.photos[0].dtype == torch.float32
            assert torch.equal(reference.photos[0], photo.float())

    def test_layout_does_not_matter(self) -> None:
        photo = texture(12, 9)
        turned = photo.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        for a, b in zip(
            Reference.build([photo]).views, Reference.build([turned]).views, strict=True
        ):
            assert torch.equal(a.low, b.low)

    def test_photos_are_left_alone(self) -> None:
        photo = texture(12, 9).requires_grad_()
        before = photo.detach().clone()
        reference = Reference.build([photo])
        assert reference.values.size.shape == (16, 2)
        assert len(reference.keys.views) == 16
        assert torch.equal(photo, before)
        assert not reference.photos[0].requires_grad

    def test_moved(self) -> None:
        moved = Reference.build([texture(8, 8)], 2).to("cpu")
        assert moved.scale == 2
        assert len(moved.views) == 4


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    PHOTO = torch.zeros(3, 8, 8)

    @pytest.mark.parametrize("scale", [0, 1, 5, 16])
    def test_scale(self, scale: int) -> None:
        with pytest.raises(OptionError, match=rf"one of \(2, 3, 4, 8\), got {scale}"):
            Reference.build([self.PHOTO], scale)

    def test_none(self) -> None:
        with pytest.raises(ShapeError, match="at least one photo, got none"):
            Reference.build([])

    @pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (4, 8, 8), (1, 3, 8, 8)])
    def test_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match=r"photo 1 must be \[3, H, W\], got \["):
            Reference.build([self.PHOTO, torch.zeros(shape)])

    @pytest.mark.parametrize("size", [(3, 8), (8, 3), (0, 8)])
    def test_smaller_than_a_cell(self, size: tuple[int, int]) -> None:
        message = f"photo 0 must be at least 4 x 4 pixels for scale 4, got {size[0]} x {size[1]}"
        with pytest.raises(ShapeError, match=message):
            Reference.build([torch.zeros(3, *size)])

    def test_integers(self) -> None:
        with pytest.raises(DTypeError, match=r"photo 0 must be floating point .* got torch.uint8"):
            Reference.build([self.PHOTO.to(torch.uint8)])

    @pytest.mark.parametrize("value", [torch.nan, torch.inf])
    def test_not_finite(self, value: float) -> None:
        photo: Tensor = self.PHOTO.clone()
        photo[1, 2, 3] = value
        with pytest.raises(NonFiniteError, match="photo 1 holds NaN or infinity"):
            Reference.build([self.PHOTO, photo])
