# SPDX-License-Identifier: Apache-2.0
"""The weights that come with the package do what its model card says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from wear.test_compression import compressed

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up
from searchtransfer.models import FusionModel
from searchtransfer.models.fusion import load_network
from searchtransfer.models.pretrained import DEFAULT_MODEL
from searchtransfer.weights.packaged import packaged

data = pytest.importorskip("skimage.data")


def photo(name):
    return torch.from_numpy(np.array(getattr(data, name)())).permute(2, 0, 1).float() / 255


TRUTH = photo("astronaut")[:, 20:212, 120:312].contiguous()
LOW = degrade(TRUTH, 4)
RELATED = photo("astronaut")[:, 5:225, 100:330].contiguous()
UNRELATED = photo("coffee")[:, 100:330, 200:420].contiguous()


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler.from_pretrained()


@pytest.fixture(scope="module")
def alone(upscaler):
    return upscaler.upscale(LOW, None)


def test_is_the_default(upscaler):
    assert DEFAULT_MODEL == "fusion"
    assert isinstance(upscaler.model, FusionModel)


def test_size():
    path = packaged("fusion-x4")
    assert path.stat().st_size < 8 * 2**20
    assert sum(x.numel() for x in load_network(path).parameters()) < 2_000_000
    assert path.with_suffix(".md").is_file()


def test_alone_is_better_than_bicubic(alone):
    assert psnr(alone.image, TRUTH) > psnr(up(LOW, 4), TRUTH) + 1
    assert (alone.matches.photo == -1).all()


def test_a_reference_helps(upscaler, alone):
    with_it = upscaler.upscale(LOW, RELATED)
    assert psnr(with_it.image, TRUTH) > psnr(alone.image, TRUTH) + 3


@pytest.mark.parametrize("quality", [50, 80])
def test_a_worn_image_is_left_to_the_other_network(upscaler, quality):
    worn = compressed(LOW, quality=quality)
    other = upscaler.upscale(worn)
    assert psnr(other.image, TRUTH) > psnr(up(worn, 4), TRUTH)
    clean = Upscaler(replace(upscaler.model, worn=None)).upscale(worn)
    assert psnr(other.image, TRUTH) > psnr(clean.image, TRUTH)
    assert psnr(upscaler.upscale(worn, RELATED).image, TRUTH) > psnr(other.image, TRUTH) + 1


def test_an_unrelated_reference_changes_next_to_nothing(upscaler, alone):
    with pytest.warns(UserWarning, match="hardly shows the same"):
        with_it = upscaler.upscale(LOW, UNRELATED)
    assert psnr(with_it.image, TRUTH) > psnr(alone.image, TRUTH) - 0.05


def test_same_pair_same_picture(upscaler):
    low, photo = LOW[:, 8:32, 8:32].contiguous(), RELATED[:, :120, :120].contiguous()
    first = upscaler.upscale(low, photo).image
    assert torch.equal(upscaler.upscale(low, photo).image, first)
    threads = torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            again = upscaler.upscale(low, photo).image
        finally:
            torch.set_num_threads(threads)
        assert (again - first).abs().max() < 1e-3
    tiled = upscaler.upscale(low, photo, tile=10).image
    assert (tiled - first).abs().max() < 1e-3
