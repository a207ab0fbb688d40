# SPDX-License-Identifier: Apache-2.0
"""What nobody sees neither bleeds into edges nor serves as texture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from searchtransfer import Upscaler
from searchtransfer.images import Image, on_background, up
from searchtransfer.images.alpha import enlarge_alpha, with_hidden_filled


def disc(hidden, seed=0):
    """A bright disc with a soft edge over something hidden."""
    y, x = np.mgrid[:24, :24] - 11.5
    alpha = torch.from_numpy(np.clip(8.5 - np.hypot(y, x), 0, 1)).float()[None]
    texture = torch.rand((3, 24, 24), generator=torch.Generator().manual_seed(seed)) * 0.4 + 0.6
    colour = torch.where(alpha > 0, texture, hidden(texture.shape))
    return Image(colour, alpha)


HIDDEN = {
    "black": lambda shape: torch.zeros(shape),
    "white": lambda shape: torch.ones(shape),
    "noise": lambda shape: torch.rand(shape, generator=torch.Generator().manual_seed(9)),
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("behind", [(0, 0, 0), (255, 255, 255), (0, 128, 255)])
def test_on_any_background_it_is_what_bicubic_makes_of_the_visible(hidden, scale, behind):
    """The detail of the model is left out here: what remains is linear in what is seen."""
    picture = disc(hidden)
    plain = up(with_hidden_filled(picture).colour, scale)
    large = enlarge_alpha(picture, plain, scale)
    got = on_background(large, behind).colour
    expected = up(on_background(picture, behind).colour, scale)
    # Where bicubic overshoots, colours and alpha are clamped to [0, 1]; elsewhere it is exact.
    alpha, light = up(picture.alpha, scale), up(picture.colour * picture.alpha, scale)
    inside = (alpha > 1 / 16) & (alpha <= 1) & ((light >= 0) & (light <= alpha)).all(0)
    assert inside.float().mean() > 0.05
    assert (got - expected).abs()[inside.expand(3, -1, -1)].max() < 1e-5


@pytest.mark.parametrize("model", ["fusion", "transfer"])
@pytest.mark.filterwarnings("ignore:the reference hardly shows")
def test_hidden_colours_of_image_and_reference_change_nothing(model):
    upscaler = Upscaler.from_pretrained(model)
    photo = torch.rand((3, 48, 48), generator=torch.Generator().manual_seed(1))
    window = torch.zeros(1, 48, 48)
    window[:, 8:40, 8:40] = 1
    results = []
    for hidden in HIDDEN.values():
        seen = torch.where(window > 0, photo, hidden(photo.shape))
        result = upscaler.upscale(disc(hidden), Image(seen, window))
        results.append(on_background(result.image, (255, 255, 255)).colour)
    for other in results[1:]:
        assert (other - results[0]).abs().max() < 1e-4


def test_one_colour_stays_that_colour():
    picture = disc(HIDDEN["black"])
    red = torch.tensor([1.0, 0.0, 0.2])[:, None, None].expand(3, 24, 24)
    picture = replace(picture, colour=torch.where(picture.alpha > 0, red, torch.zeros(3, 24, 24)))
    torch.testing.assert_close(with_hidden_filled(picture).colour, red.contiguous())


def test_opaque_and_invisible_pictures_stay_as_they_are():
    colour = torch.rand(3, 5, 7)
    for alpha in (None, torch.ones(1, 5, 7), torch.zeros(1, 5, 7)):
        picture = Image(colour, alpha)
        assert with_hidden_filled(picture) is picture
        large = enlarge_alpha(picture, up(colour, 2), 2)
        assert torch.isfinite(large.colour).all()
    opaque = enlarge_alpha(Image(colour, torch.ones(1, 5, 7)), up(colour, 2), 2)
    assert torch.equal(opaque.colour, up(colour, 2).clamp(0, 1))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3)])
def test_any_size(size):
    alpha = torch.zeros(1, *size)
    alpha[..., 0] = 1
    filled = with_hidden_filled(Image(torch.rand(3, *size), alpha))
    assert torch.isfinite(filled.colour).all()
