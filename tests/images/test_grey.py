# SPDX-License-Identifier: Apache-2.0
"""What has no colour gets none, whatever the references have."""

import pytest
import torch
from pictures import related, target, unrelated

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
            assert is_grey(upscaler.upscale(small, photo).image)


def test_a_coloured_reference_still_helps() -> None:
    truth = greyed(target())
    small = degrade(truth, 4)
    result = Upscaler.from_pretrained("transfer").upscale(small, related())
    assert psnr(result.image, truth) > psnr(up(small, 4), truth) + 2


def test_the_least_colour_is_colour() -> None:
    small = checks() / 2
    assert is_grey(small)
    small[0, 3, 4] += 1e-4
    assert not is_grey(small)
