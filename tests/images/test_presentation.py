# SPDX-License-Identifier: Apache-2.0
"""Results are saved and shown, paths are pictures, and what things are is said in a line."""

import io

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from scenes import scene, sharp

import searchtransfer
from searchtransfer import Reference, Upscaler
from searchtransfer.errors import OutputError
from searchtransfer.images import Image, from_pil, read_image, to_numpy
from searchtransfer.images.presentation import SHOWN_SIDE, Presentable, in_short


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler.from_pretrained("transfer")


def test_paths_are_pictures(tmp_path, upscaler):
    lr, ref = scene(tmp_path)
    result = upscaler.upscale(lr, str(ref))
    assert isinstance(result.image, Image)
    expected = upscaler.upscale(read_image(lr), [read_image(ref)]).image
    assert torch.equal(result.image.colour, expected.colour)
    assert torch.equal(upscaler.upscale(lr, [str(ref), ref]).image.colour, expected.colour)


def test_a_reference_may_be_left_out(tmp_path):
    lr, _ = scene(tmp_path)
    assert Upscaler.from_pretrained().upscale(lr).image.size == (24, 32)


@pytest.mark.parametrize("kind", ["path", "pillow", "array", "tensor"])
def test_save(tmp_path, upscaler, kind):
    lr, ref = scene(tmp_path)
    picture = PILImage.open(lr)
    given = {
        "path": lr,
        "pillow": picture,
        "array": np.array(picture),
        "tensor": from_pil(picture).colour,
    }[kind]
    result = upscaler.upscale(given, ref)
    result.save(tmp_path / "out.png")
    expected = upscaler.upscale(lr, ref).image.colour.mul(255).round()
    assert torch.equal(read_image(tmp_path / "out.png").colour.mul(255).round(), expected)
    with pytest.raises(OutputError, match="exists already"):
        result.save(tmp_path / "out.png")
    result.save(tmp_path / "out.png", on_exists="overwrite", metadata="strip")


def test_a_notebook_shows_the_picture(tmp_path, upscaler):
    lr, ref = scene(tmp_path)
    result = upscaler.upscale(lr, ref)
    shown = PILImage.open(io.BytesIO(result._repr_png_()))
    assert (shown.format, shown.size) == ("PNG", (32, 24))
    assert np.array_equal(np.array(shown), to_numpy(result.image))


def test_a_notebook_is_spared_a_huge_picture():
    class Huge(Presentable):
        image = np.zeros((2, 2 * SHOWN_SIDE), np.uint16)
        score = torch.zeros(1, 1)

    shown = PILImage.open(io.BytesIO(Huge()._repr_png_()))
    assert shown.size == (SHOWN_SIDE, 1)
    assert shown.mode == "L"


def test_what_things_are_is_said_in_a_line(tmp_path, upscaler):
    photo = torch.from_numpy(sharp()).permute(2, 0, 1) / 255
    result = upscaler.upscale(photo[:, ::4, ::4], photo)
    assert repr(result).startswith(
        "Result(image=<Tensor [3, 24, 32] float32>, score=<Tensor [6, 8] float32> of mean 0."
    )
    assert len(repr(result)) < 120
    assert repr(upscaler) == "Upscaler('transfer', scale=4, device='cpu')"
    assert repr(Reference.build([photo] * 4)) == (
        "<Reference of 4 photos (32 x 24, 32 x 24, 32 x 24, ...), scale 4>"
    )
    assert repr(Image(photo, photo[:1], 16, grey=True)) == (
        "<Image 32 x 24, grey with alpha, 16 bits>"
    )
    assert in_short(PILImage.new("L", (3, 2))) == "<Image L 3 x 2>"


def test_the_public_names_are_listed():
    assert set(searchtransfer.__all__) == set(searchtransfer._HOME)
