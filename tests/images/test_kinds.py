# SPDX-License-Identifier: Apache-2.0
"""The kind that comes in goes out."""

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from searchtransfer.errors import DTypeError, NonFiniteError, OptionError, ShapeError
from searchtransfer.images import Image
from searchtransfer.images.kinds import as_image, returns_as

RANDOM = np.random.default_rng(0)


def integers(shape, dtype):
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, endpoint=True, dtype=dtype)


def again(picture):
    return returns_as(picture)(as_image(picture, "lr"))


class TestThereAndBack:
    def test_image_is_taken_as_it_is(self):
        image = Image(torch.rand(3, 4, 5))
        assert as_image(image, "lr") is image
        assert returns_as(image)(image) is image

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
    def test_pillow(self, mode):
        shape = (4, 5, len(mode)) if len(mode) > 1 else (4, 5)
        picture = PILImage.fromarray(integers(shape, np.uint8), mode=None)
        assert picture.mode == mode
        result = again(picture)
        assert isinstance(result, PILImage.Image)
        assert result.mode == mode
        assert np.array_equal(np.array(result), np.array(picture))

    def test_pillow_of_16_bits(self):
        picture = PILImage.fromarray(integers((4, 5), np.uint16))
        result = again(picture)
        assert result.mode == "I;16"
        assert np.array_equal(np.array(result), np.array(picture))

    def test_pillow_keeps_what_its_file_said(self):
        picture = PILImage.new("RGB", (5, 4))
        picture.info |= {"icc_profile": b"profile", "dpi": (300.0, 300.0)}
        assert again(picture).info == picture.info

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", "<u2"])
    @pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 2), (4, 5, 3), (4, 5, 4), (1, 1)])
    def test_array_of_integers(self, shape, dtype):
        array = integers(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype)
        result = again(array)
        assert result.dtype == array.dtype
        assert result.shape == shape
        assert np.array_equal(result, array)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
    @pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
    def test_array_of_floats(self, shape, dtype):
        array = RANDOM.random(shape).astype(dtype)
        result = again(array)
        assert result.dtype == array.dtype
        assert result.shape == shape
        np.testing.assert_allclose(result.astype(float), array.astype(float), rtol=0, atol=1e-7)

    def test_array_with_negative_strides(self):
        array = integers((4, 5, 3), np.uint8)[::-1, ::-1, ::-1]
        assert np.array_equal(again(array), array)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    @pytest.mark.parametrize(
        "dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64]
    )
    def test_tensor(self, channels, dtype):
        tensor = torch.rand(channels, 4, 5)
        tensor = tensor.mul(255).to(dtype) if dtype == torch.uint8 else tensor.to(dtype)
        result = again(tensor)
        assert result.dtype == dtype
        assert torch.equal(result, tensor)

    def test_overshoots_are_cut_before_they_could_wrap(self):
        image = Image(torch.tensor([-0.02, 1.02, 0.5]).expand(3, 1, 3).contiguous())
        assert returns_as(np.zeros((1, 1, 3), np.uint8))(image)[0, :, 0].tolist() == [0, 255, 128]
        assert returns_as(torch.zeros(3, 1, 1, dtype=torch.uint8))(image)[0, 0].tolist() == [
            0,
            255,
            128,
        ]
        assert returns_as(torch.zeros(3, 1, 1))(image)[0, 0].tolist() == [0, 1, 0.5]


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    @pytest.mark.parametrize("picture", [None, 3, [[0.5]]])
    def test_no_picture(self, picture):
        kind = type(picture).__name__
        with pytest.raises(DTypeError, match=rf"reference 2 must be .* got {kind}"):
            as_image(picture, "reference 2")

    def test_those_of_the_conversions(self):
        with pytest.raises(DTypeError, match="array must be uint8"):
            as_image(np.zeros((4, 4), np.int64), "lr")
        with pytest.raises(DTypeError, match="tensor must be floating point"):
            as_image(torch.zeros(3, 4, 4, dtype=torch.int64), "lr")
        with pytest.raises(ShapeError, match=r"must be \[H, W\] or \[H, W, C\]"):
            as_image(np.zeros(4, np.uint8), "lr")
        with pytest.raises(ShapeError, match=r"must be \[C, H, W\]"):
            as_image(torch.zeros(1, 3, 4, 4), "lr")
        with pytest.raises(OptionError, match=r"values must lie in \[0, 1\]"):
            as_image(torch.full((3, 2, 2), 255.0), "lr")
        with pytest.raises(NonFiniteError, match="NaN or infinity"):
            as_image(np.full((2, 2), np.nan), "lr")
