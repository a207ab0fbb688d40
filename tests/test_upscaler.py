# SPDX-License-Identifier: Apache-2.0
"""The main job from picture to picture: kinds kept, warnings given, tiles without a trace."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures import related, target, texture, unrelated
from PIL import Image as PILImage
from torch import Tensor

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import DTypeError, ImageFileError, OptionError, ShapeError
from searchtransfer.evaluation import psnr
from searchtransfer.images import Image, Metadata, degrade, up
from searchtransfer.models import TransferModel
from searchtransfer.references import SCALES
from searchtransfer.references.matches import whole_cells
from searchtransfer.references.usefulness import WeakReferenceWarning, coherence

may_warn = pytest.mark.filterwarnings("ignore::searchtransfer.upscaler.WeakReferenceWarning")


def small() -> Tensor:
    return degrade(target(), 4)


class TestMainJob:
    def test_a_real_pair(self) -> None:
        upscaler = Upscaler.from_pretrained()
        result = upscaler.upscale(small(), related())
        assert psnr(result.image, target()) > psnr(up(small(), 4), target()) + 5
        assert result.score.shape == result.matches.photo.shape == (32, 40)
        assert result.matches.pixel.shape == (32, 40, 2)
        assert result.image.min() >= 0
        assert result.image.max() <= 1

    def test_prepared_once_or_given_as_it_is(self) -> None:
        upscaler = Upscaler.from_pretrained()
        reference = upscaler.prepare(related())
        first = upscaler.upscale(small(), reference)
        for again in (reference, related(), [related()], (related(),)):
            assert torch.equal(upscaler.upscale(small(), again).image, first.image)

    def test_saved_and_loaded(self, tmp_path) -> None:  # type: ignore[no-untyped-def]
        upscaler = Upscaler.from_pretrained()
        reference = upscaler.prepare(related())
        reference.save(tmp_path / "r.safetensors")
        loaded = Reference.load(tmp_path / "r.safetensors")
        assert torch.equal(
            upscaler.upscale(small(), loaded).image, upscaler.upscale(small(), reference).image
        )

    @pytest.mark.parametrize("scale", SCALES)
    @may_warn
    def test_scale(self, scale: int) -> None:
        upscaler = Upscaler.from_pretrained(scale=scale)
        assert upscaler.scale == scale
        assert upscaler.upscale(texture(5, 7), texture(20, 30)).image.shape == (
            3,
            5 * scale,
            7 * scale,
        )

    def test_references_of_several_kinds_and_sizes(self) -> None:
        photo = (related() * 255).round().to(torch.uint8)
        pillow = PILImage.fromarray(photo.permute(1, 2, 0).numpy())
        grey = np.full((40, 50), 7, np.uint16)
        upscaler = Upscaler.from_pretrained()
        result = upscaler.upscale(small(), [grey, pillow, Image(unrelated())])
        share = [result.matches.photo.eq(i).float().mean().item() for i in range(3)]
        assert share[0] == 0
        assert share[1] > 0.5
        alone = upscaler.upscale(small(), photo)
        assert psnr(result.image, target()) > psnr(alone.image, target()) - 0.15

    def test_progress(self) -> None:
        seen = []
        Upscaler.from_pretrained().upscale(
            small(), related(), on_progress=lambda stage, done: seen.append((stage, done))
        )
        assert seen[0] == ("search", 0)
        assert seen[-1] == ("transfer", 1)


@may_warn
class TestKinds:
    """What comes in goes out, four times as large."""

    UPSCALER = Upscaler.from_pretrained()
    REFERENCE = UPSCALER.prepare(texture(30, 40, 1))

    def run(self, picture: object) -> object:
        return self.UPSCALER.upscale(picture, self.REFERENCE).image

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
    def test_pillow(self, mode: str) -> None:
        colour = PILImage.fromarray((texture(5, 6) * 255).byte().permute(1, 2, 0).numpy())
        if mode == "I;16":
            picture = PILImage.fromarray(np.arange(30, dtype=np.uint16).reshape(5, 6) * 2000)
        else:
            picture = colour.convert(mode)
        picture.info["icc_profile"] = b"profile"
        before = np.array(picture)
        result = self.run(picture)
        assert isinstance(result, PILImage.Image)
        assert (result.mode, result.size) == (mode, (24, 20))
        assert result.info["icc_profile"] == b"profile"
        assert np.array_equal(np.array(picture), before)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float64])
    @pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
    def test_numpy(self, channels: tuple[int, ...], dtype: str) -> None:
        kind = np.dtype(dtype)
        most = np.iinfo(kind).max if kind.kind == "u" else 1
        values = np.random.default_rng(0).random((5, 6, *channels)) * most
        array = values.astype(kind)
        before = array.copy()
        result = self.run(array)
        assert isinstance(result, np.ndarray)
        assert (result.dtype, result.shape) == (kind, (20, 24, *channels))
        assert np.array_equal(array, before)
        # The local mean is kept, at the full range of the dtype.
        assert abs(result.astype(float).mean() - array.astype(float).mean()) < 0.05 * most

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    @pytest.mark.parametrize(
        "dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64]
    )
    def test_tensor(self, channels: int, dtype: torch.dtype) -> None:
        values = torch.rand(channels, 5, 6)
        picture = (values * 255).byte() if dtype == torch.uint8 else values.to(dtype)
        before = picture.clone()
        result = self.run(picture)
        assert isinstance(result, Tensor)
        assert (result.dtype, result.shape) == (dtype, (channels, 20, 24))
        assert torch.equal(picture, before)

    def test_tensor_that_wants_a_gradient(self) -> None:
        result = self.run(torch.rand(4, 5, 6, requires_grad=True))
        assert isinstance(result, Tensor)
        assert not result.requires_grad

    def test_image_keeps_bits_grey_alpha_and_metadata(self) -> None:
        metadata = Metadata(icc=b"icc", exif=b"MM*", xmp=b"<x/>", dpi=(300.0, 150.0))
        grey = texture(5, 6)[:1].expand(3, -1, -1)
        picture = Image(grey, alpha=torch.rand(1, 5, 6), bits=16, grey=True, metadata=metadata)
        result = self.run(picture)
        assert isinstance(result, Image)
        assert (result.bits, result.grey, result.metadata) == (16, True, metadata)
        assert result.size == (20, 24)
        assert picture.alpha is not None
        assert result.alpha is not None
        torch.testing.assert_close(result.alpha, up(picture.alpha, 4).clamp(0, 1))

    def test_depth_of_16_bits_is_used(self) -> None:
        array = (np.random.default_rng(0).random((5, 6, 3)) * 65535).astype(np.uint16)
        result = self.run(array)
        assert isinstance(result, np.ndarray)
        assert len(np.unique(result % 257)) > 200  # 8 bits in 16 would be multiples of 257

    @pytest.mark.parametrize("value", [0, 77, 255])
    def test_constant(self, value: int) -> None:
        array = np.full((5, 6, 4), value, np.uint8)
        result = self.UPSCALER.upscale(array, self.REFERENCE)
        assert (result.image == value).all()
        assert result.score.eq(0).all()

    @pytest.mark.parametrize(("model", "off"), [("transfer", 0), ("fusion", 3)])
    def test_one_pixel(self, model: str, off: int) -> None:
        upscaler = Upscaler.from_pretrained(model)
        result = upscaler.upscale(np.array([[[9, 200, 30]]], np.uint8), self.REFERENCE)
        assert np.abs(result.image.mean((0, 1)) - [9, 200, 30]).max() <= off
        assert result.image.shape == (4, 4, 3)

    def test_grey_stays_grey_with_a_colourful_reference(self) -> None:
        picture = texture(8, 8)[:1]
        result = self.run(picture.expand(3, -1, -1).contiguous())
        assert isinstance(result, Tensor)
        grey = self.run(picture)
        assert isinstance(grey, Tensor)
        torch.testing.assert_close(grey[0], result.mean(0), rtol=0, atol=2e-2)


class TestTiles:
    def test_the_same_picture(self) -> None:
        upscaler = Upscaler.from_pretrained()
        reference = upscaler.prepare(related())
        whole = upscaler.upscale(small(), reference, tile=0)
        automatic = upscaler.upscale(small(), reference)
        assert torch.equal(whole.image, automatic.image)
        for tile in (11, 32, 39):
            pieces = upscaler.upscale(small(), reference, tile=tile)
            assert (pieces.image - whole.image).abs().max() < 1e-4

    @pytest.mark.usefixtures("as_users_run")
    @pytest.mark.parametrize("tile", [-1, 2.5, True, "all", None])
    def test_errors(self, tile: object) -> None:
        with pytest.raises(OptionError, match="tile must be 'auto', 0 or a positive whole number"):
            Upscaler.from_pretrained().upscale(small(), related(), tile=tile)  # type: ignore[arg-type]


class TestWeakReference:
    def test_related_gives_no_warning(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for scale in SCALES:
                truth = target()[:, :120, :144].contiguous()
                Upscaler.from_pretrained(scale=scale).upscale(degrade(truth, scale), related())

    @pytest.mark.parametrize("scale", SCALES)
    def test_unrelated_gives_a_warning_and_is_close_to_bicubic(self, scale: int) -> None:
        truth = target()[:, :120, :144].contiguous()
        lr = degrade(truth, scale)
        with pytest.warns(
            WeakReferenceWarning,
            match=r"hardly shows the same things \(mean score 0\.\d\d, \d% of pixels found beside",
        ):
            result = Upscaler.from_pretrained(scale=scale).upscale(lr, unrelated())
        assert psnr(result.image, truth) > psnr(up(lr, scale), truth) - 0.05

    def test_constant_reference_gives_a_warning(self) -> None:
        with pytest.warns(WeakReferenceWarning, match=r"mean score 0\.00, 0%"):
            Upscaler.from_pretrained().upscale(small(), torch.full((3, 20, 20), 0.5))

    def test_flat_background_gives_none(self) -> None:
        lr = torch.ones(3, 48, 48)
        lr[:, 8:40, 4:44] = small()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = Upscaler.from_pretrained().upscale(lr, related())
        assert result.score.mean() < 0.7


class TestCoherence:
    ROW, COLUMN = torch.meshgrid(torch.arange(4), torch.arange(5), indexing="ij")
    ONES = torch.ones(4, 5)
    PHOTO = torch.zeros(4, 5, dtype=torch.int64)

    def of(self, row: Tensor, column: Tensor, score: Tensor = ONES, photo: Tensor = PHOTO) -> float:
        return coherence(score, whole_cells(photo, torch.stack([row, column], -1), 3))

    def test_side_by_side(self) -> None:
        assert self.of(self.ROW * 3 + 7, self.COLUMN * 3) == 1

    def test_within_the_tolerance(self) -> None:
        matches = whole_cells(self.PHOTO, torch.stack([self.ROW, self.COLUMN], -1) * 3, 3)
        odd = ((self.COLUMN // 2 + self.ROW // 2) % 2)[..., None]
        for off, share in ((0.9, 1), (1.1, 0)):
            moved = replace(matches, position=matches.position + off * odd * torch.tensor([0, 1]))
            assert coherence(self.ONES, moved) == share

    def test_where_the_jacobian_says(self) -> None:
        """A photo twice as large and mirrored, in which all was found in one piece."""
        matches = whole_cells(self.PHOTO, torch.stack([self.ROW * 6, 90 - self.COLUMN * 6], -1), 3)
        assert coherence(self.ONES, matches) == 0
        there = torch.tensor([[2.0, 0.0], [0.0, -2.0]]).expand(4, 5, 2, 2)
        assert coherence(self.ONES, replace(matches, jacobian=there)) == 1

    def test_all_at_one_place(self) -> None:
        assert self.of(self.PHOTO, self.PHOTO) == 0

    def test_a_break_between_two_columns(self) -> None:
        """Of the 2 x 3 cells with neighbours two to the right and below, 4 miss the right one."""
        column = self.COLUMN * 3 + 50 * (self.COLUMN >= 2)
        assert self.of(self.ROW * 3, column) == 2 / 6

    def test_a_break_between_two_photos(self) -> None:
        photo = (self.ROW >= 1).long()
        assert self.of(self.ROW * 3, self.COLUMN * 3, photo=photo) == 3 / 6

    def test_flat_cells_do_not_count(self) -> None:
        score = self.ONES.clone()
        score[:, 2:4] = 0
        column = self.COLUMN * 3 + 50 * (self.COLUMN >= 2)
        assert self.of(self.ROW * 3, column, score) == 1
        assert self.of(self.ROW * 3, column, torch.zeros(4, 5)) == 0

    def test_one_neighbour_is_not_enough(self) -> None:
        assert self.of(self.PHOTO, self.COLUMN * 3) == 0
        assert self.of(self.ROW * 3, self.PHOTO) == 0

    @pytest.mark.parametrize("size", [(1, 1), (1, 6), (6, 1), (2, 6), (6, 2)])
    def test_without_a_cell_that_has_both_neighbours(self, size: tuple[int, int]) -> None:
        photo = torch.zeros(size, dtype=torch.int64)
        matches = whole_cells(photo, torch.zeros(*size, 2, dtype=torch.int64), 4)
        assert coherence(torch.ones(size), matches) == 1
        assert coherence(torch.zeros(size), matches) == 0


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    @pytest.mark.parametrize(
        ("source", "hint"),
        [("transfr", "; did you mean 'transfer'?"), ("x", "")],
    )
    def test_model(self, source: str, hint: str) -> None:
        with pytest.raises(OptionError) as caught:
            Upscaler.from_pretrained(source)
        assert str(caught.value).startswith("model must be one of transfer")
        assert str(caught.value).endswith(f"got {source!r}{hint}")

    def test_scale(self) -> None:
        for scale in (9, 1, 0, -2):
            with pytest.raises(OptionError, match=rf"above 1, up to 8, got {scale}"):
                Upscaler.from_pretrained(scale=scale)

    def test_reference_for_another_scale(self) -> None:
        reference = Upscaler.from_pretrained(scale=2).prepare(related())
        with pytest.raises(OptionError, match="built for scale 2, the model has 4"):
            Upscaler(TransferModel()).upscale(small(), reference)

    def test_no_reference(self) -> None:
        with pytest.raises(ShapeError, match="at least one photo, got none"):
            Upscaler.from_pretrained().prepare([])

    def test_no_picture(self) -> None:
        upscaler = Upscaler.from_pretrained()
        with pytest.raises(DTypeError, match="reference 1 must be"):
            upscaler.prepare([related(), 2])
        with pytest.raises(DTypeError, match="lr must be"):
            upscaler.upscale(1, related())
        with pytest.raises(ImageFileError, match=r"b\.png': no such file"):
            upscaler.prepare([related(), "b.png"])

    def test_reference_smaller_than_a_cell(self) -> None:
        with pytest.raises(ShapeError, match="photo 0 must be at least 4 x 4 pixels"):
            Upscaler.from_pretrained().upscale(small(), torch.zeros(3, 3, 9))
