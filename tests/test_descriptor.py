# SPDX-License-Identifier: Apache-2.0
"""What other tools ask of a model."""

from typing import Any, cast

import pytest
import torch

from searchtransfer.descriptor import Descriptor, SizeRequirements, Tiling
from searchtransfer.errors import OptionError, ShapeError


@pytest.fixture(scope="module")
def model() -> Descriptor:
    return Descriptor.load("transfer", scale=2)


def test_what_it_says(model):
    assert (model.purpose, model.architecture, model.scale) == ("SR", "transfer", 2)
    assert (model.input_channels, model.output_channels) == (3, 3)
    assert model.tiling is Tiling.INTERNAL
    assert model.needs_reference
    assert not Descriptor.load("fusion").needs_reference
    assert model.to("cpu").device == torch.device("cpu")
    with pytest.raises(OptionError, match="cannot be used here"):
        model.to("nonsense")


def test_what_it_says_of_sizes_is_true():
    alone = Descriptor.load("fusion")
    for height, width in ((1, 1), (1, 7), (5, 3)):
        assert alone.size_requirements.check(height, width)
        assert alone(torch.rand(1, 3, height, width)).shape == (1, 3, 4 * height, 4 * width)


def test_sizes_of_others():
    strict = SizeRequirements(8, 4, square=True)
    assert strict.check(8, 8)
    assert not strict.check(4, 4)
    assert not strict.check(10, 10)
    assert not strict.check(8, 12)


def test_a_batch(model):
    photos = torch.rand(2, 3, 40, 44)
    images = torch.nn.functional.avg_pool2d(photos, 2)[..., :9, :8].half()
    sharp = model(images, list(photos))
    assert sharp.shape == (2, 3, 18, 16)
    assert sharp.dtype == torch.float16
    assert 0 <= sharp.min() <= sharp.max() <= 1
    assert torch.equal(model(images[1:], list(photos)), sharp[1:])


@pytest.mark.usefixtures("as_users_run")
def test_what_is_no_batch(model):
    for shape in ((3, 8, 8), (1, 4, 8, 8), (0, 3, 8, 8)):
        with pytest.raises(ShapeError, match=r"must be \[B, 3, H, W\]"):
            model(cast(Any, torch.rand(shape)))
