# SPDX-License-Identifier: Apache-2.0
"""How an image was reduced, told by its matches; and what knowing it is worth."""

from typing import Any

import numpy as np
import pytest
import torch
from pictures import related, target, texture, unrelated
from PIL import Image as PILImage
from scipy.ndimage import gaussian_filter
from torch import Tensor
from wear.test_noise import noisy

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images import up
from searchtransfer.images.reduction import BICUBIC, Reduction
from searchtransfer.images.resize import down, reduced_everywhere
from searchtransfer.models import TransferModel
from searchtransfer.operators.agreement import shown
from searchtransfer.references import matching
from searchtransfer.references import reduction as module
from searchtransfer.references.copy import Copy
from searchtransfer.references.field import Field
from searchtransfer.references.finding import Found, find
from searchtransfer.references.matching import match
from searchtransfer.references.reduction import AROUND_PART, SIDE, part_that_tells
from searchtransfer.wear import CLEAN, Wear

PILLOW = {
    "bicubic": PILImage.Resampling.BICUBIC,
    "area": PILImage.Resampling.BOX,
    "bilinear": PILImage.Resampling.BILINEAR,
    "lanczos": PILImage.Resampling.LANCZOS,
}


def by_pillow(colour: Tensor, kernel: str) -> Tensor:
    pixels = (colour * 255).round().byte().permute(1, 2, 0).numpy()
    size = colour.shape[2] // 4, colour.shape[1] // 4
    small = PILImage.fromarray(pixels).resize(size, PILLOW[kernel])
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255


def blurred(colour: Tensor, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian_filter(colour.numpy(), (0, sigma, sigma)))


@pytest.mark.parametrize("kernel", PILLOW)
def test_filters_are_those_of_pillow(kernel: str) -> None:
    soft = 0.25 + target() / 2  # Pillow rounds and cuts off between rows and columns
    ours = Reduction(kernel).down(soft, 4)  # type: ignore[arg-type]
    assert (ours - by_pillow(soft, kernel)).abs().max() < 2 / 255


@pytest.mark.parametrize("kernel", PILLOW)
def test_everywhere_is_from_every_pixel(kernel: str) -> None:
    reduction = Reduction(kernel, 1.2)  # type: ignore[arg-type]
    picture = texture(48, 56)
    everywhere = reduction.everywhere(picture, 4)[:, ::4, ::4]
    inner = (slice(None), slice(3, -3), slice(3, -3))
    torch.testing.assert_close(
        everywhere[inner], reduction.down(picture, 4)[inner], atol=1e-5, rtol=0
    )


def test_bicubic_is_what_is_supposed() -> None:
    picture = texture(40, 44)
    assert torch.equal(BICUBIC.down(picture, 4), down(picture, 4))
    assert torch.equal(BICUBIC.everywhere(picture, 4), reduced_everywhere(picture, 4))


def found_reduction(small: Tensor) -> Reduction:
    return match(small, Reference.build([related()]), wear=Wear()).reduction


@pytest.mark.parametrize("kernel", ["bicubic", "area", "bilinear"])
def test_the_filter_is_told(kernel: str) -> None:
    assert found_reduction(by_pillow(target(), kernel)) == Reduction(kernel)  # type: ignore[arg-type]


def test_the_blur_is_told() -> None:
    found = found_reduction(by_pillow(blurred(target(), 2.4), "bicubic"))
    assert found.softness == pytest.approx(2.4, abs=0.5)


def test_what_shows_something_else_tells_nothing() -> None:
    found = match(by_pillow(target(), "area"), Reference.build([unrelated()]), wear=Wear())
    assert found.reduction == BICUBIC


def quality(small: Tensor, wear: Wear | None) -> float:
    model = TransferModel(wear=wear)
    return psnr(model.upscale(small, Reference.build([related()])).colour, target())


def test_a_blurred_image_gains() -> None:
    small = by_pillow(blurred(target(), 2.4), "bicubic")
    assert quality(small, None) > quality(small, CLEAN) + 2


def test_a_noisy_image_gains() -> None:
    small = noisy(by_pillow(target(), "bicubic"), 12.0)
    assert quality(small, None) > quality(small, CLEAN) + 1
    assert quality(small, None) > psnr(up(small, 4), target()) + 2


def test_noise_lets_no_other_photo_in() -> None:
    small = noisy(by_pillow(target(), "bicubic"), 12.0)
    found = match(small, Reference.build([unrelated()]), wear=Wear(12.0))
    assert shown(found.agreement).mean() < 0.05


def test_tiles_of_a_worn_image_give_the_same() -> None:
    small = noisy(by_pillow(blurred(target(), 1.6), "bicubic"), 8.0)
    model, reference = TransferModel(), Reference.build([related()])
    whole, pieces = (model.upscale(small, reference, tile=side) for side in (0, 11))
    torch.testing.assert_close(pieces.colour, whole.colour, atol=1e-4, rtol=0)
    assert whole.wear == pieces.wear


