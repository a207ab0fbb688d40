# SPDX-License-Identifier: Apache-2.0
"""What has no colour gets none, whatever the references have."""

import io

import numpy as np
import pytest
import torch
from pictures import related, target, unrelated
from PIL import Image

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up
from searchtransfer.images.grey import greyed, is_grey


def checks() -> torch.Tensor:
    """A screen tone: squares of one pixel."""
    y, x = torch.meshgrid(torch.arange(24), torch.arange(30), indexing="ij")
    return ((x + y) % 2).float().expand(3, -1, -1).contiguous()


@pytest.mark.parametrize("model", ["fusion", "transfer"])
@pytest.mark.filterwarnings("ignore::searchtransfer.upscaler.WeakReferenceWarning")
def test_grey_stays_grey(model: str) -> None:
    upscaler = Upscaler.from_pretrained(model)
    for small in (degrade(greyed(target()), 4), checks()):
        for photo in (related(), unrelated()):
            red, green, blue = upscaler.upscale(small, photo).image
            assert (red == green).all() and (green == blue).all()


def test_a_coloured_reference_still_helps() -> None:
    truth = greyed(target())
    small = degrade(truth, 4)
    result = Upscaler.from_pretrained("transfer").upscale(small, related())
    assert psnr(result.image, truth) > psnr(up(small, 4), truth) + 2


def spread(picture: torch.Tensor) -> float:
    """Of the channels of a pixel, at most, in levels of 8 bits."""
    return 255 * (picture.amax(0) - picture.amin(0)).max().item()


@pytest.mark.parametrize("model", ["fusion", "transfer"])
@pytest.mark.filterwarnings("ignore::searchtransfer.upscaler.WeakReferenceWarning")
def test_a_grey_that_a_codec_has_rounded_gets_no_more_colour(model: str) -> None:
    grey = degrade(greyed(target()), 4).mul(255).round().byte().permute(1, 2, 0).numpy()
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(data, "WEBP", quality=80)
    read = np.asarray(Image.open(data).convert("RGB"))
    small = torch.from_numpy(read.copy()).permute(2, 0, 1).float() / 255
    assert 0.5 < spread(small) < 1.5  # otherwise this codec shows nothing
    upscaler = Upscaler.from_pretrained(model)
    for photo in (related(), unrelated()):
        assert spread(upscaler.upscale(small, photo).image) < 2.5


def test_two_levels_are_colour() -> None:
    small = checks() / 2
    assert is_grey(small)
    small[0, 3, 4] += 1 / 255
    assert is_grey(small)
    small[0, 3, 4] += 1 / 255
    assert not is_grey(small)


@pytest.mark.filterwarnings("ignore::searchtransfer.upscaler.WeakReferenceWarning")
def test_the_colour_of_one_level_stays() -> None:
    small = checks() / 8 + 0.4  # so that nothing is clamped
    small[0] += 1 / 255
    large = Upscaler.from_pretrained("transfer").upscale(small, related()).image
    torch.testing.assert_close(large[0] - large[1], torch.full_like(large[0], 1 / 255))
    torch.testing.assert_close(large[1], large[2])
