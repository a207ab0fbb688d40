# SPDX-License-Identifier: Apache-2.0
"""The transfer model: finds what is there, gains by it, and does no harm where nothing is."""

import math
from dataclasses import replace

import pytest
import torch
from pictures import related, stereo, target, texture, unrelated
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import OptionError
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, down, up
from searchtransfer.models import Model, TransferModel, Upscaled
from searchtransfer.models.transfer import Settings
from searchtransfer.references import SCALES

DEFAULTS = Settings()


def run(
    lr: Tensor, *photos: Tensor, scale: int = 4, settings: Settings = DEFAULTS, tile: int = 0
) -> Upscaled:
    return TransferModel(scale, settings).upscale(lr, Reference.build(photos, scale), tile=tile)


def assert_valid(result: Upscaled, size: tuple[int, int], photos: list[Tensor], scale: int) -> None:
    height, width = size
    assert result.colour.shape == (3, height * scale, width * scale)
    matches = result.matches
    assert result.score.shape == matches.photo.shape == size
    assert matches.position.shape == (*size, 2)
    assert matches.jacobian.shape == (*size, 2, 2)
    assert result.colour.isfinite().all()
    assert result.score.abs().max() <= 1
    for number, photo in enumerate(photos):
        position = matches.position[matches.photo == number]
        assert (position >= -0.5).all()
        assert (position <= torch.tensor(photo.shape[1:]) - 0.5).all()
    assert matches.photo.unique().max() < len(photos)


def test_is_a_model() -> None:
    assert isinstance(TransferModel(), Model)