class TestLargeImages:
    """A part that is found first tells how the whole was reduced."""

    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "SIDE", 26)
        monkeypatch.setattr(module, "AROUND_PART", 2)
        monkeypatch.setattr(module, "LARGE", 1)

    @pytest.mark.parametrize("kernel", ["bicubic", "area"])
    def test_the_part_tells(self, kernel: str) -> None:
        small = by_pillow(target(), kernel)
        assert small[0].numel() > 30**2
        found = match(small, Reference.build([related()]), wear=Wear())
        assert found.reduction == Reduction(kernel)  # type: ignore[arg-type]
        assert found.agreement.shape == small.shape[1:]
        assert shown(found.agreement).mean() > 0.5

    def test_it_is_found_once_more_as_a_whole_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes = []

        def watched(colour: Tensor, *rest: Any, **named: Any) -> Found:
            sizes.append(tuple(colour.shape[1:]))
            return find(colour, *rest, **named)

        monkeypatch.setattr(matching, "find", watched)
        small = by_pillow(target(), "area")
        match(small, Reference.build([related()]), wear=Wear())
        assert sizes[-1] == tuple(small.shape[1:])
        assert len(sizes) >= 3 and all(max(x) <= 30 for x in sizes[:-1])

    def test_what_is_known_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(matching, "reduction_of", None)
        area = Reduction("area")
        found = match(
            by_pillow(target(), "bicubic"), Reference.build([related()]), wear=Wear(reduction=area)
        )
        assert found.reduction == area

    def test_nothing_that_is_found_tells_nothing(self) -> None:
        small = by_pillow(target(), "area")
        found = match(small, Reference.build([unrelated()]), wear=Wear())
        assert found.reduction == BICUBIC


def test_it_is_told_where_neighbours_agree_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is surely shown: matches that err leave more unexplained, whatever the reduction."""
    cells = torch.stack(torch.meshgrid(torch.arange(160.0), torch.arange(160.0), indexing="ij"), -1)
    agreement = torch.full((160, 160), 0.7)
    agreement[64:, 80:] = 1
    assert (shown(agreement) == 1).all()
    seen = []
    monkeypatch.setattr(module, "_best_part", lambda copies, field, surely: seen.append(field))
    still = torch.eye(2).expand(160, 160, 2, 2)
    field = Field(torch.zeros(160, 160, dtype=torch.int64), cells, still, agreement)
    module.reduction_of(texture(160, 160), [], field, agreement)
    assert seen[0].centre.amin((0, 1)).tolist() == [64, 80]


def test_the_part_is_where_most_is_shown() -> None:
    surely = torch.zeros(20, 30)
    surely[12:18, 3:9] = 1.0
    area = part_that_tells(surely, (400, 600))
    assert area is not None
    rows, columns = area
    assert rows.start <= 240 and rows.stop >= 290 and columns.start <= 60 and columns.stop >= 110
    assert rows.stop - rows.start <= SIDE + 2 * AROUND_PART
    assert part_that_tells(surely, (100, 150)) is None


@pytest.mark.parametrize(
    ("scale", "left", "told"),
    [(2, 0.15, True), (2, 0.25, False), (3, 0.25, False), (4, 0.25, True)],
)
def test_photos_of_other_days_must_say_it_clearly(
    scale: int, left: float, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below scale 4, a way that is better by 3 % is believed of photos of the same only."""
    colour = down(target()[:, :96, :96].contiguous(), scale)
    found = match(colour, Reference.build([related()], scale), wear=CLEAN)

    def unexplained(_: Tensor, copy: Copy, *rest: object) -> float:
        return left * (0.97 if copy.reduction == Reduction("area") else 1.0)

    monkeypatch.setattr(module, "_unexplained", unexplained)
    said = module.reduction_of(colour, found.copies, found.field, found.agreement)
    assert said == (Reduction("area") if told else BICUBIC)


def test_cells_found_all_over_a_photo_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many are shown, but too few near each other: there is no part of a copy to compare with."""
    monkeypatch.setattr(module, "SIDE", 10)
    monkeypatch.setattr(module, "FEWEST", 300)
    small = by_pillow(target(), "bicubic")
    found = match(small, Reference.build([related()]), wear=CLEAN)
    here = torch.ones_like(found.agreement)
    (part,) = module.nearby(found.copies, found.field, here)
    assert part.pixels[0].numel() < found.copies[0].pixels[0].numel()
    size = torch.tensor(related().shape[1:])
    scattered = torch.rand(*small.shape[1:], 2, generator=torch.Generator().manual_seed(0)) * size
    field = found.field._replace(centre=scattered)
    assert module.nearby(found.copies, field, here) == found.copies
    otherwise = Reduction("lanczos")
    assert module.reduction_of(small, found.copies, field, here, otherwise) == otherwise
