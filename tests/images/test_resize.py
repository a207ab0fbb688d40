# SPDX-License-Identifier: Apache-2.0
"""The one bicubic is Pillow's, in every direction and at every edge."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PILImage

import searchtransfer
from searchtransfer.errors import DTypeError, OptionError, ShapeError
from searchtransfer.images import crop_to_multiple, degrade, down, up
from searchtransfer.images.resize import reduced_everywhere

SCALE = st.integers(1, 8)
SIDE = st.integers(1, 12)


def pillow(plane, height, width):
    """Pillow in single precision, straight from and to an array of numbers."""
    picture = PILImage.fromarray(plane.numpy().astype(np.float32))
    resized = picture.resize((width, height), PILImage.Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized))


def assert_planes_match(ours, image, height, width):
    for got, plane in zip(ours, image, strict=True):
        torch.testing.assert_close(got, pillow(plane, height, width), rtol=0, atol=1e-5)


def test_the_comparison_can_fail():
    image = torch.rand(1, 8, 8)
    with pytest.raises(AssertionError):
        assert_planes_match(down(image, 2) + 2e-5, image, 4, 4)
    with pytest.raises(AssertionError):
        nearest = torch.nn.functional.interpolate(image[None], scale_factor=0.5, mode="bicubic")
        assert_planes_match(nearest[0], image, 4, 4)


@given(scale=SCALE, height=SIDE, width=SIDE)
def test_down_is_pillow(scale, height, width):
    image = torch.rand(2, height * scale, width * scale)
    assert_planes_match(down(image, scale), image, height, width)


@given(scale=SCALE, height=SIDE, width=SIDE)
def test_up_is_pillow(scale, height, width):
    image = torch.rand(2, height, width)
    assert_planes_match(up(image, scale), image, height * scale, width * scale)


@given(scale=SCALE, height=st.integers(0, 40), width=st.integers(0, 40))
def test_everywhere_is_the_filter_at_every_pixel(scale, height, width):
    """Stated another way: reduce at stride one, over a border wide enough to be no edge."""
    height, width = height + scale, width + scale
    image = torch.rand(2, height, width, dtype=torch.float64)
    rows, columns = (window(n, scale)[: n - scale + 1] for n in (height, width))
    expected = rows @ image @ columns.T
    torch.testing.assert_close(reduced_everywhere(image, scale), expected, rtol=0, atol=1e-12)


def window(length, scale):
    """[length, length]: row p weighs all pixels for the cell that begins at pixel p."""

    def cubic(x):
        x = abs(x)
        if x < 1:
            return (1.5 * x - 2.5) * x * x + 1
        return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0

    rows = [
        [cubic((q + 0.5 - p - scale / 2) / scale) for q in range(length)] for p in range(length)
    ]
    weights = torch.tensor(rows, dtype=torch.float64)
    total = weights.sum(1, keepdim=True)
    return weights / torch.where(total == 0, 1.0, total)


@given(scale=SCALE, height=SIDE, width=SIDE)
def test_every_cell_from_the_first_on_is_down(scale, height, width):
    image = torch.rand(2, height * scale, width * scale)
    cells = reduced_everywhere(image, scale)[:, ::scale, ::scale]
    torch.testing.assert_close(cells, down(image, scale), rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_from_another_pixel_on_it_is_down_of_the_rest_away_from_its_edge(scale):
    image = torch.rand(3, 12 * scale, 12 * scale)
    everywhere = reduced_everywhere(image, scale)
    inner = slice(2, -2)
    for dy in range(scale):
        for dx in range(scale):
            rest = down(crop_to_multiple(image[:, dy:, dx:], scale), scale)
            cells = everywhere[:, dy::scale, dx::scale]
            torch.testing.assert_close(
                cells[:, inner, inner], rest[:, inner, inner], rtol=0, atol=1e-5
            )


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (2, 3, 5, 7), (0, 3, 5, 7), (3, 1, 1)])
@pytest.mark.parametrize("scale", [1, 3])
def test_leading_dimensions(shape, scale):
    image = torch.rand(shape)
    large = up(image, scale)
    assert large.shape == (*shape[:-2], shape[-2] * scale, shape[-1] * scale)
    assert down(large, scale).shape == shape


@pytest.mark.parametrize("function", [up, down])
def test_scale_1_changes_nothing(function):
    image = torch.rand(3, 5, 7)
    assert torch.equal(function(image, 1), image)


@pytest.mark.parametrize("scale", range(1, 9))
def test_constants_stay(scale):
    image = torch.full((1, 3 * scale, 2 * scale), 0.3, dtype=torch.float64)
    for result in (down(image, scale), up(image, scale), reduced_everywhere(image, scale)):
        torch.testing.assert_close(result, torch.full_like(result, 0.3), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(dtype):
    image = torch.rand(3, 8, 12).to(dtype)
    for function in (up, down):
        result = function(image, 4)
        assert result.dtype == dtype
        torch.testing.assert_close(result, function(image.float(), 4).to(dtype), rtol=0, atol=1e-6)


MEMORY = """
import resource
import torch
from searchtransfer.images.resize import reduced_everywhere