class TestSizes:
    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("size", [(1, 1), (1, 2), (1, 40), (40, 1), (2, 2), (3, 5)])
    def test_tiny_image(self, size: tuple[int, int], scale: int) -> None:
        photos = [texture(3 * scale + 1, 4 * scale - 1)]
        assert_valid(run(texture(*size, seed=1), *photos, scale=scale), size, photos, scale)

    @pytest.mark.parametrize("scale", SCALES)
    def test_reference_of_one_cell(self, scale: int) -> None:
        """Smaller than the output; a single cell is flat by definition, so nothing is found."""
        lr, photo = texture(6, 7), texture(scale, scale)
        result = run(lr, photo, scale=scale)
        assert_valid(result, (6, 7), [photo], scale)
        assert result.score.eq(0).all()
        torch.testing.assert_close(result.colour, back_projected(lr, scale), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("scale", SCALES)
    def test_several_references_of_any_sizes(self, scale: int) -> None:
        photos = [texture(scale, scale, 1), texture(2 * scale, 9 * scale, 2), texture(40, 31, 3)]
        assert_valid(run(texture(5, 6), *photos, scale=scale), (5, 6), photos, scale)


def back_projected(lr: Tensor, scale: int = 4) -> Tensor:
    """What is left of the method where nothing is transferred."""
    picture = up(lr, scale)
    for _ in range(DEFAULTS.consistency_rounds):
        picture = picture + up(lr - down(picture, scale), scale)
    return picture


class TestFinds:
    """The image is a part of the reference, made small from a known pixel on."""

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("offset", [(0, 0), (5, 11), (14, 3)])
    def test_the_very_pixel_and_reproduces_it(self, offset: tuple[int, int], scale: int) -> None:
        top, left = offset
        photo = stereo()[0][:, 200:340, 300:460].contiguous()
        truth = photo[:, top : top + 120, left : left + 120].contiguous()
        result = run(down(truth, scale), photo, scale=scale)
        cells = 120 // scale
        # Borders of the part: `down` (2 cells) and then the descriptor (2 cells) see other pixels.
        inner = (slice(4, cells - 4), slice(4, cells - 4))
        rows = torch.arange(cells)[:, None] * scale + top
        columns = torch.arange(cells) * scale + left
        assert result.score[inner].min() > 0.998
        assert result.matches.pixel[..., 0][inner].eq(rows.expand(cells, cells)[inner]).all()
        assert result.matches.pixel[..., 1][inner].eq(columns.expand(cells, cells)[inner]).all()
        edge = 5 * scale
        middle = (slice(None), slice(edge, 120 - edge), slice(edge, 120 - edge))
        gain = psnr(result.colour[middle], truth[middle]) - psnr(
            up(down(truth, scale), scale)[middle], truth[middle]
        )
        assert psnr(result.colour[middle], truth[middle]) > 40
        assert gain > 12

    def test_the_photo_that_shows_it(self) -> None:
        photo = stereo()[0][:, 200:320, 300:420].contiguous()
        result = run(down(photo, 4), unrelated(), photo)
        assert result.matches.photo[3:-3, 3:-3].eq(1).all()

    @pytest.mark.parametrize(("search", "least"), [("exact", 1 - 1e-5), ("auto", 0.999)])
    def test_identical_reference_is_found_at_its_own_place(self, search: str, least: float) -> None:
        photo = target()
        model = TransferModel(search=search)  # type: ignore[arg-type]
        result = model.upscale(down(photo, 4), Reference.build([photo]))
        height, width = result.score.shape
        assert result.score.min() > least
        assert result.score.median() > 1 - 1e-5
        assert torch.equal(
            result.matches.pixel[..., 0], torch.arange(height)[:, None].expand(-1, width) * 4
        )
        assert torch.equal(result.matches.pixel[..., 1], torch.arange(width).expand(height, -1) * 4)


class TestGains:
    def test_real_pair(self) -> None:
        """The other eye of a stereo pair; 5.6 dB were measured."""
        lr = degrade(target(), 4)
        assert psnr(run(lr, related()).colour, target()) > psnr(up(lr, 4), target()) + 5

    @pytest.mark.parametrize(("scale", "gain"), [(2, 5.5), (8, 4)])
    def test_at_other_scales(self, scale: int, gain: float) -> None:
        """6.3 and 4.7 dB were measured."""
        lr = degrade(target(), scale)
        result = run(lr, related(), scale=scale)
        assert psnr(result.colour, target()) > psnr(up(lr, scale), target()) + gain

    def test_a_second_useless_reference_does_not_hurt(self) -> None:
        lr = degrade(target(), 4)
        one = psnr(run(lr, related()).colour, target())
        assert psnr(run(lr, related(), unrelated()).colour, target()) > one - 0.15

    @pytest.mark.parametrize(("contrast", "brightness"), [(0.75, 0.0), (0.75, 0.25), (1.3, -0.1)])
    def test_another_exposure_is_adapted(self, contrast: float, brightness: float) -> None:
        """Contrast changes by less than `gain_range` cost next to nothing; without it they do."""
        truth = 0.1 + 0.7 * target()
        photo = 0.1 + 0.7 * related()
        exposed = contrast * photo + brightness
        assert exposed.min() >= 0
        lr = degrade(truth, 4)
        same = psnr(run(lr, photo).colour, truth)
        adapted = psnr(run(lr, exposed).colour, truth)
        fixed = psnr(
            run(lr, exposed, settings=replace(DEFAULTS, gain_range=(1.0, 1.0))).colour, truth
        )
        assert adapted > same - 0.3
        assert adapted > fixed + 0.2

    def test_result_made_small_is_the_image(self) -> None:
        lr = degrade(target(), 4)
        without = replace(DEFAULTS, consistency_rounds=0)
        off = (down(run(lr, related()).colour, 4) - lr).abs()
        off_without = (down(run(lr, related(), settings=without).colour, 4) - lr).abs()
        assert off.mean() < 0.25 * off_without.mean()
        assert off.mean() < 0.5 / 255


class TestDoesNoHarm:
    @pytest.mark.parametrize("scale", SCALES)
    def test_unrelated_reference(self, scale: int) -> None:
        side = 120 if scale == 3 else 128
        truth = target()[:, :side, :side].contiguous()
        lr = degrade(truth, scale)
        result = run(lr, unrelated(), scale=scale)
        assert psnr(result.colour, truth) > psnr(up(lr, scale), truth) - 0.05

    def test_noise_for_a_reference(self) -> None:
        lr = degrade(target(), 4)
        noise = torch.rand(3, 100, 100)
        assert psnr(run(lr, noise).colour, target()) > psnr(up(lr, 4), target()) - 0.05

    @pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
    def test_constant_image(self, value: float) -> None:
        lr = torch.full((3, 9, 11), value)
        result = run(lr, related())
        assert result.score.eq(0).all()
        torch.testing.assert_close(result.colour, torch.full((3, 36, 44), value), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
    def test_constant_reference(self, value: float) -> None:
        lr = degrade(target(), 4)
        result = run(lr, torch.full((3, 40, 50), value))
        assert result.score.eq(0).all()
        torch.testing.assert_close(result.colour, back_projected(lr), rtol=0, atol=1e-6)

    def test_flat_part_stays_flat(self) -> None:
        truth = target()
        truth[:, :64] = 128 / 255
        result = run(degrade(truth, 4), related()).colour
        torch.testing.assert_close(result[:, :40], truth[:, :40], rtol=0, atol=2e-3)


class TestSameAnswer:
    LR = degrade(stereo()[0][:, 200:304, 300:424], 4)  # 26 x 31 cells
    REFERENCE = Reference.build([related()[:, :120, :160]])

    @pytest.mark.parametrize("tile", [1, 2, 5, 6, 7, 100])
    def test_in_tiles_of_a_small_image(self, tile: int) -> None:
        self.check(self.LR[:, :6, :7].contiguous(), tile)

    @pytest.mark.parametrize("tile", [9, 13, 25, 26, 30])
    def test_in_tiles_of_an_image_larger_than_the_halo(self, tile: int) -> None:
        self.check(self.LR, tile)

    def check(self, lr: Tensor, tile: int) -> None:
        model = TransferModel()
        whole, pieces = (model.upscale(lr, self.REFERENCE, tile=x) for x in (0, tile))
        assert (whole.colour - pieces.colour).abs().max() < 1e-4
        assert torch.equal(whole.score, pieces.score)
        assert torch.equal(whole.matches.position, pieces.matches.position)

    @pytest.mark.parametrize("rounds", [0, 1, 2])
    def test_with_a_halo_that_is_needed(self, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """With less of it there are seams, so the tests above can fail."""
        model = TransferModel(settings=replace(DEFAULTS, consistency_rounds=rounds))
        whole = model.upscale(self.LR, self.REFERENCE)
        same = model.upscale(self.LR, self.REFERENCE, tile=9)
        assert (whole.colour - same.colour).abs().max() < 1e-6
        monkeypatch.setattr(TransferModel, "halo", lambda self, found: 1)
        off = model.upscale(self.LR, self.REFERENCE, tile=9)
        assert (whole.colour - off.colour).abs().max() > 1e-3

    def test_twice(self) -> None:
        first, second = (TransferModel().upscale(self.LR, self.REFERENCE) for _ in range(2))
        assert torch.equal(first.colour, second.colour)
        assert torch.equal(first.score, second.score)
        assert torch.equal(first.matches.position, second.matches.position)

    def test_with_one_thread_or_two(self) -> None:
        before = torch.get_num_threads()
        results = []
        try:
            for threads in (1, 2):
                torch.set_num_threads(threads)
                results.append(run(self.LR, related()))
        finally:
            torch.set_num_threads(before)
        one, two = results
        assert torch.equal(one.matches.position, two.matches.position)
        assert torch.equal(one.matches.photo, two.matches.photo)
        assert torch.equal(one.score, two.score)
        assert torch.equal(one.colour, two.colour)

    def test_whatever_the_layout(self) -> None:
        turned = self.LR.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        assert torch.equal(run(self.LR, related()).colour, run(turned, related()).colour)

    def test_inputs_are_left_alone(self) -> None:
        lr, photo = self.LR.clone(), related()
        run(lr, photo)
        assert torch.equal(lr, self.LR)
        assert torch.equal(photo, related())


class TestProgress:
    def test_rises_from_0_to_1_in_each_stage(self) -> None:
        seen: dict[str, list[float]] = {}
        TransferModel().upscale(
            texture(9, 9),
            Reference.build([texture(30, 30)]),
            tile=4,
            progress=lambda stage, done: seen.setdefault(stage, []).append(done),
        )
        assert list(seen) == ["search", "transfer"]
        for done in seen.values():
            assert done == sorted(done)
            assert (done[0], done[-1]) == (0, 1)

    def test_an_exception_in_it_stops(self) -> None:
        def stop(stage: str, done: float) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            TransferModel().upscale(texture(4, 4), Reference.build([texture(8, 8)]), progress=stop)


class TestErrors:
    @pytest.mark.parametrize("scale", [0, 1, 5])
    def test_scale(self, scale: int) -> None:
        with pytest.raises(OptionError, match=rf"one of \(2, 3, 4, 8\), got {scale}"):
            TransferModel(scale)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("lowest_score", 1.0),
            ("lowest_score", -1.1),
            ("lowest_score", math.nan),
            ("noise", 0.0),
            ("noise", math.inf),
            ("gain_range", (1.5, 0.5)),
            ("gain_range", (-1.0, 1.0)),
            ("gain_range", (0.0, math.nan)),
            ("dissent", -0.1),
            ("dissent", math.inf),
            ("consistency_rounds", -1),
        ],
    )
    def test_settings(self, name: str, value: object) -> None:
        with pytest.raises(OptionError, match=rf"Settings: {name} must be .*, got \(?-?[\dni]"):
            Settings(**{name: value})  # type: ignore[arg-type]

    def test_reference_for_another_scale(self) -> None:
        message = "reference was built for scale 2, the model has 4; prepare it with this model"
        with pytest.raises(OptionError, match=message):
            TransferModel(4).upscale(texture(4, 4), Reference.build([texture(8, 8)], 2))
