# SPDX-License-Identifier: Apache-2.0
"""Bands beside red, green and blue: enlarged and kept in TIFF, refused in time elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from image_files import noise, tiff, write

from searchtransfer import Upscaler
from searchtransfer.batch.item import reduced
from searchtransfer.errors import ImageFileError
from searchtransfer.images import Image, check_output, read_image, up, write_image
from searchtransfer.images.alpha import enlarge_alpha


def bands_file(tmp_path, extra, bits=8, size=(8, 10)):
    samples = noise(*size, 3 + len(extra), bits)
    data = tiff(samples, photometric="rgb", planarconfig="contig", extrasamples=extra)
    return write(tmp_path / "a.tif", data), samples


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "extra", [["unspecified"], ["unspecified"] * 5, ["unassalpha", "unspecified"]], ids=len
)
def test_come_back_as_they_were(tmp_path, extra, bits):
    path, samples = bands_file(tmp_path, extra, bits)
    image = read_image(path)
    assert image.bands is not None and len(image.bands) == extra.count("unspecified")
    assert str(len(image.bands)) in repr(image)
    write_image(image, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray(), samples)
        assert [x.name.lower() for x in page.extrasamples] == extra
    for name in ("b.png", "b.jpg", "b.webp", "b.avif"):
        with pytest.raises(ImageFileError, match=r"band.*beside red, green and blue|transparency"):
            write_image(replace(image, bits=8), tmp_path / name)
        assert not (tmp_path / name).exists()


def test_alpha_between_others_is_found(tmp_path):
    path, samples = bands_file(tmp_path, ["unspecified", "unassalpha", "unspecified"])
    image = read_image(path)
    assert np.rint(image.alpha.numpy()[0] * 255).tolist() == samples[..., 4].tolist()
    assert (
        np.rint(image.bands.numpy() * 255).tolist()
        == samples[..., [3, 5]].transpose(2, 0, 1).tolist()
    )


@pytest.mark.filterwarnings("ignore:the reference hardly")
@pytest.mark.parametrize("scale", [2, 2.5])
@pytest.mark.parametrize("extra", [["unspecified"] * 2, ["unassalpha", "unspecified"]], ids=str)
def test_every_band_is_enlarged(tmp_path, extra, scale):
    path, _ = bands_file(tmp_path, extra)
    image = read_image(path)
    photo = Image(torch.rand(3, 16, 20, generator=torch.Generator().manual_seed(0)))
    upscaler = Upscaler.from_pretrained("transfer", scale=scale)
    result = upscaler.upscale(image, photo).image
    assert result.size == (8 * scale, 10 * scale)
    assert result.bands.shape == (extra.count("unspecified"), 8 * scale, 10 * scale)
    if scale == 2 and image.alpha is None:
        torch.testing.assert_close(result.bands, up(image.bands, 2).clamp(0, 1))


def test_hidden_bands_do_not_bleed():
    """A band that is 1 where it is seen stays 1 at the edge of what is hidden, where it is 0."""
    alpha = torch.zeros(1, 8, 8)
    alpha[:, :, 4:] = 1
    image = Image(torch.rand(3, 8, 8), alpha, bands=alpha.repeat(2, 1, 1))
    result = enlarge_alpha(image, torch.rand(3, 16, 16), 2)
    assert float(result.bands[:1][result.alpha > 0.1].min()) > 0.99


def test_are_reduced_with_the_photo(tmp_path):
    small, truth = reduced(read_image(bands_file(tmp_path, ["unspecified"])[0]), 4)
    assert truth.bands.shape == (1, 8, 8)
    assert small.bands.shape == (1, 2, 2)


def test_what_cannot_be_is_told_before_the_work(tmp_path):
    with pytest.raises(ImageFileError, match=r"PNG cannot hold the 2 band.*TIFF \(--ext tif\)"):
        check_output(tmp_path / "a.png", size=(4, 4), bands=2)
    check_output(tmp_path / "a.tif", size=(4, 4), bands=2)
