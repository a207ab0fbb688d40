# SPDX-License-Identifier: Apache-2.0
"""Same kind in, same kind out."""

import io

import numpy as np
import pytest
import torch
from image_files import ICC, exif, noise, png, saved
from PIL import Image as PILImage

from searchtransfer.errors import (
    DTypeError,
    ImageFileError,
    NonFiniteError,
    OptionError,
    ShapeError,
)
from searchtransfer.images import (
    Image,
    ImageWarning,
    from_numpy,
    from_pil,
    from_tensor,
    to_numpy,
    to_pil,
    to_tensor,
)


@pytest.mark.parametrize("size", [(1, 1), (5, 7)])
@pytest.mark.parametrize("channels", [0, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
def test_numpy(dtype, channels, size):
    array = noise(*size, channels or 1, 16)
    if np.issubdtype(dtype, np.floating):
        array = (array / 65535).astype(dtype)
    else:
        array = (array >> (16 if dtype == np.uint8 else 0) // 2).astype(dtype)
    array = array[..., 0] if channels == 0 else array
    back = to_numpy(from_numpy(array), dtype)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, array, atol=1e-7)


def test_numpy_in_any_layout():
    array = noise(6, 8, 3)
    for view in (array[::-1], array[:, ::-1], array[::2, ::3], array.transpose(1, 0, 2)):
        np.testing.assert_array_equal(to_numpy(from_numpy(view)), view)
    big = noise(6, 8, 3, 16).astype(">u2")
    np.testing.assert_array_equal(to_numpy(from_numpy(big)), big)


def test_one_channel_axis_is_grey():
    image = from_numpy(noise(5, 7, 1))
    assert image.grey
    assert to_numpy(image).shape == (5, 7)


def test_inputs_are_not_changed():
    array = noise(5, 7, 3).astype(np.float32) / 255
    before = array.copy()
    from_numpy(array).colour.mul_(0)
    tensor = torch.rand(3, 5, 7)
    copy = tensor.clone()
    to_numpy(from_tensor(tensor))
    np.testing.assert_array_equal(array, before)
    assert torch.equal(tensor, copy)


@pytest.mark.parametrize("bits", [8, 16])
def test_depth_of_floats_is_asked_for(bits):
    array = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    assert from_numpy(array, bits=bits).bits == bits
    assert to_numpy(from_numpy(array, bits=bits)).max() == 2**bits - 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tensor(channels):
    tensor = torch.rand(channels, 5, 7)
    torch.testing.assert_close(to_tensor(from_tensor(tensor)), tensor, rtol=0, atol=0)
    integers = tensor.mul(255).to(torch.uint8)
    assert torch.equal(to_tensor(from_tensor(integers)).mul(255).round(), integers.float())


def test_tensor_keeps_its_gradient():
    tensor = torch.rand(3, 5, 7, requires_grad=True)
    to_tensor(from_tensor(tensor)).sum().backward()
    assert torch.equal(tensor.grad, torch.ones_like(tensor))


def test_grey_channel_is_the_mean():
    colour = torch.tensor([0.2, 0.4, 0.9]).reshape(3, 1, 1)
    assert to_tensor(Image(colour, grey=True)).item() == pytest.approx(0.5)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pil(mode):
    picture = PILImage.fromarray(noise(5, 7, 4)).convert(mode)
    back = to_pil(from_pil(picture))
    assert back.mode == mode
    assert back.tobytes() == picture.tobytes()


def test_pil_16_bit_grey():
    picture = PILImage.fromarray(noise(5, 7, 1, 16)[..., 0])
    back = to_pil(from_pil(picture))
    assert back.mode == picture.mode == "I;16"
    assert back.tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("mode", "expected"), [("1", "L"), ("P", "RGB"), ("PA", "RGBA"), ("YCbCr", "RGB")]
)
def test_pil_other_modes(mode, expected):
    picture = PILImage.fromarray(noise(5, 7, 3)).convert("P" if mode == "PA" else mode)
    picture = picture.convert(mode)
    back = to_pil(from_pil(picture))
    assert back.mode == expected
    assert back.tobytes() == picture.convert(expected).tobytes()


def test_pil_metadata():
    data = saved(
        PILImage.fromarray(noise(5, 7, 3)), "PNG", icc_profile=ICC, exif=exif(), dpi=(127, 254)
    )
    back = to_pil(from_pil(PILImage.open(io.BytesIO(data))))
    assert back.info["icc_profile"] == ICC
    assert back.info["exif"] == exif()
    assert back.info["dpi"] == pytest.approx((127, 254), abs=0.01)


def test_pil_pixels_are_taken_as_they_lie():
    data = saved(PILImage.fromarray(noise(5, 7, 3)), "PNG", exif=exif(6))
    assert from_pil(PILImage.open(io.BytesIO(data))).size == (5, 7)


def test_pil_that_loses_bits_is_said():
    with pytest.warns(ImageWarning, match="reduces this file's 16 bits to 8; give its path"):
        from_pil(PILImage.open(io.BytesIO(png(noise(5, 7, 3, 16)))))


def test_pil_16_bit_grey_file():
    samples = noise(5, 7, 1, 16)
    image = from_pil(PILImage.open(io.BytesIO(png(samples))))
    np.testing.assert_array_equal(to_numpy(image), samples[..., 0])


def test_pil_cmyk():
    with pytest.warns(ImageWarning, match="CMYK"):
        from_pil(PILImage.new("CMYK", (3, 3)))


@pytest.mark.parametrize("mode", ["I", "F", "LAB", "HSV"])
def test_pil_modes_that_cannot_be_kept(mode):
    with pytest.raises(ImageFileError, match=f"mode '{mode}' cannot be kept"):
        from_pil(PILImage.new(mode, (3, 3)))


def test_pil_damaged_file():
    data = saved(PILImage.fromarray(noise(50, 70, 3)), "PNG")[:-4000]
    with pytest.raises(ImageFileError, match="Pillow cannot load the picture"):
        from_pil(PILImage.open(io.BytesIO(data)))


def test_pil_cannot_hold_16_bit_colour():
    with pytest.raises(ImageFileError, match="Pillow cannot hold 16-bit colour"):
        to_pil(from_numpy(noise(5, 7, 3, 16)))


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    def test_numpy(self):
        with pytest.raises(ShapeError, match=r"\[H, W\] or \[H, W, C\], got \[3\]"):
            from_numpy(np.zeros(3, np.uint8))
        with pytest.raises(ShapeError, match="1 to 4 channels"):
            from_numpy(np.zeros((2, 3, 5), np.uint8))
        with pytest.raises(ShapeError, match="at least 1"):
            from_numpy(np.zeros((0, 3), np.uint8))
        for dtype in (np.int32, bool, np.complex64):
            with pytest.raises(DTypeError, match="must be uint8, uint16 or floating point"):
                from_numpy(np.zeros((2, 3), dtype))
        with pytest.raises(DTypeError, match="dtype must be uint8, uint16 or floating point"):
            to_numpy(from_numpy(noise(2, 3, 3)), np.int32)

    def test_range(self):
        with pytest.raises(OptionError, match=r"must lie in \[0, 1\], got 0 to 255; divide"):
            from_numpy(np.array([[0.0, 255.0]]))
        with pytest.raises(OptionError, match="got -1 to 1"):
            from_tensor(torch.tensor([-1.0, 1.0]).reshape(1, 1, 2))
        with pytest.raises(NonFiniteError, match="NaN or infinity"):
            from_tensor(torch.full((3, 1, 1), torch.nan))
        with pytest.raises(NonFiniteError, match="NaN or infinity"):
            to_numpy(Image(torch.full((3, 1, 1), torch.inf)), np.uint8)

    def test_tensor(self):
        with pytest.raises(DTypeError, match=r"or uint8, got torch\.int64"):
            from_tensor(torch.zeros(3, 2, 2, dtype=torch.int64))
        with pytest.raises(ShapeError, match=r"1 to 4 channels, got \[1, 3, 2, 2\]"):
            from_tensor(torch.zeros(1, 3, 2, 2))
        with pytest.raises(ShapeError, match="at least 1"):
            from_tensor(torch.zeros(3, 0, 2))

    def test_image(self):
        with pytest.raises(ShapeError, match=r"colour must be \[3, H, W\].*got \[1, 2, 2\]"):
            Image(torch.zeros(1, 2, 2))
        with pytest.raises(ShapeError, match=r"alpha must be \[1, H, W\]"):
            Image(torch.zeros(3, 2, 2), torch.zeros(2, 2))
        with pytest.raises(ShapeError, match=r"size of colour, \[2, 2\], got \[2, 3\]"):
            Image(torch.zeros(3, 2, 2), torch.zeros(1, 2, 3))
        with pytest.raises(DTypeError, match=r"got torch\.uint8; divide"):
            Image(torch.zeros(3, 2, 2, dtype=torch.uint8))
        with pytest.raises(OptionError, match="bits must be 8 or 16, got 12"):
            Image(torch.zeros(3, 2, 2), bits=12)