image = torch.zeros(3, 4000, 6000)
assert reduced_everywhere(image, 4).numel() <= image.numel()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_of_a_24_megapixel_reference():
    """In a process of its own, everything counted: torch, the image, the reduced one."""
    run = subprocess.run(
        [sys.executable, "-c", MEMORY],
        env=os.environ | {"PYTHONPATH": str(Path(searchtransfer.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert int(run.stdout) < 1500  # MiB


def test_layouts():
    image = torch.rand(1, 3, 8, 12)
    for view in (
        image.contiguous(memory_format=torch.channels_last),
        image.transpose(2, 3).contiguous().transpose(2, 3),
    ):
        for function in (up, down):
            torch.testing.assert_close(function(view, 4), function(image, 4), rtol=0, atol=0)


@pytest.mark.parametrize("function", [up, down])
def test_gradient(function):
    image = torch.rand(1, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: function(x, 2), image)


@given(scale=SCALE, height=SIDE, width=SIDE)
def test_degrade_is_pillow_on_8_bits(scale, height, width):
    values = torch.randint(256, (3, height * scale, width * scale))
    small = degrade(values / 255, scale)
    picture = PILImage.fromarray(values.permute(1, 2, 0).to(torch.uint8).numpy())
    expected = np.asarray(picture.resize((width, height), PILImage.Resampling.BICUBIC))
    np.testing.assert_array_equal(small.mul(255).round().permute(1, 2, 0).numpy(), expected)


def test_degrade_clamps_and_rounds_first():
    values = torch.tensor([1.2, -0.1, 0.4 / 255, 0.6 / 255]).expand(3, 1, 4)
    expected = torch.tensor([255.0, 0.0, 0.0, 1.0]).expand(3, 1, 4)
    assert torch.equal(degrade(values, 1).mul(255).round(), expected)


@given(scale=SCALE, height=st.integers(8, 30), width=st.integers(8, 30))
def test_crop_to_multiple(scale, height, width):
    image = torch.rand(2, height, width)
    cropped = crop_to_multiple(image, scale)
    assert cropped.shape == (2, height // scale * scale, width // scale * scale)
    assert torch.equal(cropped, image[:, : cropped.shape[1], : cropped.shape[2]])


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    @pytest.mark.parametrize("function", [up, down, reduced_everywhere, degrade, crop_to_multiple])
    def test_arguments(self, function):
        name = function.__name__
        for scale in (0, 9, -1, 2.0, True, "4"):
            with pytest.raises(OptionError, match=f"{name}: scale must be a whole number from 1"):
                function(torch.rand(3, 8, 8), scale)
        with pytest.raises(ShapeError, match=f"{name}: image must be .* got .0, 8"):
            function(torch.rand(0, 8), 2)
        with pytest.raises(DTypeError, match=f"{name}: image must be floating point"):
            function(torch.zeros(3, 8, 8, dtype=torch.uint8), 2)

    @pytest.mark.parametrize("function", [down, degrade])
    def test_multiples(self, function):
        with pytest.raises(ShapeError, match="multiples of scale 4, got 6 x 8; use crop_to_mult"):
            function(torch.rand(3, 8, 6), 4)

    def test_others(self):
        for shape in ((1, 3, 8, 8), (3, 1, 8)):
            with pytest.raises(ShapeError, match=r"\[C, H, W\] with sides of at least 2, got \["):
                reduced_everywhere(torch.rand(shape), 2)
        with pytest.raises(ShapeError, match="9 x 3 pixels is smaller than scale 4"):
            crop_to_multiple(torch.rand(3, 3, 9), 4)
