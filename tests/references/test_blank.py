# SPDX-License-Identifier: Apache-2.0
"""Photos that were turned within a larger canvas, with blank corners."""

import numpy as np
import pytest
import torch
from pictures import coffee, picture, target, tensor, texture
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images.resize import down
from searchtransfer.models import TransferModel
from searchtransfer.references import photo as module
from searchtransfer.references.blank import without_blank_corners


def turned(colour: Tensor, degrees: float, *, blank: int = 0, expand: bool = True) -> Tensor:
    there = picture(colour).rotate(
        degrees, Image.Resampling.BICUBIC, expand=expand, fillcolor=(blank, blank, blank)
    )
    return tensor(np.array(there))


def photo() -> Tensor:
    """Without the colour that is blank."""
    return 0.1 + 0.8 * coffee()[:, :200, :300]


@pytest.mark.parametrize("degrees", [4, 30, -20, 45, 80, 123])
@pytest.mark.parametrize("blank", [0, 255])
def test_blank_corners_show_the_nearest_pixels(degrees: float, blank: int) -> None:
    given = turned(photo(), degrees, blank=blank)
    filled = without_blank_corners(given)
    was_blank = (given == blank / 255).all(0)
    torch.testing.assert_close(filled[:, ~was_blank], given[:, ~was_blank], rtol=0, atol=0)
    assert (filled == blank / 255).all(0).float().mean() < 1e-4
    near, (row, column) = distance_transform_edt(was_blank.numpy(), return_indices=True)
    nearest = given[:, torch.from_numpy(row).long(), torch.from_numpy(column).long()]
    around = was_blank & torch.from_numpy(near < 8)
    assert (filled - nearest).abs()[:, around].mean() < 4 / 255


def test_a_canvas_as_large_as_the_photo_has_blank_corners_too() -> None:
    given = turned(photo(), 10, expand=False)
    assert (given == 0).all(0).float().mean() > 0.05
    assert (without_blank_corners(given) == 0).all(0).sum() < 10


def drawn(*shapes: tuple[str, list[tuple[int, int]]], size: tuple[int, int] = (200, 160)) -> Tensor:
    """A photo that is black but for what is drawn, or black where it is not."""
    mask = Image.new("L", size)
    for kind, where in shapes:
        getattr(ImageDraw.Draw(mask), kind)(where, fill=255)
    shown = torch.from_numpy(np.array(mask)) > 0
    return (0.1 + 0.8 * texture(size[1], size[0])) * shown


@pytest.mark.parametrize(
    "given",
    [
        texture(1, 1),
        texture(40, 50),
        torch.zeros(3, 40, 50),
        drawn(("rectangle", [(0, 20), (199, 139)])),  # a film with bars
        drawn(("rectangle", [(20, 20), (179, 139)])),  # a frame
        drawn(("ellipse", [(0, 0), (199, 159)])),  # a round field of view
        drawn(("polygon", [(0, 60), (100, 40), (199, 70), (199, 159), (0, 159)])),  # a dark sky
        drawn(("polygon", [(0, 0), (180, 0), (199, 40), (199, 159), (30, 159), (0, 120)])),
        drawn(("polygon", [(4, 0), (199, 4), (195, 159), (0, 155)])),  # hardly turned
    ],
    ids=["1 x 1", "plain", "black", "bars", "frame", "disc", "sky", "three corners", "hardly"],
)
def test_other_photos_are_left_as_they_are(given: Tensor) -> None:
    assert without_blank_corners(given) is given


def test_the_photo_itself_is_kept() -> None:
    given = turned(photo(), 30)
    reference = Reference.build([given], 4)
    assert reference.prepared[0].pixels is reference.photos[0]
    assert (reference.prepared[0].upright.pixels == 0).all(0).float().mean() < 1e-4


def test_a_reference_with_blank_corners_brings_more(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = target()
    low = down(truth, 4).clamp(0, 1)
    given = turned(0.05 + 0.9 * truth, 20)

    def made() -> float:
        colour = TransferModel(4).upscale(low, Reference.build([given], 4)).colour
        return psnr(colour.clamp(0, 1), truth)

    now = made()
    monkeypatch.setattr(module, "without_blank_corners", lambda photo: photo)
    assert now > made() + 1
